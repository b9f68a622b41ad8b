//! The other AWS services that programs look things up in: EMR's `DescribeCluster` and Secrets Manager's
//! `GetSecretValue`, and the protocol that all of AWS's JSON services share.
//!
//! ```
//! use sparkwright_tests::aws::{self, Aws};
//! use sparkwright_tests::faults::{Fault, On};
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let aws = Aws::start().await;
//! aws.cluster("j-1ABC", "WAITING", Some("ip-10-0-0-1.ec2.internal"));
//! let secret = aws.secret("livy", r#"{"username":"hadoop","password":"s3cret"}"#);
//! assert!(secret.starts_with("arn:aws:secretsmanager:"));
//! // `AWS_ENDPOINT_URL_EMR` and `AWS_ENDPOINT_URL_SECRETS_MANAGER` are both `aws.url()`.
//! let denied = aws::error("AccessDeniedException", "not authorized");
//! aws.server().faults().inject(On::operation("GetSecretValue"), Fault::Answer(denied));
//! # });
//! ```
//!
//! Routes in the journal are the operations: `DescribeCluster`, `GetSecretValue`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use url::Url;

use crate::clock;
use crate::http::{Answer, Request};
use crate::random;
use crate::server::{Answering, Server, ServerOptions, Simulator};
use crate::sync::lock;

mod protocol;

pub(crate) use protocol::{answer, operation};
pub use protocol::{error, throttled};

/// EMR and Secrets Manager behind one endpoint. It ends when it is dropped.
#[derive(Debug)]
pub struct Aws {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    clusters: Mutex<HashMap<String, Described>>,
    secrets: Mutex<HashMap<String, Secret>>,
}

#[derive(Debug)]
struct Described {
    state: String,
    dns: Option<String>,
}

#[derive(Debug)]
struct Secret {
    name: String,
    value: SecretValue,
}

#[derive(Debug)]
enum SecretValue {
    Text(String),
    /// Bytes, which a program that wants a user's name cannot read.
    Binary(String),
}

impl Aws {
    /// An account without clusters and secrets.
    pub async fn start() -> Aws {
        let state = Arc::new(State::default());
        let server = Server::start(
            Arc::new(Api {
                state: Arc::clone(&state),
            }),
            ServerOptions::default(),
        );
        Aws { server, state }
    }

    /// The endpoint of both services.
    pub fn url(&self) -> Url {
        self.server.url()
    }

    /// Its server: faults, journal.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A cluster in a state (`STARTING`, `WAITING`, `RUNNING`, `TERMINATED`, …), with the name of its primary node.
    pub fn cluster(&self, id: &str, state: &str, primary_node: Option<&str>) {
        let described = Described {
            state: state.to_owned(),
            dns: primary_node.map(str::to_owned),
        };
        lock(&self.state.clusters).insert(id.to_owned(), described);
    }

    /// A secret of text; its ARN.
    pub fn secret(&self, name: &str, value: &str) -> String {
        self.keep(name, SecretValue::Text(value.to_owned()))
    }

    /// A secret of bytes, given in Base64; its ARN.
    pub fn binary_secret(&self, name: &str, base64: &str) -> String {
        self.keep(name, SecretValue::Binary(base64.to_owned()))
    }

    /// A secret is deleted.
    pub fn delete_secret(&self, arn: &str) {
        lock(&self.state.secrets).remove(arn);
    }

    fn keep(&self, name: &str, value: SecretValue) -> String {
        let suffix = random::alphanumeric(6);
        let arn = format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-{suffix}");
        lock(&self.state.secrets).insert(
            arn.clone(),
            Secret {
                name: name.to_owned(),
                value,
            },
        );
        arn
    }
}

struct Api {
    state: Arc<State>,
}

impl Simulator for Api {
    fn route(&self, request: &Request) -> String {
        operation(request).unwrap_or_else(|| format!("{} ?", request.method))
    }

    fn answer(self: Arc<Self>, request: Request) -> Answering {
        Box::pin(async move {
            let body = request.json();
            match operation(&request).unwrap_or_default().as_str() {
                "DescribeCluster" => self.describe_cluster(body["ClusterId"].as_str().unwrap_or_default()),
                "GetSecretValue" => self.get_secret_value(body["SecretId"].as_str().unwrap_or_default()),
                other => error("UnknownOperationException", other),
            }
        })
    }
}

impl Api {
    fn describe_cluster(&self, id: &str) -> Answer {
        let clusters = lock(&self.state.clusters);
        let Some(cluster) = clusters.get(id) else {
            return error(
                "InvalidRequestException",
                &format!("Cluster id '{id}' is not valid."),
            );
        };
        let created = clock::now_ms() / 1000;
        let mut described = json!({
            "Id": id, "Name": "simulated", "ReleaseLabel": "emr-7.1.0", "AutoTerminate": false,
            "ClusterArn": format!("arn:aws:elasticmapreduce:eu-west-1:123456789012:cluster/{id}"),
            "Status": {
                "State": cluster.state, "StateChangeReason": {}, "Timeline": { "CreationDateTime": created }
            }
        });
        if let Some(dns) = &cluster.dns {
            described["MasterPublicDnsName"] = json!(dns);
        }
        answer(&json!({ "Cluster": described }))
    }

    /// By ARN, by an ARN without its last six characters, or by name.
    fn get_secret_value(&self, id: &str) -> Answer {
        let secrets = lock(&self.state.secrets);
        let found = secrets.iter().find(|(arn, secret)| {
            arn.as_str() == id
                || secret.name == id
                || arn.rsplit_once('-').is_some_and(|(partial, _)| partial == id)
        });
        let Some((arn, secret)) = found else {
            return error(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.",
            );
        };
        let mut given = json!({
            "ARN": arn, "Name": secret.name, "VersionId": random::uuid(), "VersionStages": ["AWSCURRENT"],
            "CreatedDate": clock::now_ms() / 1000
        });
        let (member, value) = match &secret.value {
            SecretValue::Text(text) => ("SecretString", text),
            SecretValue::Binary(base64) => ("SecretBinary", base64),
        };
        given[member] = Value::String(value.clone());
        answer(&given)
    }
}
