//! The short form of `make bench`: counts and ratios of the worker's process, never times.

use std::path::Path;
use std::time::Duration;

use sparkwright_tests::bench::{self, Figures, Load};

/// Without the step at which it is to end, `crashing-worker` is the worker.
async fn run(tasks: usize) -> Figures {
    let program = Path::new(env!("CARGO_BIN_EXE_crashing-worker"));
    bench::run(program, &Load::short(tasks)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_as_many_jobs_are_watched_with_as_many_requests() {
    let (few, many) = (run(10).await, run(100).await);
    for figures in [&few, &many] {
        let (tasks, requests) = (figures.load.tasks, figures.requests);
        assert_eq!(
            (figures.succeeded, requests.livy_posts, requests.outcomes),
            (tasks, tasks, tasks)
        );
        assert!(figures.others_per_job() <= 4.0, "{requests:?}");
        assert_eq!((requests.livy_deletes, requests.yarn_kills), (0, 0));
    }
    // Once all jobs are submitted, nothing is asked but how all of them stand.
    let watching = |figures: &Figures| figures.watching.state_reading() as f64 / figures.watched;
    assert!(
        watching(&many) < 1.5 * watching(&few),
        "{:?} in {} s, {:?} in {} s",
        many.watching,
        many.watched,
        few.watching,
        few.watched
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_among_hundreds_of_jobs_loses_and_doubles_none() {
    let program = Path::new(env!("CARGO_BIN_EXE_crashing-worker"));
    let load = Load {
        // However slow the machine is, nothing but the worker itself lets a token expire.
        heartbeat: Duration::from_secs(180),
        ..Load::short(300)
    };
    let restart = bench::restart(program, &load).await.unwrap();
    println!("{restart}");
    let tasks = load.tasks;
    assert_eq!(
        (
            restart.succeeded,
            restart.applications,
            restart.names,
            restart.posts
        ),
        (tasks, tasks, tasks, tasks)
    );
    // None was lost to its time-out and then run again.
    assert!(restart.longest_silence < load.heartbeat, "{restart}");
}
