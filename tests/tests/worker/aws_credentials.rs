//! AWS credentials that expire while the worker runs, and come back.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sparkwright_tests::aws::{self, Aws};
use sparkwright_tests::cluster::Fate;
use sparkwright_tests::faults::{Fault, Injected, On};
use sparkwright_tests::http::Answer;

use crate::crashing::Crashing;
use crate::site::Site;

/// Hands out the credentials of a role, as the agent beside a container does.
struct Agent(Aws);

impl Agent {
    const PATH: &str = "/role";

    async fn start() -> Self {
        Self(Aws::start().await)
    }

    /// From now on it answers so.
    fn says(&self, answer: Answer) -> Injected {
        let faults = self.0.server().faults();
        faults.clear();
        faults.inject(On::get(Self::PATH), Fault::Answer(answer))
    }

    /// From now on it hands out this key, which is about to expire: whoever uses it asks again for each call.
    fn gives(&self, key: &str) -> Injected {
        let expires = Timestamp::now() + SignedDuration::from_secs(5);
        self.says(Answer::json(
            200,
            &json!({
                "AccessKeyId": key,
                "SecretAccessKey": "secret",
                "Token": "session",
                "Expiration": expires.to_string(),
            }),
        ))
    }
}

/// The access key with which the last call of an operation was signed.
fn signed_with(site: &Site, operation: &str) -> String {
    let last = site.step_functions.server().journal().last(operation).unwrap();
    let signature = last.request.header("authorization").unwrap_or_default();
    let (_, key) = signature.split_once("Credential=").unwrap_or_default();
    key.split('/').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn credentials_that_expire_and_return_cost_no_job_and_no_task() {
    let site = Site::new().await;
    let agent = Agent::start().await;
    agent.gives("AKIDFIRST");
    let url = agent.0.url().join(Agent::PATH).unwrap();
    let options = ["--pollers-per-activity=1", "--slots=2"];
    let mut worker = Crashing::start_with_role(&site, &options, &url).await;
    let file = site.cluster.job_file("forever.py");
    let running = site
        .step_functions
        .schedule(json!({"Parameters": {"File": file}}));
    site.running(1).await;
    running.beaten(2).await;
    assert_eq!(signed_with(&site, "SendTaskHeartbeat"), "AKIDFIRST");

    let expired = aws::error(
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    let refusal = site
        .step_functions
        .server()
        .faults()
        .inject(On::any(), Fault::Answer(expired));
    refusal.struck(3).await;
    worker.says("a heartbeat failed; it is sent again").await;
    worker
        .shows_at("readyz", "check the worker's AWS credentials")
        .await;
    // Then there are none at all for a while.
    agent.says(Answer::empty(500)).struck(3).await;
    let waiting = site
        .step_functions
        .schedule(json!({"Parameters": {"File": site.cluster.job_file("pi.py")}}));
    let before = running.heartbeats();
    agent.gives("AKIDSECOND");
    refusal.remove();

    running.beaten(before + 2).await;
    assert_eq!(signed_with(&site, "SendTaskHeartbeat"), "AKIDSECOND");
    assert_eq!(waiting.outcome().await.output()["state"], "SUCCEEDED");
    site.end(Fate::Succeeds);
    assert_eq!(running.outcome().await.output()["state"], "SUCCEEDED");
    assert_eq!(site.cluster.world().applications().len(), 2);
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 2);
}
