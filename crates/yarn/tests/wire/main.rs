//! The client against servers that these tests script: what it sends, and what it makes of each kind of
//! answer.

// Clippy sees tests only in functions that are marked as such.
#![allow(clippy::unwrap_used)]

mod answers;
mod connections;
mod failover;
mod logs;
mod observer;
mod requests;
mod scripted;
mod tls;

use std::time::Duration;

use sparkwright_yarn::{ApplicationId, Client, ClientConfig, Timeouts};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// A client of these ResourceManagers.
fn client(resource_managers: &[&str]) -> Client {
    Client::new(config(resource_managers)).unwrap()
}

/// A client with limits that a test can wait for, for what never answers.
fn impatient(resource_managers: &[&str]) -> Client {
    let limit = Duration::from_millis(300);
    let mut config = config(resource_managers);
    config.timeouts = Timeouts {
        connect: limit,
        read: limit,
    };
    Client::new(config).unwrap()
}

fn config(resource_managers: &[&str]) -> ClientConfig {
    ClientConfig::new(resource_managers.iter().map(|url| url.parse().unwrap()).collect())
}

/// A server that answers every request so.
async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json;charset=utf-8")
}

fn id() -> ApplicationId {
    "application_1795225753640_0009".parse().unwrap()
}

fn lines(requests: &[Request]) -> Vec<String> {
    let line = |request: &Request| {
        let query = request
            .url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        format!("{} {}{query}", request.method, request.url.path())
    };
    requests.iter().map(line).collect()
}
