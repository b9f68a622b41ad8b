//! The NodeManager simulator: the logs of drivers' containers.

use std::sync::Arc;

use hyper::Method;
use serde_json::json;

use crate::clock::{node_stamp, now_ms};
use crate::cluster::application::{Application, Attempt};
use crate::cluster::state::Core;
use crate::cluster::yarn::application_json::node_id;
use crate::http::{Answer, Request};
use crate::server::{Answering, Simulator};

/// The one node of a cluster.
#[derive(Debug)]
pub(crate) struct NodeManager {
    pub(crate) core: Arc<Core>,
}

impl Simulator for NodeManager {
    fn route(&self, request: &Request) -> String {
        let method = &request.method;
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments[..] {
            ["ws", "v1", "node", "containers", _, "logs"] => format!("{method} logs"),
            ["ws", "v1", "node", "containers", _, "logs", file] => format!("{method} logs/{file}"),
            _ => format!("{method} ?"),
        }
    }

    fn answer(self: Arc<Self>, request: Request) -> Answering {
        Box::pin(async move {
            let segments = request.segments();
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            match segments[..] {
                _ if request.method != Method::GET => Answer::empty(405),
                ["ws", "v1", "node", "containers", container, "logs"] => self.files(container),
                ["ws", "v1", "node", "containers", container, "logs", file] => {
                    self.file(container, file, &request)
                }
                _ => Answer::empty(404),
            }
        })
    }
}

impl NodeManager {
    fn files(&self, container: &str) -> Answer {
        let Some((_, attempt)) = self.find(container) else {
            let message = format!(
                "Unknown container. Container either has not started or has already completed or doesn't belong to this node at all.: {container}"
            );
            return super::remote_exception(404, "NotFoundException", &message);
        };
        let file = |name: &str, length: usize| json!({ "fileName": name, "fileSize": length.to_string(), "lastModifiedTime": node_stamp(now_ms()) });
        let files = [
            file("stdout", attempt.stdout.len()),
            file("stderr", attempt.stderr.len()),
        ];
        let of_container = json!({
            "containerLogInfo": files, "logAggregationType": "LOCAL", "containerId": container,
            "nodeId": node_id(&self.core.node_address())
        });
        Answer::json(200, &json!({ "containerLogsInfo": [of_container] }))
    }

    /// A negative `size` is the end of the file, a positive one its beginning.
    fn file(&self, container: &str, name: &str, request: &Request) -> Answer {
        let found = self.find(container);
        let text = found.as_ref().and_then(|(_, attempt)| match name {
            "stdout" => Some(attempt.stdout.as_str()),
            "stderr" => Some(attempt.stderr.as_str()),
            _ => None,
        });
        let Some(text) = text else {
            return Answer::text(
                404,
                format!("Cannot find this log on the local disk.: {container}/{name}"),
            );
        };
        let size = match request.parameter("size").map(|size| size.parse::<i64>()) {
            None => i64::MAX,
            Some(Ok(size)) => size,
            Some(Err(_)) => return super::remote_exception(400, "NumberFormatException", "For input string"),
        };
        let wanted = usize::try_from(size.unsigned_abs())
            .unwrap_or(usize::MAX)
            .min(text.len());
        let bytes = text.as_bytes();
        // Cut where the count says, be it in the middle of a character.
        let shown = if size < 0 {
            &bytes[bytes.len() - wanted..]
        } else {
            &bytes[..wanted]
        };
        let is_running = found
            .as_ref()
            .is_some_and(|(application, _)| application.is_live());
        let mut body = header(container, &node_id(&self.core.node_address()), name, text.len()).into_bytes();
        body.extend_from_slice(shown);
        body.extend(footer(container, name, is_running).bytes());
        Answer::text(200, "")
            .with_header("X-Content-Type-Options", "nosniff")
            .with_body(body)
    }

    fn find(&self, container: &str) -> Option<(Application, Attempt)> {
        let has_it = |attempt: &&Attempt| attempt.container == container && !attempt.logs_gone;
        let found = self
            .core
            .ledger
            .select(|application| application.attempts.iter().any(|one| has_it(&one)));
        let application = found.into_iter().next()?;
        let attempt = application.attempts.iter().find(has_it).cloned()?;
        Some((application, attempt))
    }
}

fn header(container: &str, node: &str, file: &str, length: usize) -> String {
    let title = format!("Container: {container} on {node}");
    format!(
        "{title}\nLogAggregationType: LOCAL\n{}\nLogType:{file}\nLogLastModifiedTime:{}\nLogLength:{length}\nLogContents:\n",
        "=".repeat(title.len()),
        node_stamp(now_ms())
    )
}

fn footer(container: &str, file: &str, is_running: bool) -> String {
    let end = format!("End of LogType:{file}");
    let remark = if is_running {
        format!("This log file belongs to a running container ({container}) and so may not be complete.")
    } else {
        String::new()
    };
    format!("{end}.{remark}\n{}\n\n", "*".repeat(end.len() + 50))
}
