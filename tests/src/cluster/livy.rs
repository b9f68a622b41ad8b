//! The Livy simulator: the REST surface of batches.
//!
//! Routes in the journal: `GET /version`, `GET /metrics/ping`, `GET /batches`, `POST /batches`,
//! `GET /batches/{batch}`, `GET /batches/{batch}/state`, `GET /batches/{batch}/log`, `DELETE /batches/{batch}`, and
//! `<method> ?` for everything else.
//!
//! Every behaviour stands on something that a real server was seen to do. The last column names the file and the test
//! in `tests/simulators` that holds it; `ties` replays raw exchanges with real servers. "Read in code" marks what no
//! real server was asked.
//!
//! | behaviour | known by | test |
//! |---|---|---|
//! | `/version`, its keys and their order | real 0.7.1, 0.8.0, 0.9.0: `GET /version` | `ties`: `a_local_master_is_played_as_0_7_1_was_seen` |
//! | POST: 201, `Location: /batches/0`, `starting`, the three headings in `log` | real 0.7.1 on YARN: `POST ok-1: 201` | `ties`: `batches_on_yarn_are_played_as_they_were_seen` |
//! | `executorLogUrls` in `appInfo` | real 0.9.0 on YARN: `POST ok-1: 201` | `ties`: `batches_on_yarn_are_played_as_they_were_seen` |
//! | no `owner`, no `proxyUser` | 0.6: read in code | `livy`: `a_batch_of_0_6_has_no_owner` |
//! | local master: two headings, never an `appId` | real 0.7.1 local: `POST pi.py` | `ties`: `a_local_master_is_played_as_0_7_1_was_seen` |
//! | duplicate name, running or finished; the id is used up | real 0.7.1 and 0.8.0: `Duplicate session name: Some(ok-1) for session 1` | `ties`: `a_local_master_is_played_as_0_7_1_was_seen` |
//! | `Rejected, Reason: ` before it | real 0.8.0 and 0.9.0, absent in 0.7.1 | `ties`: `a_local_master_is_played_as_0_9_0_was_seen` |
//! | 0.6's duplicate text without ` for session 1` | read in code | `livy`: `the_duplicate_text_of_0_6_is_shorter` |
//! | all-digit and empty names | real 0.7.1: `Invalid session name: 12345` | `ties`: `a_local_master_is_played_as_0_7_1_was_seen` |
//! | unknown field, malformed JSON: a bare JSON string | real 0.7.1: `Unrecognized field`, `Unexpected end-of-input` | `ties`: `a_local_master_is_played_as_0_7_1_was_seen` |
//! | zombies of a refused start | real 0.7.1: `relative file`, then `the zombie`: `"log":[]` | `ties`: `a_local_master_is_played_as_0_8_0_was_seen` |
//! | quoted number, one long argument: 500 and a zombie; nulls: 500 and none | real 0.7.1: `quoted int`, `longarg after`, `nullconf after` | `ties`: `a_local_master_is_played_as_0_8_0_was_seen` |
//! | `500 Server Error` | real 0.8.0 and 0.9.0; 0.7.1 `Internal Server Error` | `ties`: `a_local_master_is_played_as_0_8_0_was_seen` |
//! | 404 for an id, a name, `-1`, `/log`, `/state`; 400 for an id beyond 31 bits | real 0.7.1: `Session '99999' not found.` | `ties`: `a_local_master_is_played_as_0_7_1_was_seen` |
//! | 405 with `Allow`, unrouted 404, trailing slash 404, 406 | real 0.7.1: `Allow: DELETE, GET, HEAD` | `ties`: `a_local_master_is_played_as_0_7_1_was_seen` |
//! | an encoded `/` in a name is found | real 0.7.1 and 0.8.0: `GET /batches/a%20b%2Fc%C3%A9` | `ties`: `confs_and_odd_names_are_taken_as_was_seen` |
//! | CSRF protection's three forms | real 0.7.1 (reason phrase, HTML), 0.8.0 (HTML, JSON, empty on DELETE) | `ties`: `csrf_protection_is_played_as_it_was_seen` |
//! | `spark.submit.deployMode` refused | real 0.8.0 `Blacklisted configuration values`, 0.7.1 201 | `ties`: `confs_and_odd_names_are_taken_as_was_seen` |
//! | too many sessions: 400, no id used, no zombie | real 0.7.1: `max-creation 2: s3` | `ties`: `too_many_sessions_are_refused_as_was_seen` |
//! | `/log`: a ring of 200 lines, `from`, `size` | real 0.7.1: `500 lines`: `"total":202` | `livy`: `the_log_is_a_ring_of_two_hundred_lines` |
//! | `dead` before the application: `spark-submit start failed` | real 0.7.1 on YARN: `file missing`, `bad memory` | `livy_ends`: `a_missing_file_is_dead_before_there_is_an_application` |
//! | unknown queue: no `appId`, yet a FAILED application with the tag | real 0.7.1 on YARN: `no such queue` | `livy_ends`: `an_unknown_queue_leaves_a_failed_application` |
//! | 0.6 waits the whole look-up time for it | read in code (LIVY-586) | `livy_ends`: `livy_0_6_waits_for_the_look_up_time` |
//! | RUNNING with SUCCEEDED is `dead` in 0.6 | read in code (LIVY-642) | `livy_ends`: `livy_0_6_calls_a_finishing_job_dead` |
//! | `appId` first, the URLs one look later | real 0.7.1 on YARN: `timeline of ok-1` | `livy`: `the_urls_come_one_look_after_the_application_id` |
//! | DELETE waits for the application, then kills it | real 0.7.1 on YARN: `DELETE 0.3 s after POST` (3953 ms) | `livy_ends`: `a_deletion_waits_for_the_application_and_kills_it` |
//! | a full cluster: `starting` with an `appId` | real 0.7.1 on YARN: `a full cluster` | `livy`: `a_full_queue_keeps_a_batch_starting` |
//! | crash without recovery: all forgotten, ids from 0, applications live on | real 0.7.1: `recovery off: kill -9` | `livy_restarts`: `a_crash_without_recovery_forgets_everything` |
//! | orderly stop without recovery kills | real 0.7.1: `recovery off: orderly TERM` | `livy_restarts`: `an_orderly_stop_without_recovery_kills` |
//! | restarts, exchange by exchange | real 0.7.1: `the running one after a restart`, `right after the restart` | `ties`: `recovery_in_0_7_1_is_played_as_it_was_seen` |
//! | recovery: same ids, `recovering`, empty logs, the order of the store | real 0.7.1: `recovery on: kill -9`, list `3,5,2,0,4,1` | `livy_restarts`: `recovery_brings_batches_back` |
//! | finished ones come back as `recovering`; since 0.8 a dead one is 404 | real 0.7.1 and 0.8.0: `the dead one` | `livy_restarts`: `a_dead_batch_is_dropped_from_the_store_since_0_8` |
//! | client mode: `starting` to the end since 0.8 | read in code (its unit test) | `livy`: `client_mode_shows_no_state_since_0_8` |
//! | a finished batch is collected at a sweep | real 0.7.1 and 0.8.0: `GC: c-1 gone 47.9 s after its end` | `livy_ends`: `a_finished_batch_is_collected_at_a_sweep` |
//! | idle connections closed | real 0.7.1 and 0.8.0: after 30 s | `faults`: `an_idle_connection_is_closed` |
//! | Basic authentication (401, 403), impersonation | read in code | `livy`: `credentials_are_asked_for` |

use std::sync::Arc;

use hyper::Method;

use super::state::Core;
use crate::http::{Answer, Request};
use crate::server::{Answering, Simulator};

mod access;
mod admission;
mod body;
mod creation;
mod deletion;
mod leak;
mod mapping;
mod monitor;
mod process;
mod rejection;
mod session;
mod view;

pub(crate) use process::{LivyState, start, stop};
pub use session::{Batch, BatchState};

/// Livy's server.
#[derive(Debug)]
pub(crate) struct Livy {
    pub(crate) core: Arc<Core>,
}

enum Route<'a> {
    Version,
    Ping,
    List,
    Create,
    Show(&'a str),
    State(&'a str),
    Log(&'a str),
    Delete(&'a str),
    /// The path exists, but not for this method.
    NotAllowed(&'static str),
    Unknown,
}

fn route<'a>(method: &Method, segments: &'a [String]) -> Route<'a> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    // Livy answers HEAD as GET.
    let get = method == Method::GET || method == Method::HEAD;
    match segments[..] {
        ["version"] if get => Route::Version,
        ["metrics", "ping"] if get => Route::Ping,
        ["batches"] if get => Route::List,
        ["batches"] if method == Method::POST => Route::Create,
        ["batches"] => Route::NotAllowed("GET, HEAD, POST"),
        ["batches", ""] => Route::Unknown,
        ["batches", batch] if get => Route::Show(batch),
        ["batches", batch] if method == Method::DELETE => Route::Delete(batch),
        ["batches", _] => Route::NotAllowed("DELETE, GET, HEAD"),
        ["batches", batch, "state"] if get => Route::State(batch),
        ["batches", batch, "log"] if get => Route::Log(batch),
        _ => Route::Unknown,
    }
}

impl Simulator for Livy {
    fn route(&self, request: &Request) -> String {
        let segments = request.segments();
        match route(&request.method, &segments) {
            Route::Version => "GET /version".to_owned(),
            Route::Ping => "GET /metrics/ping".to_owned(),
            Route::List => "GET /batches".to_owned(),
            Route::Create => "POST /batches".to_owned(),
            Route::Show(_) => "GET /batches/{batch}".to_owned(),
            Route::State(_) => "GET /batches/{batch}/state".to_owned(),
            Route::Log(_) => "GET /batches/{batch}/log".to_owned(),
            Route::Delete(_) => "DELETE /batches/{batch}".to_owned(),
            Route::NotAllowed(_) | Route::Unknown => format!("{} ?", request.method),
        }
    }

    fn answer(self: Arc<Self>, request: Request) -> Answering {
        Box::pin(async move {
            let version = self.core.options.version;
            let answer = match access::check(&self.core.options, &request) {
                Ok(user) => self.act(&request, user).await,
                Err(refusal) => refusal,
            };
            rejection::dressed(version, answer)
        })
    }
}

impl Livy {
    async fn act(&self, request: &Request, user: Option<String>) -> Answer {
        let core = &self.core;
        core.livy().sweep(&core.options);
        match route(&request.method, &request.segments()) {
            Route::Version => view::version(core.options.version),
            Route::Ping => Answer::empty(200)
                .with_header("Cache-Control", "must-revalidate,no-cache,no-store")
                .with_header("Content-Type", "text/plain;charset=iso-8859-1")
                .with_body("pong\n"),
            Route::List => view::list(core, request),
            Route::Create => creation::create(core, request, user).await,
            Route::Show(batch) => view::show(core, batch),
            Route::State(batch) => view::state(core, batch),
            Route::Log(batch) => view::log(core, batch, request),
            Route::Delete(batch) => deletion::delete(core, batch).await,
            Route::NotAllowed(allow) => rejection::empty(405).with_header("Allow", allow),
            Route::Unknown => rejection::empty(404),
        }
    }
}
