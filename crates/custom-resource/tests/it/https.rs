//! The answer over TLS, which every real one is.

use std::sync::Arc;
use std::time::Duration;

use custom_resource::{Handler, RequestType, Settings};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::alone::run_alone;
use crate::events::{event, invocation};
use crate::provider::{Script, Scripted};

#[test]
#[ignore = "run by `an_answer_travels_over_tls_and_only_to_a_trusted_host`"]
fn alone_an_answer_is_delivered() {
    let sink = std::env::var("CUSTOM_RESOURCE_TEST_SINK").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let handler = Handler::new(Scripted::new(Script::Succeed), Settings::default());
    let event = event(RequestType::Create, &sink);
    runtime
        .block_on(handler.handle(invocation(event, Duration::from_secs(5))))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_travels_over_tls_and_only_to_a_trusted_host() {
    let ours = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(ours.signing_key.serialize_der().into());
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![ours.cert.der().clone()], key)
            .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sink = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust us ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 8192];
            let _ = stream.read(&mut request).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    });

    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (trusted, is_answered) in [(ours.cert.pem(), true), (other.cert.pem(), false)] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), trusted).unwrap();
        let sink = sink.clone();
        let child = tokio::task::spawn_blocking(move || {
            let trusted = file.path().to_str().unwrap();
            let environment = [("SSL_CERT_FILE", trusted), ("CUSTOM_RESOURCE_TEST_SINK", &sink)];
            run_alone("https::alone_an_answer_is_delivered", &environment)
        });
        let answered = child.await.unwrap();
        assert_eq!(answered.is_ok(), is_answered, "{answered:?}");
    }
}
