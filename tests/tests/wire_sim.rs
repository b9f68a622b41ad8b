//! The wire tests against the simulators, in those of Livy's versions whose answers were recorded.

use std::io::Write as _;

use sparkwright_tests::cluster::{Cluster, LivyVersion};
use sparkwright_tests::wire::{self, Site, TESTS};

async fn check(which: &str, cluster: Cluster) {
    let site = Site::simulated(cluster.livy_url(), cluster.resource_manager_url(), "file:///jobs");
    let report = wire::run(&site).await;
    // Written past the test's own capture, so that a plain run shows it.
    let mut out = std::io::stdout();
    writeln!(out, "\nsimulators, {which}:\n{report}").expect("standard output is open");
    assert_eq!(
        report.names(),
        TESTS.iter().map(|test| test.name).collect::<Vec<_>>()
    );
    assert_eq!(report.failed(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_tests_pass_on_the_simulators() {
    check("as they are", Cluster::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_tests_pass_on_every_version_that_was_seen() {
    // 0.6 was only read: it looks for an application for two minutes, and has other words when there is none.
    for version in [LivyVersion::V0_7, LivyVersion::V0_8, LivyVersion::V0_9] {
        let cluster = Cluster::builder().livy_version(version).start().await;
        check(&format!("Livy {version:?}"), cluster).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_tests_pass_with_recovery_and_csrf_protection() {
    let cluster = Cluster::builder().recovery().csrf_protection().start().await;
    check("recovery and CSRF protection", cluster).await;
}
