//! A YARN application as the ResourceManager knows it.

use std::fmt;
use std::str::FromStr;

use tokio::sync::watch;

/// `application_<start of the ResourceManager>_<number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationId {
    /// When the ResourceManager started, in milliseconds.
    pub cluster: i64,
    /// 1 for the first application since then.
    pub number: u32,
}

impl ApplicationId {
    /// The id of an attempt: `appattempt_…_000001`.
    pub(crate) fn attempt(self, attempt: u32) -> String {
        format!("appattempt_{}_{:04}_{attempt:06}", self.cluster, self.number)
    }

    /// The id of an attempt's driver container: `container_…_01_000001`.
    pub(crate) fn container(self, attempt: u32) -> String {
        format!(
            "container_{}_{:04}_{attempt:02}_000001",
            self.cluster, self.number
        )
    }
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "application_{}_{:04}", self.cluster, self.number)
    }
}

impl FromStr for ApplicationId {
    type Err = String;

    // The words are YARN's.
    fn from_str(text: &str) -> Result<ApplicationId, String> {
        let Some(rest) = text.strip_prefix("application_") else {
            return Err(format!(
                "Invalid ApplicationId prefix: {text}. The valid ApplicationId should start with prefix application"
            ));
        };
        let parsed = rest.split_once('_').and_then(|(cluster, number)| {
            Some(ApplicationId {
                cluster: cluster.parse().ok()?,
                number: number.parse().ok()?,
            })
        });
        parsed.ok_or_else(|| format!("Invalid ApplicationId: {text}"))
    }
}

/// The state in YARN's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationState {
    /// Waiting for a place in its queue.
    Accepted,
    /// Its driver runs.
    Running,
    /// It ended and said how.
    Finished,
    /// Its driver ended without saying how, or it never could be started.
    Failed,
    /// Somebody killed it.
    Killed,
}

impl ApplicationState {
    /// YARN's word.
    pub fn word(self) -> &'static str {
        match self {
            ApplicationState::Accepted => "ACCEPTED",
            ApplicationState::Running => "RUNNING",
            ApplicationState::Finished => "FINISHED",
            ApplicationState::Failed => "FAILED",
            ApplicationState::Killed => "KILLED",
        }
    }

    /// Whether it has not ended.
    pub fn is_live(self) -> bool {
        matches!(self, ApplicationState::Accepted | ApplicationState::Running)
    }
}

/// The final status in YARN's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalStatus {
    /// Not ended.
    Undefined,
    /// Well.
    Succeeded,
    /// Badly.
    Failed,
    /// By a kill.
    Killed,
}

impl FinalStatus {
    /// YARN's word.
    pub fn word(self) -> &'static str {
        match self {
            FinalStatus::Undefined => "UNDEFINED",
            FinalStatus::Succeeded => "SUCCEEDED",
            FinalStatus::Failed => "FAILED",
            FinalStatus::Killed => "KILLED",
        }
    }
}

/// One start of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// The driver's container.
    pub container: String,
    /// When it started, in milliseconds.
    pub started_at: i64,
    /// When it ended; 0 while it runs.
    pub finished_at: i64,
    /// The driver's standard output.
    pub stdout: String,
    /// The driver's standard error.
    pub stderr: String,
    /// Whether the node has forgotten its logs.
    pub logs_gone: bool,
}

/// A snapshot of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Who runs it.
    pub user: String,
    /// The name that the batch gave it.
    pub name: String,
    /// Its queue.
    pub queue: String,
    /// Its tags, in lower case.
    pub tags: Vec<String>,
    /// Whether a search by tag finds it by now.
    pub tag_shows: bool,
    /// Its state.
    pub state: ApplicationState,
    /// Its final status.
    pub final_status: FinalStatus,
    /// YARN's diagnostics.
    pub diagnostics: String,
    /// When it appeared, in milliseconds.
    pub started_at: i64,
    /// When its driver was first launched; 0 before.
    pub launched_at: i64,
    /// When it ended; 0 before.
    pub finished_at: i64,
    /// Every start of its driver.
    pub attempts: Vec<Attempt>,
}

impl Application {
    /// Whether it has not ended.
    pub fn is_live(&self) -> bool {
        self.state.is_live()
    }
}

/// What somebody wants of a live application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Killed; the diagnostics name who did it.
    Kill { by: String },
    /// Its job ends thus.
    End(super::job::Fate),
}

/// An application with the means to steer it and to be told of changes.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) application: Application,
    /// Raised at every change.
    pub(crate) changes: watch::Sender<u64>,
    /// The first order counts.
    pub(crate) order: watch::Sender<Option<Order>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_printed_with_four_digits_at_least_and_read_back() {
        for (number, text) in [(3, "application_17_0003"), (10_000, "application_17_10000")] {
            let id = ApplicationId { cluster: 17, number };
            assert_eq!(id.to_string(), text);
            assert_eq!(text.parse(), Ok(id));
        }
        assert_eq!(
            ApplicationId {
                cluster: 17,
                number: 3
            }
            .container(1),
            "container_17_0003_01_000001"
        );
    }

    #[test]
    fn nonsense_is_refused_in_the_words_of_yarn() {
        let refused = "nonsense".parse::<ApplicationId>().unwrap_err();
        assert!(
            refused.starts_with("Invalid ApplicationId prefix: nonsense."),
            "{refused}"
        );
        assert!("application_x_1".parse::<ApplicationId>().is_err());
    }
}
