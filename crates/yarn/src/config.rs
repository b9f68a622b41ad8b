//! Where the ResourceManagers are, and how they are reached.

use std::time::Duration;

use url::Url;

use crate::observer::Observer;

/// The settings of a [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The ResourceManagers of one cluster, in the order in which they are tried: `http` or `https`, neither
    /// user nor query.
    pub resource_managers: Vec<Url>,
    /// `user.name` of every request: who kills, on a cluster without Kerberos.
    pub user: String,
    /// Certificates in PEM form that are trusted besides the system's own.
    pub ca_certificate: Option<String>,
    /// How long an answer may take.
    pub timeouts: Timeouts,
    /// Who is told of calls: once of each, however many ResourceManagers it was tried on.
    pub observer: Observer,
}

impl ClientConfig {
    /// Settings for these ResourceManagers, as the user `hadoop`, with the usual time limits.
    pub fn new(resource_managers: Vec<Url>) -> Self {
        Self {
            resource_managers,
            user: "hadoop".to_owned(),
            ca_certificate: None,
            timeouts: Timeouts::default(),
            observer: Observer::default(),
        }
    }
}

/// How long a request may take on each ResourceManager or NodeManager that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Finding the address, connecting, TLS.
    pub connect: Duration,
    /// From the end of the connecting to the last byte of the answer.
    pub read: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            read: Duration::from_secs(10),
        }
    }
}
