//! Is the page's address free?

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;

use super::finding::Finding;
use crate::config::Listen;

/// The page is on this machine, and small.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What is to be said about `--listen`.
pub(super) async fn finding(listen: Listen) -> Finding {
    let Listen::At(address) = listen else {
        return Finding::ok("--listen off", "there will be no page, /healthz or /readyz");
    };
    let thing = format!("--listen {address}");
    match TcpListener::bind(address).await {
        Ok(_) if address.ip().is_loopback() => Finding::ok(thing, "the address is free"),
        Ok(_) => Finding::note(
            thing,
            "the address is free; other machines can read the page, which asks for no password",
        ),
        Err(error) => taken(thing, address, &error).await,
    }
}

async fn taken(thing: String, address: SocketAddr, error: &std::io::Error) -> Finding {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => {
            if let Some(ready) = worker_at(address).await {
                return Finding::note(thing, format!("a worker runs there already, and {ready}"));
            }
            "stop what listens there (ss -ltnp shows it), or choose another port, or `off`"
        }
        ErrorKind::AddrNotAvailable => "choose an address that this machine has",
        ErrorKind::PermissionDenied => "choose a port from 1024 on",
        _ => "choose another address, or `off`",
    };
    Finding::failed(thing, error, advice)
}

/// How the worker that listens there is, if it is one.
async fn worker_at(address: SocketAddr) -> Option<String> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .timeout(TIMEOUT)
        .build()
        .ok()?;
    let base = format!("http://{}", reachable(address));
    let page = http
        .get(format!("{base}/"))
        .send()
        .await
        .ok()?
        .text()
        .await
        .ok()?;
    if !page.contains("<title>sparkwright-worker") {
        return None;
    }
    let ready = http.get(format!("{base}/readyz")).send().await.ok()?;
    if ready.status().is_success() {
        return Some("is ready".into());
    }
    Some(format!("is not ready: {}", ready.text().await.ok()?))
}

/// Where to call on somebody who listens on every address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn line(listen: &str) -> String {
        finding(Listen::At(listen.parse().unwrap())).await.to_string()
    }

    #[tokio::test]
    async fn an_address_is_free_or_shared_or_taken_or_nobodys() {
        assert_eq!(
            line("127.0.0.1:0").await,
            "ok      --listen 127.0.0.1:0: the address is free"
        );
        assert!(line("0.0.0.0:0").await.starts_with("note "));
        let stranger = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = stranger.local_addr().unwrap().to_string();
        drop(tokio::spawn(async move {
            // Whoever connects is sent away.
            while stranger.accept().await.is_ok() {}
        }));
        let taken = line(&address).await;
        assert!(
            taken.starts_with("FAILED") && taken.contains("ss -ltnp"),
            "{taken}"
        );
        // Reserved for documentation: no machine has it.
        let nobodys = line("192.0.2.1:9464").await;
        assert!(nobodys.contains("that this machine has"), "{nobodys}");
    }
}
