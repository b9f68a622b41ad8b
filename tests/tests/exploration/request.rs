//! CloudFormation's requests.

use custom_resource::RequestType;
use sparkwright_spark_job::identity::{Intent, RequestIdentity};

use crate::defect::Defect;
use crate::names::{self, LOGICAL_ID, Run, STACK, Version};
use crate::stack::Id;

/// After so many ticks CloudFormation no longer waits.
pub(crate) const HOUR: u8 = 60;

/// Past this an age says nothing more.
const OLD: u8 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Create,
    Update,
    Delete,
}

impl Kind {
    pub(crate) fn request_type(self) -> RequestType {
        match self {
            Self::Create => RequestType::Create,
            Self::Update => RequestType::Update,
            Self::Delete => RequestType::Delete,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    /// A retried deployment may reuse it.
    pub(crate) request_id: u8,
    pub(crate) id: Option<Id>,
    /// What is declared now.
    pub(crate) version: Version,
    /// After how many changes of the resource's status.
    pub(crate) issued: u8,
    /// When, in ticks since the first Delete of an invented id.
    pub(crate) era: u8,
    /// In ticks.
    pub(crate) age: u8,
    /// The run that it has, or would have.
    pub(crate) run: Run,
}

impl Request {
    /// The run of the first request with the same intent.
    pub(crate) fn find_run(&self, earlier: &[Self], defect: Option<Defect>) -> Run {
        let own = self.intent(earlier.len(), defect);
        let same = earlier
            .iter()
            .enumerate()
            .position(|(number, request)| request.kind == self.kind && request.intent(number, defect) == own);
        let number = same.unwrap_or(earlier.len());
        Run(u8::try_from(number).expect("few requests"))
    }

    fn intent(&self, number: usize, defect: Option<Defect>) -> Intent {
        let id = match self.id {
            _ if defect == Some(Defect::IntentOfTheRequestIdAlone) => String::new(),
            Some(Id::Run(run, version)) => format!("{}:{version:?}", names::of(run).batch),
            Some(Id::Nothing) => "none".into(),
            Some(Id::Invented) => "stack-Job-1ABCD".into(),
            None => String::new(),
        };
        let is_dateless = matches!(
            defect,
            Some(Defect::IntentOfTheRequestIdAlone | Defect::IntentWithoutTheDate)
        );
        let issued = if is_dateless {
            String::new()
        } else {
            format!("20261121T04{number:02}00Z")
        };
        let identity = RequestIdentity {
            stack_id: STACK,
            logical_resource_id: LOGICAL_ID,
            request_type: self.kind.request_type().as_str(),
            request_id: &self.request_id.to_string(),
            physical_resource_id: &id,
            issued: &issued,
        };
        Intent::of_request(identity, names::spec(self.version))
    }

    pub(crate) fn tick(&mut self) {
        self.age = (self.age + 1).min(OLD);
    }
}
