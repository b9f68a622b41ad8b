//! A disk that takes a step and does not come back.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use tokio::time::{Instant, pause, resume};

use super::*;
use crate::heartbeat::Lease;
use crate::leases::Leases;

/// A disk that takes nothing while it hangs.
#[derive(Clone, Default)]
struct Disk(Arc<(Mutex<bool>, Condvar)>);

impl Disk {
    fn hangs(&self, hangs: bool) {
        *self.0.0.lock().unwrap() = hangs;
        self.0.1.notify_all();
    }

    fn probe(&self) -> Probe {
        let disk = self.clone();
        Arc::new(move |_| {
            let hangs = disk.0.0.lock().unwrap();
            drop(disk.0.1.wait_while(hangs, |hangs| *hangs).unwrap());
            Ok(())
        })
    }
}

/// A journal with one open task.
async fn journal(path: &Path, disk: &Disk) -> (Journal, Entry) {
    let (journal, _) = Journal::open(path, disk.probe()).unwrap();
    let entry = received(&journal, "1").await;
    (journal, entry)
}

/// What is left in the file.
fn left(path: &Path) -> Vec<Checkpoint> {
    let (_journal, backlog) = Journal::open(path, unprobed()).unwrap();
    backlog.rows.into_iter().map(|row| row.checkpoint).collect()
}

#[tokio::test]
async fn a_step_is_given_up_after_ten_seconds_and_everybody_can_see_why() {
    let (_folder, path) = folder();
    let disk = Disk::default();
    let (journal, entry) = journal(&path, &disk).await;
    let failure = journal.failure();
    assert_eq!(*failure.borrow(), None);
    let posting = Checkpoint::Posting { number: 1 };

    disk.hangs(true);
    // The thread that writes has no part in this clock.
    pause();
    let began = Instant::now();
    entry.note(&posting).await;
    assert_eq!(began.elapsed().as_secs(), 10);
    let said = failure.borrow().as_ref().map(ToString::to_string);
    let expected = "could not write the journal: the disk has not taken it within 10 s";
    assert_eq!(said.as_deref(), Some(expected));
    // Whoever wants to poll hears the same.
    assert_eq!(journal.check().await.unwrap_err().to_string(), expected);
    assert_eq!(entry.reach(&posting).await.unwrap_err().to_string(), expected);
    assert_eq!(began.elapsed().as_secs(), 30);
    resume();

    disk.hangs(false);
    journal.check().await.unwrap();
    assert_eq!(*failure.borrow(), None);
    drop((entry, journal));
    assert_eq!(left(&path), [posting]);
}

/// Leases among which the entry's counts, for as long as the sender is there.
fn counted(entry: &mut Entry) -> (Leases, watch::Sender<Lease>) {
    let leases = Leases::default();
    let (lease, watched) = watch::channel(Lease::Held(std::time::Instant::now()));
    entry.count(leases.add(watched));
    (leases, lease)
}

#[tokio::test]
async fn a_task_that_was_not_taken_on_is_forgotten_whenever_the_disk_comes_back() {
    let (_folder, path) = folder();
    let disk = Disk::default();
    let (journal, mut entry) = journal(&path, &disk).await;
    let (leases, _lease) = counted(&mut entry);
    assert!(leases.oldest().is_some());

    disk.hangs(true);
    pause();
    let began = Instant::now();
    let forgetting = tokio::spawn(entry.forget());
    tokio::task::yield_now().await;
    // Its token must not keep it from being noted that all others are good.
    assert_eq!((leases.oldest(), began.elapsed()), (None, Duration::ZERO));
    forgetting.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 10);
    resume();

    disk.hangs(false);
    drop(journal);
    assert_eq!(left(&path), []);
}

#[tokio::test]
async fn a_close_that_is_written_late_lets_go_of_its_lease_then() {
    let (_folder, path) = folder();
    let disk = Disk::default();
    let (journal, mut entry) = journal(&path, &disk).await;
    let (leases, _lease) = counted(&mut entry);

    disk.hangs(true);
    pause();
    entry.close().await;
    // The next process would still ask for the token.
    assert!(leases.oldest().is_some());
    resume();

    disk.hangs(false);
    drop(journal);
    assert_eq!((leases.oldest(), left(&path)), (None, vec![]));
}

#[test]
fn the_end_of_the_process_does_not_wait_for_the_disk_for_ever() {
    let (_folder, path) = folder();
    let disk = Disk::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (journal, entry) = runtime.block_on(journal(&path, &disk));
    disk.hangs(true);
    runtime.block_on(async {
        tokio::select! {
            biased;
            _ = entry.reach(&Checkpoint::Posting { number: 1 }) => panic!("the disk hangs"),
            () = std::future::ready(()) => {}
        }
    });
    // Returns though the thread that writes does not.
    drop((entry, journal));
    disk.hangs(false);
}
