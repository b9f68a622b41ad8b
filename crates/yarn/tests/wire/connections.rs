//! Lost and refused connections, with one ResourceManager.

use std::error::Error as _;

use sparkwright_yarn::Error;

use crate::scripted::{Script, Scripted, nobody};
use crate::{client, id, impatient};

async fn kill(script: Script, scheme: &str) -> Error {
    let server = Scripted::start(script).await;
    let client = if matches!(script, Script::Silence) {
        impatient
    } else {
        client
    };
    client(&[&server.url(scheme)]).kill(&id()).await.unwrap_err()
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let url = nobody().await;
    let error = client(&[&url]).kill(&id()).await.unwrap_err();
    assert!(
        error.was_not_sent() && error.is_transient() && !error.is_timeout(),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        format!("could not kill a YARN application at `{url}/`")
    );
    assert!(!error.source().unwrap().to_string().contains(&url));
}

#[tokio::test]
async fn a_lost_answer_may_have_been_received() {
    for script in [
        Script::Hangup,
        Script::Write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"),
        Script::Silence,
    ] {
        let error = kill(script, "http").await;
        assert!(matches!(error, Error::Transport { .. }), "{error:?}");
        assert!(!error.was_not_sent() && error.is_transient(), "{error:?}");
        assert_eq!(error.is_timeout(), matches!(script, Script::Silence));
    }
}

#[tokio::test]
async fn a_handshake_that_fails_or_stalls_was_not_sent() {
    let error = kill(Script::Write("HTTP/1.1 400 Bad Request\r\n\r\n"), "https").await;
    assert!(error.was_not_sent() && !error.is_timeout(), "{error:?}");
    let error = kill(Script::Silence, "https").await;
    assert!(error.was_not_sent() && error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn requests_share_a_connection() {
    let server = Scripted::start(Script::Answer(
        "HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n{\"clusterMetrics\":{}}",
    ))
    .await;
    let yarn = client(&[&server.url("http")]);
    for _ in 0..3 {
        yarn.metrics().await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}
