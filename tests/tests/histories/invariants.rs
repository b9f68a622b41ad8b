//! What must be true of every history, whatever went wrong in it.
//!
//! The simulated cluster remembers when each application began and ended, so what has to hold at every instant is
//! checked afterwards, on the record.

use std::fmt;

use sparkwright_tests::cloudformation::{Answer, End, Reply, Request};
use sparkwright_tests::cluster::Application;

use crate::mischief::Struck;
use crate::plan::{Plan, What};
use crate::play::Record;
use crate::strangers::is_a_strangers;

mod answers;
mod applications;
mod settled;

pub(crate) use applications::ties;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) detail: String,
}

/// The promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// Every request is answered while CloudFormation waits, unless Lambda gave it up.
    Answered,
    /// CloudFormation can use the answer.
    Usable,
    /// The answers to one request do not contradict each other.
    OneWord,
    /// No success of a job that YARN calls failed.
    TrueSuccess,
    /// No "stopped" of a job that lives.
    TrueStop,
    /// One intent has one live application but for the instant of a tie-break.
    OneOfAnIntent,
    /// `StopThenStart`: the resource has one live application.
    OneOfAResource,
    /// What lives has an owner.
    Owned,
    /// The stack has the job that its properties want.
    Wanted,
    /// The stack's job was ended by itself or by somebody else, never by us.
    Alive,
    /// What belongs to others is untouched.
    Foreign,
    /// The stack is stuck only when Livy or YARN was out of reach.
    Unstuck,
    /// Without a fault, what can work works.
    Works,
    /// The history ends.
    Ends,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.detail)
    }
}

/// Everything that a history broke.
pub(crate) fn check(plan: &Plan, record: &Record) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut add = |rule, detail| found.push(Violation { rule, detail });
    if !record.has_ended {
        add(Rule::Ends, "not after a week".to_owned());
    }
    answers::check(plan, record, &mut add);
    applications::check(plan, record, &mut add);
    settled::check(plan, record, &mut add);
    found
}

/// Where broken promises are noted.
type Add<'a> = &'a mut dyn FnMut(Rule, String);

/// The run in a physical id or in a batch's name: what follows the slug.
fn run_of(name: &str) -> Option<&str> {
    let batch = match name.strip_prefix("sparkwright:1:") {
        Some(rest) => rest.split(':').next()?,
        None => name,
    };
    let (rest, intent) = batch.rsplit_once('-')?;
    let (_, resource) = rest.rsplit_once('-')?;
    (resource.len() == 8 && intent.len() == 12).then(|| &batch[batch.len() - 21..])
}

/// The slug in a physical id: which spec it is.
fn slug_of(id: &str) -> Option<&str> {
    id.strip_prefix("sparkwright:1:")?.split('-').next()
}

impl Record {
    fn ours(&self) -> impl Iterator<Item = &Application> {
        self.applications
            .iter()
            .filter(|application| !is_a_strangers(&application.name))
    }

    fn of_run<'a>(&'a self, run: &'a str) -> impl Iterator<Item = &'a Application> {
        self.ours()
            .filter(move |application| run_of(&application.name) == Some(run))
    }

    fn end_of(&self, application: &Application) -> i64 {
        if application.is_live() {
            self.ended_ms
        } else {
            application.finished_at
        }
    }

    fn answers_to(&self, request: &Request) -> &[Answer] {
        self.answers.get(&request.key).map_or(&[], Vec::as_slice)
    }

    /// Whether every invocation for a request was killed, or its event had become too old.
    fn was_given_up(&self, request: &Request) -> bool {
        let mut runs = self.invocations.iter().filter(|run| run.key == request.key);
        !runs.any(|run| run.end == End::Returned)
    }

    /// For how many milliseconds between the two instants Livy or YARN was out of reach.
    fn outage_ms(&self, from_ms: i64, to_ms: i64) -> i64 {
        self.struck_ms(from_ms, to_ms, Struck::is_outage)
    }

    fn struck_ms(&self, from_ms: i64, to_ms: i64, is_meant: fn(&Struck) -> bool) -> i64 {
        let meant = self.struck.iter().filter(|struck| is_meant(struck));
        meant
            .map(|struck| (struck.to_ms.min(to_ms) - struck.from_ms.max(from_ms)).max(0))
            .sum()
    }

    /// Whether anything at all was wrong between the two instants.
    fn has_struck(&self, from_ms: i64, to_ms: i64) -> bool {
        self.struck
            .iter()
            .any(|struck| struck.from_ms <= to_ms && struck.to_ms >= from_ms)
    }

    /// A history's events in the order in which they happened, for people.
    pub(crate) fn story(&self) -> String {
        let mut lines: Vec<(i64, String)> = Vec::new();
        for request in &self.requests {
            let short = &request.key[..8];
            let id = request.physical_id.as_deref().map(shown).unwrap_or_default();
            let file = request.properties["Parameters"]["Name"].as_str().unwrap_or("-");
            lines.push((
                request.sent_ms,
                format!("-> {} {short} {file} {id}", request.kind),
            ));
            for answer in self.answers_to(request) {
                let status = answer.body["Status"].as_str().unwrap_or("?");
                let reason: String = answer.reason().lines().take(2).collect::<Vec<_>>().join(" / ");
                let id = shown(answer.physical_id());
                lines.push((answer.at_ms, format!("<- {status} {short} {id} {reason}")));
            }
            if let (Some(ended), Some(reply @ (Reply::NoAnswer | Reply::Cancelled))) =
                (request.ended_ms, &request.reply)
            {
                lines.push((
                    ended,
                    format!("   the stack waits no longer for {short}: {reply:?}"),
                ));
            }
        }
        for run in &self.invocations {
            let short = &run.key[..8];
            lines.push((run.began_ms, format!("   invocation of {short}")));
            lines.push((
                run.ended_ms,
                format!("   invocation of {short} ends: {:?}", run.end),
            ));
        }
        for application in &self.applications {
            let name = &application.name;
            lines.push((application.started_at, format!("   + {} {name}", application.id)));
            if !application.is_live() {
                let how = format!("{:?} {}", application.final_status, application.diagnostics);
                lines.push((
                    application.finished_at,
                    format!("   - {} {name} {how}", application.id),
                ));
            }
        }
        for struck in &self.struck {
            lines.push((struck.from_ms, format!("   ! {:?}", struck.what)));
            lines.push((struck.to_ms, format!("   ! {:?} is over", struck.what)));
        }
        lines.sort_by_key(|(at, _)| *at);
        let began = self.began_ms;
        let lines = lines.into_iter().map(|(at, line)| {
            let ms = at - began;
            format!("{:>7}.{:03} {line}\n", ms / 1000, ms % 1000)
        });
        let repairs: Vec<_> = self.repairs.iter().map(|repair| repair.status).collect();
        let steps = format!("steps {:?}, repairs {repairs:?}\n", self.steps);
        lines.chain([steps]).collect()
    }
}

/// An id without what is the same in all.
fn shown(text: &str) -> String {
    match text.find(":http") {
        Some(end) => text[..end].replace("sparkwright:1:", ""),
        None => text.to_owned(),
    }
}

impl Struck {
    fn is_of_yarn(&self) -> bool {
        matches!(self.what, What::YarnUnreachable(_) | What::YarnCrashed(_))
    }

    fn is_outage(&self) -> bool {
        let is_of_livy = matches!(
            self.what,
            What::LivyKilled(_) | What::LivyUnreachable(_) | What::LivySilent(_) | What::LivyErrors(_)
        );
        is_of_livy || self.is_of_yarn()
    }
}
