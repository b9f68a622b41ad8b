//! A task's input: the job, where it runs, and how its task is to be treated.
//!
//! The job's fields stand in `Parameters`, or beside the others at the top level; never in both places.
//!
//! The fuzz target `task_input` is built of this very file and `token.rs`, without the rest of the worker: it is to be built
//! again when they change (`make test-fuzz`).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use sparkwright_spark_job::endpoint::{ClusterIds, DeclaredEndpoint, Endpoint, ResourceManager};
use sparkwright_spark_job::fields::{Fields, Mistakes};
use sparkwright_spark_job::identity::{Intent, Spec};
use sparkwright_spark_job::names::Slug;
use sparkwright_spark_job::parameters::Parameters;
use sparkwright_spark_job::redact::Redaction;
use url::Url;

use crate::config::OnCancel;
use crate::token::TaskToken;

/// The slug of a job without a name.
const DEFAULT_NAME: &str = "spark-job";

/// How long a job may take to its first RUNNING where the input does not say.
const DEFAULT_START_TIMEOUT: Duration = Duration::from_secs(3600);

/// The longest time that Step Functions knows.
const MAX_SECONDS: u64 = 99_999_999;

/// What a worker's options say about inputs.
#[derive(Clone, Debug)]
pub(crate) struct InputRules {
    /// The worker's own Livys with their ResourceManager; the first is used where an input names none. Tasks share them.
    pub(crate) own: Vec<Arc<Endpoint>>,
    /// Other hosts that an input may name, in lower case.
    pub(crate) allowed_hosts: BTreeSet<String>,
    /// What becomes of a cancelled task's job where an input does not say.
    pub(crate) on_cancel: OnCancel,
}

/// A task, understood.
#[derive(Clone, Debug)]
pub(crate) struct TaskInput {
    pub(crate) parameters: Parameters,
    pub(crate) slug: Slug,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) spec: Spec,
    pub(crate) intent: Intent,
    /// Whether the intent comes from a client token, so that a retry of the state has the same.
    pub(crate) has_client_token: bool,
    /// When the state was entered, in milliseconds since the epoch: successes of before are not this task's.
    pub(crate) entered_at_ms: Option<i64>,
    /// The execution that the task belongs to: once it has ended, no retry comes.
    pub(crate) execution: Option<String>,
    pub(crate) heartbeat_timeout: Option<Duration>,
    pub(crate) start_timeout: Duration,
    pub(crate) on_cancel: OnCancel,
    pub(crate) redaction: Redaction,
}

impl InputRules {
    /// Reads an input, or says everything that is wrong with it.
    pub(crate) fn read(&self, input: &str, token: &TaskToken) -> Result<TaskInput, Mistakes> {
        let value: Value = serde_json::from_str(input)
            .map_err(|error| Mistakes::one(format!("the task's input is not JSON: {error}")))?;
        let Value::Object(object) = value else {
            return Err(Mistakes::one("the task's input must be a JSON object"));
        };
        let mut fields = Fields::new(&object, "field");
        let declared = DeclaredEndpoint::read(&mut fields, ClusterIds::Refused);
        let endpoint = self.endpoint(&object, &declared, &mut fields);
        let client_token = fields.text("ClientToken");
        let entered_at = timestamp(&mut fields, "EnteredTime");
        let heartbeat_timeout = fields
            .whole_number("HeartbeatSeconds", 1..=MAX_SECONDS)
            .map(Duration::from_secs);
        let start_timeout = fields
            .whole_number("StartTimeoutSeconds", 1..=MAX_SECONDS)
            .map(Duration::from_secs);
        let on_cancel = fields.choice(
            "OnCancel",
            &[("Stop", OnCancel::Stop), ("Leave", OnCancel::Leave)],
        );
        let redact = fields.texts("Redact").unwrap_or_default();
        let execution = fields.text("ExecutionId");
        let parameters = parameters(&object, &mut fields);
        let mut mistakes = fields.finish();
        match (parameters, endpoint) {
            (Ok(parameters), Some(endpoint)) if mistakes.is_empty() => Ok(TaskInput {
                slug: Slug::of(parameters.name().unwrap_or(DEFAULT_NAME)),
                spec: Spec::of(&parameters, &declared, ""),
                redaction: Redaction::of(&parameters, &redact),
                intent: client_token
                    .as_deref()
                    .map_or_else(|| token.intent(), Intent::of_token),
                has_client_token: client_token.is_some(),
                entered_at_ms: entered_at.map(Timestamp::as_millisecond),
                execution,
                heartbeat_timeout,
                start_timeout: start_timeout.unwrap_or(DEFAULT_START_TIMEOUT),
                on_cancel: on_cancel.unwrap_or(self.on_cancel),
                parameters,
                endpoint,
            }),
            (parameters, _) => {
                if let Err(of_parameters) = parameters {
                    mistakes.extend(of_parameters);
                }
                Err(mistakes)
            }
        }
    }

    /// Where the job runs. What the input leaves out about one of the worker's own Livys, the worker's options say.
    fn endpoint(
        &self,
        object: &Map<String, Value>,
        declared: &DeclaredEndpoint,
        fields: &mut Fields<'_>,
    ) -> Option<Arc<Endpoint>> {
        let own = self.own.first().expect("a worker has a Livy of its own");
        let resolved = if declared.names_livy() {
            declared.resolve(None)
        } else {
            if given(object, &["LivyPort", "LivyScheme"]) {
                fields.mistake("`LivyPort` and `LivyScheme` belong to a `LivyHost`, which is missing");
            }
            beside(own, object).resolve(None)
        };
        let named = match resolved {
            Ok(endpoint) => endpoint?,
            Err(mistakes) => {
                fields.mistakes(mistakes);
                return None;
            }
        };
        let mut endpoint = named;
        if let Some(own) = self.own.iter().find(|own| own.livy == endpoint.livy) {
            if !given(
                object,
                &["ResourceManager", "ResourceManagerUrl", "ResourceManagerUser"],
            ) {
                endpoint.resource_manager = own.resource_manager.clone();
            } else if !given(object, &["ResourceManagerUrl"])
                && let (
                    ResourceManager::Required { urls, .. },
                    ResourceManager::Required { urls: of_own, .. },
                ) = (&mut endpoint.resource_manager, &own.resource_manager)
            {
                urls.clone_from(of_own);
            }
            if !given(object, &["LivyCaCertificate"]) {
                endpoint.ca_certificate = own.ca_certificate.clone();
            }
        }
        self.check_addresses(&endpoint, given(object, &["ResourceManagerUrl"]), fields);
        let own = self.own.iter().find(|own| ***own == endpoint);
        Some(own.cloned().unwrap_or_else(|| Arc::new(endpoint)))
    }

    /// An input must not be able to point the worker anywhere: neither to other hosts, nor to other ports and paths of
    /// its own.
    fn check_addresses(&self, endpoint: &Endpoint, names_resource_manager: bool, fields: &mut Fields<'_>) {
        let livys: Vec<_> = self.own.iter().map(|own| &own.livy).collect();
        let mut refused = self.refusals(&[&endpoint.livy], &livys);
        // The one beside a refused Livy was not asked for.
        if refused.is_empty() || names_resource_manager {
            let managers: Vec<_> = self.own.iter().flat_map(|own| resource_managers(own)).collect();
            let named: Vec<_> = resource_managers(endpoint).collect();
            refused.extend(self.refusals(&named, &managers));
        }
        refused.into_iter().for_each(|why| fields.mistake(why));
    }

    /// Why some of these addresses may not be used, where those of the worker's own may.
    fn refusals(&self, named: &[&Url], own: &[&Url]) -> BTreeSet<String> {
        let own_hosts: BTreeSet<_> = self.own.iter().flat_map(|own| own.hosts()).collect();
        let mut refused = BTreeSet::new();
        for url in named.iter().filter(|url| !own.contains(url)) {
            let host = url.host_str().unwrap_or_default();
            if self.allowed_hosts.contains(&host.to_ascii_lowercase()) {
                continue;
            }
            refused.insert(if own_hosts.contains(host) && !own.is_empty() {
                let own: Vec<_> = own.iter().map(|url| url.as_str()).collect();
                format!(
                    "on its own hosts this worker may use only {}, not `{url}`: name that or nothing, or start it with \
                     --allow-livy-host {host}",
                    own.join(" or ")
                )
            } else {
                format!(
                    "this worker may not use `{host}`: name no Livy and no ResourceManager to use its own ({}), or \
                     start it with --allow-livy-host {host}",
                    self.own[0].livy
                )
            });
        }
        refused
    }
}

/// The addresses of an endpoint's ResourceManager.
fn resource_managers(endpoint: &Endpoint) -> impl Iterator<Item = &Url> {
    match &endpoint.resource_manager {
        ResourceManager::Required { urls, .. } => urls.iter(),
        ResourceManager::None => [].iter(),
    }
}

/// The job's fields, from wherever they stand.
fn parameters(object: &Map<String, Value>, fields: &mut Fields<'_>) -> Result<Parameters, Mistakes> {
    Parameters::NAMES.iter().for_each(|name| fields.ignore(name));
    if !fields.has("Parameters") {
        let is_parameter = |name: &str| Parameters::NAMES.contains(&name);
        let flat = object.iter().filter(|(name, _)| is_parameter(name));
        return Parameters::parse(&flat.map(|(name, value)| (name.clone(), value.clone())).collect());
    }
    let stray: Vec<_> = Parameters::NAMES
        .iter()
        .filter(|name| given(object, &[name]))
        .map(|name| format!("`{name}`"))
        .collect();
    if !stray.is_empty() {
        fields.mistake(format!(
            "there is a `Parameters` object: move {} into it",
            stray.join(", ")
        ));
    }
    match fields.object("Parameters") {
        Some(nested) => Parameters::parse(nested),
        // The mistake is noted: it is no object.
        None => Err(Mistakes::default()),
    }
}

/// What an input declares that names no Livy, as if it had named the worker's own.
fn beside(own: &Endpoint, object: &Map<String, Value>) -> DeclaredEndpoint {
    let mut named = object.clone();
    named.retain(|name, _| !matches!(name.as_str(), "LivyPort" | "LivyScheme"));
    named.insert("LivyUrl".into(), Value::String(own.livy.to_string()));
    // Its mistakes are those of the input itself, which are noted already.
    DeclaredEndpoint::read(&mut Fields::new(&named, "field"), ClusterIds::Refused)
}

fn given(object: &Map<String, Value>, names: &[&str]) -> bool {
    names
        .iter()
        .any(|name| object.get(*name).is_some_and(|value| !value.is_null()))
}

fn timestamp(fields: &mut Fields<'_>, name: &'static str) -> Option<Timestamp> {
    let text = fields.text(name)?;
    let timestamp = text.trim().parse().ok();
    if timestamp.is_none() {
        fields.mistake(format!(
            "`{name}` must be a time such as `2026-11-21T04:00:00Z`, not `{text}`"
        ));
    }
    timestamp
}

#[cfg(test)]
mod tests;
