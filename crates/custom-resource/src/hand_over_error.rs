//! Why a request stays in its invocation.

use crate::InvokeError;
use crate::means::MAX_PAYLOAD_BYTES;

/// Why a request was not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandOverError {
    /// There is no way, or no more time for it.
    #[error("the work cannot go on in a further invocation: {why}")]
    NotAvailable {
        /// What is missing.
        why: &'static str,
    },
    /// The limit of [`Settings::max_hops`](crate::Settings::max_hops) is reached.
    #[error(
        "the work cannot go on in a further invocation: it was handed over {max} times, which is the limit \
         (with a longer `Timeout` the function needs fewer invocations)"
    )]
    TooManyHops {
        /// The limit.
        max: u32,
    },
    /// The function is not allowed to invoke itself; it was not invoked.
    #[error("the hand-over to a further invocation was refused: {why}")]
    Refused {
        /// What to change.
        why: String,
    },
    /// No answer, or one that may pass. The function may have been invoked nevertheless.
    #[error("the hand-over to a further invocation failed: {why}")]
    Failed {
        /// What stood in the way.
        why: String,
    },
    /// The event with the state is larger than an asynchronous invocation may be.
    #[error(
        "the hand-over to a further invocation failed: event and state have {bytes} bytes, and Lambda takes \
         {MAX_PAYLOAD_BYTES} (make the properties smaller)"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

impl HandOverError {
    /// Whether the next invocation may take place all the same. What is decided now must then be what it, too,
    /// would find right.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

impl From<InvokeError> for HandOverError {
    fn from(error: InvokeError) -> Self {
        match error {
            InvokeError::Refused { why } => Self::Refused { why },
            InvokeError::Failed { why } => Self::Failed { why },
        }
    }
}
