//! The wire tests against a real Livy and YARN, when the environment says where they are.

use sparkwright_tests::wire::{self, Site, TESTS};

/// `SPARKWRIGHT_LIVY_URL`, `SPARKWRIGHT_RESOURCE_MANAGER_URL`, and in `SPARKWRIGHT_JOBS_DIR` a folder or its
/// URI.
fn site() -> Option<Site> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let url = |name| variable(name).map(|value| value.parse().expect("the address is a URL"));
    let jobs = variable("SPARKWRIGHT_JOBS_DIR")?;
    let jobs = if jobs.starts_with('/') {
        format!("file://{jobs}")
    } else {
        jobs
    };
    Some(Site::real(
        url("SPARKWRIGHT_LIVY_URL")?,
        url("SPARKWRIGHT_RESOURCE_MANAGER_URL")?,
        jobs,
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_tests_pass_on_real_servers() {
    let Some(site) = site() else {
        println!(
            "skipped: SPARKWRIGHT_LIVY_URL, SPARKWRIGHT_RESOURCE_MANAGER_URL and SPARKWRIGHT_JOBS_DIR are not set"
        );
        return;
    };
    let report = wire::run(&site).await;
    println!("real servers:\n{report}");
    assert_eq!(
        report.names(),
        TESTS.iter().map(|test| test.name).collect::<Vec<_>>()
    );
    assert_eq!(report.failed(), [""; 0]);
}
