//! Lambda's asynchronous invocations, by which CloudFormation reaches a function.
//!
//! | behaviour | known by |
//! |---|---|
//! | an event is delivered at least once; duplicates come also without an error | Lambda's documentation |
//! | after an error or a time-out it is tried twice more, after about one and two minutes | Lambda's documentation |
//! | a throttled event comes late, but not when it is older than the function's `MaximumEventAgeInSeconds` | Lambda's documentation |
//! | an invocation that reaches the function's time-out is killed where it stands | Lambda's documentation |

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::clock::now_ms;
use crate::sync::lock;

/// `MaximumEventAgeInSeconds`: an hour, as the template sets it.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// The pauses before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// One invocation, as the function's code sees it.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The event.
    pub payload: Value,
    /// When Lambda ends it, in milliseconds since the epoch.
    pub deadline_ms: i64,
    /// Which function it is.
    pub function_arn: &'static str,
}

/// An invocation at work; dropped, it is killed.
pub type Running = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A function's code.
pub trait Function: Send + Sync + 'static {
    /// Begins an invocation.
    fn run(&self, invocation: Invocation) -> Running;
}

/// What happens to one event on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// It is throttled for so long.
    pub late: Duration,
    /// The invocations are killed after so long, the first by the first.
    pub crashes: Vec<Duration>,
    /// It is delivered again, so long after it was sent.
    pub again_after: Vec<Duration>,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The function returned.
    Returned,
    /// It returned an error.
    Failed(String),
    /// Lambda killed it at its time-out.
    TimedOut,
    /// A fault killed it.
    Crashed,
}

/// An invocation that has ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// By which the sink knows the request's answer.
    pub key: String,
    /// When it began, in milliseconds since the epoch.
    pub began_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
    /// How.
    pub end: End,
}

/// The queue before a function. Clones are the same queue.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    time_out: Duration,
    function: Mutex<Option<Arc<dyn Function>>>,
    open: watch::Sender<usize>,
    runs: Mutex<Vec<Run>>,
}

impl Queue {
    /// A queue before a function with this time-out.
    pub fn new(time_out: Duration) -> Queue {
        let inner = Inner {
            time_out,
            function: Mutex::default(),
            open: watch::Sender::new(0),
            runs: Mutex::default(),
        };
        Queue {
            inner: Arc::new(inner),
        }
    }

    /// The ARN under which the function invokes itself.
    pub const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:spark-job";

    /// Gives it the function's code, once.
    pub fn serve(&self, function: impl Function) {
        let before = lock(&self.inner.function).replace(Arc::new(function));
        assert!(before.is_none(), "a queue serves one function");
    }

    /// Lets go of the function's code, which may hold this queue to invoke itself: nothing may be sent any more.
    pub fn retire(&self) {
        lock(&self.inner.function).take();
    }

    /// Takes an event: `key` is by which the sink knows its answer.
    pub fn send(&self, key: &str, payload: Value, delivery: Delivery) {
        for after in delivery.again_after {
            let again = Delivery {
                late: after,
                ..Delivery::default()
            };
            self.send(key, payload.clone(), again);
        }
        let (queue, key) = (self.clone(), key.to_owned());
        queue.inner.open.send_modify(|open| *open += 1);
        tokio::spawn(async move {
            let _open = Open(queue.inner.open.clone());
            queue
                .deliver(key, payload, delivery.late, &delivery.crashes)
                .await;
        });
    }

    /// Waits until no event is on its way or at work.
    pub async fn idle(&self) {
        let mut open = self.inner.open.subscribe();
        open.wait_for(|open| *open == 0)
            .await
            .expect("this queue keeps the sender");
    }

    /// Every invocation that has ended, in that order.
    pub fn runs(&self) -> Vec<Run> {
        lock(&self.inner.runs).clone()
    }

    async fn deliver(&self, key: String, payload: Value, late: Duration, crashes: &[Duration]) {
        sleep(late).await;
        let sent = Instant::now() - late;
        let mut crashes = crashes.iter().copied();
        let mut pauses = PAUSES.into_iter();
        while sent.elapsed() <= MAX_AGE {
            let began_ms = now_ms();
            let end = self.invoke(payload.clone(), crashes.next()).await;
            let is_done = end == End::Returned;
            lock(&self.inner.runs).push(Run {
                key: key.clone(),
                began_ms,
                ended_ms: now_ms(),
                end,
            });
            match pauses.next() {
                Some(pause) if !is_done => sleep(pause).await,
                Some(_) | None => return,
            }
        }
    }

    async fn invoke(&self, payload: Value, crash: Option<Duration>) -> End {
        let function = lock(&self.inner.function)
            .clone()
            .expect("the function is deployed");
        let time_out = self.inner.time_out;
        let running = function.run(Invocation {
            payload,
            deadline_ms: now_ms() + i64::try_from(time_out.as_millis()).expect("minutes"),
            function_arn: Queue::FUNCTION_ARN,
        });
        let crash = async {
            match crash {
                Some(after) => sleep(after).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = crash => End::Crashed,
            () = sleep(time_out) => End::TimedOut,
            returned = running => match returned {
                Ok(()) => End::Returned,
                Err(error) => End::Failed(error),
            },
        }
    }
}

/// One event less when it is dropped.
struct Open(watch::Sender<usize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::run_virtual;

    /// Returns an error as often as its payload says, each time after a second.
    struct Failing(Mutex<u64>);

    impl Function for Failing {
        fn run(&self, invocation: Invocation) -> Running {
            let mut failed = lock(&self.0);
            let fails = *failed < invocation.payload["fails"].as_u64().unwrap();
            *failed += u64::from(fails);
            Box::pin(async move {
                sleep(Duration::from_secs(
                    invocation.payload["seconds"].as_u64().unwrap_or(1),
                ))
                .await;
                if fails { Err("no".to_owned()) } else { Ok(()) }
            })
        }
    }

    fn runs(payload: Value, delivery: Delivery) -> Vec<(i64, End)> {
        run_virtual(1, async {
            let queue = Queue::new(Duration::from_secs(30));
            queue.serve(Failing(Mutex::default()));
            let began = now_ms();
            queue.send("key", payload, delivery);
            queue.idle().await;
            let runs = queue.runs().into_iter();
            runs.map(|run| ((run.began_ms - began) / 1000, run.end)).collect()
        })
    }

    #[test]
    fn an_error_is_tried_twice_more_after_one_and_two_minutes() {
        let failed = || End::Failed("no".to_owned());
        let seen = runs(json!({ "fails": 9 }), Delivery::default());
        assert_eq!(seen, [(0, failed()), (61, failed()), (182, failed())]);
        let seen = runs(json!({ "fails": 1 }), Delivery::default());
        assert_eq!(seen, [(0, failed()), (61, End::Returned)]);
    }

    #[test]
    fn time_outs_and_crashes_are_errors_and_duplicates_need_none() {
        let seen = runs(json!({ "fails": 0, "seconds": 60 }), Delivery::default());
        assert_eq!(
            seen.iter()
                .map(|(_, end)| end)
                .filter(|end| **end == End::TimedOut)
                .count(),
            3
        );
        let delivery = Delivery {
            late: Duration::from_secs(7),
            crashes: vec![Duration::ZERO],
            again_after: vec![Duration::from_secs(20)],
        };
        let seen = runs(json!({ "fails": 0 }), delivery);
        assert_eq!(
            seen,
            [(7, End::Crashed), (20, End::Returned), (67, End::Returned)]
        );
    }

    #[test]
    fn an_event_that_is_too_old_is_dropped() {
        let late = |seconds| Delivery {
            late: Duration::from_secs(seconds),
            ..Delivery::default()
        };
        assert_eq!(runs(json!({ "fails": 0 }), late(3601)), []);
        assert_eq!(runs(json!({ "fails": 9 }), late(3590)).len(), 1);
    }
}
