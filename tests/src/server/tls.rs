//! A certificate authority of a test's own, and the TLS of a server that it vouches for.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, SanType};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A private authority with one certificate for `127.0.0.1` and `localhost`.
#[derive(Clone)]
pub struct Authority {
    pem: String,
    config: Arc<ServerConfig>,
}

impl Authority {
    /// A new authority, which nobody trusts yet.
    pub fn new(common_name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority signs itself");

        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a valid name");
        params
            .subject_alt_names
            .push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &issuer).expect("the authority signs");

        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key of a known form");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows the protocol's versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("the certificate is of this key");
        Authority {
            pem: issuer.pem(),
            config: Arc::new(config),
        }
    }

    /// The authority's certificate, for `LivyCaCertificate`.
    pub fn certificate(&self) -> &str {
        &self.pem
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(..)")
    }
}
