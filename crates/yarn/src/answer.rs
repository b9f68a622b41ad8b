//! What a refusing answer says, in one line: YARN's `{"RemoteException": …}`, a node's plain text, or a
//! server's page.

use serde::Deserialize;

/// Long enough for a Java message with its class, short enough for a log line.
const MAX_MESSAGE_CHARS: usize = 1000;

/// The reason that an answer gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The class of YARN's exception, without its package.
    pub(crate) exception: Option<String>,
    /// In one line, cut, never empty.
    pub(crate) message: String,
}

#[derive(Deserialize)]
struct Wrapped {
    #[serde(rename = "RemoteException")]
    remote_exception: RemoteException,
}

#[derive(Deserialize)]
struct RemoteException {
    exception: String,
    #[serde(default)]
    message: Option<String>,
}

impl Refusal {
    /// Reads a body; `reason` stands in for one that says nothing.
    pub(crate) fn read(body: &[u8], reason: &str) -> Self {
        let (exception, text) = match serde_json::from_slice::<Wrapped>(body) {
            Ok(Wrapped {
                remote_exception: RemoteException { exception, message },
            }) => (Some(exception), message.unwrap_or_default()),
            Err(_) => (None, without_tags(&String::from_utf8_lossy(body))),
        };
        // Both put the class that carried the message before it.
        let line = one_line(text.strip_prefix("java.lang.Exception: ").unwrap_or(&text));
        let message = if line.is_empty() { reason.to_owned() } else { line };
        Self { exception, message }
    }
}

/// The text with every run of white space and control characters as one space, cut.
pub(crate) fn one_line(text: &str) -> String {
    let separated = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = separated.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What is between the tags of a page. Text without tags stays as it is.
fn without_tags(page: &str) -> String {
    if !page.trim_start().starts_with('<') {
        return page.to_owned();
    }
    let mut text = String::new();
    for part in page.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, after)| after));
        text.push(' ');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, exception: Option<&str>, message: &str) {
        let expected = Refusal {
            exception: exception.map(str::to_owned),
            message: message.into(),
        };
        assert_eq!(Refusal::read(body.as_bytes(), "Not Found"), expected);
    }

    #[test]
    fn a_remote_exception_gives_its_class_and_its_words() {
        check(
            r#"{"RemoteException":{"exception":"NotFoundException",
                "message":"java.lang.Exception: app with id: application_1_0001 not found",
                "javaClassName":"org.apache.hadoop.yarn.webapp.NotFoundException"}}"#,
            Some("NotFoundException"),
            "app with id: application_1_0001 not found",
        );
        check(
            r#"{"RemoteException":{"exception":"BadRequestException",
                "message":"java.lang.IllegalArgumentException: Invalid ApplicationId prefix: nonsense.",
                "javaClassName":"org.apache.hadoop.yarn.webapp.BadRequestException"}}"#,
            Some("BadRequestException"),
            "java.lang.IllegalArgumentException: Invalid ApplicationId prefix: nonsense.",
        );
    }

    #[test]
    fn what_says_nothing_is_its_reason_phrase() {
        check("", None, "Not Found");
        check(
            r#"{"RemoteException":{"exception":"WebApplicationException"}}"#,
            Some("WebApplicationException"),
            "Not Found",
        );
    }

    #[test]
    fn a_page_and_plain_text_are_shown_as_text() {
        check(
            "<html><body><h2>HTTP ERROR 404</h2>\n<p>Not here</p></body></html>",
            None,
            "HTTP ERROR 404 Not here",
        );
        check(
            "Cannot find this log on the local disk.",
            None,
            "Cannot find this log on the local disk.",
        );
        check(r#"{"other":1}"#, None, r#"{"other":1}"#);
    }
}
