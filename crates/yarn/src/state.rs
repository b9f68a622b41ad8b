//! The states and final statuses of an application, by YARN's words.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Where an application is. A word that is not known here counts as live.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationState {
    /// `NEW`.
    New,
    /// `NEW_SAVING`.
    NewSaving,
    /// `SUBMITTED`.
    Submitted,
    /// `ACCEPTED`: it waits for room, or for its driver's container.
    Accepted,
    /// `RUNNING`.
    Running,
    /// `FINISHED`: it ended by itself; [`FinalStatus`] says how.
    Finished,
    /// `FAILED`: YARN gave it up.
    Failed,
    /// `KILLED`.
    Killed,
    /// A word of a YARN that is newer than this client.
    Other(String),
}

impl ApplicationState {
    /// The states of an application that has not ended.
    pub const LIVE: [Self; 5] = [
        Self::New,
        Self::NewSaving,
        Self::Submitted,
        Self::Accepted,
        Self::Running,
    ];
    /// The states of an application that has.
    pub const ENDED: [Self; 3] = [Self::Finished, Self::Failed, Self::Killed];

    /// Whether the application has not ended.
    pub fn is_live(&self) -> bool {
        match self {
            Self::New | Self::NewSaving | Self::Submitted | Self::Accepted | Self::Running => true,
            Self::Other(_) => true,
            Self::Finished | Self::Failed | Self::Killed => false,
        }
    }

    /// YARN's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::New => "NEW",
            Self::NewSaving => "NEW_SAVING",
            Self::Submitted => "SUBMITTED",
            Self::Accepted => "ACCEPTED",
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for ApplicationState {
    fn from(word: &str) -> Self {
        match word {
            "NEW" => Self::New,
            "NEW_SAVING" => Self::NewSaving,
            "SUBMITTED" => Self::Submitted,
            "ACCEPTED" => Self::Accepted,
            "RUNNING" => Self::Running,
            "FINISHED" => Self::Finished,
            "FAILED" => Self::Failed,
            "KILLED" => Self::Killed,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for ApplicationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ApplicationState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self::from(word.as_str()))
    }
}

/// How an application says that it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum FinalStatus {
    /// `UNDEFINED`: it has not said so, or not yet.
    #[default]
    Undefined,
    /// `SUCCEEDED`.
    Succeeded,
    /// `FAILED`.
    Failed,
    /// `KILLED`.
    Killed,
    /// `ENDED`, or a word of a YARN that is newer than this client.
    EndedOther(String),
}

impl FinalStatus {
    /// YARN's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Undefined => "UNDEFINED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
            Self::EndedOther(word) => word,
        }
    }
}

impl From<&str> for FinalStatus {
    fn from(word: &str) -> Self {
        match word {
            "UNDEFINED" => Self::Undefined,
            "SUCCEEDED" => Self::Succeeded,
            "FAILED" => Self::Failed,
            "KILLED" => Self::Killed,
            other => Self::EndedOther(other.to_owned()),
        }
    }
}

impl fmt::Display for FinalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FinalStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self::from(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_yarn_is_known_and_printed_as_it_came() {
        for state in ApplicationState::LIVE.iter().chain(&ApplicationState::ENDED) {
            assert_eq!(ApplicationState::from(state.as_str()), *state);
        }
        for word in ["UNDEFINED", "SUCCEEDED", "FAILED", "KILLED"] {
            let status = FinalStatus::from(word);
            assert!(!matches!(status, FinalStatus::EndedOther(_)));
            assert_eq!(status.to_string(), word);
        }
    }

    #[test]
    fn what_is_live_has_not_ended() {
        assert!(ApplicationState::LIVE.iter().all(ApplicationState::is_live));
        assert!(!ApplicationState::ENDED.iter().any(ApplicationState::is_live));
    }

    #[test]
    fn an_unknown_state_is_kept_and_counts_as_live() {
        let state: ApplicationState = serde_json::from_str("\"SUSPENDED\"").unwrap();
        assert!(state.is_live());
        assert_eq!(state.to_string(), "SUSPENDED");
        assert_eq!(FinalStatus::from("ENDED").to_string(), "ENDED");
    }
}
