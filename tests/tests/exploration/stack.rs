//! CloudFormation's side of one resource: what is asked of it, and what is made of the answers.
//!
//! A failure elsewhere in the stack comes at any time while a request is at work, or after its SUCCESS: then the resource
//! is rolled back. Of a Create at work the Delete carries an invented id. A clean-up is tried three times.

use crate::defect::Defect;
use crate::names::{Run, Version};
use crate::request::{Kind, Request};
use crate::scenario::{Op, Scenario};
use crate::world::World;

/// How often CloudFormation tries a clean-up.
const CLEANUPS: u8 = 3;

/// A physical id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    /// It says that nothing was submitted.
    Nothing,
    /// CloudFormation made it up.
    Invented,
    /// It leads to a run, and says its spec, unless it is a failure's.
    Run(Run, Option<Version>),
}

/// What the stack says of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    None,
    CreateInProgress,
    CreateFailed,
    CreateComplete,
    UpdateInProgress,
    UpdateFailed,
    UpdateComplete,
    DeleteInProgress,
    DeleteFailed,
    DeleteComplete,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::CreateFailed => "CREATE_FAILED",
            Self::CreateComplete => "CREATE_COMPLETE",
            Self::UpdateInProgress => "UPDATE_IN_PROGRESS",
            Self::UpdateFailed => "UPDATE_FAILED",
            Self::UpdateComplete => "UPDATE_COMPLETE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::DeleteFailed => "DELETE_FAILED",
            Self::DeleteComplete => "DELETE_COMPLETE",
        }
    }

    /// Whether the stack counts on the resource.
    pub(crate) fn is_complete(self) -> bool {
        matches!(self, Self::CreateComplete | Self::UpdateComplete)
    }
}

/// Where the stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// The next operation may begin.
    Idle,
    /// An operation's request is at work.
    Forward,
    /// It has succeeded; the other resources are still to come.
    Answered,
    /// It failed, or others did: the rollback is next.
    Failed,
    /// The rollback's request is at work.
    RollingBack,
    /// A Delete of an id that was replaced is at work.
    CleaningUp,
    /// A Delete of the resource is at work.
    Deleting,
    /// The rollback or the Delete failed: somebody looks into it, and has it tried again.
    Stuck,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stack {
    pub(crate) status: Status,
    pub(crate) phase: Phase,
    /// The resource's id, as the stack knows it.
    pub(crate) id: Option<Id>,
    version: Version,
    /// What was declared before.
    version_before: Version,
    /// How far the operations are.
    next_op: u8,
    /// Which request is waited for.
    pub(crate) waiting: Option<u8>,
    /// Ids that were replaced.
    cleanups: Vec<Id>,
    tries: u8,
    /// Ids whose clean-up was given up.
    pub(crate) abandoned: Vec<Id>,
    /// How often the status has changed.
    pub(crate) changes: u8,
}

impl Stack {
    pub(crate) fn new() -> Self {
        Self {
            status: Status::None,
            phase: Phase::Idle,
            id: None,
            version: Version::One,
            version_before: Version::One,
            next_op: 0,
            waiting: None,
            cleanups: Vec::new(),
            tries: 0,
            abandoned: Vec::new(),
            changes: 0,
        }
    }

    fn op(&self, scenario: &Scenario) -> Option<Op> {
        scenario.ops.get(usize::from(self.next_op)).copied()
    }

    /// Whether it does something next by itself.
    pub(crate) fn is_due(&self, scenario: &Scenario) -> bool {
        match self.phase {
            Phase::Idle => self.op(scenario).is_some(),
            Phase::Answered | Phase::Failed | Phase::Stuck => true,
            Phase::Forward | Phase::RollingBack | Phase::CleaningUp | Phase::Deleting => false,
        }
    }

    /// Whether another resource may fail now.
    pub(crate) fn may_fail_elsewhere(&self, scenario: &Scenario) -> bool {
        self.next_op > 0
            && scenario.fails_elsewhere == Some(self.next_op - 1)
            && match self.phase {
                Phase::Forward => scenario.cancels_updates || self.status == Status::CreateInProgress,
                phase => phase == Phase::Answered,
            }
    }

    fn say(&mut self, status: Status) {
        self.status = status;
        self.changes += 1;
    }

    fn ask(&mut self, phase: Phase, kind: Kind, id: Option<Id>, requests: &mut Requests<'_>) {
        self.phase = phase;
        self.waiting = Some(requests.issue(kind, id, self.version, self.changes));
    }

    /// What is due.
    pub(crate) fn proceed(&mut self, scenario: &Scenario, requests: &mut Requests<'_>) {
        match self.phase {
            Phase::Answered => self.complete(requests),
            Phase::Failed => self.roll_back(requests),
            Phase::Stuck => self.try_again(requests),
            Phase::Idle => {
                let op = self.op(scenario).expect("an operation is due");
                self.next_op += 1;
                self.begin(op, requests);
            }
            Phase::Forward | Phase::RollingBack | Phase::CleaningUp | Phase::Deleting => {
                unreachable!("nothing is due")
            }
        }
    }

    fn begin(&mut self, op: Op, requests: &mut Requests<'_>) {
        match (op, self.id) {
            (Op::Delete, Some(id)) => {
                self.say(Status::DeleteInProgress);
                self.ask(Phase::Deleting, Kind::Delete, Some(id), requests);
            }
            (Op::Create, None) => {
                self.version = Version::One;
                self.say(Status::CreateInProgress);
                self.ask(Phase::Forward, Kind::Create, None, requests);
            }
            (Op::Update(version), Some(id)) => {
                self.version_before = self.version;
                self.version = version;
                self.say(Status::UpdateInProgress);
                self.ask(Phase::Forward, Kind::Update, Some(id), requests);
            }
            // It does not come to that any more.
            _ => {}
        }
    }

    /// Another resource fails.
    pub(crate) fn fail_elsewhere(&mut self) {
        if self.phase == Phase::Forward {
            let is_create = self.status == Status::CreateInProgress;
            self.id = if is_create { Some(Id::Invented) } else { self.id };
            self.say(if is_create {
                Status::CreateFailed
            } else {
                Status::UpdateFailed
            });
        }
        self.waiting = None;
        self.cleanups.clear();
        self.phase = Phase::Failed;
    }

    /// A failed rollback is continued, a failed Delete repeated.
    fn try_again(&mut self, requests: &mut Requests<'_>) {
        let id = self.id;
        if self.status == Status::DeleteFailed {
            self.say(Status::DeleteInProgress);
            self.ask(Phase::Deleting, Kind::Delete, id, requests);
        } else {
            self.say(Status::UpdateInProgress);
            self.ask(Phase::RollingBack, Kind::Update, id, requests);
        }
    }

    fn roll_back(&mut self, requests: &mut Requests<'_>) {
        let id = self.id;
        if matches!(self.status, Status::CreateComplete | Status::CreateFailed) {
            self.say(Status::DeleteInProgress);
            self.ask(Phase::RollingBack, Kind::Delete, id, requests);
        } else {
            let tried = std::mem::replace(&mut self.version, self.version_before);
            self.version_before = tried;
            self.say(Status::UpdateInProgress);
            self.ask(Phase::RollingBack, Kind::Update, id, requests);
        }
    }

    /// The whole stack is done with: what was replaced goes.
    fn complete(&mut self, requests: &mut Requests<'_>) {
        match self.cleanups.first() {
            Some(&id) => {
                self.tries += 1;
                self.ask(Phase::CleaningUp, Kind::Delete, Some(id), requests);
            }
            None => self.phase = Phase::Idle,
        }
    }

    /// The answer to the request that is waited for.
    pub(crate) fn answered(&mut self, succeeded: bool, id: Id, requests: &mut Requests<'_>) {
        self.waiting = None;
        let before = self.id;
        match (self.phase, succeeded) {
            (Phase::Forward | Phase::RollingBack, true) if self.status == Status::DeleteInProgress => {
                self.gone()
            }
            (Phase::Deleting, true) => self.gone(),
            (Phase::Forward | Phase::RollingBack, true) => {
                let was_create = self.status == Status::CreateInProgress;
                self.say(if was_create {
                    Status::CreateComplete
                } else {
                    Status::UpdateComplete
                });
                self.id = Some(id);
                self.cleanups = before.filter(|before| *before != id).into_iter().collect();
                self.tries = 0;
                if self.phase == Phase::Forward {
                    self.phase = Phase::Answered;
                } else {
                    self.complete(requests);
                }
            }
            (Phase::Forward, false) => {
                let was_create = self.status == Status::CreateInProgress;
                self.say(if was_create {
                    Status::CreateFailed
                } else {
                    Status::UpdateFailed
                });
                self.id = Some(id);
                self.phase = Phase::Failed;
            }
            (Phase::RollingBack, false) if self.status != Status::DeleteInProgress => {
                self.say(Status::UpdateFailed);
                self.id = Some(id);
                self.phase = Phase::Stuck;
            }
            (Phase::RollingBack | Phase::Deleting, false) => {
                self.say(Status::DeleteFailed);
                self.phase = Phase::Stuck;
            }
            (Phase::CleaningUp, succeeded) => {
                let id = self.cleanups[0];
                if succeeded || self.tries >= CLEANUPS {
                    self.cleanups.remove(0);
                    self.tries = 0;
                    if !succeeded {
                        self.abandoned.push(id);
                    }
                }
                self.complete(requests);
            }
            (Phase::Idle | Phase::Answered | Phase::Failed | Phase::Stuck, _) => {
                unreachable!("no answer is waited for")
            }
        }
    }

    fn gone(&mut self) {
        self.say(Status::DeleteComplete);
        self.id = None;
        self.phase = Phase::Idle;
    }
}

/// Where requests are issued.
pub(crate) struct Requests<'a> {
    pub(crate) issued: &'a mut Vec<Request>,
    /// For deliveries.
    pub(crate) fresh: Vec<u8>,
    pub(crate) reuses_ids: bool,
    pub(crate) defect: Option<Defect>,
    pub(crate) world: &'a mut World,
}

impl Requests<'_> {
    fn issue(&mut self, kind: Kind, id: Option<Id>, version: Version, changes: u8) -> u8 {
        let number = u8::try_from(self.issued.len()).expect("few requests");
        if id == Some(Id::Invented) {
            self.world.era = self.world.era.max(1);
        }
        let request_id = if self.reuses_ids { 0 } else { number };
        let mut request = Request {
            kind,
            request_id,
            id,
            version,
            issued: changes,
            era: self.world.era,
            age: 0,
            run: Run(number),
        };
        request.run = request.find_run(self.issued, self.defect);
        self.issued.push(request);
        self.fresh.push(number);
        number
    }
}
