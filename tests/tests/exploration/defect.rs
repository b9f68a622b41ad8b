//! Rules of the programs, each broken on purpose to see that the checker finds it. They are broken in the model, around
//! the decisions; the programs know nothing of it.

/// One broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Defect {
    /// After a POST whose answer was lost, what is not seen at once is not there.
    PostDoesNotSettle,
    /// A request that was delivered before posts as if it were new.
    RepetitionDoesNotSettle,
    /// Livy's 404 is the truth while YARN does not answer.
    AbsenceIsBelievedWithoutYarn,
    /// Livy's `dead` is the truth while YARN knows nothing yet.
    DeadIsBelieved,
    /// A run of which nothing is seen has stopped.
    StopDoesNotSettle,
    /// A stop is over once Livy or YARN took the order.
    StopIsNotWaitedFor,
    /// A failed Update says the old id though it stopped the old run.
    OldIdThoughStopped,
    /// A failed id says the wanted spec.
    FailedIdHasTheSpec,
    /// A Delete stops whatever the resource has.
    DeleteByResource,
    /// A Delete of an invented id looks once.
    InventedDeleteDoesNotSettle,
    /// Nobody asks whether a request is still wanted.
    SupersededGoesOn,
    /// A duplicate whose run the stack has counts as overtaken by others.
    DuplicateStopsTheStacksRun,
    /// The physical id is claimed once the run is known, not before the POST.
    ClaimAfterThePost,
    /// Two applications of one intent are left alone.
    NoTieBreak,
    /// The intent leaves the physical id and the date out.
    IntentOfTheRequestIdAlone,
    /// The intent leaves the date out.
    IntentWithoutTheDate,
    /// What runs of the wanted spec under another id is not seen.
    OriginalIsNotAdopted,
}
