//! The dashboard against the worker's metrics.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde_json::Value;
use sparkwright_worker::metrics;

use crate::{read, section_of};

const DASHBOARD: &str = "worker/grafana/sparkwright-worker.json";

/// What is on no panel, and why.
const EXCUSED: [&str; 0] = [];

fn dashboard() -> Value {
    serde_json::from_str(&read(DASHBOARD)).expect("JSON")
}

fn panels(dashboard: &Value) -> &Vec<Value> {
    dashboard["panels"].as_array().expect("panels")
}

/// Every query of the panels.
fn queries(dashboard: &Value) -> Vec<String> {
    let targets = panels(dashboard)
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    targets
        .flatten()
        .map(|target| target["expr"].as_str().expect("a query").to_owned())
        .collect()
}

/// What a metric's series are called.
fn series(metric: &str) -> [String; 4] {
    ["", "_bucket", "_sum", "_count"].map(|suffix| format!("{metric}{suffix}"))
}

#[test]
fn every_query_is_of_metrics_that_there_are_and_no_metric_is_forgotten() {
    let word = Regex::new("sparkwright_worker_[a-z_]+").expect("a pattern");
    let queries = queries(&dashboard());
    let queried: BTreeSet<_> = queries
        .iter()
        .flat_map(|query| word.find_iter(query))
        .map(|found| found.as_str().to_owned())
        .collect();
    let metrics = metrics::names();
    for name in &queried {
        assert!(
            metrics.iter().any(|metric| series(metric).contains(name)),
            "{name}"
        );
    }
    let forgotten: Vec<_> = metrics
        .iter()
        .filter(|metric| !series(metric).iter().any(|name| queried.contains(name)))
        .filter(|metric| !EXCUSED.contains(&metric.as_str()))
        .collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[test]
fn every_label_of_a_query_is_one_of_its_metric() {
    let grouped = Regex::new(r"by \(([a-z, ]+)\) \([^(]*?(?:rate\(|increase\()?(sparkwright_worker_[a-z_]+)")
        .expect("a pattern");
    let rows = section_of("docs/operations.md", "## Metrics");
    let mut seen = 0;
    for query in queries(&dashboard()) {
        for found in grouped.captures_iter(&query) {
            let metric = found[2].trim_end_matches("_bucket");
            let row = rows
                .lines()
                .find(|row| row.starts_with(&format!("| `{metric}` |")))
                .unwrap_or_else(|| panic!("no row for {metric}"));
            for label in found[1].split(", ") {
                seen += 1;
                assert!(
                    label == "le" || row.contains(&format!("`{label}`")),
                    "{label}: {row}"
                );
            }
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn whoever_imports_it_chooses_where_the_numbers_come_from() {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    assert_eq!(
        (&variables[0]["type"], &variables[0]["name"]),
        (&"datasource".into(), &"datasource".into())
    );
    let mut ids = BTreeSet::new();
    for panel in panels(&dashboard) {
        assert!(ids.insert(panel["id"].as_u64()), "two panels are {}", panel["id"]);
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        assert!(panel["description"].is_string(), "{}", panel["title"]);
        for target in panel["targets"].as_array().expect("queries") {
            let query = target["expr"].as_str().expect("a query");
            let selected = query.matches("sparkwright_worker_").count();
            let by_choice = query.matches(r#"{job=~"$job", instance=~"$instance""#).count();
            assert_eq!(selected, by_choice, "{query}");
        }
    }
}
