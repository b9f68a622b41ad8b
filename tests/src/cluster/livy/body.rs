//! The body of a POST, read as Livy's JSON library reads it: its leniency and its complaints.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::cluster::options::LivyVersion;

const SOURCE: &str = "(org.eclipse.jetty.server.HttpInputOverHTTP)";
const CLASS: &str = "org.apache.livy.server.batch.CreateBatchRequest";
// In the order in which a real one names them.
const PROPERTIES: [&str; 16] = [
    "executorCores",
    "className",
    "conf",
    "driverMemory",
    "name",
    "driverCores",
    "pyFiles",
    "archives",
    "executorMemory",
    "files",
    "jars",
    "proxyUser",
    "numExecutors",
    "file",
    "args",
    "queue",
];

/// A request to create a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Body {
    pub(crate) file: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) proxy_user: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) driver_memory: Option<String>,
    pub(crate) executor_memory: Option<String>,
    pub(crate) args: Vec<String>,
    /// `jars`, `pyFiles`, `files` and `archives`: Livy checks them alike.
    pub(crate) lists: Vec<String>,
    pub(crate) conf: BTreeMap<String, String>,
    /// A list that was sent as `null`, which Livy trips over.
    pub(crate) null_list: Option<&'static str>,
    /// A number that was sent in quotes, which Livy trips over later.
    pub(crate) quoted_number: bool,
}

impl Body {
    /// Reads the body; the error is the text that Livy answers.
    pub(crate) fn read(text: &str, version: LivyVersion) -> Result<Body, String> {
        if text.trim().is_empty() {
            return Err(format!(
                "No content to map due to end-of-input\n at [Source: {SOURCE}; line: 1, column: 0]"
            ));
        }
        let value: Value = serde_json::from_str(text).map_err(|error| syntax_error(&error))?;
        let Value::Object(object) = value else {
            return Err(mismatch(version, CLASS, &value, text, None));
        };
        if let Some(unknown) = object.keys().find(|key| !PROPERTIES.contains(&key.as_str())) {
            return Err(unknown_field(unknown, text));
        }
        Body::fill(&object, text, version)
    }

    fn fill(object: &Map<String, Value>, text: &str, version: LivyVersion) -> Result<Body, String> {
        let mut body = Body::default();
        for (key, value) in object {
            let string = || {
                scalar(value)
                    .map_err(|()| mismatch(version, "java.lang.String", value, text, Some((key, None))))
            };
            match key.as_str() {
                "file" => body.file = string()?,
                "name" => body.name = string()?,
                "proxyUser" => body.proxy_user = string()?,
                "queue" => body.queue = string()?,
                "driverMemory" => body.driver_memory = string()?,
                "executorMemory" => body.executor_memory = string()?,
                "args" => body.args = body.list("args", value, text, version)?,
                "conf" => body.conf = conf(value, text, version)?,
                "driverCores" | "executorCores" | "numExecutors" => body.quoted_number |= value.is_string(),
                list @ ("jars" | "pyFiles" | "files" | "archives") => {
                    let mut items = body.list(list_name(list), value, text, version)?;
                    body.lists.append(&mut items);
                }
                _ => {}
            }
        }
        Ok(body)
    }

    fn list(
        &mut self,
        name: &'static str,
        value: &Value,
        text: &str,
        version: LivyVersion,
    ) -> Result<Vec<String>, String> {
        match value {
            Value::Null => {
                self.null_list = Some(name);
                Ok(Vec::new())
            }
            Value::Array(items) => items
                .iter()
                .map(|item| match scalar(item) {
                    Ok(item) => Ok(item.unwrap_or_default()),
                    Err(()) => Err(mismatch(
                        version,
                        "java.lang.String",
                        item,
                        text,
                        Some((name, None)),
                    )),
                })
                .collect(),
            other => Err(mismatch(
                version,
                "scala.collection.immutable.List",
                other,
                text,
                Some((name, None)),
            )),
        }
    }
}

fn list_name(name: &str) -> &'static str {
    PROPERTIES
        .iter()
        .find(|known| **known == name)
        .expect("called with known names")
}

fn conf(value: &Value, text: &str, version: LivyVersion) -> Result<BTreeMap<String, String>, String> {
    let Value::Object(object) = value else {
        return Ok(BTreeMap::new());
    };
    let entries = object.iter().map(|(key, value)| match scalar(value) {
        Ok(value) => Ok((key.clone(), value.unwrap_or_default())),
        Err(()) => Err(mismatch(
            version,
            "java.lang.String",
            value,
            text,
            Some(("conf", Some(key))),
        )),
    });
    entries.collect()
}

/// A scalar as text; `Err` for a list or an object.
fn scalar(value: &Value) -> Result<Option<String>, ()> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => Err(()),
    }
}

fn syntax_error(error: &serde_json::Error) -> String {
    let complaint = if error.is_eof() {
        "Unexpected end-of-input within/between Object entries"
    } else {
        "Unexpected character: was expecting a valid value"
    };
    format!(
        "{complaint}\n at [Source: {SOURCE}; line: {}, column: {}]",
        error.line(),
        error.column()
    )
}

fn unknown_field(field: &str, text: &str) -> String {
    let known: Vec<String> = PROPERTIES
        .iter()
        .map(|property| format!("\"{property}\""))
        .collect();
    format!(
        "Unrecognized field \"{field}\" (class {CLASS}), not marked as ignorable (16 known properties: {}])\n \
         at [Source: {SOURCE}; line: 1, column: {}] (through reference chain: {CLASS}[\"{field}\"])",
        known.join(", "),
        text.len()
    )
}

/// A list or an object where another type is wanted; the words changed with the JSON library of 0.8.
fn mismatch(
    version: LivyVersion,
    class: &str,
    value: &Value,
    text: &str,
    at: Option<(&str, Option<&str>)>,
) -> String {
    let (token, noun) = match value {
        Value::Array(_) => ("START_ARRAY", "Array"),
        Value::Object(_) => ("START_OBJECT", "Object"),
        _ => ("VALUE_STRING", "String"),
    };
    let complaint = if version < LivyVersion::V0_8 {
        format!("Cannot deserialize instance of `{class}` out of {token} token")
    } else {
        format!("Cannot deserialize value of type `{class}` from {noun} value (token `JsonToken.{token}`)")
    };
    let chain = match at {
        None => String::new(),
        Some((field, None)) => format!(" (through reference chain: {CLASS}[\"{field}\"])"),
        Some((field, Some(key))) => format!(
            " (through reference chain: {CLASS}[\"{field}\"]->com.fasterxml.jackson.module.scala.deser.\
             GenericMapFactoryDeserializerResolver$BuilderWrapper[\"{key}\"])"
        ),
    };
    format!(
        "{complaint}\n at [Source: {SOURCE}; line: 1, column: {}]{chain}",
        text.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_become_strings_and_numbers_in_quotes_are_remembered() {
        let text = r#"{"file": 5, "args": [1, true], "conf": {"a": 2}, "numExecutors": "2"}"#;
        let body = Body::read(text, LivyVersion::V0_7).unwrap();
        assert_eq!((body.file.as_deref(), body.quoted_number), (Some("5"), true));
        assert_eq!(body.args, ["1", "true"]);
        assert_eq!(body.conf["a"], "2");
    }

    #[test]
    fn a_null_list_is_remembered_and_a_null_conf_is_empty() {
        let body = Body::read(r#"{"file": "f", "args": null, "conf": null}"#, LivyVersion::V0_7).unwrap();
        assert_eq!(body.null_list, Some("args"));
        assert!(body.conf.is_empty());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "[]", "\"x\"", "{", "nonsense"] {
            assert!(Body::read(text, LivyVersion::V0_7).is_err(), "{text}");
        }
    }
}
