//! Anything that ResourceManagers and a node, or what stands in their place, may answer: a result or an error, never a
//! panic and never an endless exchange.

#![no_main]

use std::collections::{HashMap, VecDeque};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sparkwright_fuzz::scenario::Scenario;
use sparkwright_fuzz::server::{Answer, Seen, Server};
use sparkwright_yarn::{Application, ApplicationsQuery, Client, ClientConfig, Error, LogFile};

/// The parts of the server, and the input's fields with their answers: two ResourceManagers, and a node's two places for
/// logs.
const PARTS: [(&str, &str); 4] = [
    ("yarn", "yarn"),
    ("second", "second"),
    ("ws", "node"),
    ("containerlogs", "node"),
];
const LOG_BYTES: u32 = 512;
const MOST_REQUESTS: usize = 16;
const MAX_LINE: usize = 1500;

static SERVER: LazyLock<Server> = LazyLock::new(Server::new);

sparkwright_fuzz::mutate_json!();

fuzz_target!(|input: &[u8]| {
    let scenario = Scenario::read(input, "yarn");
    let cluster = Cluster::new(&scenario);

    for query in [
        ApplicationsQuery::default(),
        ApplicationsQuery::tag("sparkwright"),
    ] {
        for application in cluster
            .ask(cluster.client.applications(&query))
            .unwrap_or_default()
        {
            check_application(&application);
        }
    }
    let id = "application_1795225753640_0004".parse().expect("an id");
    if let Some(application) = cluster.ask(cluster.client.application(&id)) {
        check_application(&application);
    }
    cluster.ask(cluster.client.kill(&id));
    cluster.ask(cluster.client.metrics());
    let attempts = cluster.ask(cluster.client.attempts(&id)).unwrap_or_default();
    if let Some(attempt) = attempts.last() {
        for file in [LogFile::Stdout, LogFile::Stderr] {
            let log = cluster.ask(cluster.client.container_log(attempt, file, LOG_BYTES));
            // What is no UTF-8 takes three bytes for one.
            assert!(log.unwrap_or_default().len() <= 3 * LOG_BYTES as usize);
        }
    }
});

struct Cluster {
    client: Client,
    answers: HashMap<&'static str, VecDeque<Answer>>,
}

impl Cluster {
    /// A new client each time: it remembers who answered last.
    fn new(scenario: &Scenario) -> Self {
        let resource_managers = vec![SERVER.url("yarn"), SERVER.url("second")];
        let client = Client::new(ClientConfig::new(resource_managers)).expect("plain addresses");
        let of = |field| {
            SERVER
                .answers(scenario, field)
                .into_iter()
                .map(Answer::at_once)
                .collect()
        };
        Self {
            client,
            answers: PARTS.map(|(part, field)| (part, of(field))).into(),
        }
    }

    fn ask<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Option<T> {
        let (result, seen) = SERVER.during(self.answers.clone(), call);
        assert!(
            seen.len() <= MOST_REQUESTS,
            "{} requests for one call",
            seen.len()
        );
        result.map_err(|error| check_error(&error, &seen)).ok()
    }
}

fn check_error(error: &Error, seen: &[Seen]) {
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "{text}");
    assert!(text.chars().count() <= MAX_LINE, "{text}");
    let is_standby = matches!(error, Error::Standby { .. });
    assert!(
        !error.was_not_sent() || is_standby || seen.is_empty(),
        "it was sent: {error:?}"
    );
    let status = error.status();
    assert!(!error.is_not_found() || status == Some(404), "{error:?}");
    assert!(!error.is_unauthorized() || !error.is_transient(), "{error:?}");
    assert!(
        status.is_none_or(|status| !(200..300).contains(&status)),
        "{error:?}"
    );
    assert!(
        status.is_none() || seen.iter().any(|request| request.answered == status),
        "{error:?}"
    );
}

fn check_application(application: &Application) {
    let id = application.id.to_string();
    assert_eq!(id.parse().ok(), Some(application.id), "{id}");
    assert_ne!(application.is_live(), application.has_ended());
    assert!(!application.succeeded() || application.has_ended());
    assert!(
        application
            .tags
            .iter()
            .all(|tag| !tag.is_empty() && application.has_tag(tag))
    );
}
