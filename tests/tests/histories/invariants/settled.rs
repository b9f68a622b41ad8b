//! What is left when everything has settled.

use sparkwright_tests::cloudformation::{End, Held, Reply, Request, StackStatus};
use sparkwright_tests::cluster::FinalStatus;

use super::answers::can_work;
use super::{Add, Rule, run_of, slug_of};
use crate::plan::{JobEnd, Plan};
use crate::play::Record;

/// So long Livy or YARN must have been out of reach for a stop to fail; a stop has a minute.
const OUTAGE_MS: i64 = 10_000;

pub(super) fn check(plan: &Plan, record: &Record, add: Add<'_>) {
    if !has_blind_twin(plan, record) {
        owned(record, add);
    }
    if let Some(held) = &record.held {
        wanted(plan, record, held, add);
    }
    unstuck(plan, record, add);
}

/// Everything that lives belongs to an id that the stack has, or was told to leave.
fn owned(record: &Record, add: Add<'_>) {
    // Killed more often than Lambda tries, the function never came to say what it had left.
    if record.requests.iter().any(|request| record.was_given_up(request)) {
        return;
    }
    let ids = record.held.iter().map(|held| &held.physical_id);
    let owners: Vec<_> = ids
        .chain(&record.retained)
        .chain(&record.dropped)
        .filter_map(|id| run_of(id))
        .collect();
    for application in record.ours().filter(|application| application.is_live()) {
        if !run_of(&application.name).is_some_and(|run| owners.contains(&run)) {
            add(
                Rule::Owned,
                format!("{} `{}` lives", application.id, application.name),
            );
        }
    }
}

/// Of two deliveries at once one may meet an outage before it can see what the other has submitted; it then answers that
/// nothing was, and its answer counts. A function that said otherwise could not be deleted where a host was misspelt.
fn has_blind_twin(plan: &Plan, record: &Record) -> bool {
    const SURELY_FIRST_S: u16 = 45;
    let is_early = |way: &crate::plan::Way| way.again.iter().any(|after| *after < SURELY_FIRST_S);
    let met_an_outage = |request: &Request| {
        record.outage_ms(request.sent_ms, request.ended_ms.unwrap_or(record.ended_ms)) > 0
    };
    plan.ways.iter().any(is_early) && record.requests.iter().any(met_an_outage)
}

fn wanted(plan: &Plan, record: &Record, held: &Held, add: Add<'_>) {
    let last = record
        .requests
        .iter()
        .rev()
        .find(|request| request.kind != "Delete");
    let is_settled = matches!(last.and_then(|last| last.reply.as_ref()), Some(Reply::Success(_)));
    if !is_settled {
        return;
    }
    let wanted = held.properties["Parameters"]["Name"].as_str();
    if slug_of(&held.physical_id) != wanted {
        add(
            Rule::Wanted,
            format!("{} instead of {wanted:?}", held.physical_id),
        );
        return;
    }
    let Some(run) = run_of(&held.physical_id) else {
        return;
    };
    let spec: usize = wanted
        .and_then(|name| name.trim_start_matches('v').parse().ok())
        .unwrap_or_default();
    let latest = record.of_run(run).last();
    match latest {
        None if matches!(plan.jobs[spec].end, JobEnd::BeforeItStarts | JobEnd::NeverAppears) => {}
        None => add(Rule::Wanted, format!("{run} has no application")),
        Some(application) if application.is_live() => {}
        Some(application) => {
            let by_us = application.final_status == FinalStatus::Killed
                && !application.diagnostics.contains("by user dr.who");
            let id = application.id;
            // What cannot be looked at for as long as a submission would be tried is left as it is.
            let was_out_of_reach = last.is_some_and(|last| {
                record.outage_ms(last.sent_ms, last.ended_ms.unwrap_or(record.ended_ms)) >= OUTAGE_MS
            });
            // Of a tie, the other one may be the one that lives.
            if by_us && !was_out_of_reach && !record.of_run(run).any(|other| other.is_live()) {
                add(Rule::Alive, format!("{id}: {}", application.diagnostics));
            }
        }
    }
}

/// A stack that needs a person was cut off from Livy or YARN, or Lambda gave the request up.
fn unstuck(plan: &Plan, record: &Record, add: Add<'_>) {
    let last = record.requests.last();
    for status in record.repairs.iter().filter(|status| status.is_stuck()) {
        // A rollback to a job that fails by itself fails again.
        let is_hopeless = last.is_some_and(|last| last.kind == "Update" && !can_work(plan, last));
        if *status == StackStatus::UpdateRollbackFailed && is_hopeless {
            continue;
        }
        add(Rule::Unstuck, format!("after its repair the stack is {status:?}"));
    }
    if !record.steps.iter().any(|status| status.is_stuck()) && record.dropped.is_empty() {
        return;
    }
    for request in record.requests.iter().filter(|request| request.kind == "Delete") {
        let is_bad = matches!(request.reply, Some(Reply::Failed(_) | Reply::NoAnswer));
        if is_bad && !is_excused(record, request) {
            let reasons: Vec<_> = record
                .answers_to(request)
                .iter()
                .map(|answer| answer.reason())
                .collect();
            add(
                Rule::Unstuck,
                format!("Delete {}: {reasons:?}", &request.key[..8]),
            );
        }
    }
}

fn is_excused(record: &Record, request: &Request) -> bool {
    let to_ms = request.ended_ms.unwrap_or(record.ended_ms);
    let crashes = record
        .invocations
        .iter()
        .filter(|run| run.key == request.key && run.end == End::Crashed);
    record.outage_ms(request.sent_ms, to_ms) >= OUTAGE_MS || crashes.count() >= 3
}
