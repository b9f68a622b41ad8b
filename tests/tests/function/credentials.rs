//! The secret with Livy's credentials changes while the function is warm, or at work.

use std::future::Future;
use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::aws;
use sparkwright_tests::cloudformation::Answer;
use sparkwright_tests::cluster::Cluster;
use sparkwright_tests::faults::{Fault, Moment, On};

use crate::stage::{Stage, failed, is_nothing, other, succeeded, with};

/// A Livy that takes `etl` with this password, and a secret that holds it.
struct Guarded {
    stage: Stage,
    secret: String,
}

fn secret_text(password: &str) -> String {
    json!({"username": "etl", "password": password}).to_string()
}

impl Guarded {
    async fn new() -> Self {
        let stage = Stage::on(Cluster::builder().credentials("etl", "first")).await;
        let secret = stage.aws.secret("livy", &secret_text("first"));
        Self { stage, secret }
    }

    fn properties(&self) -> Value {
        with(&self.stage.properties(), json!({"LivyCredentials": self.secret}))
    }

    /// Livy takes another password from now on, and the secret holds it.
    fn rotate(&self, password: &str) {
        self.stage.cluster.change_password(password);
        self.stage.aws.rotate_secret(&self.secret, &secret_text(password));
    }

    fn readings(&self) -> usize {
        self.stage.aws.server().journal().count("GetSecretValue")
    }
}

async fn meanwhile(request: impl Future<Output = Answer>, happens: impl Future<Output = ()>) -> Answer {
    tokio::join!(request, happens).0
}

#[tokio::test]
async fn a_warm_function_meets_a_rotated_secret() {
    let guarded = Guarded::new().await;
    let old = guarded.properties();
    let id = guarded.stage.created(&old).await;
    assert_eq!(guarded.readings(), 1);
    guarded.rotate("second");
    let id = succeeded(&guarded.stage.update(&id, &old, &other(&old)).await);
    assert_eq!(guarded.readings(), 2);
    // Not only the client that was refused knows the new one.
    guarded.rotate("third");
    succeeded(&guarded.stage.delete(&id, &json!({})).await);
    assert_eq!((guarded.stage.living(), guarded.readings()), (0, 3));
}

#[tokio::test]
async fn the_creation_itself_is_sent_again_with_the_new_credentials() {
    let guarded = Guarded::new().await;
    let post = guarded
        .stage
        .cluster
        .livy()
        .faults()
        .hold(On::post("/batches").first(1), Moment::Before);
    let properties = guarded.properties();
    let answer = meanwhile(guarded.stage.create(&properties), async {
        post.arrived(1).await;
        guarded.rotate("second");
        post.open();
    })
    .await;
    succeeded(&answer);
    assert_eq!((guarded.stage.posts(), guarded.stage.living()), (2, 1));
    assert_eq!(guarded.stage.cluster.world().batches().len(), 1);
    assert_eq!(guarded.readings(), 2);
}

#[tokio::test]
async fn a_job_is_watched_and_stopped_across_rotations() {
    let guarded = Guarded::new().await;
    let properties = with(&guarded.properties(), json!({"HealthySeconds": 2}));
    let livy = guarded.stage.cluster.livy();
    let answer = meanwhile(guarded.stage.create(&properties), async {
        livy.journal().reached("POST /batches", 1).await;
        guarded.rotate("second");
    })
    .await;
    let id = succeeded(&answer);
    // The deletion itself is refused.
    let deletion = livy
        .faults()
        .hold(On::delete("/batches/*").first(1), Moment::Before);
    let delete = guarded.stage.delete(&id, &properties);
    let answer = meanwhile(delete, async {
        deletion.arrived(1).await;
        guarded.rotate("third");
        deletion.open();
    })
    .await;
    succeeded(&answer);
    assert_eq!(guarded.stage.living(), 0);
}

#[tokio::test]
async fn a_secret_that_has_not_changed_is_read_again_once_in_a_while() {
    let guarded = Guarded::new().await;
    guarded.stage.cluster.change_password("second");
    let answer = guarded.stage.create(&guarded.properties()).await;
    failed(&answer, "the answer was 403");
    failed(
        &answer,
        &format!("the secret `{}` still holds the same", guarded.secret),
    );
    failed(&answer, "check the Livy credentials");
    is_nothing(answer.physical_id());
    for hidden in ["first", "second"] {
        assert!(!answer.reason().contains(hidden), "{}", answer.reason());
    }
    // Livy was asked every 20 ms for a second; a machine that is very busy may take some more.
    assert!((2..=3).contains(&guarded.readings()), "{}", guarded.readings());
}

#[tokio::test]
async fn a_secret_that_is_written_after_livy_has_changed_is_found() {
    let guarded = Guarded::new().await;
    guarded.stage.cluster.change_password("second");
    let properties = with(&guarded.properties(), json!({"SubmitTimeoutSeconds": 60}));
    let secrets = guarded.stage.aws.server().journal();
    let answer = meanwhile(guarded.stage.create(&properties), async {
        secrets.reached("GetSecretValue", 2).await;
        guarded
            .stage
            .aws
            .rotate_secret(&guarded.secret, &secret_text("second"));
    })
    .await;
    succeeded(&answer);
}

#[tokio::test]
async fn a_secret_that_is_gone_or_forbidden_is_named() {
    for (is_gone, said) in [
        (true, "Secrets Manager can't find the specified secret."),
        (false, "the function's role needs secretsmanager:GetSecretValue"),
    ] {
        let guarded = Guarded::new().await;
        let old = guarded.properties();
        let id = guarded.stage.created(&old).await;
        let job = guarded.stage.live().id;
        guarded.stage.cluster.change_password("second");
        if is_gone {
            guarded.stage.aws.delete_secret(&guarded.secret);
        } else {
            let denied = aws::error("AccessDeniedException", "not authorized");
            let faults = guarded.stage.aws.server().faults();
            faults.inject(On::operation("GetSecretValue"), Fault::Answer(denied));
        }
        let answer = guarded.stage.update(&id, &old, &other(&old)).await;
        failed(&answer, said);
        failed(&answer, &guarded.secret);
        assert_eq!((answer.physical_id(), guarded.stage.live().id), (&*id, job));
        // What Livy has refused is not tried again.
        let answer = guarded.stage.update(&id, &old, &other(&old)).await;
        failed(&answer, said);
        assert!(!answer.reason().contains("403"), "{}", answer.reason());
    }
}

#[tokio::test]
async fn a_gateway_may_say_it_with_another_status() {
    let guarded = Guarded::new().await;
    let old = guarded.properties();
    let id = guarded.stage.created(&old).await;
    guarded.rotate("second");
    let gateway = guarded
        .stage
        .cluster
        .livy()
        .faults()
        .inject(On::any().first(1), Fault::status(401));
    succeeded(&guarded.stage.delete(&id, &old).await);
    assert_eq!(
        (gateway.hits(), guarded.readings(), guarded.stage.living()),
        (1, 2, 0)
    );
}

#[tokio::test]
async fn what_the_secret_holds_by_now_may_be_refused_too() {
    let guarded = Guarded::new().await;
    let old = guarded.properties();
    let id = guarded.stage.created(&old).await;
    guarded.rotate("second");
    guarded.stage.cluster.change_password("third");
    let answer = guarded.stage.update(&id, &old, &other(&old)).await;
    // Said of the first look, and of those that soon follow.
    let (first, later) = (
        format!("what the secret `{}` holds now is refused too", guarded.secret),
        format!("the secret `{}` still holds the same", guarded.secret),
    );
    let reason = answer.reason();
    assert!(reason.contains(&first) || reason.contains(&later), "{reason}");
    guarded
        .stage
        .aws
        .rotate_secret(&guarded.secret, &secret_text("third"));
    succeeded(&guarded.stage.delete(&id, &old).await);
    assert_eq!(guarded.stage.living(), 0);
}

#[tokio::test]
async fn refused_looks_side_by_side_read_the_secret_once() {
    let guarded = Guarded::new().await;
    let old = guarded.properties();
    let id = guarded.stage.created(&old).await;
    guarded.rotate("second");
    let slow = Fault::slow(Duration::from_millis(100));
    guarded
        .stage
        .aws
        .server()
        .faults()
        .inject(On::operation("GetSecretValue"), slow);
    // Two requests have clients of their own, and one cache.
    let changed = with(&old, json!({"WaitTimeoutSeconds": 60}));
    let (first, second) = tokio::join!(
        guarded.stage.delete(&id, &old),
        guarded.stage.delete(&id, &changed),
    );
    succeeded(&first);
    succeeded(&second);
    assert_eq!(guarded.readings(), 2);
}
