//! Any input of a task: read without a panic; what is accepted keeps its limits and runs where it may, and what is
//! refused is refused with reasons that hold no secret.

#![no_main]

// The worker as a dependency would bring the SDK of Step Functions, SQLite and the page for one module that needs none of
// them. These are its own files; what they use of its options stands in `config`.
#[path = "../../worker/src/input.rs"]
#[rustfmt::skip]
mod input;
#[path = "../../worker/src/token.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "a part of the worker's library, which uses the rest"
)]
mod token;

use std::collections::BTreeSet;
use std::time::Duration;

use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::{Map, Value};
use sparkwright_spark_job::endpoint::{Endpoint, ResourceManager};
use sparkwright_spark_job::identity::{Intent, Resource};
use sparkwright_spark_job::names::{BatchName, RunKey};
use url::Url;

use config::OnCancel;
use input::{InputRules, TaskInput};
use token::TaskToken;

sparkwright_fuzz::mutate_json!();

mod config {
    /// As the worker's option of this name has it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum OnCancel {
        Stop,
        Leave,
    }
}

const TOKEN: &str = "AAAAKgAAAAIAAAAAAAAAATheTaskToken";
/// No input says it by itself.
const SECRET: &str = "hunter2-of-nobody";
const ALLOWED_HOST: &str = "allowed.example";
const MAX_SECONDS: u64 = 99_999_999;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Corpus::Reject;
    };
    let rules = rules();
    let accepted = read(&rules, text).ok();
    if let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) {
        check_form(&rules, &object, accepted.as_ref());
        if let Err(mistakes) = read(&rules, &Value::Object(with_secrets(object)).to_string()) {
            assert!(
                !mistakes.contains(SECRET),
                "a secret is in the mistakes: {mistakes}"
            );
        }
    } else {
        assert!(accepted.is_none(), "accepted, though it is no object");
    }
    if let Some(input) = &accepted {
        check(&rules, input);
    }
    Corpus::Keep
});

fn rules() -> InputRules {
    let own = Endpoint {
        livy: url("http://primary.example:8998"),
        ca_certificate: None,
        resource_manager: ResourceManager::Required {
            urls: vec![url("http://primary.example:8088")],
            user: "hadoop".into(),
        },
    };
    InputRules {
        own: vec![own.into()],
        allowed_hosts: BTreeSet::from([ALLOWED_HOST.to_owned()]),
        on_cancel: OnCancel::Stop,
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("an address")
}

/// The input, or what is wrong with it.
fn read(rules: &InputRules, text: &str) -> Result<TaskInput, String> {
    match rules.read(text, &TaskToken::new(TOKEN)) {
        Ok(input) => {
            assert!(
                !format!("{input:?}").contains(TOKEN),
                "the token is shown: {input:?}"
            );
            Ok(input)
        }
        Err(mistakes) => {
            let said = mistakes.to_string();
            assert!(
                !mistakes.is_empty() && !said.trim().is_empty(),
                "refused without a reason"
            );
            assert!(!said.contains(TOKEN), "the token is in the mistakes: {said}");
            Err(said)
        }
    }
}

/// What is accepted keeps what the worker and Livy count on.
fn check(rules: &InputRules, input: &TaskInput) {
    let longest = Duration::from_secs(MAX_SECONDS);
    for limit in input.heartbeat_timeout.into_iter().chain([input.start_timeout]) {
        assert!(Duration::from_secs(1) <= limit && limit <= longest, "{limit:?}");
    }
    let own = &rules.own[0];
    let may_use = |url: &Url, of_own: &[Url]| {
        of_own.contains(url)
            || url
                .host_str()
                .is_some_and(|host| host.eq_ignore_ascii_case(ALLOWED_HOST))
    };
    assert!(
        may_use(&input.endpoint.livy, std::slice::from_ref(&own.livy)),
        "{:?}",
        input.endpoint
    );
    let own_managers = match &own.resource_manager {
        ResourceManager::Required { urls, .. } => urls.as_slice(),
        ResourceManager::None => &[],
    };
    if let ResourceManager::Required { urls, .. } = &input.endpoint.resource_manager {
        assert!(!urls.is_empty());
        assert!(
            urls.iter().all(|url| may_use(url, own_managers)),
            "{:?}",
            input.endpoint
        );
    }
    let of_task = Intent::of_token(TOKEN);
    assert!(input.has_client_token || input.intent == of_task, "{input:?}");
    let key = RunKey::of(input.intent, None::<Resource>, 1);
    let name = BatchName::of(&input.slug, key).to_string();
    let parsed = BatchName::parse(&name).map(|parsed| parsed.to_string());
    assert_eq!(
        parsed.as_ref(),
        Some(&name),
        "what would be submitted is not found again"
    );
    assert!(matches!(input.on_cancel, OnCancel::Stop | OnCancel::Leave));
    assert!(
        input
            .execution
            .as_ref()
            .is_none_or(|execution| !execution.is_empty())
    );
    assert!(
        !input
            .redaction
            .apply(&input.parameters.args().join("\n"))
            .contains(TOKEN)
    );
    let _ = (input.entered_at_ms, input.spec);
}

/// The order of the fields and the white space around them mean nothing.
fn check_form(rules: &InputRules, object: &Map<String, Value>, accepted: Option<&TaskInput>) {
    let sorted = Value::Object(object.clone());
    let again = read(rules, &format!("\n{sorted:#} ")).ok();
    assert_eq!(format!("{:?}", again.as_ref()), format!("{accepted:?}"));
}

/// The input with a secret in each place where people keep them.
fn with_secrets(mut object: Map<String, Value>) -> Map<String, Value> {
    for name in ["LivyUrl", "ResourceManagerUrl"] {
        if let Some(Value::String(url)) = object.get_mut(name) {
            *url = url.replacen("://", &format!("://etl:{SECRET}@"), 1);
        }
    }
    if let Some(Value::Object(nested)) = object.get_mut("Parameters") {
        let job = std::mem::take(nested);
        *nested = with_secrets_of_job(job);
    }
    with_secrets_of_job(object)
}

fn with_secrets_of_job(mut job: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Array(args)) = job.get_mut("Args") {
        args.extend([
            "--password".into(),
            SECRET.into(),
            format!("--db-token={SECRET}").into(),
        ]);
    }
    if let Some(Value::Object(configuration)) = job.get_mut("Configuration") {
        configuration.insert("spark.app.password".into(), SECRET.into());
        configuration.insert("spark.app.secret".into(), vec![SECRET].into());
    }
    job
}
