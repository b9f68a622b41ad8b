//! CloudFormation's side of custom resources: the events that it sends, and the sink that its presigned URLs lead to.
//!
//! ```
//! use serde_json::json;
//! use sparkwright_tests::cloudformation::{Sink, StackResource, Verdict};
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let sink = Sink::start().await;
//! let resource = StackResource::new("Job");
//! let event = sink.create(&resource, json!({ "LivyHost": "10.0.0.1", "WaitFor": "Submitted" }));
//! # let body = json!({ "Status": "FAILED", "Reason": "no", "PhysicalResourceId": "x", "StackId": event.body["StackId"],
//! #     "RequestId": event.request_id, "LogicalResourceId": "Job" }).to_string();
//! # let put = reqwest::Client::new().put(event.body["ResponseURL"].as_str().unwrap()).header("content-type", "").body(body);
//! # put.send().await.unwrap();
//! // … the function under test gets `event.body` …
//! let answer = sink.expect(&event.request_id).await;
//! assert!(matches!(answer.verdict, Verdict::Failed { .. }));
//! assert_eq!(sink.answers(&event.request_id).len(), 1);
//! # });
//! ```
//!
//! The sink's only route in the journal is `PUT response`. It answers as S3 does: 200, or 403 for a wrong content type
//! (the signature covers it) or an expired URL, or 411 for a body of unknown length. What it took is judged as
//! CloudFormation would judge it: [`Verdict`].
//!
//! [`Stack`] does what CloudFormation does in the course of a stack's life, through [`Queue`], Lambda's asynchronous
//! invocations; both keep good time in [`crate::clock::run_virtual`].

mod event;
mod queue;
mod sink;
mod stack;
mod verdict;

pub use event::{Event, StackResource};
pub use queue::{Delivery, End, Function, Invocation, Queue, Run, Running};
pub use sink::{Answer, Sink};
pub use stack::{Deployment, Description, Elsewhere, Held, Reply, Request, Stack, StackStatus};
pub use verdict::Verdict;
