//! A POST that may have made a batch though nothing said so.

use std::time::Instant;

use super::Refusal;

/// The last POST of ours that is in doubt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Doubt {
    /// The run's number.
    pub(super) number: u32,
    pub(super) posted: Instant,
    pub(super) cause: Cause,
}

/// Why it is in doubt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cause {
    /// Its answer is not here, or was lost; why.
    NoAnswer(String),
    /// The request was delivered before, and may have got as far as a POST then.
    EarlierDelivery,
    /// Livy said that the name is taken.
    Duplicate,
    /// Livy failed at it, perhaps after it had started something.
    Refused(Refusal),
}

impl Cause {
    /// What is waited for.
    pub(super) fn awaited(&self) -> &'static str {
        match self {
            Self::NoAnswer(_) => "the answer to a submission was lost; looking whether it arrived",
            Self::EarlierDelivery => "the request was delivered before; looking whether a job of it shows up",
            Self::Duplicate => "Livy says that the batch's name is taken; looking by whom",
            Self::Refused(_) => "Livy failed to create the batch; looking whether anything was started",
        }
    }
}
