//! Requests that CloudFormation gives up: the function asks it, and it need not answer.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use custom_resource::Handler;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use spark_job_function::aws::Aws;
use spark_job_function::provider::{Settings, SparkJobs};
use sparkwright_tests::aws::{ResourceStatus, on_action, query_error};
use sparkwright_tests::cloudformation::{Answer, Event};
use sparkwright_tests::faults::{Fault, Injected, Moment, On};
use sparkwright_tests::http;
use sparkwright_tests::journal::{Ending, Entry};

use crate::stage::{LONG, SETTLE, Stage, failed, is_nothing, other, sdk_config, succeeded, with};

const QUESTION: &str = "DescribeStackResource";

/// What a Create asks until its batch is there: when it arrives, before the POST, after it.
const SUBMITTED: usize = 3;

/// A stage whose function asks the stack.
struct Stacked {
    stage: Stage,
    handler: Handler<SparkJobs>,
}

impl Stacked {
    async fn new() -> Self {
        let stage = Stage::new().await;
        let settings = Settings {
            settle: SETTLE,
            poll_period: Duration::from_millis(20),
            linger: Duration::from_millis(100),
            leak_check: Duration::from_millis(200),
        };
        let jobs = SparkJobs::new(settings, Aws::of(sdk_config(&stage.aws.url())));
        let handler = Handler::new(jobs, custom_resource::Settings::default());
        Self { stage, handler }
    }

    fn says(&self, status: ResourceStatus) {
        self.stage.aws.stack_says(&self.stage.resource, status);
    }

    /// How often the stack was asked.
    fn questions(&self) -> usize {
        self.stage.aws.server().journal().count(QUESTION)
    }

    /// So many questions were answered: what the stack says from now on is for the next one.
    async fn told(&self, times: usize) {
        let is_told = |entry: &&Entry| matches!(entry.ending, Ending::Answered(_));
        let journal = self.stage.aws.server().journal();
        journal
            .until(|journal| journal.entries(QUESTION).iter().filter(is_told).count() >= times)
            .await;
    }

    fn break_questions(&self, fault: Fault) -> Injected {
        self.stage
            .aws
            .server()
            .faults()
            .inject(on_action(QUESTION), fault)
    }

    /// Hands an event to the function; its latest answer.
    async fn send(&self, event: &Event) -> Answer {
        let mut context = Context::default();
        let deadline = (SystemTime::now() + LONG).duration_since(UNIX_EPOCH).unwrap();
        context.deadline = u64::try_from(deadline.as_millis()).unwrap();
        let event_and_context = LambdaEvent::new(event.body.clone(), context);
        self.handler.handle(event_and_context).await.unwrap();
        self.stage.sink.answers(&event.request_id).last().unwrap().clone()
    }

    fn create_event(&self, properties: &Value) -> Event {
        self.stage.sink.create(&self.stage.resource, properties.clone())
    }

    async fn create(&self, properties: &Value) -> Answer {
        self.send(&self.create_event(properties)).await
    }

    async fn update(&self, id: &str, old: &Value, new: &Value) -> Answer {
        let event = self
            .stage
            .sink
            .update(&self.stage.resource, id, old.clone(), new.clone());
        self.send(&event).await
    }

    async fn delete(&self, id: &str) -> Answer {
        let event = self.stage.sink.delete(&self.stage.resource, id, json!({}));
        self.send(&event).await
    }

    /// A job that the stack has, and its id.
    async fn created(&self, properties: &Value) -> String {
        self.says(ResourceStatus::new("CREATE_IN_PROGRESS"));
        let id = succeeded(&self.create(properties).await);
        self.says(ResourceStatus::new("UPDATE_IN_PROGRESS").of(&id));
        id
    }
}

/// The request goes on while something else happens.
async fn meanwhile(request: impl Future<Output = Answer>, happens: impl Future<Output = ()>) -> Answer {
    tokio::join!(request, happens).0
}

#[tokio::test]
async fn a_create_that_was_given_up_submits_nothing() {
    for (status, because) in [
        ("CREATE_FAILED", Some("Resource creation cancelled")),
        ("CREATE_COMPLETE", None),
        ("DELETE_IN_PROGRESS", None),
        ("DELETE_SKIPPED", None),
    ] {
        let stacked = Stacked::new().await;
        let said = ResourceStatus::new(status);
        stacked.says(match because {
            Some(because) => said.because(because),
            None => said,
        });
        let answer = stacked.create(&stacked.stage.properties()).await;
        failed(
            &answer,
            &format!("CloudFormation no longer waits for this Create: it says that `SparkPi` is {status}"),
        );
        failed(&answer, because.unwrap_or_default());
        is_nothing(answer.physical_id());
        assert_eq!(stacked.stage.posts(), 0);
    }
}

#[tokio::test]
async fn a_create_that_is_given_up_while_livy_takes_it_stops_its_run() {
    let stacked = Stacked::new().await;
    stacked.says(ResourceStatus::new("CREATE_IN_PROGRESS"));
    let post = stacked
        .stage
        .cluster
        .livy()
        .faults()
        .hold(On::post("/batches"), Moment::After);
    let properties = stacked.stage.properties();
    let answer = meanwhile(stacked.create(&properties), async {
        post.arrived(1).await;
        stacked.says(ResourceStatus::new("DELETE_IN_PROGRESS"));
        post.open();
    })
    .await;
    failed(&answer, "is DELETE_IN_PROGRESS");
    assert_eq!((stacked.stage.posts(), stacked.stage.living()), (1, 0));
    succeeded(&stacked.delete(answer.physical_id()).await);
}

#[tokio::test]
async fn a_create_that_is_given_up_before_its_answer_stops_its_run() {
    let stacked = Stacked::new().await;
    stacked.says(ResourceStatus::new("CREATE_IN_PROGRESS"));
    let properties = with(&stacked.stage.properties(), json!({"HealthySeconds": 2}));
    let answer = meanwhile(stacked.create(&properties), async {
        stacked.told(SUBMITTED).await;
        stacked.says(ResourceStatus::new("CREATE_FAILED"));
    })
    .await;
    failed(&answer, "is CREATE_FAILED");
    assert_eq!(
        (stacked.stage.posts(), stacked.stage.living(), stacked.questions()),
        (1, 0, SUBMITTED + 1)
    );
}

#[tokio::test]
async fn while_it_waits_it_asks_every_fifteen_seconds() {
    let stacked = Stacked::new().await;
    stacked.says(ResourceStatus::new("CREATE_IN_PROGRESS"));
    let properties = with(&stacked.stage.properties(), json!({"HealthySeconds": 600}));
    let answer = meanwhile(stacked.create(&properties), async {
        stacked.told(SUBMITTED).await;
        stacked.says(ResourceStatus::new("CREATE_FAILED").because("Resource creation cancelled"));
    })
    .await;
    failed(&answer, "is CREATE_FAILED (Resource creation cancelled)");
    assert_eq!((stacked.stage.living(), stacked.questions()), (0, SUBMITTED + 1));
    let questions = stacked.stage.aws.server().journal().entries(QUESTION);
    let between = questions[SUBMITTED].at - questions[SUBMITTED - 1].at;
    assert!(between >= Duration::from_secs(15), "{between:?}");
}

#[tokio::test]
async fn an_update_that_was_given_up_leaves_the_old_job_alone() {
    for status in ["UPDATE_FAILED", "UPDATE_COMPLETE", "DELETE_IN_PROGRESS"] {
        let stacked = Stacked::new().await;
        let old = stacked.stage.properties();
        let id = stacked.created(&old).await;
        let job = stacked.stage.live().id;
        stacked.says(ResourceStatus::new(status).of(&id));
        let answer = stacked.update(&id, &old, &other(&old)).await;
        failed(
            &answer,
            &format!("waits for this Update: it says that `SparkPi` is {status}"),
        );
        assert_eq!(
            (
                answer.physical_id(),
                stacked.stage.live().id,
                stacked.stage.posts()
            ),
            (&*id, job, 1)
        );
    }
}

#[tokio::test]
async fn an_update_that_is_given_up_at_work_stops_its_own_run_only() {
    let stacked = Stacked::new().await;
    let old = with(
        &stacked.stage.properties(),
        json!({"UpdatePolicy": "StartThenStop", "HealthySeconds": 2}),
    );
    let id = stacked.created(&old).await;
    let job = stacked.stage.live().id;
    let before = stacked.questions();
    let new = other(&old);
    let answer = meanwhile(stacked.update(&id, &old, &new), async {
        stacked.told(before + SUBMITTED).await;
        stacked.says(
            ResourceStatus::new("UPDATE_FAILED")
                .of(&id)
                .because("Resource update cancelled"),
        );
    })
    .await;
    failed(&answer, "is UPDATE_FAILED (Resource update cancelled)");
    assert_eq!((stacked.stage.live().id, stacked.stage.posts()), (job, 2));
}

#[tokio::test]
async fn a_second_delivery_does_not_stop_the_job_that_the_first_has_brought() {
    let stacked = Stacked::new().await;
    stacked.says(ResourceStatus::new("CREATE_IN_PROGRESS"));
    let event = stacked.create_event(&stacked.stage.properties());
    let id = succeeded(&stacked.send(&event).await);
    let job = stacked.stage.live().id;
    stacked.says(ResourceStatus::new("CREATE_COMPLETE").of(&id));
    assert_eq!(succeeded(&stacked.send(&event).await), id);
    assert_eq!((stacked.stage.live().id, stacked.stage.posts()), (job, 1));
    // The same word about another job.
    stacked.says(ResourceStatus::new("CREATE_COMPLETE").of("sparkwright:1:none:0123456789ab"));
    failed(&stacked.send(&event).await, "is CREATE_COMPLETE");
    assert_eq!(stacked.stage.living(), 0);
}

#[tokio::test]
async fn what_was_said_before_the_request_is_not_about_it() {
    let stacked = Stacked::new().await;
    // Under this name there was a resource once.
    stacked.says(ResourceStatus::new("DELETE_COMPLETE").of("gone").aged(60));
    let old = stacked.stage.properties();
    let id = succeeded(&stacked.create(&old).await);
    // The word of an Update that failed before, and of an emulator that says nothing of the one at work.
    for status in ["UPDATE_FAILED", "UPDATE_COMPLETE"] {
        stacked.says(ResourceStatus::new(status).of(&id).aged(60));
        let new = with(&other(&old), json!({"Revision": status}));
        succeeded(&stacked.update(&id, &old, &new).await);
    }
    assert_eq!((stacked.stage.living(), stacked.stage.peak()), (1, 1));
}

#[tokio::test]
async fn a_delete_asks_nobody() {
    let stacked = Stacked::new().await;
    let id = stacked.created(&stacked.stage.properties()).await;
    let before = stacked.questions();
    stacked.says(ResourceStatus::new("DELETE_COMPLETE").of(&id));
    succeeded(&stacked.delete(&id).await);
    assert_eq!((stacked.stage.living(), stacked.questions()), (0, before));
}

#[tokio::test]
async fn whatever_keeps_the_stack_from_answering_lets_the_request_pass() {
    let denied = "User: arn:aws:sts::123456789012:assumed-role/f/f is not authorized to perform";
    for (fault, most) in [
        (Fault::Answer(query_error(403, "AccessDenied", denied)), 1),
        (
            Fault::Answer(query_error(400, "InvalidAction", "Could not find operation")),
            1,
        ),
        (Fault::Answer(http::Answer::html(200, "<html>welcome</html>")), 1),
        // The client tries these again within three seconds, and a slow machine asks a second time after fifteen.
        (Fault::Answer(query_error(400, "Throttling", "Rate exceeded")), 4),
        (Fault::Answer(query_error(503, "ServiceUnavailable", "busy")), 4),
        (Fault::reset(), 4),
        (Fault::hang(), 4),
    ] {
        let stacked = Stacked::new().await;
        let shown = format!("{fault:?}");
        let broken = stacked.break_questions(fault);
        let old = stacked.stage.properties();
        let id = succeeded(&stacked.create(&old).await);
        let id = succeeded(&stacked.update(&id, &old, &other(&old)).await);
        assert!(
            (1..=most).contains(&broken.hits()),
            "{shown}: asked again and again"
        );
        succeeded(&stacked.delete(&id).await);
        assert_eq!(stacked.stage.living(), 0, "{shown}");
    }
}

#[tokio::test]
async fn a_stack_that_nobody_knows_lets_its_requests_pass_and_others_are_asked_about() {
    let stacked = Stacked::new().await;
    let properties = stacked.stage.properties();
    let id = succeeded(&stacked.create(&properties).await);
    assert!(stacked.questions() >= 3, "{}", stacked.questions());
    stacked.says(ResourceStatus::new("UPDATE_FAILED").of(&id));
    let answer = stacked.update(&id, &properties, &other(&properties)).await;
    failed(&answer, "is UPDATE_FAILED");
}
