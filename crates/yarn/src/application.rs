//! What the ResourceManager says about an application.

use serde::{Deserialize, Deserializer};

use crate::application_id::ApplicationId;
use crate::state::{ApplicationState, FinalStatus};

/// One application. What the ResourceManager leaves out (an old version, a viewer without access) is empty.
///
/// The answer's `resourceSecondsMap` holds the same key twice. It must never become a field here: the whole
/// answer would be refused.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// As whom it runs.
    #[serde(default, deserialize_with = "or_default")]
    pub user: String,
    /// Its name, which is the batch's.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The queue it was submitted to.
    #[serde(default, deserialize_with = "or_default")]
    pub queue: String,
    /// Where it is.
    pub state: ApplicationState,
    /// How it ended.
    #[serde(default, deserialize_with = "or_default")]
    pub final_status: FinalStatus,
    /// Its tags; YARN writes them in lower case.
    #[serde(default, rename = "applicationTags", deserialize_with = "tags")]
    pub tags: Vec<String>,
    /// Spark's page while it runs, its history after that.
    #[serde(default, deserialize_with = "link")]
    pub tracking_url: Option<String>,
    /// Why it failed, as far as YARN knows; for a Python program that is little.
    #[serde(default, deserialize_with = "or_default")]
    pub diagnostics: String,
    /// When it was submitted, in milliseconds since 1970.
    #[serde(default, rename = "startedTime", deserialize_with = "or_default")]
    pub started_at_ms: i64,
    /// When its first attempt was launched; 0 before that, and always 0 before Hadoop 3.
    #[serde(default, rename = "launchTime", deserialize_with = "or_default")]
    pub launched_at_ms: i64,
    /// When it ended; 0 before that.
    #[serde(default, rename = "finishedTime", deserialize_with = "or_default")]
    pub finished_at_ms: i64,
    /// The page with the driver's logs, for people.
    #[serde(default, deserialize_with = "link")]
    pub am_container_logs: Option<String>,
}

impl Application {
    /// Whether it waits or runs.
    pub fn is_live(&self) -> bool {
        self.state.is_live()
    }

    /// Whether it is over, in whatever way.
    pub fn has_ended(&self) -> bool {
        !self.is_live()
    }

    /// Whether it is over and says that it did its work.
    pub fn succeeded(&self) -> bool {
        self.state == ApplicationState::Finished && self.final_status == FinalStatus::Succeeded
    }

    /// Whether it has this tag, in any case of letters.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own.eq_ignore_ascii_case(tag))
    }
}

/// `{"apps":{"app":[…]}}`; without a match `{"apps":{}}`, from older versions `{"apps":null}`.
#[derive(Deserialize)]
pub(crate) struct Applications {
    #[serde(default)]
    apps: Option<ApplicationList>,
}

#[derive(Deserialize)]
struct ApplicationList {
    #[serde(default, deserialize_with = "or_default")]
    app: Vec<Application>,
}

impl Applications {
    pub(crate) fn into_vec(self) -> Vec<Application> {
        self.apps.map(|list| list.app).unwrap_or_default()
    }
}

/// `{"app":{…}}`.
#[derive(Deserialize)]
pub(crate) struct OneApplication {
    pub(crate) app: Application,
}

/// `null` is taken for what is missing.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    let text = text.unwrap_or_default();
    Ok(text
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect())
}

/// YARN writes words for a link that is not there yet.
fn link<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !matches!(text.as_str(), "" | "N/A" | "UNASSIGNED")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a ResourceManager 3.3.4 sent it, with the keys that stand twice.
    const RUNNING: &str = r#"{"apps":{"app":[{"id":"application_1795225753640_0009","user":"root",
        "name":"killme",
        "queue":"default","state":"RUNNING","finalStatus":"UNDEFINED","progress":10.0,
        "trackingUI":"ApplicationMaster",
        "trackingUrl":"http://localhost:28088/proxy/application_1795225753640_0009/","diagnostics":"",
        "clusterId":1795225753640,"applicationType":"SPARK","applicationTags":"livy-batch-9-qrdmsdto,t-killme",
        "priority":0,"startedTime":1795225870380,"launchTime":1795225870525,"finishedTime":0,"elapsedTime":5788,
        "amContainerLogs":"http://localhost:28042/node/containerlogs/container_1795225753640_0009_01_000001/root",
        "resourceSecondsMap":{"entry":{"key":"memory-mb","value":"3258"},"entry":{"key":"vcores","value":"3"}},
        "preemptedResourceSecondsMap":{},"timeouts":{"timeout":[{"type":"LIFETIME","expiryTime":"UNLIMITED"}]}}]}}"#;

    fn list(json: &str) -> Vec<Application> {
        serde_json::from_str::<Applications>(json).unwrap().into_vec()
    }

    #[test]
    fn a_running_application_is_read_in_spite_of_its_doubled_keys() {
        let [application] = <[_; 1]>::try_from(list(RUNNING)).unwrap();
        assert_eq!(application.id.to_string(), "application_1795225753640_0009");
        assert_eq!(
            (application.user.as_str(), application.name.as_str()),
            ("root", "killme")
        );
        assert_eq!(application.tags, ["livy-batch-9-qrdmsdto", "t-killme"]);
        assert!(application.has_tag("T-KillMe") && !application.has_tag("killme"));
        assert_eq!(application.started_at_ms, 1795225870380);
        assert_eq!(
            (application.launched_at_ms, application.finished_at_ms),
            (1795225870525, 0)
        );
        assert!(application.is_live() && !application.has_ended() && !application.succeeded());
        assert!(application.am_container_logs.is_some() && application.tracking_url.is_some());
    }

    #[test]
    fn no_match_is_an_empty_list_in_every_form() {
        for json in [
            r#"{"apps":{}}"#,
            r#"{"apps":null}"#,
            r#"{}"#,
            r#"{"apps":{"app":[]}}"#,
            r#"{"apps":{"app":null}}"#,
        ] {
            assert!(list(json).is_empty(), "{json}");
        }
    }

    #[test]
    fn what_is_missing_is_empty() {
        let json = r#"{"app":{"id":"application_1_0001","state":"ACCEPTED",
            "trackingUrl":"UNASSIGNED","diagnostics":null}}"#;
        let application = serde_json::from_str::<OneApplication>(json).unwrap().app;
        assert_eq!(application.final_status, FinalStatus::Undefined);
        assert_eq!(
            (application.tracking_url, application.diagnostics.as_str()),
            (None, "")
        );
        assert!(application.tags.is_empty());
    }

    #[test]
    fn only_a_finished_application_that_says_so_succeeded() {
        let application = list(RUNNING).remove(0);
        let with = |state, final_status| {
            Application {
                state,
                final_status,
                ..application.clone()
            }
            .succeeded()
        };
        assert!(with(ApplicationState::Finished, FinalStatus::Succeeded));
        assert!(!with(ApplicationState::Running, FinalStatus::Succeeded));
        assert!(!with(ApplicationState::Finished, FinalStatus::Failed));
        assert!(!with(ApplicationState::Finished, FinalStatus::Undefined));
        assert!(!with(ApplicationState::Killed, FinalStatus::Succeeded));
    }
}
