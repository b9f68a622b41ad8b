//! The client against servers that these tests script: what it sends, and what it makes of each kind of
//! answer.

// Clippy sees tests only in functions that are marked as such.
#![allow(clippy::unwrap_used)]

mod answers;
mod connections;
mod credentials;
mod observer;
mod requests;
mod scripted;
mod tls;

use sparkwright_livy::{BatchRequest, Client, ClientConfig};
use wiremock::MockServer;

/// A client of a server that answers at once.
fn client(server: &MockServer) -> Client {
    Client::new(ClientConfig::new(server.uri().parse().unwrap())).unwrap()
}

fn request() -> BatchRequest {
    BatchRequest {
        file: "local:/jobs/pi.py".into(),
        name: Some("pi-1".into()),
        ..BatchRequest::default()
    }
}
