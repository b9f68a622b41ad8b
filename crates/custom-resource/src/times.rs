//! The instants that bound a request, computed once when it arrives.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{Issued, RequestType};

/// CloudFormation waits this long for an answer unless the template says less.
const SERVICE_TIMEOUT: Duration = Duration::from_secs(3600);
/// The longest that Lambda runs an invocation; assumed where the event comes without a deadline.
const LONGEST_INVOCATION: Duration = Duration::from_secs(900);
/// What is assumed to remain when Lambda's clock and ours disagree so far that nothing would.
const SHORTEST_INVOCATION: Duration = Duration::from_secs(2);

/// The same moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) wall: SystemTime,
}

impl Now {
    pub(crate) fn read() -> Self {
        Self {
            instant: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// How long an invocation lasts that ends so many milliseconds after the epoch; 0 is for none given.
    pub(crate) fn invocation_until(&self, deadline: u64) -> Duration {
        if deadline == 0 {
            return LONGEST_INVOCATION;
        }
        let since_epoch = self
            .wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Duration::from_millis(deadline).saturating_sub(since_epoch)
    }
}

/// What ends the provider's time, for the reason that people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Function,
    ServiceTimeout,
}

/// When what must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// The provider's last instant.
    pub(crate) deadline: Instant,
    /// The last instant for a further attempt to deliver the answer.
    pub(crate) answer_by: Instant,
    /// Lambda's end of the invocation.
    pub(crate) invocation_deadline: Instant,
    pub(crate) bound: Bound,
    /// Nobody waits for the answer any more.
    pub(crate) too_late: bool,
}

impl Times {
    /// Lays out an invocation that begins now and lasts this long.
    pub(crate) fn plan(
        now: Now,
        invocation: Duration,
        issued: &Issued,
        service_timeout: Option<Duration>,
        answer_reserve: Duration,
        request_type: Option<RequestType>,
    ) -> Self {
        let invocation = invocation.clamp(SHORTEST_INVOCATION, LONGEST_INVOCATION);
        let elapsed = issued
            .at()
            .and_then(|at| now.wall.duration_since(at).ok())
            .unwrap_or_default();
        let service = service_timeout.unwrap_or(SERVICE_TIMEOUT).saturating_sub(elapsed);
        let too_late = issued.has_expired(now.wall) || service.is_zero();

        // A late Delete still removes what is there, though nobody waits: it has all of the invocation.
        let unbound = too_late && request_type == Some(RequestType::Delete);
        let (bound, available) = if unbound || invocation <= service {
            (Bound::Function, invocation)
        } else {
            (Bound::ServiceTimeout, service)
        };
        let invocation_deadline = now.instant + invocation;
        Self {
            deadline: now.instant + available.saturating_sub(answer_reserve).max(available / 2),
            // A little is left for the last log line.
            answer_by: invocation_deadline - (invocation / 20).min(Duration::from_millis(500)),
            invocation_deadline,
            bound,
            too_late,
        }
    }
}

/// `ServiceTimeout`, as far as the properties tell; what is not 1 to 3600 seconds is none.
pub(crate) fn service_timeout(properties: &Map<String, Value>) -> Option<Duration> {
    let seconds = match properties.get("ServiceTimeout")? {
        Value::String(text) => text.trim().parse().ok()?,
        number => number.as_u64()?,
    };
    (1..=SERVICE_TIMEOUT.as_secs())
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RESERVE: Duration = Duration::from_secs(10);
    /// 2026-03-14T09:26:53Z.
    const ISSUED: u64 = 1_773_480_413;
    const URL: &str = "X-Amz-Date=20260314T092653Z&X-Amz-Expires=7199";

    fn plan(kind: RequestType, after: u64, invocation: u64, service: Option<u64>) -> (Times, Instant) {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(ISSUED + after);
        let now = Now {
            instant: Instant::now(),
            wall,
        };
        let invocation = now.invocation_until((ISSUED + after + invocation) * 1000);
        let service = service.map(Duration::from_secs);
        (
            Times::plan(
                now,
                invocation,
                &Issued::from_query(URL),
                service,
                RESERVE,
                Some(kind),
            ),
            now.instant,
        )
    }

    #[track_caller]
    fn check(
        kind: RequestType,
        after: u64,
        invocation: u64,
        service: Option<u64>,
        expected: (f64, Bound, bool),
    ) {
        let (times, now) = plan(kind, after, invocation, service);
        let deadline = times.deadline - now;
        assert_eq!((deadline.as_secs_f64(), times.bound, times.too_late), expected);
        assert!(times.deadline < times.answer_by && times.answer_by < times.invocation_deadline);
    }

    #[test]
    fn the_shorter_of_function_and_service_bounds_the_provider() {
        use RequestType::{Create, Delete, Update};
        check(Create, 0, 900, None, (890.0, Bound::Function, false));
        check(Update, 3, 60, None, (50.0, Bound::Function, false));
        check(Delete, 0, 900, Some(300), (290.0, Bound::ServiceTimeout, false));
        check(Create, 3000, 900, None, (590.0, Bound::ServiceTimeout, false));
    }

    #[test]
    fn short_times_are_halved_between_work_and_answer() {
        check(RequestType::Create, 0, 6, None, (3.0, Bound::Function, false));
        check(
            RequestType::Create,
            0,
            900,
            Some(4),
            (2.0, Bound::ServiceTimeout, false),
        );
    }

    #[test]
    fn a_late_delete_has_all_of_the_invocation_and_others_none() {
        check(
            RequestType::Delete,
            3601,
            900,
            None,
            (890.0, Bound::Function, true),
        );
        check(
            RequestType::Create,
            3601,
            900,
            None,
            (0.0, Bound::ServiceTimeout, true),
        );
        check(
            RequestType::Update,
            7200,
            900,
            None,
            (0.0, Bound::ServiceTimeout, true),
        );
    }

    #[test]
    fn an_invocation_without_a_sensible_deadline_still_leaves_time_to_answer() {
        let now = Now {
            instant: Instant::now(),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(ISSUED),
        };
        for (deadline, expected) in [
            (0, LONGEST_INVOCATION),
            (1, SHORTEST_INVOCATION),
            (u64::MAX, LONGEST_INVOCATION),
            ((ISSUED + 60) * 1000, Duration::from_secs(60)),
        ] {
            let invocation = now.invocation_until(deadline);
            let times = Times::plan(now, invocation, &Issued::default(), None, RESERVE, None);
            assert_eq!(
                (times.invocation_deadline - now.instant, times.too_late),
                (expected, false)
            );
        }
    }

    #[test]
    fn a_service_timeout_is_read_from_either_form() {
        let read = |value: Value| service_timeout(json!({ "ServiceTimeout": value }).as_object().unwrap());
        assert_eq!(read(json!("300")), Some(Duration::from_secs(300)));
        assert_eq!(read(json!(3600)), Some(Duration::from_secs(3600)));
        for nonsense in [
            json!("0"),
            json!(3601),
            json!(-5),
            json!("soon"),
            json!(null),
            json!([60]),
        ] {
            assert_eq!(read(nonsense), None);
        }
        assert_eq!(service_timeout(&Map::new()), None);
    }
}
