//! The instants that bound a request, computed once when it arrives.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::RequestType;
use crate::envelope::Envelope;
use crate::now::{LONGEST_INVOCATION, Now};

/// CloudFormation waits this long for an answer unless the template says less.
const SERVICE_TIMEOUT: Duration = Duration::from_secs(3600);
/// What is assumed to remain when Lambda's clock and ours disagree so far that nothing would.
const SHORTEST_INVOCATION: Duration = Duration::from_secs(2);

/// What ends the provider's time, for the reason that people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Function,
    ServiceTimeout,
}

/// When what must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// The provider's last instant in this invocation.
    pub(crate) deadline: Instant,
    /// Its last instant over all invocations.
    pub(crate) service_deadline: Instant,
    /// The last instant for a further attempt to deliver the answer.
    pub(crate) answer_by: Instant,
    /// Lambda's end of the invocation.
    pub(crate) invocation_deadline: Instant,
    /// When the first invocation of the request began.
    pub(crate) received_at: SystemTime,
    pub(crate) bound: Bound,
    /// Nobody waits for the answer any more, or there is no time left for anything but the answer.
    pub(crate) too_late: bool,
}

impl Times {
    /// Lays out an invocation that begins now and lasts this long.
    pub(crate) fn plan(
        now: Now,
        invocation: Duration,
        envelope: &Envelope,
        answer_reserve: Duration,
    ) -> Self {
        let left_of = |time: Duration| time.saturating_sub(answer_reserve).max(time / 2);
        let invocation = invocation.clamp(SHORTEST_INVOCATION, LONGEST_INVOCATION);
        let (issued, carried) = (envelope.issued(), &envelope.carried);
        let received_at = carried.received_at.unwrap_or(now.wall);
        let waits_since = issued.at().unwrap_or(received_at);
        let waited = now.wall.duration_since(waits_since).unwrap_or_default();
        let service = envelope
            .service_timeout()
            .unwrap_or(SERVICE_TIMEOUT)
            .saturating_sub(waited);
        // Worked out once: by the rule for short times, each hop would gain a little.
        let service_left = match carried.service_deadline {
            Some(at) => at.duration_since(now.wall).unwrap_or_default().min(service),
            None => left_of(service),
        };
        let too_late = issued.has_expired(now.wall) || service_left.is_zero();

        // A late Delete still removes what is there, though nobody waits: it has all of the invocation.
        let unbound = too_late && envelope.request_type == Ok(RequestType::Delete);
        let (bound, available) = if unbound || left_of(invocation) <= service_left {
            (Bound::Function, left_of(invocation))
        } else {
            (Bound::ServiceTimeout, service_left)
        };
        let invocation_deadline = now.instant + invocation;
        Self {
            deadline: now.instant + available,
            service_deadline: now.instant + if unbound { available } else { service_left },
            // A little is left for the last log line.
            answer_by: invocation_deadline - (invocation / 20).min(Duration::from_millis(500)),
            invocation_deadline,
            received_at,
            bound,
            too_late,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const RESERVE: Duration = Duration::from_secs(10);
    /// 2026-03-14T09:26:53Z.
    const ISSUED: u64 = 1_773_480_413;
    const URL: &str = "https://host/key?X-Amz-Date=20260314T092653Z&X-Amz-Expires=7199";

    /// One invocation of a request, so many seconds after it was issued.
    struct Case {
        kind: &'static str,
        after: u64,
        lasts: u64,
        service: Option<u64>,
        /// Seconds after the issue that the first invocation carried over.
        carried: Option<u64>,
    }

    const FIRST: Case = Case {
        kind: "Create",
        after: 0,
        lasts: 900,
        service: None,
        carried: None,
    };

    fn now(after: u64) -> Now {
        Now {
            instant: Instant::now(),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(ISSUED + after),
        }
    }

    fn plan(case: &Case, url: &str) -> (Times, Instant) {
        let now = now(case.after);
        let mut event = json!({"RequestType": case.kind, "ResponseURL": url, "ResourceProperties": {}});
        if let Some(seconds) = case.service {
            event["ResourceProperties"]["ServiceTimeout"] = seconds.to_string().into();
        }
        if let Some(deadline) = case.carried {
            event["CustomResourceContinuation"] = json!({
                "Hop": 1, "ReceivedAt": ISSUED * 1000, "ServiceDeadline": (ISSUED + deadline) * 1000,
            });
        }
        let invocation = now.invocation_until((ISSUED + case.after + case.lasts) * 1000);
        let times = Times::plan(now, invocation, &Envelope::read(event), RESERVE);
        (times, now.instant)
    }

    /// Checks how long the provider has, here and over all invocations.
    #[track_caller]
    fn check(case: Case, expected: (f64, f64, Bound, bool)) {
        let (times, now) = plan(&case, URL);
        let deadline = (times.deadline - now).as_secs_f64();
        let service = (times.service_deadline - now).as_secs_f64();
        assert_eq!((deadline, service, times.bound, times.too_late), expected);
        assert!(times.deadline <= times.service_deadline);
        assert!(times.deadline < times.answer_by && times.answer_by < times.invocation_deadline);
    }

    #[test]
    fn the_shorter_of_function_and_service_bounds_the_provider() {
        check(FIRST, (890.0, 3590.0, Bound::Function, false));
        let update = Case {
            kind: "Update",
            after: 3,
            lasts: 60,
            ..FIRST
        };
        check(update, (50.0, 3587.0, Bound::Function, false));
        let delete = Case {
            kind: "Delete",
            service: Some(300),
            ..FIRST
        };
        check(delete, (290.0, 290.0, Bound::ServiceTimeout, false));
        let late = Case { after: 3000, ..FIRST };
        check(late, (590.0, 590.0, Bound::ServiceTimeout, false));
    }

    #[test]
    fn short_times_are_halved_between_work_and_answer() {
        check(Case { lasts: 6, ..FIRST }, (3.0, 3590.0, Bound::Function, false));
        let short = Case {
            service: Some(4),
            ..FIRST
        };
        check(short, (2.0, 2.0, Bound::ServiceTimeout, false));
    }

    #[test]
    fn a_late_delete_has_all_of_the_invocation_and_others_none() {
        let after = 3601;
        let delete = Case {
            kind: "Delete",
            after,
            ..FIRST
        };
        check(delete, (890.0, 890.0, Bound::Function, true));
        check(Case { after, ..FIRST }, (0.0, 0.0, Bound::ServiceTimeout, true));
        let update = Case {
            kind: "Update",
            after: 7200,
            ..FIRST
        };
        check(update, (0.0, 0.0, Bound::ServiceTimeout, true));
    }

    #[test]
    fn a_hop_has_what_the_first_invocation_left_it_however_late_it_comes() {
        let hop = |after| Case {
            after,
            carried: Some(3590),
            ..FIRST
        };
        check(hop(880), (890.0, 2710.0, Bound::Function, false));
        check(hop(3000), (590.0, 590.0, Bound::ServiceTimeout, false));
        check(hop(3589), (1.0, 1.0, Bound::ServiceTimeout, false));
        // There would be time for an answer, but none to do anything.
        check(hop(3590), (0.0, 0.0, Bound::ServiceTimeout, true));
        let delete = Case {
            kind: "Delete",
            ..hop(3595)
        };
        check(delete, (890.0, 890.0, Bound::Function, true));
    }

    #[test]
    fn a_hop_cannot_have_longer_than_cloudformation_waits() {
        let forged = Case {
            after: 3000,
            carried: Some(9000),
            ..FIRST
        };
        check(forged, (600.0, 600.0, Bound::ServiceTimeout, false));
    }

    #[test]
    fn a_hop_whose_url_tells_no_date_counts_from_the_first_invocation() {
        let hop = Case {
            after: 3000,
            carried: Some(9000),
            ..FIRST
        };
        let (times, now) = plan(&hop, "https://host/key");
        assert_eq!(times.service_deadline - now, Duration::from_secs(600));
        let first = Case { after: 3000, ..FIRST };
        let (times, now) = plan(&first, "https://host/key");
        assert_eq!(times.service_deadline - now, Duration::from_secs(3590));
    }

    #[test]
    fn an_invocation_without_a_sensible_deadline_still_leaves_time_to_answer() {
        let now = now(0);
        for (deadline, expected) in [
            (0, LONGEST_INVOCATION),
            (1, SHORTEST_INVOCATION),
            (u64::MAX, LONGEST_INVOCATION),
            ((ISSUED + 60) * 1000, Duration::from_secs(60)),
        ] {
            let invocation = now.invocation_until(deadline);
            let times = Times::plan(now, invocation, &Envelope::read(Value::Null), RESERVE);
            assert_eq!(
                (times.invocation_deadline - now.instant, times.too_late),
                (expected, false)
            );
        }
    }
}
