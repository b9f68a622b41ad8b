//! The declared job: `Parameters` of a resource's properties or of a task's input.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use livy::BatchRequest;
use serde_json::{Map, Value, json};
use sparkwright_livy as livy;

use crate::fields::{Fields, Mistakes};
use crate::names::{BatchName, Tags};

/// Spark configuration keys that the job model needs for itself.
const TAGS_KEY: &str = "spark.yarn.tags";
const MAX_ATTEMPTS_KEY: &str = "spark.yarn.maxAppAttempts";
const DEPLOY_MODE_KEY: &str = "spark.submit.deployMode";

/// YARN accepts ten tags; Livy adds one and the job model at most six.
const MAX_OWN_TAGS: usize = 3;

/// Linux refuses a longer single argument, and spark-submit gets each entry as one.
const MAX_ARGUMENT_BYTES: usize = 120 * 1024;

/// A job as its user declared it, complete and plausible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    batch: BatchRequest,
    name: Option<String>,
    max_attempts: Option<u64>,
}

impl Parameters {
    /// Every field's name, in the order of the documentation.
    pub const NAMES: [&'static str; 17] = [
        "File",
        "ClassName",
        "Args",
        "Name",
        "ProxyUser",
        "Queue",
        "Jars",
        "PyFiles",
        "Files",
        "Archives",
        "DriverMemory",
        "ExecutorMemory",
        "DriverCores",
        "ExecutorCores",
        "NumExecutors",
        "Configuration",
        "MaxAttempts",
    ];

    /// Reads a job, or says everything that is wrong with it.
    pub fn parse(object: &Map<String, Value>) -> Result<Self, Mistakes> {
        let mut fields = Fields::new(object, "parameter");
        let file = file(&mut fields);
        let batch = BatchRequest {
            file: file.unwrap_or_default(),
            class_name: fields.text("ClassName"),
            args: arguments(&mut fields),
            name: None,
            proxy_user: fields.text("ProxyUser"),
            queue: fields.text("Queue"),
            jars: uris(&mut fields, "Jars"),
            py_files: uris(&mut fields, "PyFiles"),
            files: uris(&mut fields, "Files"),
            archives: uris(&mut fields, "Archives"),
            driver_memory: memory(&mut fields, "DriverMemory"),
            executor_memory: memory(&mut fields, "ExecutorMemory"),
            driver_cores: count(&mut fields, "DriverCores", 1..=MAX_COUNT),
            executor_cores: count(&mut fields, "ExecutorCores", 1..=MAX_COUNT),
            num_executors: count(&mut fields, "NumExecutors", 0..=MAX_COUNT),
            conf: configuration(&mut fields),
        };
        let name = fields.text("Name");
        let max_attempts = fields.whole_number("MaxAttempts", 1..=MAX_COUNT);
        if max_attempts.is_some() && batch.conf.contains_key(MAX_ATTEMPTS_KEY) {
            fields.mistake(format!(
                "`MaxAttempts` and `Configuration.{MAX_ATTEMPTS_KEY}` say the same: keep one"
            ));
        }
        fields.finish().or_value(|| Self {
            batch,
            name,
            max_attempts,
        })
    }

    /// The name that people gave the job.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The job's file.
    pub fn file(&self) -> &str {
        &self.batch.file
    }

    /// The application's arguments.
    pub fn args(&self) -> &[String] {
        &self.batch.args
    }

    /// The user's own Spark configuration.
    pub fn configuration(&self) -> &BTreeMap<String, String> {
        &self.batch.conf
    }

    /// What Livy is asked to run: the job under its unique name, with the tags by which YARN can be asked for it.
    pub fn to_batch_request(&self, name: &BatchName, tags: &Tags) -> BatchRequest {
        let mut request = self.batch.clone();
        request.name = Some(name.to_string());
        let own = request
            .conf
            .get(TAGS_KEY)
            .map_or_else(String::new, |own| format!(",{own}"));
        request.conf.insert(TAGS_KEY.into(), format!("{tags}{own}"));
        if let Some(attempts) = self.max_attempts {
            request.conf.insert(MAX_ATTEMPTS_KEY.into(), attempts.to_string());
        }
        request
    }

    /// The job as it enters its spec: the fields that are set, each scalar as its text.
    pub fn to_canonical(&self) -> Value {
        let batch = &self.batch;
        let mut object = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(name.into(), value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::String);
        let number = |number: Option<u32>| number.map(|number| Value::String(number.to_string()));
        let list = |list: &Vec<String>| (!list.is_empty()).then(|| json!(list));
        put("File", Some(json!(batch.file)));
        put("ClassName", text(&batch.class_name));
        put("Args", list(&batch.args));
        put("Name", text(&self.name));
        put("ProxyUser", text(&batch.proxy_user));
        put("Queue", text(&batch.queue));
        put("Jars", list(&batch.jars));
        put("PyFiles", list(&batch.py_files));
        put("Files", list(&batch.files));
        put("Archives", list(&batch.archives));
        put("DriverMemory", text(&batch.driver_memory));
        put("ExecutorMemory", text(&batch.executor_memory));
        put("DriverCores", number(batch.driver_cores));
        put("ExecutorCores", number(batch.executor_cores));
        put("NumExecutors", number(batch.num_executors));
        put(
            "Configuration",
            (!batch.conf.is_empty()).then(|| json!(batch.conf)),
        );
        put(
            "MaxAttempts",
            self.max_attempts.map(|attempts| json!(attempts.to_string())),
        );
        Value::Object(object)
    }
}

/// Livy reads a signed 32-bit number.
const MAX_COUNT: u64 = i32::MAX as u64;

fn file(fields: &mut Fields<'_>) -> Option<String> {
    if !fields.has("File") {
        fields.mistake(
            "`File` is missing: the URI of the jar or Python file to run, such as `s3://bucket/job.py`",
        );
        return None;
    }
    let file = fields.text("File")?;
    check_uri(fields, "File", &file);
    Some(file)
}

fn uris(fields: &mut Fields<'_>, name: &'static str) -> Vec<String> {
    let uris = fields.texts(name).unwrap_or_default();
    uris.iter().for_each(|uri| check_uri(fields, name, uri));
    uris
}

/// Livy parses each as `java.net.URI` and keeps a zombie batch of what it refuses: better said here.
fn check_uri(fields: &mut Fields<'_>, name: &str, uri: &str) {
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme);
    let has_scheme = scheme.is_some_and(|scheme| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    if !has_scheme && !uri.starts_with('/') {
        fields.mistake(format!(
            "`{name}` must be a URI with a scheme (`s3://…`, `hdfs://…`, `local:…`, `file:…`) or an absolute path, \
             not `{uri}`"
        ));
    } else if uri.contains(|c: char| c.is_whitespace() || c.is_control() || "{}|\\^`<>\"".contains(c)) {
        fields.mistake(format!(
            "`{name}` holds a character that a URI may not have: `{uri}`"
        ));
    }
}

fn memory(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    let text = fields.text(name)?;
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches('b').trim_end_matches(['k', 'm', 'g', 't']);
    let unit = &lower[digits.len()..];
    let well_formed = !digits.is_empty()
        && digits.len() <= 9
        && digits.bytes().all(|b| b.is_ascii_digit())
        && digits.bytes().any(|b| b != b'0')
        && matches!(unit, "k" | "m" | "g" | "t" | "kb" | "mb" | "gb" | "tb");
    if !well_formed {
        fields.mistake(format!(
            "`{name}` must be a size such as `512m` or `4g`, not `{text}`"
        ));
        return None;
    }
    Some(text)
}

fn count(fields: &mut Fields<'_>, name: &'static str, range: RangeInclusive<u64>) -> Option<u32> {
    fields
        .whole_number(name, range)
        .and_then(|number| u32::try_from(number).ok())
}

fn arguments(fields: &mut Fields<'_>) -> Vec<String> {
    let args = fields.texts("Args").unwrap_or_default();
    if args.iter().any(|arg| arg.len() > MAX_ARGUMENT_BYTES) {
        fields.mistake("`Args` holds an argument longer than 120 KiB, which spark-submit cannot be given");
    }
    args
}

fn configuration(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let conf = fields.text_map("Configuration").unwrap_or_default();
    if conf
        .get(DEPLOY_MODE_KEY)
        .is_some_and(|mode| mode.trim().eq_ignore_ascii_case("client"))
    {
        fields.mistake(format!(
            "`Configuration.{DEPLOY_MODE_KEY}` must not be `client`: YARN would call a failed driver SUCCEEDED"
        ));
    }
    if let Some(tags) = conf.get(TAGS_KEY) {
        check_own_tags(fields, tags);
    }
    if conf
        .iter()
        .any(|(key, value)| key.len() + value.len() > MAX_ARGUMENT_BYTES)
    {
        fields.mistake(
            "`Configuration` holds an entry longer than 120 KiB, which spark-submit cannot be given",
        );
    }
    conf
}

fn check_own_tags(fields: &mut Fields<'_>, tags: &str) {
    let own: Vec<_> = tags.split(',').map(str::trim).collect();
    if own.len() > MAX_OWN_TAGS {
        fields.mistake(format!(
            "`Configuration.{TAGS_KEY}` may hold at most {MAX_OWN_TAGS} tags of your own"
        ));
    }
    if own
        .iter()
        .any(|tag| tag.to_ascii_lowercase().starts_with("sparkwright"))
    {
        fields.mistake(format!(
            "`Configuration.{TAGS_KEY}` may not hold a tag that starts with `sparkwright`"
        ));
    }
    if own
        .iter()
        .any(|tag| tag.is_empty() || tag.len() > 100 || !tag.is_ascii())
    {
        fields.mistake(format!(
            "`Configuration.{TAGS_KEY}` must hold tags of 1 to 100 ASCII characters"
        ));
    }
}

#[cfg(test)]
mod tests;
