//! What an observer is told of calls.

use std::sync::{Arc, Mutex};

use sparkwright_yarn::{ApplicationsQuery, Client, Observer};
use wiremock::ResponseTemplate;

use crate::{answering, config, id, json};

#[tokio::test]
async fn an_observer_is_told_once_of_each_call_however_many_were_asked() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let observed = |urls: &[&str]| {
        let tell = Arc::clone(&told);
        let mut config = config(urls);
        config.observer =
            Observer::new(move |operation, result| tell.lock().unwrap().push((operation, result)));
        Client::new(config).unwrap()
    };
    let standby =
        answering(ResponseTemplate::new(200).set_body_string("This is standby RM. The redirect url is: /"))
            .await;
    let active = answering(json(200, r#"{"apps":null}"#)).await;
    let _ = observed(&[&standby.uri(), &active.uri()])
        .applications(&ApplicationsQuery::default())
        .await;
    let _ = observed(&[&standby.uri()]).metrics().await;
    let _ = observed(&[&active.uri()]).application(&id()).await;
    let _ = observed(&[&active.uri()]).kill(&id()).await;
    let refusing = answering(ResponseTemplate::new(403)).await;
    let _ = observed(&[&refusing.uri()]).attempts(&id()).await;
    drop(active);
    assert_eq!(
        *told.lock().unwrap(),
        [
            ("applications", "ok"),
            ("metrics", "standby"),
            ("application", "unreadable"),
            ("kill", "ok"),
            ("attempts", "unauthorized"),
        ]
    );
}
