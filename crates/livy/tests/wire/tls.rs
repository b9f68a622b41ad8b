//! TLS with a certificate authority of one's own.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sparkwright_livy::{Client, ClientConfig, Error};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::request;

const VERSION: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\nconnection: close\r\n\r\n{\"version\":\"0.8.0\"}";

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server with a certificate of `authority` for `name`, that tells its version to every request.
async fn server(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()])
        .unwrap()
        .signed_by(&key, authority)
        .unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(VERSION).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    address
}

fn client(address: SocketAddr, ca_certificate: Option<String>) -> Result<Client, Error> {
    let mut config = ClientConfig::new(format!("https://{address}").parse().unwrap());
    config.ca_certificate = ca_certificate;
    Client::new(config)
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_given() {
    let (ours, other) = (authority(), authority());
    let address = server(&ours, "127.0.0.1").await;
    let bundle = format!("# Two of them.\n{}\n{}", other.pem(), ours.pem());
    let version = client(address, Some(bundle)).unwrap().version().await.unwrap();
    assert_eq!(version.version, "0.8.0");
}

#[tokio::test]
async fn an_authority_that_is_not_given_is_not_trusted_and_nothing_is_sent() {
    let (ours, other) = (authority(), authority());
    let address = server(&ours, "127.0.0.1").await;
    for ca_certificate in [None, Some(other.pem())] {
        let error = client(address, ca_certificate)
            .unwrap()
            .create_batch(&request())
            .await
            .unwrap_err();
        assert!(error.was_not_sent() && !error.is_timeout(), "{error:?}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let ours = authority();
    let address = server(&ours, "primary.example").await;
    let error = client(address, Some(ours.pem()))
        .unwrap()
        .version()
        .await
        .unwrap_err();
    assert!(error.was_not_sent(), "{error:?}");
}

#[test]
fn what_is_no_certificate_is_refused_at_once_whatever_the_scheme() {
    let torn = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let garbled = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
    for pem in ["", "not PEM", torn, garbled] {
        for url in ["https://primary:8998", "http://primary:8998"] {
            let mut config = ClientConfig::new(url.parse().unwrap());
            config.ca_certificate = Some(pem.to_owned());
            let error = Client::new(config).unwrap_err();
            assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
            assert!(error.to_string().contains("certificate"), "{pem:?}: {error}");
        }
    }
}
