//! `sparkwright-worker check`: what the options name, tried out once, with what to do where it fails.
//!
//! # Guarantees
//! - Nothing is changed, no task is taken, and a worker that runs beside it is not disturbed.
//! - No secret is shown: neither a password nor more of an access key than its end.

mod finding;
mod journal;
mod livy;
mod page;
mod permissions;
mod reach;
mod resource_manager;
mod step_functions;

use std::io::{self, Write};
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use sparkwright_spark_job::chain;
use sparkwright_spark_job::endpoint::ResourceManager;
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::endpoints::own_endpoints;
use finding::Finding;
use permissions::Permission;

/// Somebody waits for the report; a server that needs longer is not well.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Tests what the options name, with the AWS settings of the environment; whether nothing failed. Each line is written
/// as soon as it is known.
pub async fn run(config: &Config, out: &mut impl Write) -> io::Result<bool> {
    let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
    run_with(config, &aws, out).await
}

/// The same with these AWS settings.
pub async fn run_with(config: &Config, aws: &SdkConfig, out: &mut impl Write) -> io::Result<bool> {
    let mut report = Report { out, failed: 0 };
    report.add(step_functions::account(aws).await)?;
    let mut recognized = None;
    for activity in config.activities() {
        let described = step_functions::activity(&activity, aws).await;
        report.add([described.finding])?;
        if described.is_caller_known {
            recognized.get_or_insert(activity);
        }
    }
    if let Some(activity) = recognized {
        let client = step_functions::client(aws);
        for permission in Permission::ALL {
            report.add([permission.finding(&client, &activity).await])?;
        }
    }
    let (credentials, finding) = livy::credentials(config);
    report.add(finding)?;
    match own_endpoints(config) {
        Ok(endpoints) => {
            for endpoint in &endpoints {
                report.add(livy::findings(endpoint, credentials.as_ref()).await)?;
            }
            // Livys of one cluster share its ResourceManagers.
            let mut asked = Vec::new();
            for endpoint in &endpoints {
                if !asked.contains(&&endpoint.resource_manager) {
                    asked.push(&endpoint.resource_manager);
                    report
                        .add(cluster(&endpoint.resource_manager, endpoint.ca_certificate.as_deref()).await)?;
                }
            }
        }
        Err(error) => report.add([Finding::failed("options", chain(&error), "mend the option")])?,
    }
    report.add([page::finding(config.listen).await])?;
    if let Err(error) = EnvFilter::try_new(&config.log) {
        let thing = format!("--log {}", config.log);
        report.add([Finding::failed(
            thing,
            chain(&error),
            "write a level such as `info`",
        )])?;
    }
    report.add([journal::finding(&config.journal)])?;
    report.end()
}

async fn cluster(resource_manager: &ResourceManager, ca_certificate: Option<&str>) -> Vec<Finding> {
    match resource_manager {
        ResourceManager::None => {
            let seen = "not asked, by --resource-manager none: Livy's word on how a job ended is believed";
            vec![Finding::note("ResourceManager", seen)]
        }
        ResourceManager::Required { urls, user } => {
            resource_manager::findings(urls, user, ca_certificate).await
        }
    }
}

struct Report<'a, W> {
    out: &'a mut W,
    failed: usize,
}

impl<W: Write> Report<'_, W> {
    fn add(&mut self, findings: impl IntoIterator<Item = Finding>) -> io::Result<()> {
        for finding in findings {
            self.failed += usize::from(finding.has_failed());
            writeln!(self.out, "{finding}")?;
        }
        self.out.flush()
    }

    fn end(self) -> io::Result<bool> {
        match self.failed {
            0 => writeln!(self.out, "The worker can run with these options.")?,
            1 => writeln!(self.out, "One thing failed.")?,
            more => writeln!(self.out, "{more} things failed.")?,
        }
        Ok(self.failed == 0)
    }
}
