//! A client of [Apache Livy](https://livy.apache.org)'s batch API.
//!
//! It knows what Livy's servers from 0.6 to 0.9 were seen to do: errors come in four shapes, names are unique
//! keys, a refused batch can leave a shell behind, `DELETE` can take minutes, and ids start again at 0 when
//! Livy restarts. A batch that ends `dead` is data, not an error. Nothing here retries, waits or reads the
//! environment.
//!
//! ```no_run
//! use sparkwright_livy::{BatchRequest, Client, ClientConfig};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let livy = Client::new(ClientConfig::new("http://primary.example:8998".parse()?))?;
//! let request = BatchRequest {
//!     file: "s3://jobs/pi.py".into(),
//!     name: Some("pi-4f2a".into()),
//!     ..BatchRequest::default()
//! };
//! let batch = match livy.create_batch(&request).await {
//!     // The answer to an earlier request was lost: the name finds the batch that it made.
//!     Err(error) if error.is_duplicate_name() => livy.batch("pi-4f2a").await?,
//!     answer => answer?,
//! };
//! println!("batch {} is {}", batch.id, batch.state);
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! - [`Client`]: one method per call. [`ClientConfig`]: where Livy is, and how to reach it.
//! - An [`Observer`] is told of each call, for whoever counts them.
//! - [`Credentials`] may have a [`CredentialsSource`], which is read again when Livy refuses them.
//! - [`BatchRequest`] goes out; [`Batch`], [`BatchState`], [`Version`] come back; [`BatchKey`] addresses.
//! - [`Error`]: one type for all calls, asked by its `is_…` methods.

mod answer;
mod batch;
mod client;
mod config;
mod credentials;
mod error;
mod http;
mod observer;
mod pages;
mod request;
mod state;

pub use batch::{AppInfo, Batch, BatchId, BatchKey, BatchPage, LogLines, Version};
pub use client::Client;
pub use config::{ClientConfig, Timeouts};
pub use credentials::{Credentials, CredentialsSource, ReadingAgain};
pub use error::{Error, Operation};
pub use observer::Observer;
pub use request::BatchRequest;
pub use state::BatchState;
