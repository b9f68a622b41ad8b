//! The other AWS services that programs use: EMR's `DescribeCluster` and `ListInstances`, Secrets Manager's
//! `GetSecretValue`, CloudFormation's `DescribeStackResource`, Lambda's `Invoke`; and the protocols of AWS.
//!
//! ```
//! use sparkwright_tests::aws::{self, Aws, ResourceStatus};
//! use sparkwright_tests::cloudformation::StackResource;
//! use sparkwright_tests::faults::{Fault, On};
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let aws = Aws::start().await;
//! aws.cluster("j-1ABC", "WAITING", Some("ip-10-0-0-1.ec2.internal"));
//! let secret = aws.secret("livy", r#"{"username":"hadoop","password":"s3cret"}"#);
//! assert!(secret.starts_with("arn:aws:secretsmanager:"));
//! aws.stack_says(&StackResource::new("Job"), ResourceStatus::new("UPDATE_IN_PROGRESS"));
//! let invocations = aws.function("spark-job");
//! // `AWS_ENDPOINT_URL_EMR`, `_SECRETS_MANAGER`, `_CLOUDFORMATION` and `_LAMBDA` are all `aws.url()`.
//! let denied = aws::error("AccessDeniedException", "not authorized");
//! aws.server().faults().inject(On::operation("GetSecretValue"), Fault::Answer(denied));
//! let denied = aws::query_error(403, "AccessDenied", "not authorized");
//! aws.server().faults().inject(aws::on_action("DescribeStackResource"), Fault::Answer(denied));
//! # });
//! ```
//!
//! Routes in the journal are the operations: `DescribeCluster`, `GetSecretValue`, `DescribeStackResource`, `Invoke`.

use std::sync::Arc;

use url::Url;

use crate::cloudformation::StackResource;
use crate::faults::On;
use crate::http::Request;
use crate::server::{Answering, Server, ServerOptions, Simulator};

mod clusters;
mod functions;
mod protocol;
mod query;
mod secrets;
mod stacks;

pub use clusters::Collection;
pub use functions::{Invocations, rest_error};
pub(crate) use protocol::{answer, operation};
pub use protocol::{error, throttled};
pub use query::query_error;
pub use stacks::ResourceStatus;

use clusters::Clusters;
use functions::Functions;
use secrets::{SecretValue, Secrets};
use stacks::Stacks;

/// An account's services behind one endpoint. It ends when it is dropped.
#[derive(Debug)]
pub struct Aws {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    clusters: Clusters,
    functions: Functions,
    secrets: Secrets,
    stacks: Stacks,
}

impl Aws {
    /// An account with nothing in it.
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

    /// The endpoint of all services.
    pub fn url(&self) -> Url {
        self.server.url()
    }

    /// Its server: faults, journal.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A cluster in a state (`STARTING`, `WAITING`, `RUNNING`, `TERMINATED`, …), with the name of its primary node.
    pub fn cluster(&self, id: &str, state: &str, primary_node: Option<&str>) {
        self.state.clusters.set(id, state, primary_node);
    }

    /// The primary nodes of a cluster that is there, each by its public and its private name; a core node beside them.
    pub fn primary_nodes(&self, id: &str, collection: Collection, names: &[(&str, &str)]) {
        self.state.clusters.instances(id, collection, names);
    }

    /// A secret of text; its ARN.
    pub fn secret(&self, name: &str, value: &str) -> String {
        self.state.secrets.add(name, SecretValue::Text(value.to_owned()))
    }

    /// A secret of bytes, given in Base64; its ARN.
    pub fn binary_secret(&self, name: &str, base64: &str) -> String {
        self.state
            .secrets
            .add(name, SecretValue::Binary(base64.to_owned()))
    }

    /// A secret gets another text.
    pub fn rotate_secret(&self, arn: &str, value: &str) {
        self.state
            .secrets
            .change(arn, SecretValue::Text(value.to_owned()));
    }

    /// A secret is deleted.
    pub fn delete_secret(&self, arn: &str) {
        self.state.secrets.delete(arn);
    }

    /// What the stack says of its resource from now on. A stack of which nothing was said does not exist.
    pub fn stack_says(&self, resource: &StackResource, status: ResourceStatus) {
        self.state.stacks.set(resource, status);
    }

    /// A function that can be invoked by this name, and what it is invoked with.
    pub fn function(&self, name: &str) -> Invocations {
        self.state.functions.add(name)
    }
}

/// Calls of an operation in the query protocol, which has no header for it.
pub fn on_action(name: &str) -> On {
    On::post("/").containing(&format!("Action={name}&"))
}

struct Api {
    state: Arc<State>,
}

impl Api {
    fn operation(request: &Request) -> Option<String> {
        operation(request)
            .or_else(|| functions::invoked(request).map(|_| "Invoke".to_owned()))
            .or_else(|| query::action(request))
    }
}

impl Simulator for Api {
    fn route(&self, request: &Request) -> String {
        Self::operation(request).unwrap_or_else(|| format!("{} ?", request.method))
    }

    fn answer(self: Arc<Self>, request: Request) -> Answering {
        Box::pin(async move {
            let body = request.json();
            let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
            let state = &self.state;
            match Self::operation(&request).unwrap_or_default().as_str() {
                "DescribeCluster" => state.clusters.describe_cluster(&text("ClusterId")),
                "DescribeStackResource" => state.stacks.describe_stack_resource(&request),
                "GetSecretValue" => state.secrets.get_secret_value(&text("SecretId")),
                "Invoke" => state.functions.invoke(&request),
                "ListInstances" => state.clusters.list_instances(&body),
                other => error("UnknownOperationException", other),
            }
        })
    }
}
