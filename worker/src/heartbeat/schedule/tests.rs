use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_first_beat_is_due_at_once() {
    let now = Instant::now();
    assert_eq!(Schedule::new(now, 10 * SECOND, None).next(), now);
}

#[test]
fn the_period_is_a_third_of_what_the_input_says() {
    let now = Instant::now();
    for (timeout, period) in [(Some(60), 20), (Some(3), 1), (Some(99_999_999), 60), (None, 10)] {
        let mut schedule = Schedule::new(now, 10 * SECOND, timeout.map(Duration::from_secs));
        schedule.accepted(now, 0.0);
        assert_eq!(schedule.next() - now, Duration::from_secs(period), "{timeout:?}");
    }
}

#[test]
fn a_token_that_was_good_just_now_was_cancelled() {
    let now = Instant::now();
    let mut schedule = Schedule::new(now, 10 * SECOND, Some(30 * SECOND));
    assert!(schedule.was_good_until(now + 29 * SECOND));
    assert!(!schedule.was_good_until(now + 30 * SECOND));
    schedule.accepted(now + 25 * SECOND, 0.5);
    assert!(schedule.was_good_until(now + 54 * SECOND));
    let without_timeout = Schedule::new(now, 10 * SECOND, None);
    assert!(without_timeout.was_good_until(now + 29 * SECOND));
    assert!(!without_timeout.was_good_until(now + 31 * SECOND));
}

/// What became of one beat, and how long that took, as a share of the patience with it.
#[derive(Clone, Debug)]
enum Answer {
    Accepted(f64),
    Failed(f64),
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        (0.0..1.0).prop_map(Answer::Accepted),
        (0.0..1.0).prop_map(Answer::Failed)
    ]
}

proptest! {
    #[test]
    fn the_next_beat_never_comes_after_the_time_out(
        seconds in 1_u64..100_000,
        luck in 0.0..1.0,
        answers in proptest::collection::vec(answer(), 1..60),
    ) {
        let timeout = Duration::from_secs(seconds);
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 10 * SECOND, Some(timeout));
        let mut good_since = start;
        for answer in answers {
            let sent = schedule.next();
            let now = match answer {
                Answer::Accepted(share) => {
                    schedule.accepted(sent, luck);
                    good_since = sent;
                    sent + schedule.patience().mul_f64(share)
                }
                Answer::Failed(share) => {
                    let now = sent + schedule.patience().mul_f64(share);
                    schedule.failed(now);
                    now
                }
            };
            // Once a token has expired there is nothing to be in time for; the last instants are too short to halve.
            if now + Duration::from_millis(20) < good_since + timeout {
                prop_assert!(schedule.next() < good_since + timeout);
            }
        }
    }

    #[test]
    fn failed_beats_are_repeated_soon_but_not_in_a_storm(failures in 1_usize..40) {
        let mut now = Instant::now();
        let mut schedule = Schedule::new(now, 10 * SECOND, None);
        for _ in 0..failures {
            schedule.failed(now);
            let wait = schedule.next() - now;
            prop_assert!(wait >= Duration::from_millis(10) && wait <= 5 * SECOND, "{wait:?}");
            now = schedule.next();
        }
    }
}
