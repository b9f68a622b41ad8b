//! Faults between a program and a simulator: requests refused, lost, delayed, held, answered by somebody else.
//!
//! Every simulator's server has one [`Faults`]. A fault is injected for the requests that an [`On`] matches, and
//! says whether the simulator acted before it struck: a lost *request* never reached the service, a lost *answer*
//! did. Refused connections are no fault of a request: see [`Server::down`](crate::server::Server::down), and
//! [`Server::silence`](crate::server::Server::silence) for a service that takes everything and says nothing.
//!
//! ```
//! # use sparkwright_tests::cluster::Cluster;
//! # use sparkwright_tests::faults::{Fault, On};
//! # use sparkwright_tests::http::Answer;
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let cluster = Cluster::start().await;
//! // The first POST is acted on, but its answer never arrives; the second GET meets a proxy's error page.
//! let lost = cluster.livy().faults().inject(On::post("/batches").first(1), Fault::lost_answer());
//! cluster.livy().faults().inject(On::get("/batches/*").nth(2), Fault::Answer(Answer::html(502, "<h1>no</h1>")));
//! assert_eq!(lost.hits(), 0);
//! # });
//! ```

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::http::{Answer, Request};
use crate::sync::lock;

mod gate;
mod on;

pub use gate::Gate;
pub use on::On;

/// Whether a fault strikes before or after the simulator acted on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The service never saw the request.
    Before,
    /// The service acted; only its answer is touched.
    After,
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answered thus; the simulator does not act.
    Answer(Answer),
    /// The simulator acts, but the answer is this one: a proxy that gave up waiting.
    Replace(Answer),
    /// The connection is closed without an answer.
    Cut(Moment),
    /// The connection is reset (RST) without an answer.
    Reset(Moment),
    /// The simulator acts; half of the body arrives, then the connection is closed.
    Truncate,
    /// The request or its answer is late by so much.
    Delay(Moment, Duration),
    /// No answer, ever; the connection stays open.
    Hang(Moment),
    /// Held until the test opens the gate, then as usual.
    Hold(Moment, Gate),
}

impl Fault {
    /// The request is lost on its way: nothing happened, no answer.
    pub fn lost_request() -> Fault {
        Fault::Cut(Moment::Before)
    }

    /// The answer is lost on its way: it happened, and the caller does not know.
    pub fn lost_answer() -> Fault {
        Fault::Cut(Moment::After)
    }

    /// The connection is reset before anything happened.
    pub fn reset() -> Fault {
        Fault::Reset(Moment::Before)
    }

    /// Answered with this status and an empty body.
    pub fn status(status: u16) -> Fault {
        Fault::Answer(Answer::empty(status))
    }

    /// The answer is late by so much; the action is not.
    pub fn slow(delay: Duration) -> Fault {
        Fault::Delay(Moment::After, delay)
    }

    /// No answer and no action.
    pub fn hang() -> Fault {
        Fault::Hang(Moment::Before)
    }
}

/// The faults injected into one server.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
}

#[derive(Debug)]
struct Rule {
    on: On,
    fault: Fault,
    seen: usize,
    hits: watch::Sender<usize>,
}

impl Faults {
    /// Lets `fault` happen to the requests that `on` matches. Of several that match, the one injected first strikes.
    pub fn inject(&self, on: On, fault: Fault) -> Injected {
        let (hits, watched) = watch::channel(0);
        lock(&self.rules).push(Rule {
            on,
            fault,
            seen: 0,
            hits: hits.clone(),
        });
        Injected {
            faults: self.clone(),
            hits,
            watched,
        }
    }

    /// Holds the requests that `on` matches at a gate, which the test opens.
    pub fn hold(&self, on: On, moment: Moment) -> Gate {
        let gate = Gate::closed();
        self.inject(on, Fault::Hold(moment, gate.clone()));
        gate
    }

    /// Takes all faults back. What hangs or is held stays so.
    pub fn clear(&self) {
        lock(&self.rules).clear();
    }

    /// The fault for this request, if any. Every rule that matches counts the request, also when another strikes.
    pub(crate) fn strike(&self, request: &Request) -> Option<Fault> {
        let mut struck = None;
        for rule in lock(&self.rules).iter_mut() {
            if !rule.on.matches(request) {
                continue;
            }
            rule.seen += 1;
            if struck.is_none() && rule.on.strikes(rule.seen) {
                rule.hits.send_modify(|hits| *hits += 1);
                struck = Some(rule.fault.clone());
            }
        }
        struck
    }
}

/// A fault that was injected: how often it struck, and the way to take it back.
#[derive(Debug)]
pub struct Injected {
    faults: Faults,
    hits: watch::Sender<usize>,
    watched: watch::Receiver<usize>,
}

impl Injected {
    /// How many requests it struck.
    pub fn hits(&self) -> usize {
        *self.hits.borrow()
    }

    /// Waits until it has struck `times` requests.
    pub async fn struck(&self, times: usize) {
        let mut watched = self.watched.clone();
        watched
            .wait_for(|hits| *hits >= times)
            .await
            .expect("this handle keeps the sender");
    }

    /// Takes the fault back.
    pub fn remove(&self) {
        lock(&self.faults.rules).retain(|rule| !rule.hits.same_channel(&self.hits));
    }
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;

    fn get(path: &str) -> Request {
        Request::new(Method::GET, path, "", "")
    }

    #[test]
    fn the_rule_injected_first_strikes_and_the_second_still_counts() {
        let faults = Faults::default();
        let first = faults.inject(On::get("/a").first(1), Fault::status(500));
        let second = faults.inject(On::any().nth(2), Fault::status(503));
        assert!(matches!(faults.strike(&get("/a")), Some(Fault::Answer(answer)) if answer.status == 500));
        assert!(matches!(faults.strike(&get("/a")), Some(Fault::Answer(answer)) if answer.status == 503));
        assert!(faults.strike(&get("/a")).is_none());
        assert_eq!((first.hits(), second.hits()), (1, 1));
    }

    #[test]
    fn a_removed_fault_strikes_no_more() {
        let faults = Faults::default();
        let injected = faults.inject(On::any(), Fault::hang());
        assert!(faults.strike(&get("/")).is_some());
        injected.remove();
        assert!(faults.strike(&get("/")).is_none());
    }
}
