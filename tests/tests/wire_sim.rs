//! The wire tests against the simulators, in those of Livy's versions whose answers were recorded.

use sparkwright_tests::cluster::{Cluster, LivyVersion};
use sparkwright_tests::wire::{self, Site, TESTS};

#[expect(clippy::print_stdout, reason = "the list that ran is there to be read")]
async fn check(cluster: Cluster) {
    let site = Site::simulated(cluster.livy_url(), cluster.resource_manager_url(), "file:///jobs");
    let report = wire::run(&site).await;
    println!("simulators:\n{report}");
    assert_eq!(
        report.names(),
        TESTS.iter().map(|test| test.name).collect::<Vec<_>>()
    );
    assert_eq!(report.failed(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_tests_pass_on_the_simulators() {
    check(Cluster::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_tests_pass_on_every_version_that_was_seen() {
    // 0.6 was only read: it looks for an application for two minutes, and has other words when there is none.
    for version in [LivyVersion::V0_7, LivyVersion::V0_8, LivyVersion::V0_9] {
        println!("{version:?}");
        check(Cluster::builder().livy_version(version).start().await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_tests_pass_with_recovery_and_csrf_protection() {
    check(Cluster::builder().recovery().csrf_protection().start().await).await;
}
