//! A response URL that takes answers, or does not, as told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use url::{Position, Url};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

/// What the sink does with one PUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Status(u16),
    /// Says nothing for longer than anybody waits.
    Hang,
    /// Sends elsewhere on the same server.
    Redirect,
}

pub(crate) struct Sink {
    server: MockServer,
    script: Script,
}

#[derive(Clone)]
struct Script {
    replies: Vec<Reply>,
    puts: Arc<Mutex<Vec<(Request, Reply)>>>,
}

impl Respond for Script {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut puts = self.puts.lock().unwrap();
        let reply = self.replies[puts.len().min(self.replies.len() - 1)];
        puts.push((request.clone(), reply));
        match reply {
            Reply::Status(status) => ResponseTemplate::new(status),
            Reply::Hang => ResponseTemplate::new(200).set_delay(Duration::from_secs(60)),
            Reply::Redirect => ResponseTemplate::new(307).insert_header("location", "/elsewhere"),
        }
    }
}

impl Sink {
    /// A sink that gives these replies in turn, the last of them for ever.
    pub(crate) async fn start(replies: &[Reply]) -> Self {
        let server = MockServer::builder().start().await;
        let script = Script {
            replies: replies.to_vec(),
            puts: Arc::default(),
        };
        Mock::given(matchers::any())
            .respond_with(script.clone())
            .mount(&server)
            .await;
        Self { server, script }
    }

    pub(crate) fn url(&self) -> String {
        self.server.uri()
    }

    /// How many PUTs came, whatever became of them.
    pub(crate) fn attempts(&self) -> usize {
        self.script.puts.lock().unwrap().len()
    }

    /// What was put, in order, whatever became of it.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let puts = self.script.puts.lock().unwrap();
        puts.iter()
            .map(|(put, _)| serde_json::from_slice(&put.body).unwrap())
            .collect()
    }

    /// The answers that were taken. Checks that every attempt was well formed, to the signed URL, and the
    /// same.
    #[track_caller]
    pub(crate) fn answers(&self, event: &Value) -> Vec<Value> {
        let puts = self.script.puts.lock().unwrap();
        let signed = event["ResponseURL"].as_str().and_then(|url| Url::parse(url).ok());
        for (put, _) in puts.iter() {
            assert_eq!(put.method.as_str(), "PUT");
            assert_eq!(
                put.url[Position::BeforePath..],
                signed.as_ref().unwrap()[Position::BeforePath..]
            );
            assert_eq!(put.headers["content-type"], "");
            assert_eq!(put.headers["content-length"], put.body.len().to_string());
            assert!(!put.headers.contains_key("transfer-encoding"));
            assert!(put.body.len() <= 4096, "{} bytes", put.body.len());
            assert_eq!(put.body, puts[0].0.body, "a repeated answer must not differ");
        }
        let taken = puts
            .iter()
            .filter(|(_, reply)| matches!(reply, Reply::Status(200..=299)));
        taken
            .map(|(put, _)| serde_json::from_slice(&put.body).unwrap())
            .collect()
    }
}
