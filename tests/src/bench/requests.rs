//! What the services were asked, by kind.

use crate::cluster::Cluster;
use crate::journal::Journal;
use crate::step_functions::StepFunctions;

/// Requests of each kind up to some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Pages of Livy's list.
    pub livy_lists: usize,
    /// Livy's batches one by one.
    pub livy_batches: usize,
    /// Batches created.
    pub livy_posts: usize,
    /// Batches deleted.
    pub livy_deletes: usize,
    /// Whether Livy answers, and logs.
    pub livy_rest: usize,
    /// YARN's applications in bulk.
    pub yarn_lists: usize,
    /// YARN's applications of one intent or run, by tag or id.
    pub yarn_alone: usize,
    /// Attempts of an application.
    pub yarn_attempts: usize,
    /// Kills.
    pub yarn_kills: usize,
    /// Whether YARN answers.
    pub yarn_rest: usize,
    /// Polls.
    pub polls: usize,
    /// Heartbeats.
    pub heartbeats: usize,
    /// Outcomes.
    pub outcomes: usize,
}

impl Requests {
    /// Those by which all jobs are watched.
    pub fn state_reading(&self) -> usize {
        self.livy_lists + self.yarn_lists
    }

    /// Those that jobs need besides, one by one, if they are not stopped.
    pub fn others(&self) -> usize {
        self.livy_posts + self.livy_batches + self.yarn_alone + self.yarn_attempts
    }

    /// Those since an earlier moment.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            livy_lists: self.livy_lists - earlier.livy_lists,
            livy_batches: self.livy_batches - earlier.livy_batches,
            livy_posts: self.livy_posts - earlier.livy_posts,
            livy_deletes: self.livy_deletes - earlier.livy_deletes,
            livy_rest: self.livy_rest - earlier.livy_rest,
            yarn_lists: self.yarn_lists - earlier.yarn_lists,
            yarn_alone: self.yarn_alone - earlier.yarn_alone,
            yarn_attempts: self.yarn_attempts - earlier.yarn_attempts,
            yarn_kills: self.yarn_kills - earlier.yarn_kills,
            yarn_rest: self.yarn_rest - earlier.yarn_rest,
            polls: self.polls - earlier.polls,
            heartbeats: self.heartbeats - earlier.heartbeats,
            outcomes: self.outcomes - earlier.outcomes,
        }
    }
}

/// Counts.
pub(super) struct Counter {
    livy: Journal,
    yarn: Journal,
    step_functions: Journal,
}

impl Counter {
    pub(super) fn new(cluster: &Cluster, step_functions: &StepFunctions) -> Self {
        let yarn = cluster.resource_manager().journal().clone();
        // What is asked of all jobs names states; what is asked of one names its tag alone.
        yarn.also_count("bulk", |request| !request.parameters("states").is_empty());
        Self {
            livy: cluster.livy().journal().clone(),
            yarn,
            step_functions: step_functions.server().journal().clone(),
        }
    }

    pub(super) fn now(&self) -> Requests {
        let (livy, yarn) = (
            |route: &str| self.livy.count(route),
            |route: &str| self.yarn.count(route),
        );
        let yarn_lists = self.yarn.counted("bulk");
        Requests {
            livy_lists: livy("GET /batches"),
            livy_batches: livy("GET /batches/{batch}"),
            livy_posts: livy("POST /batches"),
            livy_deletes: livy("DELETE /batches/{batch}"),
            livy_rest: livy("GET /version") + livy("GET /batches/{batch}/log"),
            yarn_lists,
            yarn_alone: yarn("GET apps") - yarn_lists + yarn("GET app"),
            yarn_attempts: yarn("GET app/appattempts"),
            yarn_kills: yarn("PUT app/state"),
            yarn_rest: yarn("GET metrics") + yarn("GET info"),
            polls: self.step_functions.count("GetActivityTask"),
            heartbeats: self.step_functions.count("SendTaskHeartbeat"),
            outcomes: self.step_functions.count("SendTaskSuccess")
                + self.step_functions.count("SendTaskFailure"),
        }
    }
}
