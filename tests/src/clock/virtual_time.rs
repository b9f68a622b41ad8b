//! Virtual time: hours pass in milliseconds, and none pass while bytes are on their way.
//!
//! tokio's paused clock jumps to the next timer when a look at the sockets finds nothing to do. Over loopback bytes
//! arrive with the call that writes them, so that is nearly right; but a kernel may deliver a moment later, and then a
//! client's time-out would fire first. Here the clock moves only after [`QUIET_LOOKS`] looks in a row at which no
//! server read, wrote or took a connection. So an exchange takes no virtual time at all, however busy the machine is,
//! and an idle hour costs a few microseconds for each timer in it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::runtime::Builder;
use tokio::time::Instant;

use crate::random;

/// Between two acts of a server lie at most a few steps of a client: it connects, it writes, it reads and decides.
const QUIET_LOOKS: u32 = 4;

/// When virtual time begins: 2026-11-21T00:00:00Z.
const EPOCH: Duration = Duration::from_secs(1_795_219_200);

thread_local! {
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    static LOOKS: Cell<u32> = const { Cell::new(0) };
    static PACER: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

/// Runs `work` to its end on this thread, in a runtime with virtual time. What it spawned ends with it. The random
/// texts of the simulators follow from the seed.
pub fn run<T>(seed: u64, work: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .on_thread_park(look_again)
        .build()
        .expect("a runtime can be made where a test can run");
    random::seed(Some(seed));
    let _end = End;
    runtime.block_on(async {
        BEGAN.set(Some(Instant::now()));
        tokio::spawn(poll_fn(|context| {
            PACER.set(Some(context.waker().clone()));
            Poll::<()>::Pending
        }));
        work.await
    })
}

/// How much virtual time has passed, in a runtime that has it.
pub(super) fn elapsed() -> Option<Duration> {
    BEGAN.get().map(|began| began.elapsed())
}

/// The time of day at that moment.
pub(super) fn time_of_day(elapsed: Duration) -> SystemTime {
    UNIX_EPOCH + EPOCH + elapsed
}

/// A server did something: time stands still until nobody reacts to it any more.
pub(crate) fn stir() {
    LOOKS.set(0);
}

/// Called when nothing is left to do but to look at the sockets and, after that, to let time pass.
fn look_again() {
    let looks = LOOKS.get();
    if looks < QUIET_LOOKS {
        LOOKS.set(looks + 1);
        // Something to do makes the runtime look without waiting.
        PACER.with_borrow(|pacer| pacer.as_ref().map(Waker::wake_by_ref));
    } else {
        LOOKS.set(0);
    }
}

/// The thread's own time comes back, also after a panic.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        BEGAN.set(None);
        PACER.take();
        random::seed(None);
        LOOKS.set(0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::clock::wall_clock;
    use crate::cluster::Cluster;

    #[test]
    fn an_hour_passes_at_once_on_every_clock() {
        let real = std::time::Instant::now();
        let (waited, walls) = run(1, async {
            let (began, wall) = (Instant::now(), wall_clock());
            sleep(Duration::from_secs(3600)).await;
            (began.elapsed(), wall_clock().duration_since(wall).unwrap())
        });
        assert_eq!((waited.as_secs(), walls.as_secs()), (3600, 3600));
        assert!(real.elapsed() < Duration::from_secs(60));
        assert!(elapsed().is_none(), "the machine's time is back");
    }

    // The other thread keeps a processor busy, and the time-out is the shortest that there is.
    #[test]
    fn no_time_passes_while_bytes_are_on_their_way() {
        let stop = AtomicBool::new(false);
        std::thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            run(1, async {
                let cluster = Cluster::start().await;
                let _tick = tokio::spawn(async { sleep(Duration::from_secs(7200)).await });
                let began = Instant::now();
                for _ in 0..300 {
                    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
                    let asked = client.get(cluster.livy_url().join("batches").unwrap()).send();
                    let answer = timeout(Duration::from_millis(1), asked)
                        .await
                        .expect("no time passed");
                    assert!(answer.unwrap().text().await.unwrap().contains("sessions"));
                }
                assert_eq!(began.elapsed(), Duration::ZERO);
            });
            stop.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn the_same_seed_gives_the_same_texts() {
        let texts = || run(7, async { random::uuid() });
        assert_eq!(texts(), texts());
        assert_ne!(texts(), run(8, async { random::uuid() }));
    }
}
