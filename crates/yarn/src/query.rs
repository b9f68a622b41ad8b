//! What to ask for when applications are listed.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::state::ApplicationState;

/// Which applications to list; what is unset does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationsQuery {
    /// Only those with this tag, in any case of letters.
    pub tag: Option<String>,
    /// Only those in one of these states.
    pub states: Vec<ApplicationState>,
    /// Only those that have ended since then, by the ResourceManager's clock.
    pub finished_since: Option<SystemTime>,
}

impl ApplicationsQuery {
    /// All applications with a tag.
    pub fn tag(tag: impl Into<String>) -> Self {
        Self {
            tag: Some(tag.into()),
            ..Self::default()
        }
    }

    /// The query's pairs. The requests for containers are never asked for: they are most of an answer.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        if let Some(tag) = &self.tag {
            pairs.push(("applicationTags", tag.clone()));
        }
        if !self.states.is_empty() {
            let words: Vec<_> = self.states.iter().map(ApplicationState::as_str).collect();
            pairs.push(("states", words.join(",")));
        }
        if let Some(since) = self.finished_since {
            let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
            pairs.push(("finishedTimeBegin", since.as_millis().to_string()));
        }
        pairs.push(("deSelects", "resourceRequests".to_owned()));
        pairs
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn everything_that_is_set_is_asked_for() {
        let query = ApplicationsQuery {
            tag: Some("sparkwright".into()),
            states: ApplicationState::ENDED.to_vec(),
            finished_since: Some(UNIX_EPOCH + Duration::from_millis(1_795_225_753_640)),
        };
        assert_eq!(
            query.pairs(),
            [
                ("applicationTags", "sparkwright".to_owned()),
                ("states", "FINISHED,FAILED,KILLED".to_owned()),
                ("finishedTimeBegin", "1795225753640".to_owned()),
                ("deSelects", "resourceRequests".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_unset_does_not_restrict() {
        assert_eq!(
            ApplicationsQuery::default().pairs(),
            [("deSelects", "resourceRequests".to_owned())]
        );
    }
}
