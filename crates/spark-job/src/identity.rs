//! What a request is for, in hashes: intent, spec and resource.
//!
//! Every hash is the SHA-256 of the canonical JSON (RFC 8785) of `["sparkwright/<kind>/1", input…]`, shown in
//! lower-case hex; shorter forms are its prefix. Programs of other versions adopt jobs by these hashes: the golden
//! vectors at the foot of this file pin them, and a change of one would double every adopted job.

use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::endpoint::DeclaredEndpoint;
use crate::parameters::Parameters;

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The first `digits` hex digits.
            pub fn hex(&self, digits: usize) -> String {
                hex(&self.0, digits)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.hex(12))
            }
        }
    };
}

hash! {
    /// What one run request is for. Equal for redeliveries, different for a rollback and a retried deployment.
    Intent
}
hash! {
    /// What the user declared: job, endpoint and revision. Equal specs need no new run.
    Spec
}
hash! {
    /// One logical resource of one stack.
    Resource
}

/// What tells one CloudFormation request from another.
#[derive(Clone, Copy, Debug)]
pub struct RequestIdentity<'a> {
    /// The stack's ARN.
    pub stack_id: &'a str,
    /// The resource's name in the template.
    pub logical_resource_id: &'a str,
    /// `Create` or `Update`.
    pub request_type: &'a str,
    /// The request's id, which a retried deployment may reuse.
    pub request_id: &'a str,
    /// The physical id that the request carries, or nothing.
    pub physical_resource_id: &'a str,
    /// When the request was made, as the response URL's query says it, verbatim, or nothing.
    pub issued: &'a str,
}

impl Intent {
    /// The intent of a CloudFormation request for a job of this spec.
    pub fn of_request(request: RequestIdentity<'_>, spec: Spec) -> Self {
        Self(hash(
            "intent",
            &[
                json!(request.stack_id),
                json!(request.logical_resource_id),
                json!(request.request_type),
                json!(request.request_id),
                json!(request.physical_resource_id),
                json!(spec.hex(64)),
                json!(request.issued),
            ],
        ))
    }

    /// The intent of a task: its client token, or else its task token.
    pub fn of_token(token: &str) -> Self {
        Self(hash("intent", &[json!(token)]))
    }
}

impl Spec {
    /// The spec of a declaration.
    pub fn of(parameters: &Parameters, endpoint: &DeclaredEndpoint, revision: &str) -> Self {
        Self(hash(
            "spec",
            &[
                parameters.to_canonical(),
                endpoint.to_canonical(),
                json!(revision),
            ],
        ))
    }
}

impl Resource {
    /// The resource of a stack.
    pub fn of(stack_id: &str, logical_resource_id: &str) -> Self {
        Self(hash("resource", &[json!(stack_id), json!(logical_resource_id)]))
    }
}

fn hash(kind: &str, input: &[Value]) -> [u8; 32] {
    let mut items = vec![json!(format!("sparkwright/{kind}/1"))];
    items.extend_from_slice(input);
    let canonical = serde_json_canonicalizer::to_vec(&items)
        .expect("strings, lists and string-keyed maps have a canonical form");
    Sha256::digest(canonical).into()
}

fn hex(bytes: &[u8], digits: usize) -> String {
    let all: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    all[..digits.min(all.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::ClusterIds;
    use crate::fields::Fields;

    fn spec(properties: Value, revision: &str) -> Spec {
        let object = properties.as_object().expect("an object");
        let mut fields = Fields::new(object, "property");
        let endpoint = DeclaredEndpoint::read(&mut fields, ClusterIds::Accepted);
        let parameters = Parameters::parse(fields.object("Parameters").expect("parameters")).expect("valid");
        Spec::of(&parameters, &endpoint, revision)
    }

    fn request<'a>(request_type: &'a str, physical_resource_id: &'a str) -> RequestIdentity<'a> {
        RequestIdentity {
            stack_id: "arn:aws:cloudformation:us-east-1:123456789012:stack/etl/5d1f",
            logical_resource_id: "SparkPi",
            request_type,
            request_id: "7d6c8f0a-52f1-4c49-9f4f-0a3f9c1f2b11",
            physical_resource_id,
            issued: "20261121T040000Z",
        }
    }

    #[test]
    fn golden_vectors() {
        let spec = spec(
            json!({"LivyHost": "livy.example", "Parameters": {"File": "s3://b/pi.py", "Args": [10], "NumExecutors": 1}}),
            "2026-11-21",
        );
        let vectors = [
            ("spec", spec.hex(64)),
            (
                "resource",
                Resource::of(
                    "arn:aws:cloudformation:us-east-1:123456789012:stack/etl/5d1f",
                    "SparkPi",
                )
                .hex(64),
            ),
            (
                "intent of a Create",
                Intent::of_request(request("Create", ""), spec).hex(64),
            ),
            (
                "intent of an Update",
                Intent::of_request(request("Update", "id-1"), spec).hex(64),
            ),
            (
                "intent of a client token",
                Intent::of_token("arn:aws:states:…/SparkPi/2026-11-21T04:00:00Z").hex(64),
            ),
        ];
        insta::assert_debug_snapshot!(vectors);
    }

    #[test]
    fn what_is_not_declared_differently_has_the_same_spec() {
        let plain = spec(
            json!({"LivyHost": "h", "Parameters": {"File": "/a", "DriverCores": 1}}),
            "",
        );
        assert_eq!(
            plain,
            spec(
                json!({"LivyHost": "h", "LivyPort": "8998", "Parameters": {"DriverCores": "1", "File": "/a"}}),
                ""
            )
        );
        assert_ne!(
            plain,
            spec(
                json!({"LivyHost": "h", "Parameters": {"File": "/a", "DriverCores": 1}}),
                "2"
            )
        );
        assert_ne!(
            plain,
            spec(
                json!({"LivyHost": "h2", "Parameters": {"File": "/a", "DriverCores": 1}}),
                ""
            )
        );
    }

    #[test]
    fn whatever_tells_two_requests_apart_makes_another_intent() {
        let spec = |file: &str| spec(json!({"LivyHost": "h", "Parameters": {"File": file}}), "");
        let update = || request("Update", "old");
        let requests = [
            update(),
            // The rollback of that update carries the id that it answered with.
            request("Update", "new"),
            request("Create", "old"),
            RequestIdentity {
                stack_id: "arn:aws:cloudformation:us-east-1:123456789012:stack/etl/77aa",
                ..update()
            },
            RequestIdentity {
                logical_resource_id: "SparkE",
                ..update()
            },
            RequestIdentity {
                request_id: "0e5c1f6b-52f1-4c49-9f4f-0a3f9c1f2b11",
                ..update()
            },
            RequestIdentity {
                issued: "20261121T040100Z",
                ..update()
            },
        ];
        let mut intents: Vec<_> = requests
            .iter()
            .map(|request| Intent::of_request(*request, spec("/a")).hex(64))
            .collect();
        intents.push(Intent::of_request(update(), spec("/b")).hex(64));
        let count = intents.len();
        intents.sort();
        intents.dedup();
        assert_eq!(intents.len(), count);
    }
}
