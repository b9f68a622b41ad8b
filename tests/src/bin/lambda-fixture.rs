//! A `bootstrap` for the tests of the Lambda simulator: it does what its events say, and needs no runtime library, so
//! that the simulator is held against the Runtime API and not against a library's use of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap_or_default();
    writeln!(std::io::stdout(), "started")?;
    loop {
        let (head, event) = exchange(&api, "GET", "/2018-06-01/runtime/invocation/next", "")?;
        let event: Value = serde_json::from_str(&event)?;
        let (outcome, body) = handle(&event, &head);
        let path = format!(
            "/2018-06-01/runtime/invocation/{}/{outcome}",
            header(&head, "Lambda-Runtime-Aws-Request-Id")
        );
        exchange(&api, "POST", &path, &body.to_string())?;
    }
}

fn handle(event: &Value, head: &str) -> (&'static str, Value) {
    match event["do"].as_str().unwrap_or_default() {
        "environment" => (
            "response",
            json!(std::env::var(event["name"].as_str().unwrap_or_default()).ok()),
        ),
        "deadline" => {
            let deadline: i64 = header(head, "Lambda-Runtime-Deadline-Ms")
                .parse()
                .unwrap_or_default();
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_millis();
            (
                "response",
                json!(deadline - i64::try_from(now).unwrap_or_default()),
            )
        }
        "sleep" => {
            std::thread::sleep(Duration::from_secs(60));
            ("response", Value::Null)
        }
        "error" => (
            "error",
            json!({ "errorType": "Oops", "errorMessage": "it broke" }),
        ),
        "exit" => {
            // Nobody reads what is written when this fails.
            let _ = writeln!(std::io::stderr(), "last words");
            std::process::exit(3)
        }
        _ => ("response", event.clone()),
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value)
}

fn exchange(api: &str, method: &str, path: &str, body: &str) -> std::io::Result<(String, String)> {
    let mut stream = TcpStream::connect(api)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok((head.to_owned(), body.to_owned()))
}
