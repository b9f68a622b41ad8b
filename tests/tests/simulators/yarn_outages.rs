//! ResourceManagers that are away, or not the active one.

use std::time::Duration;

use sparkwright_tests::cluster::{BatchState, Cluster, Fate, Latencies, Memory, Standby};

use crate::raw;
use crate::yarn::running;

#[tokio::test]
async fn a_standby_points_to_the_active_one() {
    for (standby, status) in [
        (Standby::Location, 307),
        (Standby::Refresh, 200),
        (Standby::NoneActive, 307),
    ] {
        let cluster = Cluster::builder().standby(standby).start().await;
        let path = "/ws/v1/cluster/apps?applicationTags=x";
        let active = format!(
            "{}{}",
            cluster.resource_manager_url().as_str().trim_end_matches('/'),
            path
        );
        let answer = raw::get(cluster.standby().address(), path).await;
        assert_eq!(answer.status, status, "{standby:?}");
        match standby {
            Standby::Location => assert_eq!(answer.header("Location"), Some(active.as_str())),
            Standby::Refresh => assert_eq!(
                answer.header("Refresh"),
                Some(format!("3; url={active}").as_str())
            ),
            Standby::NoneActive => assert!(answer.body.starts_with("Can not find any active RM.")),
        }
        cluster.fail_over();
        assert_eq!(
            raw::get(cluster.standby().address(), path).await.body,
            "{\"apps\":{}}"
        );
        assert_ne!(
            raw::get(cluster.resource_manager().address(), path).await.body,
            "{\"apps\":{}}"
        );
    }
}

#[tokio::test]
async fn nothing_changes_its_state_while_the_resource_manager_is_down() {
    let cluster = Cluster::start().await;
    let application = running(&cluster, "goes-on", "t").await;
    cluster.world().batch_is("goes-on", BatchState::Running).await;
    cluster.crash_resource_manager().await;
    assert!(
        tokio::net::TcpStream::connect(cluster.resource_manager().address())
            .await
            .is_err()
    );
    cluster.world().end(application.id, Fate::Succeeds);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(cluster.world().application(application.id).unwrap().is_live());
    assert_eq!(
        cluster.world().batch("goes-on").unwrap().state,
        BatchState::Running
    );
    cluster.start_resource_manager(Memory::Keeps);
    cluster.world().batch_is("goes-on", BatchState::Success).await;
}

#[tokio::test]
async fn livy_calls_a_batch_dead_when_the_resource_manager_is_away_for_too_long() {
    let impatient = |latencies: &mut Latencies| {
        latencies.livy_yarn_patience = Duration::from_millis(50);
    };
    let cluster = Cluster::builder().with_latencies(impatient).start().await;
    let application = running(&cluster, "lost", "t").await;
    cluster.world().batch_is("lost", BatchState::Running).await;
    cluster.crash_resource_manager().await;
    cluster.world().batch_is("lost", BatchState::Dead).await;
    cluster.start_resource_manager(Memory::Keeps);
    assert!(cluster.world().application(application.id).unwrap().is_live());
}

#[tokio::test]
async fn a_resource_manager_that_forgets_knows_no_application() {
    let cluster = Cluster::start().await;
    let application = running(&cluster, "gone", "t").await;
    cluster.crash_resource_manager().await;
    cluster.start_resource_manager(Memory::Forgets);
    let by_id = format!("/ws/v1/cluster/apps/{}", application.id);
    assert_eq!(
        raw::get(cluster.resource_manager().address(), &by_id)
            .await
            .status,
        404
    );
    cluster.world().batch_is("gone", BatchState::Dead).await;
    let next = running(&cluster, "next", "t").await;
    assert!(next.id.cluster > application.id.cluster);
}
