//! A cluster in a public subnet: it is known by a public name, and reached by the private one.

use serde_json::{Value, json};
use sparkwright_tests::aws::{self, Collection};
use sparkwright_tests::faults::{Fault, On};

use crate::stage::{Stage, failed, succeeded, with};

const ID: &str = "j-2AXXXXXXGAPLF";
/// Nothing has these names here.
const PUBLIC: &str = "ec2-203-0-113-5.eu-west-1.compute.amazonaws.invalid";
const OTHER: &str = "ec2-203-0-113-6.eu-west-1.compute.amazonaws.invalid";

fn on_cluster(stage: &Stage) -> Value {
    stage.aws.cluster(ID, "WAITING", Some(PUBLIC));
    let port = stage.cluster.livy_url().port().unwrap();
    with(
        &stage.properties(),
        json!({"LivyUrl": null, "ClusterId": ID, "LivyPort": port}),
    )
}

#[tokio::test]
async fn the_private_name_is_looked_up_in_groups_and_in_fleets() {
    for collection in [Collection::Groups, Collection::Fleets] {
        let stage = Stage::new().await;
        let properties = on_cluster(&stage);
        let others = (OTHER, "elsewhere.invalid");
        stage
            .aws
            .primary_nodes(ID, collection, &[others, (PUBLIC, "localhost")]);
        let id = stage.created(&properties).await;
        succeeded(&stage.delete(&id, &json!({})).await);
        let journal = stage.aws.server().journal();
        assert_eq!(
            (stage.living(), journal.count("ListInstances")),
            (0, 2),
            "{collection:?}"
        );
    }
}

#[tokio::test]
async fn without_a_private_name_the_public_one_has_to_do() {
    for is_denied in [true, false] {
        let stage = Stage::new().await;
        let properties = on_cluster(&stage);
        if is_denied {
            let denied = aws::error("AccessDeniedException", "not authorized");
            let faults = stage.aws.server().faults();
            faults.inject(On::operation("ListInstances"), Fault::Answer(denied));
        } else {
            stage.aws.primary_nodes(ID, Collection::Groups, &[(PUBLIC, "")]);
        }
        let answer = stage.create(&properties).await;
        failed(&answer, &format!("the host `{PUBLIC}` is not known here"));
        assert_eq!(stage.aws.server().journal().count("ListInstances"), 1);
    }
}
