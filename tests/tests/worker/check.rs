//! `sparkwright-worker check` says what is well and what is not, and changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use aws_config::SdkConfig;
use clap::Parser;
use serde_json::json;
use sparkwright_tests::aws;
use sparkwright_tests::cluster::{Builder as ClusterBuilder, Cluster, Fate, Standby};
use sparkwright_tests::faults::{Fault, On};
use sparkwright_tests::step_functions::StepFunctions;
use sparkwright_worker::Worker;
use sparkwright_worker::activity::Clients;
use sparkwright_worker::check;
use sparkwright_worker::config::Config;
use sparkwright_worker::journal::unprobed;
use tempfile::TempDir;

use crate::crashing::Crashing;
use crate::site::Site;

/// What a check said.
struct Report {
    has_passed: bool,
    lines: Vec<String>,
}

impl Report {
    /// The one line whose thing begins thus.
    #[track_caller]
    fn line(&self, thing: &str) -> &str {
        let about = |line: &&String| line.get(8..).is_some_and(|rest| rest.starts_with(thing));
        let found: Vec<_> = self.lines.iter().filter(about).collect();
        let [line] = found[..] else {
            panic!("not one line about {thing}: {:#?}", self.lines)
        };
        line
    }

    /// Exactly one thing failed, and its line has these words.
    #[track_caller]
    fn only_failed(&self, thing: &str, words: &[&str]) {
        let failed: Vec<_> = self
            .lines
            .iter()
            .filter(|line| line.starts_with("FAILED"))
            .collect();
        assert!(
            failed == [self.line(thing)] && !self.has_passed,
            "{:#?}",
            self.lines
        );
        assert_eq!(self.lines.last().unwrap(), "One thing failed.");
        for words in words {
            assert!(failed[0].contains(words), "`{words}` is not in {}", failed[0]);
        }
    }
}

async fn site(cluster: ClusterBuilder) -> Site {
    let step_functions = StepFunctions::builder().poll_time(Duration::from_millis(500));
    Site::with(cluster, step_functions).await
}

async fn check(site: &Site, options: &[&str]) -> Report {
    check_with(site, options, &site.aws()).await
}

async fn check_with(site: &Site, options: &[&str], aws: &SdkConfig) -> Report {
    let config = Config::try_parse_from(site.options(options)).unwrap();
    let mut out = Vec::new();
    let has_passed = check::run_with(&config, aws, &mut out).await.unwrap();
    Report {
        has_passed,
        lines: String::from_utf8(out)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect(),
    }
}

/// A file in a folder of its own.
fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[tokio::test]
async fn all_is_well_and_nothing_has_been_done() {
    let site = site(Cluster::builder().standby(Standby::Location)).await;
    let report = check(&site, &[]).await;
    assert!(report.has_passed, "{:#?}", report.lines);
    let (last, things) = report.lines.split_last().unwrap();
    assert_eq!(last, "The worker can run with these options.");
    assert!(
        things.iter().all(|line| line.starts_with("ok      ")),
        "{things:#?}"
    );
    assert!(
        report
            .line("Livy at")
            .contains("version 0.7.1-incubating, 0 batches")
    );
    assert!(report.line("YARN").contains("1 active nodes"));
    let managers: Vec<_> = site
        .cluster
        .resource_manager_urls()
        .iter()
        .map(|url| report.line(&format!("ResourceManager at {url}")).to_owned())
        .collect();
    assert!(
        managers[0].contains("active, Hadoop 3.3.4") && managers[1].contains("a standby"),
        "{managers:#?}"
    );
    assert!(
        report
            .line("--resource-manager-user hadoop")
            .contains("may ask for kills")
    );
    assert!(report.line(site.step_functions.activity_arn()).contains("exists"));
    // Not even a poll, which could have taken a task: what is tried is about a token and an execution that do not exist.
    let journal = site.step_functions.server().journal();
    assert_eq!((journal.count("*"), journal.count("GetActivityTask")), (5, 0));
    for tried in [
        "DescribeActivity",
        "SendTaskHeartbeat",
        "SendTaskSuccess",
        "SendTaskFailure",
        "DescribeExecution",
    ] {
        assert_eq!(journal.count(tried), 1, "{tried}");
    }
    assert_eq!(site.cluster.livy().journal().count("POST *"), 0);
}

#[tokio::test]
async fn a_livy_that_is_down_is_to_be_started() {
    let site = site(Cluster::builder()).await;
    site.cluster.livy().down().await;
    let report = check(&site, &[]).await;
    report.only_failed("Livy at", &["Connection refused", "systemctl status livy-server"]);
    assert!(report.line("YARN").starts_with("ok "));
}

#[tokio::test]
async fn a_livy_that_asks_for_credentials_takes_only_the_right_ones() {
    let site = site(Cluster::builder().credentials("etl", "hunter2")).await;
    let report = check(&site, &[]).await;
    report.only_failed("Livy at", &["401", "name a file", "--livy-credentials-file"]);
    for (password, is_right) in [("hunter2", true), ("hunter3", false)] {
        let text = json!({"username": "etl", "password": password}).to_string();
        let (_folder, path) = file("livy.json", &text);
        let report = check(&site, &[&format!("--livy-credentials-file={}", path.display())]).await;
        if is_right {
            assert!(report.has_passed, "{:#?}", report.lines);
        } else {
            report.only_failed("Livy at", &["403", "mend what --livy-credentials-file names"]);
        }
        assert!(!report.lines.concat().contains(password));
    }
    let report = check(&site, &["--livy-credentials-file=/nosuch/livy.json"]).await;
    let line = report.line("--livy-credentials-file");
    assert!(
        line.starts_with("FAILED") && line.contains("No such file"),
        "{line}"
    );
}

#[tokio::test]
async fn the_wrong_scheme_and_a_strange_authority_are_told_apart() {
    let site = site(Cluster::builder().tls()).await;
    let (_folder, path) = file("ca.pem", site.cluster.ca_certificate().unwrap());
    let trusting = format!("--livy-ca-certificate={}", path.display());
    assert!(check(&site, &[&trusting]).await.has_passed);
    let stranger = check(&site, &[]).await;
    let line = stranger.line("Livy at");
    assert!(
        line.contains("UnknownIssuer") && line.contains("by --livy-ca-certificate"),
        "{line}"
    );
    let line = stranger.line("ResourceManager at");
    assert!(line.contains("by --livy-ca-certificate"), "{line}");
    let right = site.cluster.livy_url();
    let plain = right.as_str().replace("https:", "http:");
    let report = check(&site, &[&trusting, &format!("--livy-url={plain}")]).await;
    report.only_failed("Livy at", &[&format!("write --livy-url {right}")]);
}

#[tokio::test]
async fn tls_where_there_is_none_is_the_wrong_scheme_too() {
    let site = site(Cluster::builder()).await;
    let right = site.cluster.livy_url();
    let secure = right.as_str().replace("http:", "https:");
    let report = check(&site, &[&format!("--livy-url={secure}")]).await;
    report.only_failed("Livy at", &[&format!("write --livy-url {right}")]);
}

#[tokio::test]
async fn something_else_than_livy_is_recognized() {
    let site = site(Cluster::builder()).await;
    let report = check(
        &site,
        &[&format!("--livy-url={}", site.cluster.resource_manager_url())],
    )
    .await;
    report.only_failed("Livy at", &["404", "something else than Livy answers there"]);
}

#[tokio::test]
async fn a_resource_manager_that_is_down_is_to_be_started_and_the_other_one_still_serves() {
    let site = site(Cluster::builder().standby(Standby::Location)).await;
    site.cluster.standby().down().await;
    let report = check(&site, &[]).await;
    let url = site.cluster.standby().url();
    report.only_failed(
        &format!("ResourceManager at {url}"),
        &["Connection refused", "hadoop-yarn-resourcemanager"],
    );
    site.cluster.crash_resource_manager().await;
    let report = check(&site, &[]).await;
    assert_eq!(report.lines.last().unwrap(), "2 things failed.");
    // What cannot be asked is not told of.
    assert!(!report.lines.concat().contains("--resource-manager-user"));
    let report = check(&site, &["--resource-manager=none"]).await;
    assert!(report.has_passed && report.line("ResourceManager").starts_with("note "));
}

#[tokio::test]
async fn a_user_who_may_not_kill_is_found_out() {
    let site = site(Cluster::builder()).await;
    let faults = site.cluster.resource_manager().faults();
    faults.inject(On::put("/ws/v1/cluster/apps/*"), Fault::status(403));
    let report = check(&site, &["--resource-manager-user=dr.who"]).await;
    report.only_failed(
        "--resource-manager-user dr.who",
        &["403", "name a user that may kill"],
    );
}

#[tokio::test]
async fn an_activity_that_does_not_exist_is_to_be_created() {
    let site = site(Cluster::builder()).await;
    let missing = "arn:aws:states:eu-west-1:123456789012:activity:missing";
    let report = check(&site, &[&format!("--activity-arn={missing}")]).await;
    report.only_failed(
        missing,
        &["ActivityDoesNotExist", "create it, or mend --activity-arn"],
    );
    let elsewhere = missing.replace("eu-west-1", "us-east-1");
    let report = check(&site, &[&format!("--activity-arn={elsewhere}")]).await;
    report.only_failed(&elsewhere, &["set AWS_REGION=us-east-1"]);
}

#[tokio::test]
async fn a_role_that_may_not_describe_will_do_and_expired_credentials_will_not() {
    let site = site(Cluster::builder()).await;
    let arn = site.step_functions.activity_arn().to_owned();
    let faults = site.step_functions.server().faults();
    let refuse = |kind: &str, message: &str| {
        faults.clear();
        let answer = aws::error(kind, message);
        faults.inject(On::operation("DescribeActivity"), Fault::Answer(answer));
    };
    let user = "arn:aws:sts::123456789012:assumed-role/EMR_EC2/i-0a";
    let message = format!("User: {user} is not authorized to perform: states:DescribeActivity");
    refuse("AccessDeniedException", &message);
    let report = check(&site, &[]).await;
    let line = report.line(&arn);
    assert!(report.has_passed, "{:#?}", report.lines);
    assert!(
        line.starts_with("note ") && line.contains(user) && line.contains("that is not needed"),
        "{line}"
    );
    refuse(
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    check(&site, &[])
        .await
        .only_failed(&arn, &["expired", "renew the AWS credentials"]);
}

#[tokio::test]
async fn what_the_role_may_not_is_found_out_before_a_task_is_lost_by_it() {
    let site = site(Cluster::builder()).await;
    let faults = site.step_functions.server().faults();
    let deny = |operation: &str| {
        faults.clear();
        let message = format!(
            "User: arn:aws:sts::123456789012:assumed-role/EMR_EC2/i-0a is not authorized to perform: states:{operation}"
        );
        let answer = aws::error("AccessDeniedException", &message);
        faults.inject(On::operation(operation), Fault::Answer(answer));
    };
    for operation in ["SendTaskHeartbeat", "SendTaskSuccess", "SendTaskFailure"] {
        deny(operation);
        let thing = format!("states:{operation}");
        let allow = format!("allow the role `{thing}` on `*`");
        check(&site, &[])
            .await
            .only_failed(&thing, &["AccessDeniedException", &allow]);
    }
    // Real executions may be allowed to it all the same.
    deny("DescribeExecution");
    let report = check(&site, &[]).await;
    let line = report.line("states:DescribeExecution");
    assert!(report.has_passed && line.starts_with("note "), "{line}");
}

#[tokio::test]
async fn a_missing_region_and_missing_credentials_are_said_once() {
    let site = site(Cluster::builder()).await;
    let aws = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .build();
    let report = check_with(&site, &[], &aws).await;
    assert!(report.line("AWS region").contains("set AWS_REGION"));
    assert!(report.line("AWS credentials").starts_with("FAILED"));
    let line = report.line(site.step_functions.activity_arn());
    assert!(line.starts_with("note "), "{line}");
    assert_eq!(report.lines.last().unwrap(), "2 things failed.");
}

#[tokio::test]
async fn a_worker_that_runs_already_is_recognized_by_its_page() {
    let site = site(Cluster::builder()).await;
    let worker = site.worker(&[]).await;
    worker.shows("/readyz", "ready").await;
    let listen = format!("--listen={}", worker.page());
    let report = check(&site, &[&listen]).await;
    assert!(report.has_passed, "{:#?}", report.lines);
    let line = report.line("--listen");
    assert!(
        line.starts_with("note ") && line.contains("a worker runs there already"),
        "{line}"
    );
}

/// Every file beside a journal, with what is in it.
fn files(site: &Site) -> BTreeMap<PathBuf, Vec<u8>> {
    let option = site.journal("");
    let folder = option.strip_prefix("--journal=").unwrap();
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

#[tokio::test]
async fn a_journal_is_looked_at_beside_its_worker_and_after_it_was_killed() {
    let site = site(Cluster::builder()).await;
    let journal = site.journal("worker.db");
    let worker = Crashing::start(&site, &[&journal, "--settle=1m"]).await;
    let job = json!({"Parameters": {"File": site.cluster.job_file("forever.py")}});
    let task = site.step_functions.schedule(job);
    site.running(1).await;
    worker.shows("1 running").await;
    let report = check(&site, &[&journal]).await;
    let line = report.line("--journal");
    assert!(
        report.has_passed && line.starts_with("note ") && line.contains("a worker that runs has it"),
        "{line}"
    );
    // It has not lost its file.
    let another = Worker::prepare(
        Config::try_parse_from(site.options(&[&journal])).unwrap(),
        Clients::new(&site.aws(), &Config::try_parse_from(site.options(&[])).unwrap()),
        unprobed(),
    );
    let refusal = another.await.map(|_| ()).unwrap_err().to_string();
    assert!(refusal.contains("another worker uses it"), "{refusal}");
    worker.kill().await;
    let before = files(&site);
    assert_eq!(before.len(), 2, "the file, and the latest steps beside it");
    let report = check(&site, &[&journal]).await;
    let line = report.line("--journal");
    assert!(
        line.starts_with("ok ") && line.contains("1 open task of"),
        "{line}"
    );
    assert!(files(&site) == before, "the check has changed something");
    let _next = site.worker(&[&journal]).await;
    site.end(Fate::Succeeds);
    assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
}
