//! Who follows what.

use super::*;

fn settings() -> WatchSettings {
    WatchSettings {
        poll_period: Duration::from_secs(1),
        settle: Duration::from_secs(150),
    }
}

fn followed(fresh: bool) -> (Followed, watch::Receiver<Report>) {
    let report = Report {
        standing: Standing::Pending(Phase::Unknown),
        application: None,
        batch: None,
        silence: None,
        deaf: None,
        unknown_to_yarn: false,
    };
    let (sender, receiver) = watch::channel(report);
    let followed = Followed {
        name: BatchName::parse("etl-0123456789ab").unwrap(),
        since: Instant::now(),
        fresh,
        at: Clock::now(),
        sender,
    };
    (followed, receiver)
}

#[test]
fn a_run_that_two_follow_is_one_entry_and_neither_is_dropped() {
    let mut entries = Entries::new();
    let (first, first_receiver) = followed(true);
    let (second, second_receiver) = followed(false);
    add(&mut entries, first, settings());
    add(&mut entries, second, settings());
    assert_eq!(entries.len(), 1);
    assert_eq!(entries.values().next().unwrap().senders.len(), 2);
    assert!(first_receiver.has_changed().is_ok() && second_receiver.has_changed().is_ok());
}

#[test]
fn only_a_run_that_was_taken_up_is_looked_at_alone_at_once() {
    for fresh in [true, false] {
        let mut entries = Entries::new();
        add(&mut entries, followed(fresh).0, settings());
        let entry = entries.values().next().unwrap();
        assert_eq!(entry.looked_alone.is_some(), fresh);
    }
}
