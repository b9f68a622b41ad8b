//! What Livy says about batches, and how a batch is addressed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::state::BatchState;

/// The number that Livy gave a batch. Numbers start again at 0 when a Livy without recovery restarts, so that
/// an old one may name somebody else's batch: keep the name, not the number.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(transparent)]
pub struct BatchId(pub i64);

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One batch. Everything but the number and the state may be missing: it depends on Livy's version and on the
/// batch's age.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Livy's number for it.
    pub id: BatchId,
    /// The name that it was created with.
    #[serde(default)]
    pub name: Option<String>,
    /// What Livy believes.
    pub state: BatchState,
    /// The YARN application: known some seconds after the creation, never where Livy runs without YARN.
    #[serde(default, deserialize_with = "filled")]
    pub app_id: Option<String>,
    /// Links.
    #[serde(default, deserialize_with = "or_default")]
    pub app_info: AppInfo,
    /// The last ten lines of spark-submit's output, with Livy's headings.
    #[serde(default, deserialize_with = "or_default")]
    pub log: Vec<String>,
    /// Who created it, on a Livy with authentication.
    #[serde(default)]
    pub owner: Option<String>,
    /// As whom it runs, on a Livy with impersonation.
    #[serde(default)]
    pub proxy_user: Option<String>,
}

impl Batch {
    /// Whether it looks like the shell that a refused creation leaves: it holds the name, never starts and is
    /// never collected. A batch being born looks the same for a moment, and so does any young one to a viewer
    /// without access.
    pub fn is_zombie_shaped(&self) -> bool {
        self.state == BatchState::Starting && self.app_id.is_none() && self.log.is_empty()
    }
}

/// Links of a batch.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct AppInfo {
    /// The driver's container logs.
    #[serde(default)]
    pub driver_log_url: Option<String>,
    /// Spark's page, through YARN's proxy.
    #[serde(default)]
    pub spark_ui_url: Option<String>,
}

/// A part of the list of batches.
#[derive(Deserialize, Clone, Debug, PartialEq)]
pub struct BatchPage {
    /// The position of the first one.
    #[serde(default)]
    pub from: u64,
    /// How many batches Livy knows, not how many are here.
    #[serde(default)]
    pub total: u64,
    /// The batches, oldest first unless Livy recovered them.
    #[serde(default, deserialize_with = "or_default")]
    pub sessions: Vec<Batch>,
}

/// What `GET /version` says.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Such as `0.7.1-incubating`. Vendors patch their builds: it does not pin the behaviour.
    pub version: String,
    /// The commit.
    #[serde(default)]
    pub revision: Option<String>,
    /// The branch.
    #[serde(default)]
    pub branch: Option<String>,
    /// When it was built.
    #[serde(default)]
    pub date: Option<String>,
}

/// How to address a batch: by its name (Livy 0.6 and later), or by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchKey {
    /// The name, as it was given; it is percent-encoded for the path.
    Name(String),
    /// The number.
    Id(BatchId),
}

impl From<&str> for BatchKey {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<&String> for BatchKey {
    fn from(name: &String) -> Self {
        Self::Name(name.clone())
    }
}

impl From<String> for BatchKey {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<BatchId> for BatchKey {
    fn from(id: BatchId) -> Self {
        Self::Id(id)
    }
}

impl BatchKey {
    /// The path segment, unless no path can mean this batch: Livy takes digits for a number, an empty segment
    /// for the list, and dots would change the path.
    pub(crate) fn segment(&self) -> Option<String> {
        match self {
            Self::Id(id) => Some(id.to_string()),
            Self::Name(name) => {
                let is_number = name.bytes().all(|b| b.is_ascii_digit());
                let is_dots = name == "." || name == "..";
                (!is_number && !is_dots).then(|| name.clone())
            }
        }
    }
}

impl fmt::Display for BatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// Which lines of a batch's log. Livy keeps the last 200 of spark-submit's output in a ring, so that
/// positions mean nothing after it has wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLines {
    /// All that Livy still has.
    All,
    /// The last so many.
    Last(u32),
}

/// `null` is taken for what is missing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// `null` and the empty text are taken for what is missing.
fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Batch {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_new_batch_of_0_7_on_yarn_is_read() {
        let batch = parse(
            r#"{"id":0,"name":"ok-1","owner":null,"proxyUser":null,"state":"starting","appId":null,
                "appInfo":{"driverLogUrl":null,"sparkUiUrl":null},
                "log":["stdout: ","\nstderr: ","\nYARN Diagnostics: "]}"#,
        );
        assert_eq!((batch.id, batch.name.as_deref()), (BatchId(0), Some("ok-1")));
        assert_eq!((&batch.state, &batch.app_id), (&BatchState::Starting, &None));
        assert_eq!(batch.app_info, AppInfo::default());
        assert_eq!(batch.log.len(), 3);
        assert!(!batch.is_zombie_shaped());
    }

    #[test]
    fn a_finished_batch_of_0_9_with_a_key_more_is_read() {
        let batch = parse(
            r#"{"id":2,"name":"jar-fail","state":"dead","appId":"application_1795227698446_0003",
                "appInfo":{"driverLogUrl":"http://n/","sparkUiUrl":"http://r/","executorLogUrls":null},
                "log":[],"novelty":{"a":[1]}}"#,
        );
        assert_eq!(batch.app_id.as_deref(), Some("application_1795227698446_0003"));
        assert_eq!(batch.app_info.driver_log_url.as_deref(), Some("http://n/"));
        assert_eq!(batch.app_info.spark_ui_url.as_deref(), Some("http://r/"));
        assert!(!batch.is_zombie_shaped());
    }

    #[test]
    fn only_id_and_state_are_needed() {
        let batch = parse(r#"{"id":7,"state":"running","appInfo":null,"log":null,"appId":""}"#);
        assert_eq!((batch.name, batch.app_id, batch.log.len()), (None, None, 0));
        assert!(serde_json::from_str::<Batch>(r#"{"id":7}"#).is_err());
        assert!(serde_json::from_str::<Batch>(r#"{"state":"running"}"#).is_err());
    }

    #[test]
    fn what_a_refused_creation_left_is_zombie_shaped() {
        let zombie = parse(
            r#"{"id":9,"name":"rel","owner":null,"proxyUser":null,"state":"starting","appId":null,
                "appInfo":{"driverLogUrl":null,"sparkUiUrl":null},"log":[]}"#,
        );
        assert!(zombie.is_zombie_shaped());
        assert!(
            !Batch {
                state: BatchState::Recovering,
                ..zombie.clone()
            }
            .is_zombie_shaped()
        );
        assert!(
            !Batch {
                app_id: Some("application_1_1".into()),
                ..zombie
            }
            .is_zombie_shaped()
        );
    }

    #[test]
    fn names_that_a_path_cannot_carry_are_not_addressed() {
        for name in ["", "12345", ".", ".."] {
            assert_eq!(BatchKey::from(name).segment(), None, "{name}");
        }
        for name in ["a", "12a", "a b/cé", "...", "-1", "٣"] {
            assert_eq!(BatchKey::from(name).segment().as_deref(), Some(name));
        }
        assert_eq!(BatchKey::from(BatchId(12)).segment().as_deref(), Some("12"));
    }
}
