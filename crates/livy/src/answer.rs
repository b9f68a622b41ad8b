//! What a refusing answer says, in one line. Livy's errors have four forms: `{"msg": …}`, a bare JSON string,
//! nothing, and the page of the server around it (HTML, or JSON with a `message`).

use serde_json::Value;

/// Long enough for a Java message with its class, short enough for a log line.
const MAX_MESSAGE_CHARS: usize = 1000;

/// The reason that an answer gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// In one line, cut, never empty.
    pub(crate) message: String,
    /// Whether only Livy's own code answers so.
    pub(crate) from_livy: bool,
}

impl Refusal {
    /// Reads a body; `reason` stands in for one that says nothing.
    pub(crate) fn read(body: &[u8], reason: &str) -> Self {
        let text = String::from_utf8_lossy(body);
        let (found, from_livy) = match serde_json::from_str(&text) {
            Ok(Value::String(message)) => (message, true),
            Ok(Value::Object(object)) => match (object.get("msg"), object.get("message")) {
                (Some(Value::String(message)), _) => (message.clone(), true),
                (_, Some(Value::String(message))) => (message.clone(), false),
                _ => (text.into_owned(), false),
            },
            _ => (without_tags(&text), false),
        };
        let line = one_line(&found);
        let message = if line.is_empty() { reason.to_owned() } else { line };
        Self { message, from_livy }
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
    fn check(body: &str, message: &str, from_livy: bool) {
        let expected = Refusal {
            message: message.into(),
            from_livy,
        };
        assert_eq!(Refusal::read(body.as_bytes(), "Bad Request"), expected);
    }

    #[test]
    fn a_msg_is_livys() {
        check(
            r#"{"msg":"Session '99999' not found."}"#,
            "Session '99999' not found.",
            true,
        );
        check(
            r#"{"msg":"Rejected, Reason: requirement failed: Path 'relative.py' is not absolute."}"#,
            "Rejected, Reason: requirement failed: Path 'relative.py' is not absolute.",
            true,
        );
    }

    #[test]
    fn a_bare_string_is_livys_and_comes_out_as_one_line() {
        check(
            r#""Unexpected end-of-input within/between Object entries\n at [Source: (String)\"{\"; line: 1]""#,
            r#"Unexpected end-of-input within/between Object entries at [Source: (String)"{"; line: 1]"#,
            true,
        );
    }

    #[test]
    fn an_empty_answer_is_its_reason_phrase() {
        check("", "Bad Request", false);
        check(" \n", "Bad Request", false);
        check(r#"{"msg":""}"#, "Bad Request", true);
        check("<html></html>", "Bad Request", false);
    }

    #[test]
    fn the_csrf_page_of_0_7_is_read() {
        check(
            "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n\
             <title>Error 400 </title>\n</head>\n<body>\n<h2>HTTP ERROR: 400</h2>\n\
             <p>Problem accessing /batches. Reason:\n\
             <pre>    Missing Required Header for CSRF protection.</pre></p>\n</body>\n</html>\n",
            "Error 400 HTTP ERROR: 400 Problem accessing /batches. Reason: \
             Missing Required Header for CSRF protection.",
            false,
        );
    }

    #[test]
    fn the_csrf_json_of_0_8_is_the_servers_not_livys() {
        check(
            r#"{"servlet":"org.apache.livy.server.batch.BatchSessionServlet",
                "message":"Missing Required Header for CSRF protection.","url":"/batches","status":"400"}"#,
            "Missing Required Header for CSRF protection.",
            false,
        );
    }

    #[test]
    fn other_json_and_plain_text_are_shown_as_they_are() {
        check(r#"{"msg":7}"#, r#"{"msg":7}"#, false);
        check("[1]", "[1]", false);
        check("upstream connect error", "upstream connect error", false);
        check("a < b > c", "a < b > c", false);
    }

    #[test]
    fn a_long_message_is_cut_on_a_character() {
        let refusal = Refusal::read("é".repeat(5000).as_bytes(), "Bad Request");
        assert_eq!(refusal.message.chars().count(), MAX_MESSAGE_CHARS + 1);
        assert!(refusal.message.ends_with("é…"));
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        let refusal = Refusal::read(b"\xff\xfe\x00\x1b[31mred", "Bad Request");
        assert!(!refusal.message.contains(char::is_control));
    }
}
