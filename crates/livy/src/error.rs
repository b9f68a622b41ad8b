//! How a call can fail.

use std::fmt;

/// The calls, as messages name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `GET /version`.
    Version,
    /// `POST /batches`.
    CreateBatch,
    /// `GET /batches/{batch}` and its state.
    Batch,
    /// `GET /batches`.
    Batches,
    /// `GET /batches/{batch}/log`.
    BatchLog,
    /// `DELETE /batches/{batch}`.
    DeleteBatch,
}

impl Operation {
    /// Every call.
    pub const ALL: [Self; 6] = [
        Self::Version,
        Self::CreateBatch,
        Self::Batch,
        Self::Batches,
        Self::BatchLog,
        Self::DeleteBatch,
    ];

    /// A word for it, as metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::CreateBatch => "create_batch",
            Self::Batch => "batch",
            Self::Batches => "batches",
            Self::BatchLog => "batch_log",
            Self::DeleteBatch => "delete_batch",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "read Livy's version",
            Self::CreateBatch => "create a batch",
            Self::Batch => "read a batch",
            Self::Batches => "list the batches",
            Self::BatchLog => "read a batch's log",
            Self::DeleteBatch => "delete a batch",
        })
    }
}

/// Why a call has no result. A batch that failed is not an error: it is a [`Batch`](crate::Batch).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings cannot be used: the address, or the certificate.
    #[error("could not set up a client of Livy at `{url}`: {message}")]
    Configuration {
        /// The address, without user and password.
        url: String,
        /// What is wrong with it.
        message: String,
    },
    /// No path can mean a batch of this name, so that nothing was sent.
    #[error("could not {operation} at `{url}`: a batch cannot be addressed by the name `{name}`")]
    Unaddressable {
        /// What was tried.
        operation: Operation,
        /// Livy's address.
        url: String,
        /// The name.
        name: String,
    },
    /// There was no answer, or not a whole one.
    #[error("could not {operation} at `{url}`")]
    Transport {
        /// What was tried.
        operation: Operation,
        /// Livy's address.
        url: String,
        /// Why, without the address.
        source: reqwest::Error,
    },
    /// An answer that refuses.
    #[error("could not {operation} at `{url}`: the answer was {status}: {message}")]
    Api {
        /// What was tried.
        operation: Operation,
        /// Livy's address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The reason in one line, cut when it is long, never empty.
        message: String,
        /// Whether the body has a form that only Livy's own code gives. Otherwise it may be a proxy's, or the
        /// server's around Livy.
        from_livy: bool,
    },
    /// An answer that agrees but cannot be read.
    #[error("could not {operation} at `{url}`: the answer is not Livy's: {message}")]
    Decode {
        /// What was tried.
        operation: Operation,
        /// Livy's address.
        url: String,
        /// What is wrong with it.
        message: String,
    },
}

impl Error {
    /// The HTTP status of an answer that refuses.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// A word for it, as metrics have it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Configuration { .. } | Self::Unaddressable { .. } => "not_sent",
            Self::Transport { .. } => "no_answer",
            Self::Decode { .. } => "unreadable",
            Self::Api { .. } if self.is_not_found() => "not_found",
            Self::Api { .. } if self.is_unauthorized() => "unauthorized",
            Self::Api { .. } => "refused",
        }
    }

    /// Whether Livy itself says that it knows no such batch: it was deleted, collected, or forgotten at a
    /// restart. A 404 of a proxy or of another server says nothing about batches and does not count.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Api {
                status: 404,
                from_livy: true,
                ..
            }
        )
    }

    /// Whether a batch of the wanted name is known already; it may be a finished one.
    pub fn is_duplicate_name(&self) -> bool {
        self.is_refusal_with("Duplicate session name")
    }

    /// Whether Livy runs as many spark-submit processes as it is allowed to: the one 400 that passes.
    pub fn is_too_many_sessions(&self) -> bool {
        self.is_refusal_with("too many sessions")
    }

    /// Whether the credentials are missing, wrong or not sufficient.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    /// Whether the same call may do better later. It does not say that the call may be repeated: a creation
    /// whose answer was lost has to be looked up first, see [`was_not_sent`](Self::was_not_sent).
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transport { .. } => true,
            // Livy answers a creation with 500 when it tried and failed, and may have left a shell behind.
            Self::Api {
                operation: Operation::CreateBatch,
                status,
                ..
            } => matches!(status, 408 | 429 | 502..=504) || self.is_too_many_sessions(),
            Self::Api { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Configuration { .. } | Self::Unaddressable { .. } | Self::Decode { .. } => false,
        }
    }

    /// Whether a time limit was passed before the answer was complete.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Transport { source, .. } if source.is_timeout())
    }

    /// Whether the server cannot have seen the request: the name did not resolve, the connection or the TLS
    /// handshake failed, or nothing was tried. Otherwise it may have been received, whatever the error says.
    pub fn was_not_sent(&self) -> bool {
        match self {
            Self::Configuration { .. } | Self::Unaddressable { .. } => true,
            Self::Transport { source, .. } => source.is_connect() || source.is_builder(),
            Self::Api { .. } | Self::Decode { .. } => false,
        }
    }

    /// The same, with something that is known besides what the answer said.
    pub(crate) fn with_remark(mut self, remark: &str) -> Self {
        if let Self::Api { message, .. } = &mut self {
            *message = format!("{message}; {remark}");
        }
        self
    }

    fn is_refusal_with(&self, words: &str) -> bool {
        matches!(self, Self::Api { status: 400, message, .. } if message.contains(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(operation: Operation, status: u16, message: &str, from_livy: bool) -> Error {
        let url = "http://primary:8998/".to_owned();
        Error::Api {
            operation,
            url,
            status,
            message: message.into(),
            from_livy,
        }
    }

    #[test]
    fn a_duplicate_name_is_seen_in_the_words_of_every_version() {
        for message in [
            "Duplicate session name: Some(ok-1)",
            "Duplicate session name: Some(ok-1) for session 1",
            "Rejected, Reason: Duplicate session name: Some(ok-1) for session 1",
        ] {
            assert!(
                api(Operation::CreateBatch, 400, message, true).is_duplicate_name(),
                "{message}"
            );
        }
        assert!(!api(Operation::CreateBatch, 500, "Duplicate session name", true).is_duplicate_name());
        assert!(!api(Operation::CreateBatch, 400, "Invalid session name: 12", true).is_duplicate_name());
    }

    #[test]
    fn too_many_sessions_is_the_400_that_passes() {
        let error = api(
            Operation::CreateBatch,
            400,
            "Rejected, too many sessions are being created!",
            true,
        );
        assert!(error.is_too_many_sessions() && error.is_transient() && !error.was_not_sent());
    }

    #[test]
    fn a_refused_creation_is_final_and_a_failing_look_is_not() {
        assert!(!api(Operation::CreateBatch, 400, "requirement failed", true).is_transient());
        assert!(!api(Operation::CreateBatch, 500, "java.io.IOException", true).is_transient());
        assert!(api(Operation::CreateBatch, 503, "Service Unavailable", false).is_transient());
        assert!(api(Operation::Batch, 500, "java.io.IOException", true).is_transient());
        assert!(api(Operation::DeleteBatch, 502, "Bad Gateway", false).is_transient());
        assert!(!api(Operation::Batch, 404, "Session 'x' not found.", true).is_transient());
    }

    #[test]
    fn only_livys_own_404_is_about_the_batch() {
        assert!(api(Operation::Batch, 404, "Session '99999' not found.", true).is_not_found());
        assert!(!api(Operation::Batch, 404, "Not Found", false).is_not_found());
    }

    #[test]
    fn a_message_names_the_call_the_place_and_the_reason() {
        let error = api(
            Operation::CreateBatch,
            400,
            "requirement failed: File is required.",
            true,
        );
        assert_eq!(
            error.to_string(),
            "could not create a batch at `http://primary:8998/`: the answer was 400: \
             requirement failed: File is required."
        );
    }
}
