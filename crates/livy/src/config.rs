//! Where Livy is, and how it is reached.

use std::time::Duration;

use url::Url;

use crate::credentials::Credentials;
use crate::observer::Observer;

/// The settings of a [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Livy's address: `http` or `https`, a path where a gateway stands before it, neither user nor query.
    pub url: Url,
    /// For a Livy with LDAP, or a gateway that asks for a password.
    pub credentials: Option<Credentials>,
    /// Certificates in PEM form that are trusted besides the system's own.
    pub ca_certificate: Option<String>,
    /// How long an answer may take.
    pub timeouts: Timeouts,
    /// Who is told of calls.
    pub observer: Observer,
}

impl ClientConfig {
    /// Settings for a Livy at `url`, without credentials, with the usual time limits.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            credentials: None,
            ca_certificate: None,
            timeouts: Timeouts::default(),
            observer: Observer::default(),
        }
    }
}

/// How long a call may take. Each limit is whole: from the end of the connecting to the last byte of the
/// answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Finding the address, connecting, TLS.
    pub connect: Duration,
    /// The answer to anything but a deletion.
    pub read: Duration,
    /// The answer to a deletion: Livy holds it for up to 120 s while it waits for the application to appear.
    pub delete: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(30),
            delete: Duration::from_secs(150),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_print_the_password() {
        let mut config = ClientConfig::new(Url::parse("http://primary:8998").unwrap());
        config.credentials = Some(Credentials::new("etl", "hunter2"));
        let printed = format!("{config:?}");
        assert!(
            printed.contains("etl") && !printed.contains("hunter2"),
            "{printed}"
        );
    }
}
