//! The wire tests against a real Livy and YARN, when the environment says where they are.

use std::io::Write as _;

use sparkwright_tests::wire::{self, Site, TESTS};

/// Livy, the ResourceManager, and the folder of the jobs or its URI: all of them, or none.
const VARIABLES: [&str; 3] = [
    "SPARKWRIGHT_LIVY_URL",
    "SPARKWRIGHT_RESOURCE_MANAGER_URL",
    "SPARKWRIGHT_JOBS_DIR",
];

/// Nothing if the environment has none of the variables.
fn site() -> Option<Site> {
    let values = VARIABLES.map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    if let [None, None, None] = values {
        return None;
    }
    let [Some(livy), Some(resource_manager), Some(jobs)] = values else {
        panic!("only some of {} are set", VARIABLES.join(", "));
    };
    let url = |text: String| text.parse().expect("the address is a URL");
    let jobs = if jobs.starts_with('/') {
        format!("file://{jobs}")
    } else {
        jobs
    };
    Some(Site::real(url(livy), url(resource_manager), jobs))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_tests_pass_on_real_servers() {
    // Written past the test's own capture, so that a plain run shows it.
    let mut out = std::io::stdout();
    let Some(site) = site() else {
        writeln!(out, "real servers: skipped, {} are not set", VARIABLES.join(", ")).unwrap();
        return;
    };
    let report = wire::run(&site).await;
    writeln!(out, "\nreal servers:\n{report}").unwrap();
    assert_eq!(
        report.names(),
        TESTS.iter().map(|test| test.name).collect::<Vec<_>>()
    );
    assert_eq!(report.failed(), [""; 0]);
}
