//! Servers that cannot be reached: why, and what to do about it.

use std::error::Error;

use url::{Host, Url};

/// The cause that says what to change: what is around it says only that something failed, and the line names the thing.
pub(super) fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// What to do about a server that gives no answer, or not the wanted one.
pub(super) fn advice_on_reaching(url: &Url, option: &str, name: &str, service: &str, error: &str) -> String {
    if is_about_a_certificate(error) {
        return format!(
            "name the certificate of the authority that vouches for {name} by --livy-ca-certificate, and in {option} the \
             host that {name}'s certificate is for"
        );
    }
    if error.contains("failed to lookup address") {
        return format!("mend the host in {option}");
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if is_loopback(url) {
        format!(
            "start {name} (systemctl status {service}), or mend {option}: nothing answers on port {port} here"
        )
    } else {
        format!(
            "start {name} there (systemctl status {service}), let this machine through to port {port} in the security \
             groups, or mend {option}"
        )
    }
}

/// Whether a TLS handshake came as far as a certificate that is not trusted.
pub(super) fn is_about_a_certificate(error: &str) -> bool {
    error.contains("certificate")
}

/// Whether it is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
