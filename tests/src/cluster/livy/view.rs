//! What Livy shows: its version, batches, lists, states, logs.

use serde::Serialize;
use serde_json::json;

use super::process::Process;
use super::rejection;
use super::session::Session;
use crate::cluster::options::{LivyVersion, Master, Options};
use crate::cluster::state::Core;
use crate::http::{Answer, Request};

/// How many of its last log lines a batch shows.
const SHOWN_LINES: usize = 10;
const DEFAULT_PAGE: i64 = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchJson {
    id: i64,
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_user: Option<Option<String>>,
    state: &'static str,
    app_id: Option<String>,
    app_info: AppInfoJson,
    log: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AppInfoJson {
    driver_log_url: Option<String>,
    spark_ui_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executor_log_urls: Option<Option<String>>,
}

#[derive(Serialize)]
struct Page {
    from: i64,
    total: usize,
    sessions: Vec<BatchJson>,
}

#[derive(Serialize)]
struct LogPage {
    id: i64,
    from: i64,
    total: i64,
    log: Vec<String>,
}

/// A batch as the version shows it.
pub(crate) fn batch(session: &Session, options: &Options) -> BatchJson {
    let has_owner = options.version > LivyVersion::V0_6;
    let mut log = session.log(options.master != Master::Local);
    let log = log.split_off(log.len().saturating_sub(SHOWN_LINES));
    BatchJson {
        id: session.id,
        name: session.name.clone(),
        owner: has_owner.then(|| session.owner.clone()),
        proxy_user: has_owner.then(|| session.proxy_user.clone()),
        state: session.state.word(),
        app_id: session.application.map(|id| id.to_string()),
        app_info: AppInfoJson {
            driver_log_url: session.driver_log_url.clone(),
            spark_ui_url: session.spark_ui_url.clone(),
            executor_log_urls: (options.version == LivyVersion::V0_9).then_some(None),
        },
        log,
    }
}

pub(crate) fn version(version: LivyVersion) -> Answer {
    let (url, branch, revision, number, date, user) = match version {
        LivyVersion::V0_6 => (
            "https://github.com/apache/incubator-livy.git",
            "branch-0.6",
            "28be98cabc34b55784c7c8ad6ee1469d83d1ae3b",
            "0.6.0-incubating",
            "2019-03-24T16:45:14Z",
            "root",
        ),
        LivyVersion::V0_7 => (
            "https://github.com/apache/incubator-livy.git",
            "branch-0.7",
            "972b600d72629884140aec315ea925858eb67884",
            "0.7.1-incubating",
            "2021-02-04T05:14:46Z",
            "root",
        ),
        LivyVersion::V0_8 => (
            "https://github.com/apache/incubator-livy",
            "HEAD",
            "78b512658e4baf1183f2b352203ada1928d8111a",
            "0.8.0-incubating",
            "2026-11-21T01:45:05Z",
            "",
        ),
        LivyVersion::V0_9 => (
            "https://github.com/apache/incubator-livy",
            "HEAD",
            "7215f209b25b96488189567807eaded00953a492",
            "0.9.0-incubating",
            "2026-11-21T02:14:00Z",
            "",
        ),
    };
    Answer::json_text(
        200,
        format!(
            "{{\"url\":\"{url}\",\"branch\":\"{branch}\",\"revision\":\"{revision}\",\"version\":\"{number}\",\
             \"date\":\"{date}\",\"user\":\"{user}\"}}"
        ),
    )
}

pub(crate) fn list(core: &Core, request: &Request) -> Answer {
    let (from, size) = match (number(request, "from"), number(request, "size")) {
        (Ok(from), Ok(size)) => (from.unwrap_or(0), size.unwrap_or(DEFAULT_PAGE)),
        (Err(refusal), _) | (_, Err(refusal)) => return refusal,
    };
    let livy = core.livy();
    let Some(process) = &livy.process else {
        return rejection::empty(503);
    };
    let shown = process.all().skip(count(from)).take(count(size));
    let sessions: Vec<BatchJson> = shown.map(|session| batch(session, &core.options)).collect();
    Answer::json(
        200,
        &Page {
            from,
            total: process.all().len(),
            sessions,
        },
    )
}

pub(crate) fn show(core: &Core, key: &str) -> Answer {
    with(core, key, |session| {
        Answer::json(200, &batch(session, &core.options))
    })
}

pub(crate) fn state(core: &Core, key: &str) -> Answer {
    with(core, key, |session| {
        Answer::json(200, &json!({ "id": session.id, "state": session.state.word() }))
    })
}

/// The last `size` lines unless `from` says where to begin; a negative size is all.
pub(crate) fn log(core: &Core, key: &str, request: &Request) -> Answer {
    let (from, size) = match (number(request, "from"), number(request, "size")) {
        (Ok(from), Ok(size)) => (from.unwrap_or(-1), size.unwrap_or(DEFAULT_PAGE)),
        (Err(refusal), _) | (_, Err(refusal)) => return refusal,
    };
    with(core, key, |session| {
        let lines = session.log(core.options.master != Master::Local);
        let total = i64::try_from(lines.len()).expect("a ring is short");
        let size = if size < 0 { total } else { size };
        let from = if from < 0 { (total - size).max(0) } else { from };
        let log = lines.into_iter().skip(count(from)).take(count(size)).collect();
        Answer::json(
            200,
            &LogPage {
                id: session.id,
                from,
                total,
                log,
            },
        )
    })
}

/// A session by its id, when the key is all digits, or by its name.
pub(crate) fn find<'a>(process: &'a Process, key: &str) -> Result<&'a Session, Answer> {
    let found = if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) {
        let id: i32 = key
            .parse()
            .map_err(|_| rejection::message(400, &format!("For input string: \"{key}\"")))?;
        process.get(i64::from(id))
    } else {
        process.named(key)
    };
    found.ok_or_else(|| rejection::not_found(key))
}

fn with(core: &Core, key: &str, show: impl FnOnce(&Session) -> Answer) -> Answer {
    let livy = core.livy();
    let Some(process) = &livy.process else {
        return rejection::empty(503);
    };
    match find(process, key) {
        Ok(session) => show(session),
        Err(refusal) => refusal,
    }
}

fn number(request: &Request, name: &str) -> Result<Option<i64>, Answer> {
    let Some(text) = request.parameter(name) else {
        return Ok(None);
    };
    let parsed = text.parse().map(Some);
    parsed.map_err(|_| rejection::message(400, &format!("For input string: \"{text}\"")))
}

fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}
