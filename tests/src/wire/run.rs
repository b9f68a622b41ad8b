//! Runs the list and tells how each test went.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use tokio::sync::Semaphore;

use super::{Site, TESTS, Trial, WireTest};

/// How the tests went, in the order of the list.
#[derive(Debug)]
pub struct Report {
    results: Vec<(&'static str, Duration, anyhow::Result<()>)>,
}

impl Report {
    /// The names of the tests that ran.
    pub fn names(&self) -> Vec<&'static str> {
        self.results.iter().map(|(name, ..)| *name).collect()
    }

    /// The names of those that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        self.results
            .iter()
            .filter(|(.., result)| result.is_err())
            .map(|(name, ..)| *name)
            .collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, time, result) in &self.results {
            let word = if result.is_ok() { "ok    " } else { "FAILED" };
            writeln!(f, "{word} {:7.2} s  {name}", time.as_secs_f64())?;
            if let Err(error) = result {
                writeln!(f, "                  {error:#}")?;
            }
        }
        write!(
            f,
            "{} wire tests, {} failed",
            self.results.len(),
            self.failed().len()
        )
    }
}

/// Runs all tests, some at once, to the end, whatever fails.
pub async fn run(site: &Site) -> Report {
    let places = Arc::new(Semaphore::new(site.at_once));
    let running: Vec<_> = TESTS
        .iter()
        .map(|test| tokio::spawn(run_one(*test, site.clone(), places.clone())))
        .collect();
    let mut results = Vec::new();
    for (test, task) in TESTS.iter().zip(running) {
        let (time, result) = task
            .await
            .unwrap_or_else(|panic| (Duration::ZERO, Err(anyhow!("{panic}"))));
        results.push((test.name, time, result));
    }
    Report { results }
}

async fn run_one(test: WireTest, site: Site, places: Arc<Semaphore>) -> (Duration, anyhow::Result<()>) {
    let _place = places.acquire().await.expect("nobody closes it");
    let start = Instant::now();
    let result = match Trial::new(site) {
        Ok(trial) => {
            let result = (test.run)(&trial).await;
            let cleaned = trial.clean_up().await;
            result.and(cleaned)
        }
        Err(error) => Err(error),
    };
    (start.elapsed(), result)
}
