//! From a cluster's id to its primary node.

use spark_job_function::cluster::primary_node;

use crate::site::Moto;

#[tokio::test]
async fn a_waiting_cluster_of_instance_groups_gives_its_primary_nodes_private_name() {
    let Some(moto) = Moto::find() else { return };
    let id = moto.cluster(&[]).await;
    let (private, public) = moto.primary_names(&id).await;
    assert!(
        public.starts_with("ec2-") && private.starts_with("ip-"),
        "{public}, {private}"
    );
    assert_eq!(primary_node(&moto.aws(), &id).await.unwrap(), private);
}

#[tokio::test]
async fn so_does_a_running_one() {
    let Some(moto) = Moto::find() else { return };
    let id = moto.busy_cluster().await;
    let (private, _) = moto.primary_names(&id).await;
    assert_eq!(primary_node(&moto.aws(), &id).await.unwrap(), private);
}

#[tokio::test]
async fn so_does_one_of_instance_fleets() {
    let Some(moto) = Moto::find() else { return };
    let id = moto.cluster(&[("instances", "INSTANCE_FLEET")]).await;
    let (private, _) = moto.primary_names(&id).await;
    assert_eq!(primary_node(&moto.aws(), &id).await.unwrap(), private);
}

#[tokio::test]
async fn a_private_name_is_taken_as_it_is() {
    let Some(moto) = Moto::find() else { return };
    let name = "ip-10-0-0-1.eu-west-1.compute.internal";
    let id = moto.cluster(&[("primary", name)]).await;
    assert_eq!(primary_node(&moto.aws(), &id).await.unwrap(), name);
}

#[tokio::test]
async fn a_public_name_that_no_instance_has_is_better_than_none() {
    let Some(moto) = Moto::find() else { return };
    let name = "ec2-192-0-2-1.eu-west-1.compute.amazonaws.com";
    let id = moto.cluster(&[("primary", name)]).await;
    assert_eq!(primary_node(&moto.aws(), &id).await.unwrap(), name);
}

#[tokio::test]
async fn a_cluster_that_starts_is_not_ready_and_not_gone() {
    let Some(moto) = Moto::find() else { return };
    for (state, primary) in [
        ("STARTING", ""),
        ("BOOTSTRAPPING", "ip-10-0-0-1"),
        ("RUNNING", ""),
    ] {
        let id = moto.cluster(&[("state", state), ("primary", primary)]).await;
        let error = primary_node(&moto.aws(), &id).await.unwrap_err();
        assert!(!error.is_gone() && !error.may_pass(), "{error}");
        let text = error.to_string();
        assert!(text.contains(&id) && text.contains(state), "{text}");
    }
}

#[tokio::test]
async fn a_terminated_cluster_is_gone() {
    let Some(moto) = Moto::find() else { return };
    let id = moto.cluster(&[]).await;
    moto.terminate(&id).await;
    let error = primary_node(&moto.aws(), &id).await.unwrap_err();
    assert!(error.is_gone(), "{error}");
    assert_eq!(error.to_string(), format!("the cluster `{id}` is TERMINATED"));
}

#[tokio::test]
async fn a_cluster_that_is_ending_or_broke_down_is_gone() {
    let Some(moto) = Moto::find() else { return };
    for state in ["TERMINATING", "TERMINATED_WITH_ERRORS"] {
        let id = moto.cluster(&[("state", state)]).await;
        let error = primary_node(&moto.aws(), &id).await.unwrap_err();
        assert!(error.is_gone(), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_cluster_is_gone_and_named() {
    let Some(moto) = Moto::find() else { return };
    let error = primary_node(&moto.aws(), "j-0NEVERHEARDOF").await.unwrap_err();
    assert!(error.is_gone(), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with("EMR does not know the cluster `j-0NEVERHEARDOF`"),
        "{text}"
    );
}
