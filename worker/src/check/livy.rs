//! Is this a Livy, does it take the credentials, and is the scheme right?

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use sparkwright_livy::{Client, ClientConfig, Credentials, Error, Timeouts};
use sparkwright_spark_job::chain;
use sparkwright_spark_job::endpoint::Endpoint;
use url::Url;

use super::finding::Finding;
use super::reach::{advice_on_reaching, innermost, is_about_a_certificate, is_loopback};
use super::{CONNECT_TIMEOUT, READ_TIMEOUT};
use crate::clusters::read_credentials;
use crate::config::Config;

/// The credentials for Livy, and what is to be said about their file, if there is one.
pub(super) fn credentials(config: &Config) -> (Option<Credentials>, Option<Finding>) {
    let Some(path) = &config.livy_credentials_file else {
        return (None, None);
    };
    let thing = format!("--livy-credentials-file {}", path.display());
    match read_credentials(path) {
        Ok(credentials) if others_may_read(path) => {
            let seen = format!(
                "every user of this machine can read it: chmod o= {}",
                path.display()
            );
            (Some(credentials), Some(Finding::note(thing, seen)))
        }
        Ok(credentials) => (
            Some(credentials),
            Some(Finding::ok(thing, "has a user and a password")),
        ),
        Err(error) => {
            let advice = r#"write {"username": "…", "password": "…"} to it, readable by the worker's user"#;
            (None, Some(Finding::failed(thing, chain(&error), advice)))
        }
    }
}

/// What is to be said about one Livy.
pub(super) async fn findings(endpoint: &Endpoint, credentials: Option<&Credentials>) -> Vec<Finding> {
    let url = &endpoint.livy;
    let thing = format!("Livy at {url}");
    let begun = Instant::now();
    let seen = match look(endpoint, url, credentials).await {
        Ok(seen) => seen,
        Err(error) => {
            let advice = advice(endpoint, &error, credentials.is_some()).await;
            return vec![Finding::failed(thing, seen_in(&error), advice)];
        }
    };
    let milliseconds = begun.elapsed().as_millis();
    let mut findings = vec![Finding::ok(
        &thing,
        format!("{seen}, answered in {milliseconds} ms"),
    )];
    if url.scheme() == "http" && credentials.is_some() && !is_loopback(url) {
        let seen = "the credentials travel unencrypted over http, and whoever sees them can run jobs";
        findings.push(Finding::note(thing, seen));
    }
    findings
}

/// Whether it is there is told by its version; that it lets us in, by a list.
async fn look(endpoint: &Endpoint, url: &Url, credentials: Option<&Credentials>) -> Result<String, Error> {
    let mut config = ClientConfig::new(url.clone());
    config.credentials = credentials.cloned();
    config.ca_certificate = endpoint.ca_certificate.clone();
    config.timeouts = Timeouts {
        connect: CONNECT_TIMEOUT,
        read: READ_TIMEOUT,
        delete: READ_TIMEOUT,
    };
    let livy = Client::new(config)?;
    let version = livy.version().await?.version;
    let batches = livy.batches_page(0, 1).await?.total;
    let batches = match batches {
        1 => "1 batch".to_owned(),
        more => format!("{more} batches"),
    };
    Ok(format!("version {version}, {batches}"))
}

fn seen_in(error: &Error) -> String {
    match error {
        Error::Api { status, message, .. } => format!("the answer is {status}: {message}"),
        Error::Decode { message, .. } => format!("the answer is not Livy's: {message}"),
        error => innermost(error),
    }
}

async fn advice(endpoint: &Endpoint, error: &Error, has_credentials: bool) -> String {
    match error {
        Error::Configuration { .. } => return "mend --livy-url or --livy-ca-certificate".into(),
        Error::Api { .. } if error.is_unauthorized() && has_credentials => {
            return "mend what --livy-credentials-file names, or let this user in at Livy".into();
        }
        Error::Api { .. } if error.is_unauthorized() => {
            return "name a file with a user and a password by --livy-credentials-file".into();
        }
        Error::Api {
            status: 500..=599, ..
        } => return "see Livy's log, on EMR /var/log/livy/livy-livy-server.out".into(),
        _ => {}
    }
    if let Some(other) = other_scheme(endpoint).await {
        return format!("write --livy-url {other}: that is what is spoken there");
    }
    match error {
        Error::Transport { .. } => advice_on_reaching(
            &endpoint.livy,
            "--livy-url",
            "Livy",
            "livy-server",
            &innermost(error),
        ),
        _ => "mend --livy-url: something else than Livy answers there".into(),
    }
}

/// The same address with the other of http and https, if that is what is spoken there.
async fn other_scheme(endpoint: &Endpoint) -> Option<Url> {
    let other = with_other_scheme(&endpoint.livy)?;
    // Without credentials: they are for the address that was named.
    let speaks = match look(endpoint, &other, None).await {
        Ok(_) => true,
        Err(Error::Api { status, .. }) => status != 400,
        Err(error @ Error::Transport { .. }) => is_about_a_certificate(&innermost(&error)),
        Err(_) => false,
    };
    speaks.then_some(other)
}

fn with_other_scheme(url: &Url) -> Option<Url> {
    let port = url.port_or_known_default();
    let mut other = url.clone();
    let scheme = if url.scheme() == "http" { "https" } else { "http" };
    other.set_scheme(scheme).ok()?;
    other.set_port(port).ok()?;
    Some(other)
}

fn others_may_read(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use clap::Parser;

    use super::*;

    #[test]
    fn credentials_that_every_user_can_read_are_worth_a_note() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("livy.json");
        std::fs::write(&path, r#"{"username":"etl","password":"hunter2"}"#).unwrap();
        let arn = "arn:aws:states:eu-west-1:123456789012:activity:spark-job";
        let option = format!("--livy-credentials-file={}", path.display());
        let config = Config::try_parse_from(["sparkwright-worker", arn, &option]).unwrap();
        for (mode, verdict) in [(0o600, "ok "), (0o640, "ok "), (0o644, "note ")] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let (credentials, finding) = credentials(&config);
            let line = finding.unwrap().to_string();
            assert!(
                credentials.is_some() && line.starts_with(verdict),
                "{mode:o}: {line}"
            );
            assert!(!line.contains("hunter2"), "{line}");
        }
    }

    #[test]
    fn the_other_scheme_is_tried_at_the_same_port() {
        #[track_caller]
        fn check(url: &str, expected: &str) {
            let other = with_other_scheme(&Url::parse(url).unwrap());
            assert_eq!(other.as_ref().map(Url::as_str), Some(expected));
        }
        check("http://primary:8998/livy", "https://primary:8998/livy");
        check("https://primary/", "http://primary:443/");
    }
}
