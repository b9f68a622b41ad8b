//! Makes an event fit for a target: its answer comes to the target's server.

use std::time::Duration;

use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use url::Url;

use crate::server::Server;

/// Where answers are put.
pub const SINK: &str = "sink";

/// Leads the event's answer to the server's part [`SINK`]. Whether it can be answered at all.
pub fn lead_home(event: &mut Value, server: &Server) -> bool {
    let given = event
        .get("ResponseURL")
        .and_then(Value::as_str)
        .and_then(|text| Url::parse(text).ok());
    let Some(given) = given.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return false;
    };
    let mut url = server.url(SINK);
    url.set_query(given.query());
    event["ResponseURL"] = url.as_str().into();
    true
}

/// Leaves the provider about half of this time: the event looks as if it had been issued long ago, with a short time-out.
pub fn hasten(event: &mut Value, left: Duration) {
    let Some(mut url) = event["ResponseURL"]
        .as_str()
        .and_then(|text| Url::parse(text).ok())
    else {
        return;
    };
    let second = Duration::from_secs(1);
    let issued = Timestamp::now()
        .checked_sub(second.saturating_sub(left))
        .expect("a date of our time");
    url.set_query(Some(&format!("X-Amz-Date={issued}")));
    event["ResponseURL"] = url.as_str().into();
    if !event["ResourceProperties"].is_object() {
        event["ResourceProperties"] = json!({});
    }
    event["ResourceProperties"]["ServiceTimeout"] = "1".into();
    // What an earlier invocation worked out would otherwise count.
    if let Some(carried) = event.get_mut("CustomResourceContinuation")
        && carried["ServiceDeadline"].is_u64()
    {
        let deadline = Timestamp::now()
            .checked_add(left / 2)
            .expect("a date of our time");
        carried["ServiceDeadline"] = deadline.as_millisecond().into();
    }
}

/// An invocation with this event, of the shortest length that there is.
pub fn invocation(event: Value) -> LambdaEvent<Value> {
    let mut context = Context::default();
    context.request_id = "8f507cfc-e00a-4f5b-9f3b-2d8c4a3b1e0f".to_owned();
    context.invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:fuzz".to_owned();
    // Already over by Lambda's clock: the protocol then assumes two seconds.
    context.deadline = 1;
    LambdaEvent::new(event, context)
}
