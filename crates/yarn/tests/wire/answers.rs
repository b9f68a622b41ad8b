//! What becomes of each kind of answer.

use sparkwright_yarn::{ApplicationsQuery, Error};
use wiremock::ResponseTemplate;

use crate::{answering, client, id, json};

const NOT_FOUND: &str = r#"{"RemoteException":{"exception":"NotFoundException",
    "message":"java.lang.Exception: app with id: application_1795225753640_0009 not found",
    "javaClassName":"org.apache.hadoop.yarn.webapp.NotFoundException"}}"#;

#[tokio::test]
async fn yarns_404_is_not_found_and_a_proxys_is_not() {
    let server = answering(json(404, NOT_FOUND)).await;
    let yarn = client(&[&server.uri()]);
    let error = yarn.application(&id()).await.unwrap_err();
    assert!(error.is_not_found() && !error.is_transient());
    assert!(
        error
            .to_string()
            .ends_with("404: app with id: application_1795225753640_0009 not found"),
        "{error}"
    );
    assert!(yarn.kill(&id()).await.unwrap_err().is_not_found());

    let server = answering(ResponseTemplate::new(404).set_body_string("<html>Not Found</html>")).await;
    assert!(
        !client(&[&server.uri()])
            .application(&id())
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn a_kill_that_is_on_its_way_and_one_that_was_not_needed_are_both_fine() {
    for (status, body) in [
        (202, r#"{"state":"RUNNING"}"#),
        (200, r#"{"state":"KILLED"}"#),
        (200, ""),
    ] {
        let server = answering(json(status, body)).await;
        client(&[&server.uri()]).kill(&id()).await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_kill_is_told_apart() {
    let body = r#"{"RemoteException":{"exception":"ForbiddenException","message":"User etl may not"}}"#;
    let server = answering(json(403, body)).await;
    let error = client(&[&server.uri()]).kill(&id()).await.unwrap_err();
    assert!(error.is_unauthorized() && !error.is_transient());
    let Error::Api {
        exception, message, ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (exception.as_deref(), message.as_str()),
        (Some("ForbiddenException"), "User etl may not")
    );
}

#[tokio::test]
async fn a_page_instead_of_json_is_not_an_answer() {
    for body in [
        "<html>Please log in</html>",
        "",
        r#"{"apps":{"app":[{"id":"x","state":"RUNNING"}]}}"#,
    ] {
        let server = answering(json(200, body)).await;
        let error = client(&[&server.uri()])
            .applications(&ApplicationsQuery::default())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_page_is_an_error_that_says_where_to() {
    let redirect = ResponseTemplate::new(302).insert_header("location", "https://sso.example/login");
    let server = answering(redirect).await;
    let error = client(&[&server.uri()]).metrics().await.unwrap_err();
    assert_eq!(error.status(), Some(302));
    assert!(error.to_string().contains("https://sso.example/login"), "{error}");
}

#[tokio::test]
async fn a_huge_refusal_is_cut_and_a_huge_answer_is_not_read() {
    let server = answering(ResponseTemplate::new(500).set_body_string("x".repeat(1 << 20))).await;
    let error = client(&[&server.uri()]).metrics().await.unwrap_err();
    assert!(error.to_string().len() < 2000 && error.is_transient());

    let server = answering(json(200, &" ".repeat(33 << 20))).await;
    let error = client(&[&server.uri()]).metrics().await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}
