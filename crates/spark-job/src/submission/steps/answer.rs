//! What Livy said, in the words of the decisions.

use crate::submission::SubmitError;

/// What Livy said to a POST.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PostAnswer {
    /// The batch exists.
    Created {
        /// Livy's number.
        batch_id: i64,
    },
    /// The name is taken: by an earlier POST of ours, or by another program with the same intent.
    Duplicate,
    /// A transient refusal, for all that it is a 400.
    TooManySessions,
    /// The request never arrived.
    NotSent(String),
    /// It may have been received.
    NoAnswer(String),
    /// It was received and refused.
    Refused(Refusal),
}

/// Livy's no.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Livy's words.
    pub message: String,
    /// Whether a batch that will never start may hold the name now.
    pub may_hold_name: bool,
}

impl Refusal {
    /// How a submission ends by it.
    pub(super) fn rejection(self) -> SubmitError {
        SubmitError::Rejected {
            status: Some(self.status),
            message: self.message,
        }
    }
}

/// What became of the shell that a refused POST leaves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ZombieFate {
    /// It was there and is gone: spark-submit was never started.
    Removed,
    /// There was none.
    Absent,
    /// What holds the name is a real batch.
    Alive,
    /// That could not be seen, or not be removed.
    Unseen(String),
}
