//! Several ResourceManagers of one cluster: the active one is found, and asked first from then on.

use sparkwright_yarn::Error;
use wiremock::{MockServer, ResponseTemplate};

use crate::scripted::{Script, Scripted, nobody};
use crate::{answering, client, id, json, lines};

const METRICS: &str = r#"{"clusterMetrics":{"activeNodes":2}}"#;

async fn active() -> MockServer {
    answering(json(200, METRICS)).await
}

/// A standby of Hadoop 2.7 and later.
fn redirecting(target: &str) -> ResponseTemplate {
    let location = format!("{target}/ws/v1/cluster/metrics?user.name=hadoop");
    ResponseTemplate::new(307)
        .insert_header("location", location.as_str())
        .set_body_string(format!("This is standby RM. The redirect url is: {location}\n"))
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn one_that_is_down_is_passed_over_and_then_not_asked_first() {
    let hangs_up = Scripted::start(Script::Hangup).await;
    let second = active().await;
    let yarn = client(&[&nobody().await, &hangs_up.url("http"), &second.uri()]);
    for _ in 0..3 {
        assert_eq!(yarn.metrics().await.unwrap().active_nodes, 2);
    }
    assert_eq!((hangs_up.connections(), requests(&second).await), (1, 3));
}

#[tokio::test]
async fn a_standbys_redirect_is_followed_with_the_whole_request() {
    let second = active().await;
    let first = answering(redirecting(&second.uri())).await;
    let yarn = client(&[&first.uri()]);
    yarn.kill(&id()).await.unwrap();
    yarn.kill(&id()).await.unwrap();
    assert_eq!((requests(&first).await, requests(&second).await), (1, 2));
    let received = second.received_requests().await.unwrap();
    let expected = "PUT /ws/v1/cluster/apps/application_1795225753640_0009/state?user.name=hadoop";
    assert_eq!(lines(&received[..1]), [expected]);
    assert_eq!(received[0].body, br#"{"state":"KILLED"}"#);
}

#[tokio::test]
async fn an_old_standby_refreshes_instead() {
    let second = active().await;
    let refresh = format!("3; url={}/ws/v1/cluster/metrics", second.uri());
    let body = format!(
        "This is standby RM. Redirecting to the current active RM: {}\n",
        second.uri()
    );
    let first = ResponseTemplate::new(200)
        .insert_header("Refresh", refresh.as_str())
        .set_body_string(body);
    let first = answering(first).await;
    assert_eq!(client(&[&first.uri()]).metrics().await.unwrap().active_nodes, 2);
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_does_not_hide_the_configured_ones() {
    let first = answering(redirecting(&nobody().await)).await;
    let second = active().await;
    assert_eq!(
        client(&[&first.uri(), &second.uri()])
            .metrics()
            .await
            .unwrap()
            .active_nodes,
        2
    );
}

#[tokio::test]
async fn no_active_one_is_a_standby_error_that_passes() {
    let body =
        "Can not find any active RM. Will retry in next 2 seconds.\nHA Zookeeper Connection State: ok\n";
    let waiting = ResponseTemplate::new(307)
        .insert_header("Refresh", "2;url=/ws/v1/cluster/metrics?next_refresh_interval=1")
        .set_body_string(body);
    let (first, second) = (answering(waiting.clone()).await, answering(waiting).await);
    let error = client(&[&first.uri(), &second.uri()])
        .metrics()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Standby { .. }), "{error:?}");
    assert!(error.is_transient() && error.was_not_sent() && !error.is_not_found());
}

#[tokio::test]
async fn two_that_name_each_other_are_not_asked_for_ever() {
    let (first, second) = (MockServer::start().await, MockServer::start().await);
    for (standby, other) in [(&first, &second), (&second, &first)] {
        wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(redirecting(&other.uri()))
            .mount(standby)
            .await;
    }
    let error = client(&[&first.uri(), &second.uri()])
        .metrics()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Standby { .. }), "{error:?}");
    assert_eq!((requests(&first).await, requests(&second).await), (1, 1));
}

#[tokio::test]
async fn a_failover_is_noticed() {
    let second = active().await;
    let first = MockServer::start().await;
    let once = wiremock::Mock::given(wiremock::matchers::any()).respond_with(json(200, METRICS));
    once.up_to_n_times(1).mount(&first).await;
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(redirecting(&second.uri()))
        .mount(&first)
        .await;
    let yarn = client(&[&first.uri(), &second.uri()]);
    for _ in 0..3 {
        yarn.metrics().await.unwrap();
    }
    assert_eq!((requests(&first).await, requests(&second).await), (2, 2));
}

#[tokio::test]
async fn what_the_active_one_refuses_is_not_asked_elsewhere() {
    let body =
        r#"{"RemoteException":{"exception":"NotFoundException","message":"app with id: x not found"}}"#;
    let first = answering(json(404, body)).await;
    let second = active().await;
    assert!(
        client(&[&first.uri(), &second.uri()])
            .application(&id())
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert_eq!(requests(&second).await, 0);
}

#[tokio::test]
async fn when_all_fail_the_one_that_may_have_been_asked_is_told() {
    let hangs_up = Scripted::start(Script::Hangup).await;
    let standby =
        answering(ResponseTemplate::new(200).set_body_string("There is no active RM right now.\n")).await;
    let yarn = client(&[&nobody().await, &standby.uri(), &hangs_up.url("http")]);
    let error = yarn.kill(&id()).await.unwrap_err();
    assert!(!error.was_not_sent(), "{error:?}");
    assert!(error.to_string().contains(&hangs_up.url("http")), "{error}");
}
