//! Where the wire tests run.

use std::time::Duration;

use url::Url;

/// A Livy, its YARN, and a folder of jobs that both can read.
#[derive(Clone, Debug)]
pub struct Site {
    /// Livy's address.
    pub livy: Url,
    /// The ResourceManager's address.
    pub resource_manager: Url,
    /// The folder's URI, with or without a slash at its end.
    pub jobs: String,
    /// How often a test looks again for what it waits for.
    pub pace: Duration,
    /// How long it waits for one thing.
    pub patience: Duration,
    /// How many tests run at once.
    pub at_once: usize,
}

impl Site {
    /// Simulators: everything takes some milliseconds.
    pub fn simulated(livy: Url, resource_manager: Url, jobs: impl Into<String>) -> Self {
        Self {
            livy,
            resource_manager,
            jobs: jobs.into(),
            pace: Duration::from_millis(10),
            patience: Duration::from_secs(20),
            at_once: 8,
        }
    }

    /// Real servers on one machine, with room for three small jobs at once.
    pub fn real(livy: Url, resource_manager: Url, jobs: impl Into<String>) -> Self {
        Self {
            livy,
            resource_manager,
            jobs: jobs.into(),
            pace: Duration::from_millis(500),
            patience: Duration::from_secs(180),
            at_once: 3,
        }
    }

    /// The URI of a job.
    pub fn job(&self, file: &str) -> String {
        format!("{}/{file}", self.jobs.trim_end_matches('/'))
    }
}
