//! A ResourceManager that is not the active one.

use crate::cluster::options::Standby;
use crate::http::{Answer, Request};

/// What a ResourceManager answers that is not the active one.
pub(super) fn answer(standby: Standby, active: &str, request: &Request) -> Answer {
    let query = if request.query.is_empty() {
        String::new()
    } else {
        format!("?{}", request.query)
    };
    let asked = format!("{}{query}", request.path);
    let active = format!("{}{asked}", active);
    let text = |status, text: String| Answer::text(status, text);
    match standby {
        Standby::Location => text(307, format!("This is standby RM. The redirect url is: {asked}\n"))
            .with_header("Location", active),
        Standby::Refresh => text(200, format!("This is standby RM. Redirecting to the current active RM: {active}\n"))
            .with_header("Refresh", format!("3; url={active}")),
        Standby::NoneActive => text(
            307,
            "Can not find any active RM. Will retry in next 5 seconds.\nHA Zookeeper Connection State: CONNECTED\n"
                .to_owned(),
        )
        .with_header("Refresh", format!("5;url=http://{asked}")),
    }
}
