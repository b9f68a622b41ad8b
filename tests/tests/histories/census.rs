//! How many histories ran, and of which kinds: counted on what happened, not on what was planned.

use std::collections::BTreeMap;
use std::fmt;

use sparkwright_tests::cloudformation::{End, Reply};

use crate::invariants::ties;
use crate::plan::{Plan, What};
use crate::play::Record;

/// The count.
#[derive(Debug, Default)]
pub(crate) struct Census {
    pub(crate) histories: usize,
    /// With three requests or more, and a fault that struck.
    pub(crate) substantial: usize,
    requests: BTreeMap<usize, usize>,
    kinds: BTreeMap<String, usize>,
    faults: BTreeMap<String, usize>,
    ends: BTreeMap<String, usize>,
    ties: usize,
    applications: usize,
    invocations: usize,
    virtual_ms: i64,
}

impl Census {
    pub(crate) fn count(&mut self, plan: &Plan, record: &Record) {
        self.histories += 1;
        *self.requests.entry(record.requests.len()).or_default() += 1;
        let mut faults: Vec<String> = record.struck.iter().map(|struck| name_of(struck.what)).collect();
        for (way, request) in plan.ways.iter().zip(&record.requests) {
            let runs = record.invocations.iter().filter(|run| run.key == request.key);
            let crashes = runs.filter(|run| run.end == End::Crashed).count();
            faults.extend(std::iter::repeat_n("FunctionCrash".to_owned(), crashes));
            if way.late > 0 {
                faults.push("LateDelivery".to_owned());
            }
            if !way.again.is_empty() {
                faults.push("DuplicateDelivery".to_owned());
            }
            if way.puts_lost > 0 {
                faults.push("LostAnswer".to_owned());
            }
        }
        if record.requests.len() >= 3 && !faults.is_empty() {
            self.substantial += 1;
        }
        for fault in faults {
            *self.faults.entry(fault).or_default() += 1;
        }
        for request in &record.requests {
            let reply = match &request.reply {
                Some(Reply::Success(_)) => "SUCCESS",
                Some(Reply::Failed(_)) => "FAILED",
                Some(Reply::NoAnswer) => "no answer",
                Some(Reply::Cancelled) => "cancelled",
                None => "open",
            };
            *self.kinds.entry(format!("{} {reply}", request.kind)).or_default() += 1;
        }
        let repaired = record.repairs.last().map(|repair| &repair.status);
        if let Some(last) = repaired.or(record.steps.last()) {
            *self.ends.entry(format!("{last:?}")).or_default() += 1;
        }
        self.ties += ties(record);
        self.applications += record.applications.len().saturating_sub(record.strangers.len());
        self.invocations += record.invocations.len();
        self.virtual_ms += record.ended_ms - record.began_ms;
    }
}

fn name_of(what: What) -> String {
    let name = format!("{what:?}");
    name.split('(').next().unwrap_or_default().to_owned()
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} histories, {} of them with three requests or more and a fault; {} invocations, {} applications, {} ties, \
             {} virtual hours",
            self.histories,
            self.substantial,
            self.invocations,
            self.applications,
            self.ties,
            self.virtual_ms / 3_600_000
        )?;
        writeln!(f, "by number of requests: {:?}", self.requests)?;
        writeln!(f, "by request and answer: {:?}", self.kinds)?;
        writeln!(f, "by fault: {:?}", self.faults)?;
        writeln!(f, "by final state: {:?}", self.ends)
    }
}
