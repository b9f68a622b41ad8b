//! How a call can fail.

use std::fmt;

/// The calls, as messages name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `GET /ws/v1/cluster/apps`.
    Applications,
    /// `GET /ws/v1/cluster/apps/{application}`.
    Application,
    /// `GET /ws/v1/cluster/apps/{application}/appattempts`.
    Attempts,
    /// `GET /ws/v1/node/containers/{container}/logs/{file}`.
    ContainerLog,
    /// `PUT /ws/v1/cluster/apps/{application}/state`.
    Kill,
    /// `GET /ws/v1/cluster/metrics`.
    Metrics,
    /// `GET /ws/v1/cluster/info`.
    Info,
}

impl Operation {
    /// Every call.
    pub const ALL: [Self; 7] = [
        Self::Applications,
        Self::Application,
        Self::Attempts,
        Self::ContainerLog,
        Self::Kill,
        Self::Metrics,
        Self::Info,
    ];

    /// A word for it, as metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Applications => "applications",
            Self::Application => "application",
            Self::Attempts => "attempts",
            Self::ContainerLog => "container_log",
            Self::Kill => "kill",
            Self::Metrics => "metrics",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Applications => "list the YARN applications",
            Self::Application => "read a YARN application",
            Self::Attempts => "read the attempts of a YARN application",
            Self::ContainerLog => "read a container's log",
            Self::Kill => "kill a YARN application",
            Self::Metrics => "read YARN's metrics",
            Self::Info => "read the ResourceManager's state",
        })
    }
}

/// Why a call has no result. An application that failed is not an error: it is an
/// [`Application`](crate::Application).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings cannot be used: an address, or the certificate.
    #[error("could not set up a client of YARN at `{url}`: {message}")]
    Configuration {
        /// The address, without user and password; empty when there is none.
        url: String,
        /// What is wrong with it.
        message: String,
    },
    /// There was no answer, or not a whole one.
    #[error("could not {operation} at `{url}`")]
    Transport {
        /// What was tried.
        operation: Operation,
        /// The address of the ResourceManager, or of the NodeManager.
        url: String,
        /// Why, without the address.
        source: reqwest::Error,
    },
    /// An answer that refuses.
    #[error("could not {operation} at `{url}`: the answer was {status}: {message}")]
    Api {
        /// What was tried.
        operation: Operation,
        /// The address of the ResourceManager, or of the NodeManager.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The class of YARN's own exception, such as `NotFoundException`; a proxy's answer has none.
        exception: Option<String>,
        /// The reason in one line, cut when it is long, never empty.
        message: String,
    },
    /// An answer that agrees but cannot be read.
    #[error("could not {operation} at `{url}`: the answer is not YARN's: {message}")]
    Decode {
        /// What was tried.
        operation: Operation,
        /// The address of the ResourceManager, or of the NodeManager.
        url: String,
        /// What is wrong with it.
        message: String,
    },
    /// No ResourceManager is active, for the moment.
    #[error("could not {operation} at `{url}`: it is a standby, and no active ResourceManager was found")]
    Standby {
        /// What was tried.
        operation: Operation,
        /// The address of a ResourceManager.
        url: String,
    },
    /// The attempt has no container, or none that can be addressed, so that nothing was sent.
    #[error("could not read the log of attempt {attempt}: it has no container yet")]
    NoContainer {
        /// The number of the attempt.
        attempt: u32,
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
            Self::Configuration { .. } | Self::NoContainer { .. } => "not_sent",
            Self::Transport { .. } => "no_answer",
            Self::Decode { .. } => "unreadable",
            Self::Standby { .. } => "standby",
            Self::Api { .. } if self.is_not_found() => "not_found",
            Self::Api {
                status: 401 | 403, ..
            } => "unauthorized",
            Self::Api { .. } => "refused",
        }
    }

    /// Whether YARN itself says that it does not know the application, or the node that it has no such log. A
    /// 404 of a proxy or of another server says nothing about applications and does not count.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Api {
                operation: Operation::ContainerLog,
                status,
                ..
            } => *status == 404,
            Self::Api {
                status: 404,
                exception,
                ..
            } => exception.as_deref() == Some("NotFoundException"),
            _ => false,
        }
    }

    /// Whether the user is not known or may not do it.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    /// Whether the same call may do better later. Every call here may be repeated.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Standby { .. } | Self::NoContainer { .. } => true,
            Self::Api { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Configuration { .. } | Self::Decode { .. } => false,
        }
    }

    /// Whether a time limit was passed before the answer was complete.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Transport { source, .. } if source.is_timeout())
    }

    /// Whether no server can have done what was asked: the name did not resolve, the connection or the TLS
    /// handshake failed, only a standby answered, or nothing was tried.
    pub fn was_not_sent(&self) -> bool {
        match self {
            Self::Configuration { .. } | Self::NoContainer { .. } | Self::Standby { .. } => true,
            Self::Transport { source, .. } => source.is_connect() || source.is_builder(),
            Self::Api { .. } | Self::Decode { .. } => false,
        }
    }

    /// Whether another ResourceManager of the cluster may answer better now.
    pub(crate) fn concerns_one_server(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Standby { .. } => true,
            Self::Api {
                status, exception, ..
            } => exception.is_none() && matches!(status, 502..=504),
            Self::Configuration { .. } | Self::Decode { .. } | Self::NoContainer { .. } => false,
        }
    }

    /// How much an error says when each ResourceManager has its own: one that may have been asked comes
    /// first, a server that cannot be reached before one that only waits.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Self::Standby { .. } => 0,
            error if error.was_not_sent() => 1,
            _ => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(operation: Operation, status: u16, exception: Option<&str>) -> Error {
        let url = "http://primary:8088/".to_owned();
        Error::Api {
            operation,
            url,
            status,
            exception: exception.map(str::to_owned),
            message: "why".into(),
        }
    }

    #[test]
    fn only_yarns_own_404_is_about_the_application() {
        assert!(api(Operation::Application, 404, Some("NotFoundException")).is_not_found());
        assert!(api(Operation::Kill, 404, Some("NotFoundException")).is_not_found());
        assert!(!api(Operation::Application, 404, None).is_not_found());
        assert!(!api(Operation::Application, 400, Some("BadRequestException")).is_not_found());
    }

    #[test]
    fn a_node_says_in_plain_text_that_a_log_is_gone() {
        assert!(api(Operation::ContainerLog, 404, None).is_not_found());
    }

    #[test]
    fn what_passes_is_transient() {
        assert!(api(Operation::Kill, 503, None).is_transient());
        assert!(api(Operation::Applications, 500, Some("WebApplicationException")).is_transient());
        assert!(!api(Operation::Kill, 403, Some("ForbiddenException")).is_transient());
        assert!(api(Operation::Kill, 403, Some("ForbiddenException")).is_unauthorized());
        assert!(Error::NoContainer { attempt: 1 }.is_transient());
    }

    #[test]
    fn a_message_names_the_call_the_place_and_the_reason() {
        assert_eq!(
            api(Operation::Kill, 403, None).to_string(),
            "could not kill a YARN application at `http://primary:8088/`: the answer was 403: why"
        );
    }
}
