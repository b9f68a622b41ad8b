//! A client of the REST APIs of Apache Hadoop YARN: applications at the ResourceManager, the logs of a
//! driver's container at its NodeManager.
//!
//! Several ResourceManagers are one cluster: the client finds the active one. Nothing here waits or reads the
//! environment, and nothing is repeated but on another ResourceManager.
//!
//! ```no_run
//! use sparkwright_yarn::{ApplicationsQuery, Client, ClientConfig, LogFile};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let yarn = Client::new(ClientConfig::new(vec!["http://primary.example:8088".parse()?]))?;
//! let query = ApplicationsQuery { tag: Some("nightly-4f2a".into()), ..ApplicationsQuery::default() };
//! for application in yarn.applications(&query).await? {
//!     if application.has_ended() && !application.succeeded() {
//!         if let Some(last) = yarn.attempts(&application.id).await?.last() {
//!             println!("{}", yarn.container_log(last, LogFile::Stdout, 8192).await?);
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! - [`Client`]: one method per call. [`ClientConfig`]: the ResourceManagers, and how to reach them.
//! - [`ApplicationsQuery`] goes out; [`Application`], [`Attempt`], [`ClusterMetrics`], [`ResourceManagerInfo`] come back.
//! - An [`Observer`] is told of each call, for whoever counts them.
//! - [`Error`]: one type for all calls, asked by its `is_…` methods.

mod answer;
mod application;
mod application_id;
mod attempt;
mod client;
mod config;
mod container_log;
mod error;
mod failover;
mod http;
mod info;
mod list;
mod metrics;
mod observer;
mod query;
mod state;

pub use application::Application;
pub use application_id::{ApplicationId, ParseApplicationIdError};
pub use attempt::Attempt;
pub use client::Client;
pub use config::{ClientConfig, Timeouts};
pub use container_log::LogFile;
pub use error::{Error, Operation};
pub use info::ResourceManagerInfo;
pub use metrics::ClusterMetrics;
pub use observer::Observer;
pub use query::ApplicationsQuery;
pub use state::{ApplicationState, FinalStatus};
