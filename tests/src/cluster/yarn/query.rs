//! Which applications a query picks.

use crate::cluster::application::Application;
use crate::http::Request;

const STATES: [&str; 8] = [
    "NEW",
    "NEW_SAVING",
    "SUBMITTED",
    "ACCEPTED",
    "RUNNING",
    "FINISHED",
    "FAILED",
    "KILLED",
];

/// The parameters of `GET /ws/v1/cluster/apps`.
#[derive(Debug, Default)]
pub(super) struct Query {
    tags: Vec<String>,
    states: Vec<String>,
    finished_from: Option<i64>,
    finished_to: Option<i64>,
    started_from: Option<i64>,
    user: Option<String>,
    queue: Option<String>,
    final_status: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) deselected: Vec<String>,
}

impl Query {
    /// Reads the parameters; the error is the message of YARN's 400.
    pub(super) fn read(request: &Request) -> Result<Query, String> {
        let states = words(request, "states")
            .into_iter()
            .map(|state| state.to_uppercase());
        let mut query = Query {
            tags: words(request, "applicationTags")
                .into_iter()
                .map(|tag| tag.to_lowercase())
                .collect(),
            states: states.collect(),
            finished_from: time(request, "finishedTimeBegin")?,
            finished_to: time(request, "finishedTimeEnd")?,
            started_from: time(request, "startedTimeBegin")?,
            user: request.parameter("user"),
            queue: request.parameter("queue"),
            final_status: request.parameter("finalStatus"),
            limit: None,
            deselected: words(request, "deSelects"),
        };
        if let Some(unknown) = query
            .states
            .iter()
            .position(|state| !STATES.contains(&state.as_str()))
        {
            let sent = &words(request, "states")[unknown];
            return Err(format!(
                "Invalid application-state {sent} specified. It should be one of [{}]",
                STATES.join(", ")
            ));
        }
        if let Some(limit) = request.parameter("limit") {
            query.limit = Some(
                limit
                    .parse()
                    .map_err(|_| "limit value must be greater then 0".to_owned())?,
            );
        }
        Ok(query)
    }

    pub(super) fn picks(&self, application: &Application) -> bool {
        let tagged = self.tags.is_empty()
            || (application.tag_shows && self.tags.iter().any(|tag| application.tags.contains(tag)));
        let in_state =
            self.states.is_empty() || self.states.iter().any(|state| state == application.state.word());
        // A live application has no finished time, so a bound on it leaves it out.
        let finished = (self.finished_from.is_none() && self.finished_to.is_none())
            || (application.finished_at >= self.finished_from.unwrap_or(1)
                && application.finished_at > 0
                && application.finished_at <= self.finished_to.unwrap_or(i64::MAX));
        tagged
            && in_state
            && finished
            && self
                .started_from
                .is_none_or(|from| application.started_at >= from)
            && self.user.as_ref().is_none_or(|user| *user == application.user)
            && self
                .queue
                .as_ref()
                .is_none_or(|queue| *queue == application.queue)
            && self
                .final_status
                .as_ref()
                .is_none_or(|status| status == application.final_status.word())
    }
}

/// The words of a parameter that may be repeated, and may hold several between commas.
fn words(request: &Request, name: &str) -> Vec<String> {
    let values = request.parameters(name);
    let words = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn time(request: &Request, name: &str) -> Result<Option<i64>, String> {
    let Some(text) = request.parameter(name) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(time) if time >= 0 => Ok(Some(time)),
        _ => Err(format!("{name} must be greater than 0")),
    }
}
