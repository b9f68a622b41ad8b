//! What becomes of each kind of answer.

use sparkwright_livy::{Client, Error, LogLines};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{client, request};

async fn answering(template: ResponseTemplate) -> (MockServer, Client) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    let client = client(&server);
    (server, client)
}

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json;charset=utf-8")
}

#[tokio::test]
async fn a_duplicate_name_is_told_apart() {
    let body = r#"{"msg":"Rejected, Reason: Duplicate session name: Some(pi-1) for session 7"}"#;
    let (_server, livy) = answering(json(400, body)).await;
    let error = livy.create_batch(&request()).await.unwrap_err();
    assert!(error.is_duplicate_name() && !error.was_not_sent() && !error.is_transient());
    assert_eq!(error.status(), Some(400));
}

#[tokio::test]
async fn an_exception_of_livy_is_its_text() {
    let body =
        r#""java.io.IOException: Cannot run program \"spark-submit\": error=7, Argument list too long""#;
    let (_server, livy) = answering(json(500, body)).await;
    let error = livy.create_batch(&request()).await.unwrap_err();
    let Error::Api {
        status: 500,
        message,
        from_livy: true,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        message,
        "java.io.IOException: Cannot run program \"spark-submit\": error=7, Argument list too long"
    );
}

#[tokio::test]
async fn an_empty_refusal_has_its_reason_phrase() {
    let (_server, livy) = answering(ResponseTemplate::new(405)).await;
    let error = livy.delete_batch("pi-1").await.unwrap_err();
    let Error::Api {
        message,
        from_livy: false,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(message, "Method Not Allowed");
}

#[tokio::test]
async fn livys_404_is_not_found_and_a_proxys_is_not() {
    let (_server, livy) = answering(json(404, r#"{"msg":"Session 'pi-1' not found."}"#)).await;
    assert!(livy.batch("pi-1").await.unwrap_err().is_not_found());
    assert!(livy.delete_batch("pi-1").await.unwrap_err().is_not_found());
    assert!(
        livy.batch_log("pi-1", LogLines::All)
            .await
            .unwrap_err()
            .is_not_found()
    );

    let page = ResponseTemplate::new(404).set_body_raw("<html><h1>Not Found</h1></html>", "text/html");
    let (_server, livy) = answering(page).await;
    let error = livy.batch("pi-1").await.unwrap_err();
    assert!(!error.is_not_found(), "{error}");
}

#[tokio::test]
async fn wrong_credentials_are_told_apart() {
    for status in [401, 403] {
        let (_server, livy) = answering(ResponseTemplate::new(status)).await;
        let error = livy.version().await.unwrap_err();
        assert!(error.is_unauthorized() && !error.is_transient());
    }
}

#[tokio::test]
async fn a_redirect_is_an_error_that_says_where_to() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = MockServer::start().await;
        let location = format!("{}/login", elsewhere.uri());
        let (server, livy) =
            answering(ResponseTemplate::new(status).insert_header("location", location.as_str())).await;
        let errors = [
            livy.create_batch(&request()).await.unwrap_err(),
            livy.delete_batch("pi-1").await.unwrap_err(),
            livy.batch("pi-1").await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(&location), "{error}");
            assert_eq!(error.status(), Some(status));
        }
        assert_eq!(server.received_requests().await.unwrap().len(), 3);
        assert!(elsewhere.received_requests().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_page_instead_of_json_is_not_an_answer() {
    let page = ResponseTemplate::new(200).set_body_raw("<html>Please log in</html>", "text/html");
    let (_server, livy) = answering(page).await;
    let error = livy.batch("pi-1").await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(!error.is_transient() && !error.is_not_found());
}

#[tokio::test]
async fn a_creation_with_an_unreadable_answer_may_have_happened() {
    let (_server, livy) = answering(json(201, r#"{"id":"#)).await;
    let error = livy.create_batch(&request()).await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }) && !error.was_not_sent());
}

#[tokio::test]
async fn a_huge_refusal_is_cut() {
    let (_server, livy) = answering(ResponseTemplate::new(502).set_body_string("x".repeat(1 << 20))).await;
    let error = livy.batch("pi-1").await.unwrap_err();
    assert!(error.to_string().len() < 2000);
    assert!(error.is_transient());
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_not_read() {
    let body = format!("{}{{}}", " ".repeat(17 << 20));
    let (_server, livy) = answering(json(200, &body)).await;
    let error = livy.batches().await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn a_deletion_does_not_care_what_the_agreement_says() {
    for body in ["", r#"{"msg":"deleted"}"#, "<html>"] {
        let (_server, livy) = answering(ResponseTemplate::new(200).set_body_string(body)).await;
        livy.delete_batch("pi-1").await.unwrap();
    }
}
