//! How many applications live at one time, and whose.

use sparkwright_tests::cloudformation::Reply;
use sparkwright_tests::cluster::Application;

use super::{Add, Rule, run_of};
use crate::mischief::Struck;
use crate::plan::{Plan, Policy, What};
use crate::play::Record;

/// Two looks and a kill: what a tie-break takes once both applications can be seen.
const TIE_BREAK_MS: i64 = 10_000;

pub(super) fn check(plan: &Plan, record: &Record, add: Add<'_>) {
    let ours: Vec<&Application> = record.ours().collect();
    for (number, first) in ours.iter().enumerate() {
        for second in &ours[number + 1..] {
            let overlap = overlap_ms(record, first, second);
            if overlap == 0 {
                continue;
            }
            let both = format!("{} and {} lived together for {overlap} ms", first.id, second.id);
            if run_of(&first.name) == run_of(&second.name) {
                let began = first.started_at.max(second.started_at);
                let unseen = record.struck_ms(began, began + overlap, Struck::is_of_yarn);
                if overlap - unseen > TIE_BREAK_MS {
                    add(Rule::OneOfAnIntent, both);
                }
            } else if plan.policy == Policy::StopThenStart && !is_like_the_rollback(record, first, second) {
                add(Rule::OneOfAResource, both);
            }
        }
    }
    for name in &record.strangers {
        for application in record
            .applications
            .iter()
            .filter(|application| application.name == *name)
        {
            if !application.is_live() && !is_livys_doing(record, application) {
                add(Rule::Foreign, format!("{name}: {}", application.diagnostics));
            }
        }
    }
}

/// A stack's words of a later operation are told from those of a request's own by so much time.
const SURELY_LATER_MS: i64 = 10_000;

/// A cancelled request that arrives only after the rollback's, which was made within seconds of it, cannot know at first
/// that the stack speaks of the other. It is called off at one of its next questions.
fn is_like_the_rollback(record: &Record, first: &Application, second: &Application) -> bool {
    const NEXT_QUESTION_MS: i64 = 20_000;
    let is_of_such = |application: &Application| {
        record.requests.windows(2).any(|pair| {
            let [cancelled, rollback] = pair else { return false };
            let runs = record.invocations.iter().filter(|run| run.key == cancelled.key);
            let mut answers = record.answers_to(cancelled).iter();
            cancelled.reply == Some(Reply::Cancelled)
                && rollback.sent_ms - cancelled.sent_ms <= SURELY_LATER_MS
                && runs.map(|run| run.began_ms).min() > Some(rollback.sent_ms)
                && answers.any(|answer| run_of(answer.physical_id()) == run_of(&application.name))
        })
    };
    overlap_ms(record, first, second) <= NEXT_QUESTION_MS && (is_of_such(first) || is_of_such(second))
}

/// Livy looks for an application for so long, and kills what it finds later.
const APP_LOOKUP_MS: i64 = 20_000;

/// YARN was gone when the application was to appear, and Livy had given it up when it did.
fn is_livys_doing(record: &Record, application: &Application) -> bool {
    let is_long = |from_ms: i64, to_ms: i64| to_ms - from_ms >= APP_LOOKUP_MS;
    application.diagnostics.contains("by user livy")
        && record.struck.iter().any(|struck| {
            matches!(struck.what, What::YarnCrashed(_))
                && is_long(struck.from_ms, struck.to_ms)
                && (application.started_at - struck.to_ms).abs() < 10_000
        })
}

fn overlap_ms(record: &Record, first: &Application, second: &Application) -> i64 {
    let from = first.started_at.max(second.started_at);
    let to = record.end_of(first).min(record.end_of(second));
    (to - from).max(0)
}

/// How many pairs of one intent lived together for an instant.
pub(crate) fn ties(record: &Record) -> usize {
    let ours: Vec<&Application> = record.ours().collect();
    let pairs = ours
        .iter()
        .enumerate()
        .flat_map(|(number, first)| ours[number + 1..].iter().map(move |second| (*first, *second)));
    pairs
        .filter(|(first, second)| {
            run_of(&first.name) == run_of(&second.name) && overlap_ms(record, first, second) > 0
        })
        .count()
}
