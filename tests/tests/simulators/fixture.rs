//! Raw exchanges with real servers, as `tests/fixtures/livy/*.txt` keep them.
//!
//! `> ` is what was sent (request line, headers, an empty line, the body), `< ` what came back; headers that say
//! nothing and bodies that do not matter are cut. A line that begins with `@ ` is a stage direction for the simulator.

use std::path::Path;

/// One step of a fixture.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// What the simulator is made to do, in words.
    Direction(Vec<String>),
    Exchange(Exchange),
}

/// A request and its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) title: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) answer_headers: Vec<(String, String)>,
    /// `None` when it was cut.
    pub(crate) answer_body: Option<String>,
}

/// Reads a fixture.
pub(crate) fn read(name: &str) -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/livy")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut steps = Vec::new();
    for block in text.split("\n\n") {
        let block = block.trim_start_matches('\n');
        if let Some(direction) = block.strip_prefix("@ ") {
            for direction in direction.lines() {
                let direction = direction.trim_start_matches("@ ");
                steps.push(Step::Direction(
                    direction.split_whitespace().map(str::to_owned).collect(),
                ));
            }
        } else if block.starts_with("### ") {
            steps.push(Step::Exchange(exchange(block)));
        }
    }
    steps
}

fn exchange(block: &str) -> Exchange {
    let mut lines = block.lines();
    let mut exchange = Exchange {
        title: lines.next().unwrap()[4..].to_owned(),
        ..Exchange::default()
    };
    let (sent, answered): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with('>'));
    let sent: Vec<&str> = sent
        .iter()
        .map(|line| line[1..].strip_prefix(' ').unwrap_or_default())
        .collect();
    let answered: Vec<&str> = answered
        .iter()
        .map(|line| line[1..].strip_prefix(' ').unwrap_or_default())
        .collect();

    let (head, body) = split(&sent);
    let (method, path) = head[0].split_once(' ').unwrap();
    (exchange.method, exchange.path) = (method.to_owned(), path.to_owned());
    exchange.headers = head[1..].iter().map(|line| (*line).to_owned()).collect();
    // Too long to be kept as it was.
    exchange.body = body
        .unwrap_or_default()
        .replace("<140000 x>", &"x".repeat(140_000));

    let (head, body) = split(&answered);
    let mut words = head[0].splitn(3, ' ').skip(1);
    exchange.status = words.next().unwrap().parse().unwrap();
    exchange.reason = words.next().unwrap_or_default().to_owned();
    let headers = head[1..].iter().map(|line| line.split_once(": ").unwrap());
    exchange.answer_headers = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    exchange.answer_body = body;
    exchange
}

fn split<'a>(lines: &[&'a str]) -> (Vec<&'a str>, Option<String>) {
    match lines.iter().position(|line| line.is_empty()) {
        None => (lines.to_vec(), None),
        Some(blank) => (lines[..blank].to_vec(), Some(lines[blank + 1..].join("\n"))),
    }
}
