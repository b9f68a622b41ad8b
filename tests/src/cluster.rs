//! One simulated EMR primary node: a Livy and a YARN over one world.
//!
//! ```
//! use sparkwright_tests::cluster::{BatchState, Cluster, Job};
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let cluster = Cluster::start().await;
//! cluster.world().script("nightly-*", Job::raises("ValueError: no such table"));
//!
//! let batch = serde_json::json!({ "file": "s3://bucket/etl.py", "name": "nightly-1" });
//! let url = cluster.livy_url().join("batches").unwrap();
//! let created = reqwest::Client::new().post(url).json(&batch).send().await.unwrap();
//! assert_eq!(created.status(), 201);
//!
//! cluster.world().batch_is("nightly-1", BatchState::Dead).await;
//! let application = cluster.world().application_named("nightly-1").unwrap();
//! assert_eq!(application.diagnostics, "User application exited with status 1");
//! assert!(application.attempts[0].stdout.ends_with("ValueError: no such table\n"));
//! assert_eq!(cluster.livy().journal().count("POST /batches"), 1);
//! # });
//! ```
//!
//! - What a job does: [`Job`], by the file's name or by a script of the test ([`World::script`]).
//! - What the cluster is like: [`Cluster::builder`]: version, recovery, latencies, limits, TLS, Basic, CSRF.
//! - What goes wrong between the program and a server: [`crate::faults`]; in the services themselves: `crash_livy`,
//!   `stop_livy`, `crash_resource_manager`, `fail_over`, and the methods of [`World`].
//! - What was asked: [`crate::journal`], of each server.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use url::Url;

use crate::server::{Authority, Server, ServerOptions, Simulator};
use crate::sync::lock;

mod application;
mod builder;
mod driver;
mod job;
mod ledger;
mod life;
mod livy;
mod memory;
mod options;
mod output;
mod queue;
mod script;
mod spark_submit;
mod state;
mod world;
mod yarn;

pub use application::{Application, ApplicationId, ApplicationState, Attempt, FinalStatus};
pub use builder::Builder;
pub use job::{Fate, Job};
pub use livy::{Batch, BatchState};
pub use options::{Latencies, LivyVersion, Master, Standby};
pub use world::World;

use livy::Livy;
use options::Options;
use state::{Addresses, Core};
use yarn::{NodeManager, ResourceManager};

/// Whether a ResourceManager that starts again remembers its applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// All of them, and those that run go on.
    Keeps,
    /// None; those that ran are gone.
    Forgets,
}

/// A simulated cluster. It ends when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    world: World,
    livy: Server,
    resource_managers: Vec<Server>,
    node_manager: Server,
    authority: Option<Authority>,
}

impl Cluster {
    /// A cluster with Livy 0.7.1 on YARN, with short latencies.
    pub async fn start() -> Cluster {
        Cluster::builder().start().await
    }

    /// A cluster of the test's choice.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn with(options: Options) -> Cluster {
        let authority = options.tls.then(|| Authority::new("Sparkwright tests"));
        let server_options = ServerOptions {
            authority: authority.clone(),
            keep_alive: options.keep_alive,
        };
        let serve = |simulator: Arc<dyn Simulator>| Server::start(simulator, server_options.clone());
        let managers = if options.standby.is_some() { 2 } else { 1 };
        let core = Arc::new(Core::new(options));
        let resource_managers: Vec<Server> = (0..managers)
            .map(|index| {
                serve(Arc::new(ResourceManager {
                    core: Arc::clone(&core),
                    index,
                }))
            })
            .collect();
        let node_manager = serve(Arc::new(NodeManager {
            core: Arc::clone(&core),
        }));
        let urls = resource_managers
            .iter()
            .map(|server| server.url().as_str().trim_end_matches('/').to_owned());
        core.locate(Addresses {
            resource_managers: urls.collect(),
            node: node_manager.address().to_string(),
        });
        livy::start(&core);
        let livy = serve(Arc::new(Livy {
            core: Arc::clone(&core),
        }));
        Cluster {
            world: World { core },
            livy,
            resource_managers,
            node_manager,
            authority,
        }
    }

    /// What goes on in it.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Livy's URL.
    pub fn livy_url(&self) -> Url {
        self.livy.url()
    }

    /// The URL of the first ResourceManager.
    pub fn resource_manager_url(&self) -> Url {
        self.resource_manager().url()
    }

    /// The URLs of all ResourceManagers, the one that is active at first before the other.
    pub fn resource_manager_urls(&self) -> Vec<Url> {
        self.resource_managers.iter().map(Server::url).collect()
    }

    /// The certificate that vouches for the servers, when they speak TLS.
    pub fn ca_certificate(&self) -> Option<&str> {
        self.authority.as_ref().map(Authority::certificate)
    }

    /// Livy's server: its faults, its journal.
    pub fn livy(&self) -> &Server {
        &self.livy
    }

    /// Livy takes another password from now on, where it asks for one.
    pub fn change_password(&self, password: &str) {
        if let Some(login) = &self.world.core.options.login {
            password.clone_into(&mut lock(&login.password));
        }
    }

    /// The server of the first ResourceManager. Taken down, it cannot be reached by programs, while Livy and the
    /// applications still reach YARN; see [`Cluster::crash_resource_manager`] for the rest.
    pub fn resource_manager(&self) -> &Server {
        &self.resource_managers[0]
    }

    /// The server of the second ResourceManager.
    pub fn standby(&self) -> &Server {
        self.resource_managers
            .get(1)
            .expect("the builder's `standby` makes a second ResourceManager")
    }

    /// The NodeManager's server.
    pub fn node_manager(&self) -> &Server {
        &self.node_manager
    }

    /// The URI of a job file that Livy may use and that every built-in job goes by: `file:///jobs/<name>`.
    pub fn job_file(&self, name: &str) -> String {
        format!("file:///jobs/{name}")
    }

    /// Livy is killed (`kill -9`): its connections break, what it ran goes on.
    pub async fn crash_livy(&self) {
        self.livy.down().await;
        livy::stop(&self.world.core, false).await;
    }

    /// Livy is stopped in an orderly way (TERM): without recovery it kills its batches first.
    pub async fn stop_livy(&self) {
        self.livy.down().await;
        livy::stop(&self.world.core, true).await;
    }

    /// Livy starts again. Without recovery it knows nothing and counts ids from 0.
    pub fn start_livy(&self) {
        livy::start(&self.world.core);
        self.livy.up();
    }

    /// A crash and a start.
    pub async fn restart_livy(&self) {
        self.crash_livy().await;
        self.start_livy();
    }

    /// All ResourceManagers are gone, for programs, for Livy and for the applications: nothing changes its state.
    pub async fn crash_resource_manager(&self) {
        self.world.core.ledger.set_up(false);
        for server in &self.resource_managers {
            server.down().await;
        }
    }

    /// They start again.
    pub fn start_resource_manager(&self, memory: Memory) {
        self.world.core.ledger.restart(memory == Memory::Keeps);
        for server in &self.resource_managers {
            server.up();
        }
    }

    /// The other ResourceManager becomes the active one.
    pub fn fail_over(&self) {
        self.world.core.active.fetch_xor(1, Ordering::Relaxed);
        self.world.core.raise();
    }
}
