use std::task::Poll;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);

/// A limiter whose bucket is empty, so that everybody waits.
fn emptied(per_second: u32) -> Limiter {
    let limiter = Limiter::new(per_second);
    while limiter.lock().bucket.take(Instant::now()) {}
    limiter
}

/// Who waits, each with a name, in the order in which their turns come.
async fn order(limiter: &Limiter, waiting: &[(&'static str, Urgency, Instant)]) -> Vec<&'static str> {
    let granted = Arc::new(Mutex::new(Vec::new()));
    let mut calls = JoinSet::new();
    for (name, urgency, due) in waiting {
        let turn = limiter.queue(*urgency, *due).expect("the bucket is empty");
        let (name, granted) = (*name, Arc::clone(&granted));
        calls.spawn(async move {
            turn.granted().await;
            granted.lock().unwrap().push(name);
        });
    }
    calls.join_all().await;
    Arc::into_inner(granted).unwrap().into_inner().unwrap()
}

/// How many calls of thousands are made in a time.
async fn calls_within(limiter: &Limiter, time: Duration) -> usize {
    let mut calls = JoinSet::new();
    for _ in 0..5000 {
        let limiter = limiter.clone();
        calls.spawn(async move { limiter.turn(Urgency::Report, Instant::now()).await });
    }
    let mut made = 0;
    let counting = async {
        while calls.join_next().await.is_some() {
            made += 1;
        }
    };
    let _ = timeout(time, counting).await;
    made
}

#[tokio::test(start_paused = true)]
async fn calls_keep_to_the_rate_over_any_time() {
    let limiter = Limiter::new(300);
    let made = calls_within(&limiter, Duration::from_millis(10_500)).await;
    // What the bucket held, and ten and a half seconds' worth.
    assert!((3100..=3180).contains(&made), "{made}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_limiter_saves_no_more_than_its_burst() {
    let limiter = Limiter::new(300);
    sleep(Duration::from_secs(3600)).await;
    let made = calls_within(&limiter, MILLISECOND / 2).await;
    assert_eq!(made, 30);
}

#[tokio::test(start_paused = true)]
async fn a_slow_rate_is_kept_too() {
    let limiter = Limiter::new(1);
    let began = Instant::now();
    for _ in 0..4 {
        limiter.turn(Urgency::Poll, Instant::now()).await;
    }
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn reports_go_before_polls_and_who_was_due_before_who_comes_later() {
    let limiter = emptied(10);
    let now = Instant::now();
    let waiting = [
        ("poll", Urgency::Poll, now - Duration::from_secs(60)),
        ("due now", Urgency::Report, now),
        ("due now, too", Urgency::Report, now),
        ("due before", Urgency::Report, now - MILLISECOND),
    ];
    assert_eq!(
        order(&limiter, &waiting).await,
        ["due before", "due now", "due now, too", "poll"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_waits_only_for_those_that_were_due_before_it() {
    let limiter = emptied(100);
    let due = Instant::now();
    // Three times as many as can be called, without an end.
    let flood = tokio::spawn({
        let limiter = limiter.clone();
        async move {
            let mut calls = JoinSet::new();
            loop {
                for _ in 0..30 {
                    let limiter = limiter.clone();
                    calls.spawn(async move { limiter.turn(Urgency::Report, Instant::now()).await });
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
    });
    // It was due at the beginning, but its first try was given up: the line is 20 s long by then.
    sleep(Duration::from_secs(10)).await;
    assert!(limiter.lock().waiting.len() > 1000);
    timeout(50 * MILLISECOND, limiter.turn(Urgency::Report, due))
        .await
        .expect("it is the next");
    flood.abort();
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_leaves_nothing_behind() {
    let limiter = emptied(1000);
    let now = Instant::now();
    for _ in 0..2000 {
        assert!(
            timeout(Duration::ZERO, limiter.turn(Urgency::Poll, now))
                .await
                .is_err()
        );
    }
    assert!(limiter.lock().waiting.is_empty());
    // One that is granted, and never looked at.
    let unused = limiter.queue(Urgency::Poll, now).unwrap();
    sleep(Duration::from_secs(1)).await;
    let left = limiter.lock().bucket.level;
    drop(unused);
    assert_eq!(limiter.lock().bucket.level, left + 1.0);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_measured_from_its_coming_and_not_from_when_it_was_due() {
    let limiter = emptied(1);
    let long_before = Instant::now();
    sleep(Duration::from_secs(60)).await;
    let long_wait_of = async |urgency| {
        while limiter.lock().bucket.take(Instant::now()) {}
        let long_wait = || limiter.lock().long_wait(Instant::now());
        let _line: Vec<_> = (0..8)
            .map(|_| limiter.queue(urgency, long_before).unwrap())
            .collect();
        assert_eq!(long_wait(), None);
        sleep(Duration::from_millis(6500)).await;
        long_wait().map(|wait| wait.as_secs())
    };
    assert_eq!(long_wait_of(Urgency::Report).await, Some(6));
    // Polls may wait as long as they like.
    assert_eq!(long_wait_of(Urgency::Poll).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_line_is_served_again_after_it_was_empty() {
    let limiter = emptied(10);
    for _ in 0..3 {
        limiter.turn(Urgency::Report, Instant::now()).await;
        while limiter.lock().bucket.take(Instant::now()) {}
        sleep(MILLISECOND).await;
    }
    assert!(!limiter.lock().is_served);
}

#[tokio::test(start_paused = true)]
async fn with_room_nobody_waits() {
    let limiter = Limiter::new(10);
    let turn = limiter.turn(Urgency::Poll, Instant::now());
    tokio::pin!(turn);
    let at_once = std::future::poll_fn(|context| Poll::Ready(turn.as_mut().poll(context).is_ready())).await;
    assert!(at_once);
}
