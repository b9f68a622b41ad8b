//! Whose beat is due when.

use std::time::Duration;

use super::*;

const PERIOD: Duration = Duration::from_secs(10);

impl Own {
    /// Of a heart that does not beat.
    pub(crate) fn nobodys() -> Self {
        let (commands, _) = mpsc::unbounded_channel();
        Self { commands, number: 0 }
    }
}

fn beating(at: Instant) -> (Box<Beating>, watch::Receiver<Lease>) {
    let (lease, receiver) = watch::channel(Lease::Held(at));
    let beating = Beating {
        token: TaskToken::new("token"),
        schedule: Schedule::new(at, PERIOD, None),
        lease,
        span: Span::none(),
    };
    (Box::new(beating), receiver)
}

/// The hearts of so many tokens, of which each began a second after the one before.
fn hearts(count: u64, start: Instant) -> Hearts {
    let mut hearts = Hearts::default();
    // The last one commands first.
    for number in (0..count).rev() {
        let (beating, _) = beating(start + Duration::from_secs(number));
        hearts.obey(Command::Begin(number, beating), start);
    }
    hearts
}

/// Takes the beat that is due, and is on its way from then on.
fn send(hearts: &mut Hearts, now: Instant) -> Option<(Number, Instant, Box<Beating>)> {
    let taken = hearts.take_due(now)?;
    hearts.sent(taken.0, tokio::spawn(std::future::pending::<()>()).abort_handle());
    Some(taken)
}

#[tokio::test]
async fn each_beats_when_it_is_due_the_longest_due_first() {
    let start = Instant::now();
    let mut hearts = hearts(3, start);
    let at = start + Duration::from_secs(1);
    let sent: Vec<_> = std::iter::from_fn(|| send(&mut hearts, at)).collect();
    let due: Vec<_> = sent.iter().map(|(number, due, _)| (*number, *due)).collect();
    assert_eq!(due, [(0, start), (1, at)]);
    assert_eq!(hearts.next(), Some(start + Duration::from_secs(2)));
    for (number, _, mut beating) in sent {
        beating.schedule.accepted(at, 0.0);
        hearts.returned(number, Some(beating), at);
    }
    assert!(send(&mut hearts, at + Duration::from_secs(1)).is_some());
    assert_eq!(hearts.next(), Some(at + PERIOD));
}

#[tokio::test]
async fn who_asks_has_a_beat_at_once_and_while_one_is_on_its_way_another_after_it() {
    let start = Instant::now();
    let mut hearts = hearts(1, start + PERIOD);
    assert!(send(&mut hearts, start).is_none());
    hearts.obey(Command::Beat(0), start);
    let (number, due, mut beating) = send(&mut hearts, start).unwrap();
    assert_eq!(due, start);
    hearts.obey(Command::Beat(0), start);
    assert_eq!(hearts.next(), None);
    beating.schedule.accepted(start, 0.0);
    let answered = start + Duration::from_secs(1);
    hearts.returned(number, Some(beating), answered);
    assert_eq!(hearts.next(), Some(answered));
    let (number, _, mut beating) = send(&mut hearts, answered).unwrap();
    beating.schedule.accepted(answered, 0.0);
    hearts.returned(number, Some(beating), answered);
    assert_eq!(hearts.next(), Some(answered + PERIOD));
}

#[tokio::test(start_paused = true)]
async fn an_end_takes_back_a_beat_that_is_on_its_way_and_one_that_has_just_returned() {
    let start = Instant::now();
    let mut hearts = Hearts::default();
    let (beating, lease) = beating(start);
    hearts.obey(Command::Begin(0, beating), start);
    let (_, _, beating) = hearts.take_due(start).unwrap();
    let on_its_way = tokio::spawn(std::future::pending::<()>());
    hearts.sent(0, on_its_way.abort_handle());
    hearts.obey(Command::End(0), start);
    let taken_back = timeout(PERIOD, on_its_way).await.expect("it is taken back");
    assert!(taken_back.unwrap_err().is_cancelled());
    hearts.returned(0, Some(beating), start);
    assert_eq!(hearts.next(), None);
    assert!(hearts.by_number.is_empty() && lease.has_changed().is_err());
}

#[tokio::test]
async fn a_heart_that_rests_can_end_and_a_token_that_is_over_is_forgotten() {
    let start = Instant::now();
    let mut hearts = hearts(2, start);
    let (over, ..) = send(&mut hearts, start).unwrap();
    hearts.returned(over, None, start);
    // Whoever asks for it learns from its lease that it is over.
    hearts.obey(Command::Beat(over), start);
    hearts.obey(Command::End(1), start);
    assert_eq!(hearts.next(), None);
    assert!(hearts.by_number.is_empty() && hearts.resting.is_empty());
}
