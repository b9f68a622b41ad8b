//! From what a life decided to what CloudFormation is told: the end of the function's `provision`.

use spark_job_function::life::{Answer as Decided, FailedId, Holder};

use crate::defect::Defect;
use crate::invocation::{Answer, Context};
use crate::names::run_of;
use crate::request::Kind;
use crate::stack::Id;

/// The answer, by which id.
pub(crate) fn answer(context: &Context<'_>, decided: &Decided, is_unseen: bool) -> Answer {
    let request = context.request;
    let unchanged = request.id.unwrap_or(Id::Nothing);
    let own = |version| Id::Run(request.run, version);
    let (succeeded, may_be_unseen, id) = match decided {
        Decided::Success(Holder::Own) => (true, is_unseen, own(Some(request.version))),
        Decided::Success(Holder::Previous) => (true, true, unchanged),
        Decided::Success(Holder::Adopted(key)) => (true, false, Id::Run(run_of(key), Some(request.version))),
        Decided::Failed(FailedId::Own)
            if request.kind == Kind::Update && context.has(Defect::OldIdThoughStopped) =>
        {
            (false, false, unchanged)
        }
        Decided::Failed(FailedId::Own) if context.has(Defect::FailedIdHasTheSpec) => {
            (false, false, own(Some(request.version)))
        }
        Decided::Failed(FailedId::Own) => (false, false, own(None)),
        Decided::Failed(FailedId::Unchanged) => (false, false, unchanged),
        Decided::Failed(FailedId::Nothing) => (false, false, Id::Nothing),
    };
    Answer {
        succeeded,
        id,
        may_be_unseen,
    }
}
