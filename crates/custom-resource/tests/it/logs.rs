//! What reaches a log.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use custom_resource::{Handler, RequestType, Settings};
use serde_json::Value;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::alone::run_alone;
use crate::events::{SIGNATURE, event, invocation};
use crate::provider::{SECRET, Script, Scripted};
use crate::relay::{Printing, Recorder};
use crate::sink::{Reply, Sink};

#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// All that was logged.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn a_log_names_the_request_once_and_holds_neither_url_nor_secret() {
    run_alone("logs::alone_everything_is_logged", &[]).unwrap();
}

#[tokio::test]
#[ignore = "run by `a_log_names_the_request_once_and_holds_neither_url_nor_secret`"]
async fn alone_everything_is_logged() {
    let log = Captured::default();
    tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let handle = async |event: Value, script: Script| {
        log.0.lock().unwrap().clear();
        let _ = Handler::new(Scripted::new(script), Settings::default())
            .handle(invocation(event, Duration::from_secs(60)))
            .await;
        let log = log.text();
        assert!(!log.contains(SIGNATURE) && !log.contains(SECRET), "{log}");
        log
    };

    for (replies, message) in [
        (&[Reply::Status(500), Reply::Status(200)][..], "request answered"),
        (&[Reply::Status(403)], "CloudFormation has no answer"),
    ] {
        let sink = Sink::start(replies).await;
        let log = handle(event(RequestType::Update, &sink.url()), Script::TellTheSecret).await;
        let ours: Vec<&str> = log.lines().filter(|line| line.contains(message)).collect();
        assert_eq!(ours.len(), 1, "{log}");
        let request = [
            "Update",
            "8e1c5a77-02b4-4f3e-9f59-2f0b8e0f5b22",
            "Report",
            "Custom::Report",
        ];
        for part in request
            .iter()
            .chain(&["report-17", "FAILED", "**** is wrong", "--password ****"])
        {
            assert!(ours[0].contains(part), "{part}: {log}");
        }
        assert!(log.contains("TRACE"), "the test would see nothing: {log}");
    }

    log.0.lock().unwrap().clear();
    let handler = Printing::of(2).continued_by(&Recorder::taking(), Settings::default());
    let handed_over = event(RequestType::Create, "http://sink");
    handler
        .handle(invocation(handed_over, Duration::from_secs(60)))
        .await
        .unwrap();
    let text = log.text();
    assert!(
        text.contains("request handed over") && !text.contains(SIGNATURE),
        "{text}"
    );

    let nowhere = event(RequestType::Create, "gopher://host");
    let log = handle(nowhere, Script::Succeed).await;
    assert!(
        log.contains("ERROR") && log.contains("its scheme is neither https nor http"),
        "{log}"
    );
}
