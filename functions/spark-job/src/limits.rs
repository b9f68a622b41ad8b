//! A request's limits in time, computed once and carried along when a further invocation takes the request over.
//!
//! They are absolute: neither a hand-over nor its delay gives a request more time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use custom_resource::Request;
use serde_json::Value;
use tokio::time::Instant;

/// An instant that a request has to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// When the place of the job must have answered.
    Look,
    /// When what has to make way must have stopped.
    MakeWay,
    /// When the batch must have been created.
    Submit,
    /// When the job must stand as asked.
    Wait,
    /// When the own run must have stopped, once it was called off.
    CallOff,
    /// When what a Delete is for must have stopped.
    Delete,
    /// Since when something is looked for that has to stop, and that nobody shows.
    Missing,
    /// When a batch was last posted.
    Posted,
    /// When the own run was known to exist.
    Submitted,
    /// Since when the driver runs.
    RunningSince,
    /// When the request arrived so late that an earlier delivery may have acted and died.
    Repeated,
}

impl Mark {
    const ALL: [Self; 11] = [
        Self::Look,
        Self::MakeWay,
        Self::Submit,
        Self::Wait,
        Self::CallOff,
        Self::Delete,
        Self::Missing,
        Self::Posted,
        Self::Submitted,
        Self::RunningSince,
        Self::Repeated,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Look => "Look",
            Self::MakeWay => "MakeWay",
            Self::Submit => "Submit",
            Self::Wait => "Wait",
            Self::CallOff => "CallOff",
            Self::Delete => "Delete",
            Self::Missing => "Missing",
            Self::Posted => "Posted",
            Self::Submitted => "Submitted",
            Self::RunningSince => "RunningSince",
            Self::Repeated => "Repeated",
        }
    }
}

/// What a request remembers, in milliseconds since the epoch.
#[derive(Debug)]
pub(crate) struct Limits(Mutex<BTreeMap<Mark, u64>>);

impl Limits {
    /// What earlier invocations have carried over. What makes no sense is computed anew.
    pub(crate) fn of(request: &Request) -> Self {
        let state = request.continuation.state();
        let mark = |mark: Mark| Some((mark, state?.get(mark.name())?.as_u64()?));
        Self(Mutex::new(Mark::ALL.into_iter().filter_map(mark).collect()))
    }

    /// For a further invocation.
    pub(crate) fn to_value(&self) -> Value {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks
            .iter()
            .map(|(mark, ms)| (mark.name().to_owned(), Value::from(*ms)))
            .collect()
    }

    /// The limit that was set when this was first asked for, at `time` from then.
    pub(crate) fn fixed(&self, request: &Request, mark: Mark, time: Duration) -> Instant {
        let wanted = Instant::now() + time;
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ms = *marks
            .entry(mark)
            .or_insert_with(|| milliseconds(request.wall_clock_at(wanted)));
        // A garbled one must not give more time.
        request.instant_at(at(ms)).min(wanted)
    }

    /// Since when something goes on that begins now at the latest.
    pub(crate) fn since(&self, request: &Request, mark: Mark) -> Instant {
        self.fixed(request, mark, Duration::ZERO)
    }

    /// Remembers an instant.
    pub(crate) fn note(&self, request: &Request, mark: Mark, instant: Instant) {
        let ms = milliseconds(request.wall_clock_at(instant));
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.insert(mark, ms);
    }

    /// Forgets an instant.
    pub(crate) fn forget(&self, mark: Mark) {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.remove(&mark);
    }

    /// An instant that was remembered.
    pub(crate) fn noted(&self, request: &Request, mark: Mark) -> Option<Instant> {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.get(&mark).map(|ms| request.instant_at(at(*ms)))
    }
}

fn milliseconds(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

fn at(ms: u64) -> SystemTime {
    let since_epoch = Duration::from_millis(ms);
    SystemTime::UNIX_EPOCH
        .checked_add(since_epoch)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A request that a further invocation takes over with this state.
    fn handed_over(state: &Value) -> Request {
        let event = json!({
            "RequestType": "Create",
            "CustomResourceContinuation": {"Hop": 1, "State": state},
        });
        Request::from_event(event, Duration::from_secs(900)).expect("a request")
    }

    fn limits(state: &Value) -> (Request, Limits) {
        let request = handed_over(state);
        let limits = Limits::of(&request);
        (request, limits)
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_set_once_and_carried_over() {
        let (request, first) = limits(&Value::Null);
        let limit = first.fixed(&request, Mark::Wait, Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(first.fixed(&request, Mark::Wait, Duration::from_secs(60)), limit);

        let (_, second) = limits(&first.to_value());
        let left = second.fixed(&request, Mark::Wait, Duration::from_secs(60)) - Instant::now();
        assert_eq!(
            left.as_secs(),
            39,
            "but for the part of a second that is not carried"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_garbled_state_gives_no_more_time() {
        for state in [
            json!(null),
            json!([1]),
            json!({"Wait": u64::MAX, "Look": "soon", "Unknown": 7}),
            json!({"Wait": -3}),
        ] {
            let (request, limits) = limits(&state);
            let limit = limits.fixed(&request, Mark::Wait, Duration::from_secs(60));
            assert!(limit <= Instant::now() + Duration::from_secs(60), "{state}");
            assert_eq!(limits.noted(&request, Mark::Look), None);
        }
    }

    #[test]
    fn what_is_carried_over_is_called_as_documented() {
        let names = Mark::ALL.map(Mark::name);
        insta::assert_debug_snapshot!(names);
    }
}
