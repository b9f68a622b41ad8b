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
    let active = format!("{active}{asked}");
    match standby {
        Standby::Location => Answer::text(307, format!("This is standby RM. The redirect url is: {asked}\n"))
            .with_header("Location", active),
        Standby::Refresh => {
            let text = format!("This is standby RM. Redirecting to the current active RM: {active}\n");
            Answer::text(200, text).with_header("Refresh", format!("3; url={active}"))
        }
        Standby::NoneActive => {
            let text = "Can not find any active RM. Will retry in next 5 seconds.\n\
                        HA Zookeeper Connection State: CONNECTED\n";
            Answer::text(307, text).with_header("Refresh", format!("5;url=http://{asked}"))
        }
    }
}
