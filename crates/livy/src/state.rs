//! The states of a batch, by Livy's words.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// The state of a batch. Livy shows a batch only as starting, recovering, running, success, dead or killed;
/// the other words are its sessions', and a word that is not known here counts as active.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BatchState {
    /// `not_started`.
    NotStarted,
    /// `starting`: from spark-submit's start until the application runs; also a shell that a refused request
    /// left.
    Starting,
    /// `recovering`: Livy was restarted and looks for the application.
    Recovering,
    /// `idle`.
    Idle,
    /// `running`.
    Running,
    /// `busy`.
    Busy,
    /// `shutting_down`.
    ShuttingDown,
    /// `error`.
    Error,
    /// `dead`: the application failed, or there was none, or Livy lost sight of it while it runs on.
    Dead,
    /// `killed`.
    Killed,
    /// `success`.
    Success,
    /// A word of a Livy that is newer than this client.
    Other(String),
}

impl BatchState {
    /// Whether Livy will not change the state any more. That `dead` is the truth about the application is not
    /// said.
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Error | Self::Dead | Self::Killed | Self::Success => true,
            Self::NotStarted | Self::Starting | Self::Recovering | Self::Idle => false,
            Self::Running | Self::Busy | Self::ShuttingDown | Self::Other(_) => false,
        }
    }

    /// Livy's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::NotStarted => "not_started",
            Self::Starting => "starting",
            Self::Recovering => "recovering",
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Busy => "busy",
            Self::ShuttingDown => "shutting_down",
            Self::Error => "error",
            Self::Dead => "dead",
            Self::Killed => "killed",
            Self::Success => "success",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for BatchState {
    fn from(word: &str) -> Self {
        match word {
            "not_started" => Self::NotStarted,
            "starting" => Self::Starting,
            "recovering" => Self::Recovering,
            "idle" => Self::Idle,
            "running" => Self::Running,
            "busy" => Self::Busy,
            "shutting_down" => Self::ShuttingDown,
            "error" => Self::Error,
            "dead" => Self::Dead,
            "killed" => Self::Killed,
            "success" => Self::Success,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for BatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for BatchState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self::from(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 11] = [
        "not_started",
        "starting",
        "recovering",
        "idle",
        "running",
        "busy",
        "shutting_down",
        "error",
        "dead",
        "killed",
        "success",
    ];

    #[test]
    fn every_word_of_livy_is_known_and_printed_as_it_came() {
        for word in WORDS {
            let state = BatchState::from(word);
            assert!(!matches!(state, BatchState::Other(_)), "{word}");
            assert_eq!(state.to_string(), word);
        }
    }

    #[test]
    fn exactly_four_words_are_terminal() {
        let terminal: Vec<_> = WORDS
            .into_iter()
            .filter(|word| BatchState::from(*word).is_terminal())
            .collect();
        assert_eq!(terminal, ["error", "dead", "killed", "success"]);
    }

    #[test]
    fn an_unknown_word_is_kept_and_counts_as_active() {
        let state: BatchState = serde_json::from_str("\"hibernating\"").unwrap();
        assert_eq!(state, BatchState::Other("hibernating".into()));
        assert!(!state.is_terminal());
        assert_eq!(state.to_string(), "hibernating");
    }
}
