//! Which ResourceManager is the active one, has its cluster nodes, and does it take orders from the user?

use std::time::Instant;

use sparkwright_yarn::{ApplicationId, Client, ClientConfig, ClusterMetrics, Error, Timeouts};
use url::Url;

use super::finding::Finding;
use super::reach::{advice_on_reaching, innermost};
use super::{CONNECT_TIMEOUT, READ_TIMEOUT};

/// What is to be said about the ResourceManagers of one cluster, and about the cluster.
pub(super) async fn findings(urls: &[Url], user: &str, ca_certificate: Option<&str>) -> Vec<Finding> {
    let connect = |urls: &[Url]| {
        let mut config = ClientConfig::new(urls.to_vec());
        config.user = user.to_owned();
        config.ca_certificate = ca_certificate.map(str::to_owned);
        config.timeouts = Timeouts {
            connect: CONNECT_TIMEOUT,
            read: READ_TIMEOUT,
        };
        Client::new(config)
    };
    let mut findings = Vec::new();
    for url in urls {
        // A client of each, because a client of all asks only until one answers.
        let finding = match connect(std::slice::from_ref(url)) {
            Ok(yarn) => one(&yarn, url).await,
            Err(error) => failed(url, &error),
        };
        findings.push(finding);
    }
    if findings.iter().all(Finding::has_failed) {
        return findings;
    }
    if let Ok(yarn) = connect(urls) {
        findings.extend(cluster(&yarn, user).await);
    }
    findings
}

async fn one(yarn: &Client, url: &Url) -> Finding {
    let begun = Instant::now();
    let info = match yarn.info().await {
        Ok(info) => info,
        Err(error) => return failed(url, &error),
    };
    let milliseconds = begun.elapsed().as_millis();
    let thing = thing(url);
    let hadoop = &info.hadoop_version;
    let seen = format!("Hadoop {hadoop}, answered in {milliseconds} ms");
    match (info.state.as_str(), info.ha_state.as_str()) {
        _ if info.is_active() => Finding::ok(thing, format!("active, {seen}")),
        ("STARTED", "STANDBY") => Finding::ok(thing, format!("a standby, {seen}")),
        (state, ha_state) => Finding::note(
            thing,
            format!("its state is {state}, {ha_state}: it takes no requests yet, or no more; {seen}"),
        ),
    }
}

async fn cluster(yarn: &Client, user: &str) -> Vec<Finding> {
    let thing = "YARN";
    let metrics = match yarn.metrics().await {
        Ok(metrics) => metrics,
        Err(error) => {
            let advice = match &error {
                Error::Standby { .. } => {
                    "wait for a failover, or name the active one too by --resource-manager-url"
                }
                _ => "see the ResourceManager's log",
            };
            return vec![Finding::failed(thing, seen_in(&error), advice)];
        }
    };
    vec![nodes(thing, &metrics), kills(yarn, user).await]
}

fn nodes(thing: &str, metrics: &ClusterMetrics) -> Finding {
    let seen = format!(
        "{} active nodes ({} unhealthy, {} lost), {} of {} MB free, {} applications run, {} wait",
        metrics.active_nodes,
        metrics.unhealthy_nodes,
        metrics.lost_nodes,
        metrics.available_mb,
        metrics.total_mb,
        metrics.apps_running,
        metrics.apps_pending
    );
    match metrics.active_nodes {
        0 => Finding::note(thing, format!("{seen}: every job will wait for a node")),
        _ => Finding::ok(thing, seen),
    }
}

/// The ResourceManager looks at who asks before it looks for the application, which is one of 1970.
async fn kills(yarn: &Client, user: &str) -> Finding {
    let thing = format!("--resource-manager-user {user}");
    match yarn.kill(&ApplicationId::new(1, 1)).await {
        Err(error) if error.is_not_found() => Finding::ok(thing, "may ask for kills"),
        Ok(()) => Finding::note(
            thing,
            "something else than a ResourceManager agrees to kill what does not exist",
        ),
        Err(error) if error.is_unauthorized() => {
            let advice = "name a user that may kill applications (yarn.admin.acl has them where yarn.acl.enable is set); a \
                          ResourceManager that wants Kerberos cannot be used";
            Finding::failed(thing, seen_in(&error), advice)
        }
        Err(error) => {
            let advice =
                "let PUT requests through to /ws/v1/cluster/apps: without them no job can be stopped";
            Finding::failed(thing, seen_in(&error), advice)
        }
    }
}

fn failed(url: &Url, error: &Error) -> Finding {
    let option = "--resource-manager-url";
    let advice = match error {
        Error::Configuration { .. } => format!("mend {option} or --livy-ca-certificate"),
        Error::Decode { .. } => format!("mend {option}: something else than a ResourceManager answers there"),
        Error::Api { .. } if error.is_unauthorized() => {
            "choose another --resource-manager-user; a ResourceManager that wants Kerberos cannot be used"
                .into()
        }
        Error::Api { status: 404, .. } => {
            format!("mend {option}: something else than a ResourceManager answers there")
        }
        Error::Api { .. } => "see the ResourceManager's log".into(),
        _ => advice_on_reaching(
            url,
            option,
            "the ResourceManager",
            "hadoop-yarn-resourcemanager",
            &innermost(error),
        ),
    };
    Finding::failed(thing(url), seen_in(error), advice)
}

fn seen_in(error: &Error) -> String {
    match error {
        Error::Api { status, message, .. } => format!("the answer is {status}: {message}"),
        Error::Decode { message, .. } => format!("the answer is not YARN's: {message}"),
        error => innermost(error),
    }
}

fn thing(url: &Url) -> String {
    format!("ResourceManager at {url}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_without_nodes_is_worth_a_note() {
        let metrics = ClusterMetrics {
            active_nodes: 0,
            lost_nodes: 2,
            ..ClusterMetrics::default()
        };
        let line = nodes("YARN", &metrics).to_string();
        assert!(
            line.starts_with("note") && line.contains("2 lost") && line.contains("will wait"),
            "{line}"
        );
    }
}
