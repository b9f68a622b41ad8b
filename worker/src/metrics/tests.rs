use super::*;
use crate::slots::Slots;
use crate::snapshot::TaskState;
use crate::status::Status;
use crate::token::TaskToken;

struct Site {
    metrics: Metrics,
    status: Status,
}

impl Site {
    fn new() -> Self {
        let metrics = Metrics::default();
        let status = Status::new(Slots::new(4), metrics.clone());
        Self { metrics, status }
    }

    fn text(&self) -> String {
        Exposition::new(&self.metrics, self.status.clone()).text()
    }

    #[track_caller]
    fn check(&self, line: &str) {
        let text = self.text();
        assert!(text.lines().any(|of| of == line), "no `{line}` in\n{text}");
    }
}

fn activity() -> ActivityArn {
    "arn:aws:states:eu-west-1:1:activity:etl".parse().unwrap()
}

#[test]
fn what_has_not_happened_yet_stands_at_zero() {
    let site = Site::new();
    site.check(r#"sparkwright_worker_tasks_ended_total{outcome="SparkJob.Lost"} 0"#);
    site.check(r#"sparkwright_worker_tasks{state="running"} 0"#);
    site.check(r#"sparkwright_worker_livy_calls_total{operation="create_batch",result="ok"} 0"#);
    site.check(r#"sparkwright_worker_yarn_calls_total{operation="kill",result="ok"} 0"#);
    site.check(r#"sparkwright_worker_step_functions_calls_total{operation="GetActivityTask",result="ok"} 0"#);
    site.check(concat!(
        r#"sparkwright_worker_build_info{version=""#,
        env!("CARGO_PKG_VERSION"),
        r#""} 1"#
    ));
}

#[test]
fn what_is_at_hand_is_read_off_when_it_is_asked_for() {
    let site = Site::new();
    site.check("sparkwright_worker_slots 4");
    let listing = site
        .status
        .list(TaskToken::new("AAAAKgSecret").id(), &activity(), Duration::ZERO);
    listing.step(TaskState::Submitting);
    site.status.poll_opened(&activity());
    site.status.service("journal", Some("the disk is full".into()));
    site.check(r#"sparkwright_worker_tasks{state="submitting"} 1"#);
    site.check(r#"sparkwright_worker_open_polls{activity="arn:aws:states:eu-west-1:1:activity:etl"} 1"#);
    site.check(r#"sparkwright_worker_service_up{service="journal"} 0"#);
    drop(listing);
    site.check(r#"sparkwright_worker_tasks{state="submitting"} 0"#);
}

#[test]
fn an_activity_that_never_answered_has_been_silent_since_the_epoch() {
    let site = Site::new();
    let series = r#"sparkwright_worker_last_poll_timestamp_seconds{activity="arn:aws:states:eu-west-1:1:activity:etl"} "#;
    let last_poll = || {
        let text = site.text();
        let value = text.lines().find_map(|line| line.strip_prefix(series));
        value.map(|value| value.parse::<f64>().unwrap())
    };
    site.status.serves(&[activity()]);
    assert_eq!(last_poll(), Some(0.0));
    site.status.poll_opened(&activity());
    site.status
        .poll_returned(&activity(), Some("it does not exist".into()));
    assert_eq!(last_poll(), Some(0.0));
    site.status.poll_opened(&activity());
    site.status.poll_returned(&activity(), None);
    assert!(last_poll().unwrap() > 1e9, "{:?}", last_poll());
}

#[test]
fn a_call_that_is_given_up_is_counted_too() {
    let site = Site::new();
    drop(site.metrics.step_functions_call(Operation::Heartbeat));
    site.metrics.step_functions_call(Operation::Heartbeat).ended(None);
    for how in ["given_up", "ok"] {
        site.check(&format!(
            r#"sparkwright_worker_step_functions_calls_total{{operation="SendTaskHeartbeat",result="{how}"}} 1"#
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_never_had_its_turn_was_late_too() {
    let site = Site::new();
    let due = Instant::now();
    let waiting = async {
        let _waiting = site.metrics.heartbeat_due(due);
        std::future::pending::<()>().await;
    };
    let given_up = tokio::time::timeout(Duration::from_secs(2), waiting).await;
    assert!(given_up.is_err());
    site.check(r#"sparkwright_worker_heartbeat_lateness_seconds_bucket{le="1.0"} 0"#);
    site.check(r#"sparkwright_worker_heartbeat_lateness_seconds_bucket{le="2.5"} 1"#);
}

#[test]
fn a_time_counts_in_the_buckets_that_hold_it() {
    let site = Site::new();
    site.metrics.end_reported_after(Duration::from_millis(1200));
    site.check(r#"sparkwright_worker_end_detection_latency_seconds_bucket{le="1.0"} 0"#);
    site.check(r#"sparkwright_worker_end_detection_latency_seconds_bucket{le="1.5"} 1"#);
    site.check("sparkwright_worker_end_detection_latency_seconds_sum 1.2");
}

/// The format that [`CONTENT_TYPE`] promises, as far as a scrape could fail by it.
#[test]
fn the_text_is_openmetrics() {
    let site = Site::new();
    site.metrics.task_received(&activity());
    site.status.service("Livy at \"http://[::1]:8998/\"\n", None);
    let text = site.text();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let mut series: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(' ').unwrap().0)
        .collect();
    let count = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), count, "a series stands there twice: {text}");
    let described = names();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let is_described = described.iter().any(|known| {
            name.strip_prefix(known.as_str())
                .is_some_and(|suffix| ["", "_bucket", "_sum", "_count"].contains(&suffix))
        });
        assert!(is_described, "{line}");
    }
}

#[test]
fn names_follow_the_conventions() {
    let names = names();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(name.starts_with("sparkwright_worker_"), "{name}");
        let is_time = ["latency", "lateness", "timestamp"]
            .iter()
            .any(|word| name.contains(word));
        assert_eq!(is_time, name.ends_with("_seconds"), "{name}");
        let is_counted = ["_received", "_ended", "_unprotected", "_calls", "_writes"]
            .iter()
            .any(|what| name.contains(what));
        assert_eq!(is_counted, name.ends_with("_total"), "{name}");
    }
}
