//! What is kept of a bulk answer.

use std::time::Instant;

use tokio::sync::watch;
use tokio::time::Instant as Clock;

use super::*;
use crate::identity::Intent;
use crate::names::{BatchName, Slug};
use crate::sighting::{LivySight, Sighting};
use crate::specimens::application_of;
use crate::watch::Watched;
use crate::watcher::{Followed, WatchSettings, add};

const SETTLE: Duration = Duration::from_secs(150);

fn intent() -> Intent {
    Intent::of_token("a")
}

fn running(number: u64) -> Application {
    application_of(intent(), 1, number, "RUNNING", "UNDEFINED")
}

fn ended(number: u64) -> Application {
    application_of(intent(), 1, number, "FINISHED", "SUCCEEDED")
}

/// The intent's first run is followed, and this was seen of it.
fn entries(seen: &Application) -> Entries {
    let name = BatchName::of(&Slug::of("etl"), RunKey::of(intent(), None, 1));
    let sighting = Sighting {
        livy: LivySight::NotAsked,
        yarn: YarnSight::Applications(vec![seen.clone()]),
    };
    let since = Instant::now();
    let report = Watched::new(since, SETTLE).observe(&name, since, &sighting);
    let followed = Followed {
        name: name.clone(),
        since,
        fresh: true,
        at: Clock::now(),
        sender: watch::channel(report).0,
    };
    let settings = WatchSettings {
        poll_period: Duration::from_secs(1),
        settle: SETTLE,
    };
    let mut entries = Entries::new();
    add(&mut entries, followed, settings);
    let entry = entries.get_mut(name.key()).expect("it was added");
    entry.watched.observe(&name, since, &sighting);
    entries
}

fn grouped(entries: &Entries, applications: Vec<Application>) -> YarnAnswers {
    let in_bulk = applications
        .into_iter()
        .map(|application| InBulk::new(entries, application));
    YarnAnswers::Applications(by_run(in_bulk.into_iter().filter_map(InBulk::keyed)))
}

#[test]
fn what_has_not_changed_is_kept_once() {
    let entries = entries(&running(1));
    let (key, entry) = entries.iter().next().unwrap();
    let known = entry.watched.history().application().unwrap();
    let again = InBulk::new(&entries, running(1));
    assert!(Arc::ptr_eq(&again.application, known));
    assert_eq!(again.key.as_ref(), Some(key));
    let changed = InBulk::new(&entries, ended(1));
    assert_eq!(*changed.application, ended(1));
    assert!(changed.is_followed(&entries));
    let another = application_of(Intent::of_token("b"), 1, 2, "RUNNING", "UNDEFINED");
    assert!(!InBulk::new(&entries, another).is_followed(&entries));
}

#[test]
fn a_run_gets_all_that_is_its_own_and_of_two_words_the_first() {
    let entries = entries(&running(1));
    let another = application_of(intent(), 2, 3, "RUNNING", "UNDEFINED");
    let mut answers = grouped(&entries, vec![ended(1), running(1), running(2), another]);
    let key = RunKey::of(intent(), None, 1);
    assert_eq!(
        answers.take(&key),
        YarnSight::Applications(vec![ended(1), running(2)])
    );
    assert_eq!(answers.take(&key), YarnSight::Applications(Vec::new()));
}

#[test]
fn only_a_run_of_which_something_and_only_what_lives_is_seen_goes_on_for_certain() {
    let entries = entries(&running(1));
    let key = RunKey::of(intent(), None, 1);
    let goes_on = |applications| grouped(&entries, applications).show_only_life(&key);
    assert!(goes_on(vec![running(1)]) && goes_on(vec![running(1), running(2)]));
    assert!(!goes_on(vec![]) && !goes_on(vec![ended(1)]) && !goes_on(vec![running(1), ended(2)]));
    assert!(!YarnAnswers::NotThere.show_only_life(&key));
    assert!(!YarnAnswers::Silent("down".into()).show_only_life(&key));
}
