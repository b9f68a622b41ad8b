//! What no log, page or cause may hold.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use sparkwright_tests::cluster::Job;
use tracing_subscriber::fmt::MakeWriter;

use crate::site::Site;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn neither_tokens_nor_redacted_values_are_shown() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false);
    // With a single subscriber in the process, tracing asks the thread that passes a line first whether anybody wants it: another
    // test's thread, where nobody does, and the line is never seen again.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    // The test's runtime has one thread, and the worker runs on it.
    let _guard =
        tracing::subscriber::set_default(subscriber.with_env_filter("trace,sparkwright_tests=off").finish());
    let site = Site::new().await;
    site.cluster.world().script(
        "*",
        Job::raises("ValueError: no login with hunter22 at jdbc:secret"),
    );
    let worker = site.worker(&[]).await;
    let task = site.schedule(json!({
        "Parameters": {"File": "/jobs/job.py", "Args": ["--password", "hunter22", "jdbc:secret"]},
        "Redact": ["jdbc:*"],
    }));
    let token = task.started().await;
    let page = worker.get("/").await.1;
    let outcome = task.outcome().await;
    let (_, cause) = outcome.failure();
    assert!(cause.contains("no login with **** at ****"), "{cause}");
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("the job is followed"), "{log}");
    worker.shows("/", "SparkJob.Failed").await;
    let finished = worker.get("/").await.1;
    let metrics = worker.get("/metrics").await.1;
    for text in [&log, &page, &finished, &metrics, cause] {
        for secret in ["hunter22", "jdbc:secret", token.as_str()] {
            assert!(!text.contains(secret), "`{secret}` is in {text}");
        }
    }
}
