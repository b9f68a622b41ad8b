//! The simulators give what real servers gave: status, reason, headers that matter, body.
//!
//! The raw exchanges of `fixtures/livy` are played again, in their order, and compared after what differs by nature is
//! made equal: hosts, ports, times, random identifiers, positions in a text.

use std::net::SocketAddr;
use std::path::Path;

use regex_lite::Regex;
use serde_json::json;
use sparkwright_tests::cluster::{Builder, Cluster, Fate, Job, LivyVersion, Master};

use crate::fixture::{self, Exchange, Step};
use crate::raw;

#[tokio::test]
async fn a_local_master_is_played_as_0_7_1_was_seen() {
    assert_eq!(replay("local-0.7.1.txt", local(LivyVersion::V0_7)).await, 46);
}

#[tokio::test]
async fn a_local_master_is_played_as_0_8_0_was_seen() {
    assert_eq!(replay("local-0.8.0.txt", local(LivyVersion::V0_8)).await, 46);
}

#[tokio::test]
async fn a_local_master_is_played_as_0_9_0_was_seen() {
    assert_eq!(replay("local-0.9.0.txt", local(LivyVersion::V0_9)).await, 46);
}

#[tokio::test]
async fn csrf_protection_is_played_as_it_was_seen() {
    for (name, version) in [
        ("csrf-0.7.1.txt", LivyVersion::V0_7),
        ("csrf-0.8.0.txt", LivyVersion::V0_8),
    ] {
        assert_eq!(replay(name, local(version).csrf_protection()).await, 5);
    }
}

#[tokio::test]
async fn confs_and_odd_names_are_taken_as_was_seen() {
    for (name, version) in [
        ("conf-0.7.1.txt", LivyVersion::V0_7),
        ("conf-0.8.0.txt", LivyVersion::V0_8),
    ] {
        assert_eq!(replay(name, local(version)).await, 9);
    }
}

#[tokio::test]
async fn too_many_sessions_are_refused_as_was_seen() {
    for (name, version) in [
        ("creation-0.7.1.txt", LivyVersion::V0_7),
        ("creation-0.8.0.txt", LivyVersion::V0_8),
    ] {
        assert_eq!(replay(name, local(version).max_creation(2)).await, 6);
    }
}

#[tokio::test]
async fn batches_on_yarn_are_played_as_they_were_seen() {
    for (name, version, exchanges) in [
        ("yarn-0.7.1.txt", LivyVersion::V0_7, 3),
        ("yarn-0.8.0.txt", LivyVersion::V0_8, 2),
        ("yarn-0.9.0.txt", LivyVersion::V0_9, 3),
    ] {
        assert_eq!(
            replay(name, Cluster::builder().livy_version(version)).await,
            exchanges
        );
    }
}

#[tokio::test]
async fn a_restart_without_recovery_is_played_as_it_was_seen() {
    assert_eq!(replay("restart-0.7.1.txt", Cluster::builder()).await, 2);
}

#[tokio::test]
async fn recovery_in_0_7_1_is_played_as_it_was_seen() {
    assert_eq!(
        replay("recovery-0.7.1.txt", Cluster::builder().recovery()).await,
        3
    );
}

#[tokio::test]
async fn recovery_in_0_8_0_is_played_as_it_was_seen() {
    assert_eq!(
        replay(
            "recovery-0.8.0.txt",
            Cluster::builder().livy_version(LivyVersion::V0_8).recovery()
        )
        .await,
        3
    );
}

#[tokio::test]
async fn a_resource_manager_is_played_as_it_was_seen() {
    assert_eq!(replay("resource-manager.txt", Cluster::builder()).await, 10);
}

#[test]
fn every_row_of_the_tables_names_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let row = Regex::new(r"(?m)^//! \|.*\| `(\w+)`: `(\w+)` \|$").unwrap();
    let mut rows = 0;
    for table in ["src/cluster/livy.rs", "src/cluster/yarn.rs"] {
        let text = std::fs::read_to_string(root.join(table)).unwrap();
        let all = text.lines().filter(|line| line.starts_with("//! |")).count() - 2;
        let named: Vec<_> = row.captures_iter(&text).collect();
        assert_eq!(named.len(), all, "{table}: a row without a test");
        for row in named {
            let file = root.join(format!("tests/simulators/{}.rs", &row[1]));
            let tests =
                std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert!(
                tests.contains(&format!("fn {}()", &row[2])),
                "{table} names {}",
                &row[2]
            );
            rows += 1;
        }
    }
    assert!(rows > 40, "{rows}");
}

fn local(version: LivyVersion) -> Builder {
    Cluster::builder().livy_version(version).master(Master::Local)
}

/// Plays a fixture and gives the number of exchanges that were found equal.
async fn replay(name: &str, builder: Builder) -> usize {
    let cluster = builder.start().await;
    let mut stage = Stage {
        cluster,
        aliases: Vec::new(),
    };
    let mut count = 0;
    for step in fixture::read(name) {
        match step {
            Step::Direction(words) => stage.direct(&words).await,
            Step::Exchange(exchange) => {
                stage.compare(name, &exchange).await;
                count += 1;
            }
        }
    }
    count
}

struct Stage {
    cluster: Cluster,
    /// Application ids of the fixture, and the names of the batches here that play them.
    aliases: Vec<(String, String)>,
}

impl Stage {
    async fn direct(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let world = self.cluster.world();
        let livy = self.cluster.livy().address();
        match words[..] {
            ["lasting", pattern] => world.script(pattern, Job::until_ended()),
            // Livy cannot look at YARN, so that what it says is what it knows by itself.
            ["blind"] => self.cluster.crash_resource_manager().await,
            ["end", name] => {
                world.end_batch(name, Fate::Succeeds);
                self.wait(name, "success").await;
            }
            ["wait", name, state] => self.wait(name, state).await,
            ["delete", name] => {
                raw::delete(livy, &format!("/batches/{name}")).await;
            }
            // Ids are used up by requests that are refused.
            ["ids", next] => {
                let mut used: i64 = world
                    .batches()
                    .iter()
                    .map(|batch| batch.id + 1)
                    .max()
                    .unwrap_or(0);
                while used < next.parse().unwrap() {
                    raw::post(livy, "/batches", &json!({ "file": "/f", "name": "1" })).await;
                    used += 1;
                }
            }
            ["submit", name, file, ref args @ ..] => {
                let file = self.cluster.job_file(file);
                let mut batch = json!({ "file": file, "name": name });
                if let Some(tag) = args.first() {
                    batch["conf"] = json!({ "spark.yarn.tags": tag });
                }
                assert_eq!(raw::post(livy, "/batches", &batch).await.status, 201);
                world
                    .until(|world| world.batch(name).is_some_and(|batch| batch.application.is_some()))
                    .await;
            }
            ["restart"] => self.cluster.restart_livy().await,
            [id, "is", name] => self.aliases.push((id.to_owned(), name.to_owned())),
            _ => panic!("unknown direction {words:?}"),
        }
    }

    async fn wait(&self, name: &str, state: &str) {
        let is_so = |world: &sparkwright_tests::cluster::World| {
            world.batch(name).is_some_and(|batch| batch.state.word() == state)
        };
        self.cluster.world().until(is_so).await;
    }

    async fn compare(&self, name: &str, exchange: &Exchange) {
        let what = format!("{name}, {}", exchange.title);
        let server = if exchange.path.starts_with("/ws/") {
            self.cluster.resource_manager().address()
        } else {
            self.cluster.livy().address()
        };
        let reply = self.send(server, exchange).await;
        assert_eq!(reply.status, exchange.status, "{what}: {}", reply.body);
        assert_eq!(reply.reason, exchange.reason, "{what}");
        for (header, expected) in &exchange.answer_headers {
            let found = reply.header(header).unwrap_or_default();
            assert_eq!(equalised(found), equalised(expected), "{what}: {header}");
        }
        if let Some(expected) = &exchange.answer_body {
            assert_eq!(equalised(&reply.body), equalised(expected), "{what}");
        }
    }

    async fn send(&self, server: SocketAddr, exchange: &Exchange) -> raw::Reply {
        let mut path = exchange.path.clone();
        for (id, name) in &self.aliases {
            let application = self.cluster.world().application_named(name).unwrap();
            path = path.replace(id, &application.id.to_string());
        }
        raw::send(server, &exchange.method, &path, &exchange.headers, &exchange.body).await
    }
}

/// The text with everything made equal that differs by nature.
fn equalised(text: &str) -> String {
    const RULES: [(&str, &str); 12] = [
        (r"(application|container|appattempt)_\d+_\d+", "${1}_C_N"),
        (r"livy-batch-(\d+)-[a-z0-9]{8}", "livy-batch-${1}-R"),
        (r"http://[0-9.]+:\d+", "http://HOST"),
        (r"127\.0\.0\.1:\d+", "HOST"),
        (r"spark-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "spark-R"),
        (r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d", "TIME"),
        (r"\b1\d{12}\b", "TIME"),
        (r#""(elapsedTime|memorySeconds|vcoreSeconds)":\d+"#, "\"$1\":N"),
        (r#""(memory-mb|vcores)","value":"\d+""#, "\"$1\",\"value\":\"N\""),
        (r"(column:|at index) \d+", "$1 N"),
        // A log's length depends on the job.
        (r#""total":\d\d+"#, "\"total\":N"),
        (r#""total":[1-9]"#, "\"total\":N"),
    ];
    let mut text = text.trim_end().to_owned();
    for (pattern, replacement) in RULES {
        text = Regex::new(pattern)
            .unwrap()
            .replace_all(&text, replacement)
            .into_owned();
    }
    text
}
