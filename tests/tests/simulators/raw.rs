//! HTTP over a bare socket, so that every byte of an answer can be seen: reason phrases, the order of members.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The text of `{"msg": …}`.
    pub(crate) fn message(&self) -> String {
        self.json()["msg"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends one request on a connection of its own and reads the answer to its end.
pub(crate) async fn send(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[String],
    body: &str,
) -> Reply {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    read(&String::from_utf8(answer).unwrap())
}

/// A GET.
pub(crate) async fn get(server: SocketAddr, path: &str) -> Reply {
    send(server, "GET", path, &[], "").await
}

/// A DELETE.
pub(crate) async fn delete(server: SocketAddr, path: &str) -> Reply {
    send(server, "DELETE", path, &[], "").await
}

/// A POST of JSON.
pub(crate) async fn post(server: SocketAddr, path: &str, body: &Value) -> Reply {
    send(
        server,
        "POST",
        path,
        &["Content-Type: application/json".to_owned()],
        &body.to_string(),
    )
    .await
}

/// A PUT of JSON.
pub(crate) async fn put(server: SocketAddr, path: &str, body: &Value) -> Reply {
    send(
        server,
        "PUT",
        path,
        &["Content-Type: application/json".to_owned()],
        &body.to_string(),
    )
    .await
}

fn read(answer: &str) -> Reply {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap();
    let mut words = status_line.splitn(3, ' ').skip(1);
    Reply {
        status: words.next().unwrap().parse().unwrap(),
        reason: words.next().unwrap_or_default().to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}
