#![allow(clippy::all, clippy::unwrap_used, clippy::print_stdout, missing_docs)]
use serde_json::json;
use sparkwright_spark_job::{
    cluster::Cluster, endpoint::*, identity::*, names::*, outcome::conclude, parameters::Parameters,
    redact::Redaction, standing::*, submission::*, watcher::*,
};
use std::time::Duration;
#[tokio::main]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let e = Endpoint {
        livy: a[1].parse().unwrap(),
        ca_certificate: None,
        resource_manager: ResourceManager::Required {
            urls: vec![a[2].parse().unwrap()],
            user: "hadoop".into(),
        },
    };
    let c = Cluster::connect(e, None).unwrap();
    let w = Watcher::start(
        c.clone(),
        WatchSettings {
            poll_period: Duration::from_secs(1),
            settle: Duration::from_secs(150),
        },
    );
    for job in &a[3..] {
        let mut p = json!({"File": format!("file:///tmp/sj/bedrun/jobs/{}", job.split(' ').next().unwrap())});
        for kv in job.split(' ').skip(1) {
            let (k, v) = kv.split_once('=').unwrap();
            p[k] = if k == "Args" { json!([v]) } else { json!(v) };
        }
        let parameters = Parameters::parse(p.as_object().unwrap()).unwrap();
        let order = Order {
            spec: Spec::of(&parameters, &DeclaredEndpoint::default(), ""),
            slug: Slug::of(job),
            intent: Intent::of_token(&format!("{job}{:?}", std::time::SystemTime::now())),
            resource: None,
            numbering: Numbering::OneRun,
            parameters,
        };
        let patience = Patience {
            settle: Duration::from_secs(150),
            submit_timeout: Duration::from_secs(60),
            lost_timeout: Duration::from_secs(1800),
            poll_period: Duration::from_secs(1),
            deadline: None,
        };
        let t = std::time::Instant::now();
        let run = submit(&c, &order, &patience, &Unsupervised).await.unwrap();
        let mut r = w.follow(&run);
        let report = r
            .wait_for(|r| matches!(r.standing, Standing::Ended(_)))
            .await
            .unwrap()
            .clone();
        let Standing::Ended(ending) = report.standing else {
            unreachable!()
        };
        let o = conclude(&c, &run, &report, ending, &Redaction::of(&order.parameters, &[])).await;
        println!(
            "{job}: {ending:?} after {:.0} s: {} attempts {:?} tail {}",
            t.elapsed().as_secs_f32(),
            o.explanation.message,
            o.summary.attempts,
            o.explanation.log_tail.len()
        );
    }
}
