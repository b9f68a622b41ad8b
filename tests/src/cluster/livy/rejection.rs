//! Livy's refusals: four shapes, which differ by version.

use serde_json::json;

use crate::cluster::options::LivyVersion;
use crate::http::Answer;

const CSRF_MESSAGE: &str = "Missing Required Header for CSRF protection.";

/// `{"msg": …}`.
pub(crate) fn message(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({ "msg": text }))
}

/// A refused argument of a POST: 400, with a prefix since 0.8.
pub(crate) fn rejected(version: LivyVersion, text: &str) -> Answer {
    match version {
        LivyVersion::V0_6 | LivyVersion::V0_7 => message(400, text),
        LivyVersion::V0_8 | LivyVersion::V0_9 => message(400, &format!("Rejected, Reason: {text}")),
    }
}

/// A bare JSON string.
pub(crate) fn bare(status: u16, text: &str) -> Answer {
    Answer::json(status, &text)
}

/// An exception that nobody expected.
pub(crate) fn server_error(version: LivyVersion, exception: &str) -> Answer {
    let reason = match version {
        LivyVersion::V0_6 | LivyVersion::V0_7 => "Internal Server Error",
        LivyVersion::V0_8 | LivyVersion::V0_9 => "Server Error",
    };
    bare(500, exception).with_reason(reason)
}

pub(crate) fn not_found(key: &str) -> Answer {
    message(404, &format!("Session '{key}' not found."))
}

/// A status and a content type, and nothing else.
pub(crate) fn empty(status: u16) -> Answer {
    Answer::json_text(status, "")
}

/// The missing `X-Requested-By`, in the form that the version gives to this request.
pub(crate) fn csrf(version: LivyVersion, is_deletion: bool, wants_json: bool, path: &str) -> Answer {
    match version {
        LivyVersion::V0_6 | LivyVersion::V0_7 => jetty_9_3_page(400, CSRF_MESSAGE, path),
        LivyVersion::V0_8 | LivyVersion::V0_9 if is_deletion => Answer::empty(400),
        LivyVersion::V0_8 | LivyVersion::V0_9 => jetty_9_4_page(400, CSRF_MESSAGE, path, wants_json),
    }
}

/// A refusal by the container itself.
pub(crate) fn container(version: LivyVersion, status: u16, text: &str, path: &str) -> Answer {
    match version {
        LivyVersion::V0_6 | LivyVersion::V0_7 => jetty_9_3_page(status, text, path),
        LivyVersion::V0_8 | LivyVersion::V0_9 => jetty_9_4_page(status, text, path, false),
    }
}

fn jetty_9_3_page(status: u16, text: &str, path: &str) -> Answer {
    let page = format!(
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n\
         <title>Error {status} </title>\n</head>\n<body>\n<h2>HTTP ERROR: {status}</h2>\n\
         <p>Problem accessing {path}. Reason:\n<pre>    {text}</pre></p>\n\
         <hr /><a href=\"http://eclipse.org/jetty\">Powered by Jetty:// 9.3.24.v20180605</a><hr/>\n</body>\n</html>\n"
    );
    // The text stands in the status line too.
    uncached(Answer::html(status, page)).with_reason(text)
}

fn jetty_9_4_page(status: u16, text: &str, path: &str, wants_json: bool) -> Answer {
    let servlet = "org.apache.livy.server.batch.BatchSessionServlet";
    if wants_json {
        let body = format!(
            "{{\n\"servlet\":\"{servlet}\",\n\"message\":\"{text}\",\n\"url\":\"{path}\",\n\"status\":\"{status}\"\n}}"
        );
        return uncached(
            Answer::empty(status)
                .with_header("Content-Type", "application/json")
                .with_body(body),
        );
    }
    let page = format!(
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n\
         <title>Error {status} {text}</title>\n</head>\n<body><h2>HTTP ERROR {status} {text}</h2>\n<table>\n\
         <tr><th>URI:</th><td>{path}</td></tr>\n<tr><th>STATUS:</th><td>{status}</td></tr>\n\
         <tr><th>MESSAGE:</th><td>{text}</td></tr>\n<tr><th>SERVLET:</th><td>{servlet}</td></tr>\n</table>\n\n\
         </body>\n</html>\n"
    );
    uncached(Answer::html(status, page))
}

fn uncached(answer: Answer) -> Answer {
    answer.with_header("Cache-Control", "must-revalidate,no-cache,no-store")
}

/// The answer with the headers that the version puts on every answer.
pub(crate) fn dressed(version: LivyVersion, answer: Answer) -> Answer {
    match version {
        LivyVersion::V0_6 | LivyVersion::V0_7 => answer.with_header("Server", "Jetty(9.3.24.v20180605)"),
        LivyVersion::V0_8 => answer,
        LivyVersion::V0_9 => answer
            .with_header("X-Frame-Options", "SAMEORIGIN")
            .with_header("X-XSS-Protection", "1; mode=block")
            .with_header(
                "Content-Security-Policy",
                "default-src 'self'; script-src 'self' 'unsafe-inline'; img-src 'self'; frame-src 'self';",
            )
            .with_header("X-Content-Type-Options", "nosniff"),
    }
}
