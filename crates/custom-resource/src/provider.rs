//! What a custom resource is to this crate: something that can be created, updated and deleted.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;

use crate::Request;

/// The physical id of a Create that failed before the provider named one: there is nothing to delete.
pub const NOTHING_CREATED: &str = "custom-resource:nothing-created";

/// Makes, changes and removes the resources of one type.
///
/// # Guarantees
///
/// The provider runs as a task of its own: what it returns, a panic, and running past [`Request::deadline`]
/// all become the one answer that CloudFormation gets.
///
/// # Assumptions
///
/// - Lambda delivers a request at least once: each method must bear to be called again with the same request.
/// - After a failed Create, CloudFormation asks for a Delete of the id that the failure carried. It must
///   succeed, or the stack cannot be removed: a Delete of something absent is a success.
/// - A Delete may carry an id that CloudFormation invented, when a Create is cancelled before its answer.
/// - The properties of a Delete, and of an Update that rolls back, may be of any earlier template.
pub trait Provider: Send + Sync + 'static {
    /// Makes the resource.
    fn create(&self, request: Request) -> impl Future<Output = Result<Provisioned, Failure>> + Send;

    /// Changes the resource named by [`Request::physical_resource_id`], or replaces it by returning another
    /// id: CloudFormation then deletes the old one once the whole stack has been updated.
    fn update(&self, request: Request) -> impl Future<Output = Result<Provisioned, Failure>> + Send;

    /// Removes the resource named by [`Request::physical_resource_id`].
    fn delete(&self, request: Request) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The id in the answer to a request that fails with no id known: none in the request, none claimed
    /// ([`Request::claim`]), none in the failure. The Delete that follows comes with this id, and
    /// must recognise by it that there is nothing to remove.
    fn fallback_id(&self, request: &Request) -> String {
        let _ = request;
        NOTHING_CREATED.to_owned()
    }
}

/// A resource as it stands after a successful Create or Update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provisioned {
    /// What `Ref` gives; at most 1024 bytes, no control characters. On Update another id than the request's
    /// is a replacement.
    pub physical_resource_id: String,
    /// What `Fn::GetAtt` gives. The longest are shortened when all together do not fit the answer.
    pub attributes: BTreeMap<String, String>,
    /// Asks CloudFormation to mask the attributes wherever it shows them.
    pub no_echo: bool,
}

impl Provisioned {
    /// A resource without attributes.
    pub fn new(physical_resource_id: impl Into<String>) -> Self {
        Self {
            physical_resource_id: physical_resource_id.into(),
            ..Self::default()
        }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }
}

/// Why a request failed, and by which id a Delete finds what it left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What people read in the stack's events: the cause first, because a long text is cut at its end.
    pub reason: String,
    /// The id to answer with, where it is neither the claimed one nor the one in the request. A Delete always
    /// answers with its own.
    pub physical_resource_id: Option<String>,
    /// Shown below the reason as far as there is room: the last lines are kept, and all of them give way to
    /// the reason.
    pub log_lines: Vec<String>,
}

impl Failure {
    /// A failure that answers with the claimed id, the request's id or the fallback, in this order.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            ..Self::default()
        }
    }

    /// A failure whose reason is the error followed by its causes.
    pub fn from_error(error: &dyn Error) -> Self {
        Self::new(crate::chain(error))
    }

    /// Answers with this id.
    #[must_use]
    pub fn with_physical_resource_id(mut self, id: impl Into<String>) -> Self {
        self.physical_resource_id = Some(id.into());
        self
    }

    /// Shows these lines below the reason.
    #[must_use]
    pub fn with_log_lines(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.log_lines = lines.into_iter().map(Into::into).collect();
        self
    }
}
