//! The body that creates a batch.

use std::collections::BTreeMap;

use serde::Serialize;

/// What `POST /batches` is asked for. What is unset or empty is not sent: Livy skips its own settings for a
/// `null`, and refuses keys that it does not know.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BatchRequest {
    /// URI of the jar or Python file; without a scheme an absolute path of the cluster's default file system.
    pub file: String,
    /// The main class of a jar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The application's arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Unique among the batches that Livy knows, also the finished ones. Neither empty nor all digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whom to impersonate; ignored by a Livy without impersonation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_user: Option<String>,
    /// The YARN queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// URIs of jars for driver and executors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jars: Vec<String>,
    /// URIs of Python files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub py_files: Vec<String>,
    /// URIs of files for the working directories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// URIs of archives, each with an optional `#name`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub archives: Vec<String>,
    /// Such as `2g`. Livy does not look at the form: a wrong one fails in spark-submit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_memory: Option<String>,
    /// Such as `2g`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_memory: Option<String>,
    /// Cores of the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_cores: Option<u32>,
    /// Cores of each executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_cores: Option<u32>,
    /// How many executors to start with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_executors: Option<u32>,
    /// Spark's configuration.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub conf: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_unset_is_not_sent() {
        let request = BatchRequest {
            file: "local:/a.py".into(),
            ..BatchRequest::default()
        };
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"file":"local:/a.py"}"#
        );
    }

    #[test]
    fn every_field_has_livys_name() {
        let text = |s: &str| Some(s.to_owned());
        let list = |s: &str| vec![s.to_owned()];
        let request = BatchRequest {
            file: "f".into(),
            class_name: text("c"),
            args: list("a"),
            name: text("n"),
            proxy_user: text("u"),
            queue: text("q"),
            jars: list("j"),
            py_files: list("p"),
            files: list("fs"),
            archives: list("ar"),
            driver_memory: text("1g"),
            executor_memory: text("2g"),
            driver_cores: Some(1),
            executor_cores: Some(2),
            num_executors: Some(0),
            conf: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
        };
        let expected = json!({
            "file": "f", "className": "c", "args": ["a"], "name": "n", "proxyUser": "u", "queue": "q",
            "jars": ["j"], "pyFiles": ["p"], "files": ["fs"], "archives": ["ar"],
            "driverMemory": "1g", "executorMemory": "2g",
            "driverCores": 1, "executorCores": 2, "numExecutors": 0, "conf": {"k": "v"},
        });
        assert_eq!(serde_json::to_value(&request).unwrap(), expected);
    }
}
