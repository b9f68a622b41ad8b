//! The attempts of an application: each has a driver's container on a node.

use serde::Deserialize;

use crate::application::or_default;

/// One attempt to run an application. Before its driver has a container, the container and the node are
/// empty.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Which attempt it is, from 1.
    #[serde(rename = "id")]
    pub number: u32,
    /// The driver's container.
    #[serde(default, deserialize_with = "or_default")]
    pub container_id: String,
    /// Host and port of its NodeManager's pages.
    #[serde(default, deserialize_with = "or_default")]
    pub node_http_address: String,
    /// Host and port of the NodeManager itself.
    #[serde(default, deserialize_with = "or_default")]
    pub node_id: String,
    /// The page with the container's logs, for people.
    #[serde(default, deserialize_with = "or_default")]
    pub logs_link: String,
    /// When it began, in milliseconds since 1970.
    #[serde(default, rename = "startTime", deserialize_with = "or_default")]
    pub started_at_ms: i64,
}

/// `{"appAttempts":{"appAttempt":[…]}}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempts {
    #[serde(default)]
    app_attempts: Option<AttemptList>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttemptList {
    #[serde(default, deserialize_with = "or_default")]
    app_attempt: Vec<Attempt>,
}

impl Attempts {
    /// The oldest first, whatever the order in the answer.
    pub(crate) fn into_vec(self) -> Vec<Attempt> {
        let mut attempts = self.app_attempts.map(|list| list.app_attempt).unwrap_or_default();
        attempts.sort_by_key(|attempt| attempt.number);
        attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(json: &str) -> Vec<Attempt> {
        serde_json::from_str::<Attempts>(json).unwrap().into_vec()
    }

    #[test]
    fn attempts_come_in_their_order() {
        let attempts = list(
            r#"{"appAttempts":{"appAttempt":[
                {"id":2,"startTime":5,"containerId":"container_1_0001_02_000001","nodeHttpAddress":"n2:8042",
                 "nodeId":"n2:8041","logsLink":"http://n2:8042/node/containerlogs/container_1_0001_02_000001/root",
                 "blacklistedNodes":"","appAttemptId":"appattempt_1_0001_000002"},
                {"id":1,"containerId":"container_1_0001_01_000001","nodeHttpAddress":"n1:8042"}]}}"#,
        );
        let numbers: Vec<_> = attempts.iter().map(|attempt| attempt.number).collect();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(attempts[1].container_id, "container_1_0001_02_000001");
        assert_eq!(
            (attempts[1].node_http_address.as_str(), attempts[1].started_at_ms),
            ("n2:8042", 5)
        );
    }

    #[test]
    fn an_attempt_that_waits_for_its_container_has_none() {
        let attempts = list(r#"{"appAttempts":{"appAttempt":[{"id":1,"startTime":0,"containerId":null}]}}"#);
        assert_eq!(
            (
                attempts[0].container_id.as_str(),
                attempts[0].node_http_address.as_str()
            ),
            ("", "")
        );
    }

    #[test]
    fn no_attempt_is_an_empty_list_in_every_form() {
        for json in [r#"{"appAttempts":{}}"#, r#"{"appAttempts":null}"#, "{}"] {
            assert!(list(json).is_empty(), "{json}");
        }
    }
}
