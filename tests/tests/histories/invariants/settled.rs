//! What is left when everything has settled.

use sparkwright_tests::cloudformation::{End, Held, Reply, Request};
use sparkwright_tests::cluster::{Application, FinalStatus};

use super::answers::can_work;
use super::{Add, Rule, run_of, slug_of};
use crate::plan::{Job, JobEnd, Plan, Way};
use crate::play::Record;

/// So long Livy or YARN must have been out of reach for a stop to fail; a stop has a minute.
const OUTAGE_MS: i64 = 10_000;

/// Begun so late, a request has not the time of a stop before its hour is over.
const LATE_MS: i64 = 3_500_000;

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
    // What a failed Update was to replace is retained with the failed Update's id.
    if record.retained.iter().any(|id| id.ends_with(";of=update")) {
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
    let is_early = |way: &Way| way.again.iter().any(|after| *after < SURELY_FIRST_S);
    let met_an_outage = |request: &Request| {
        record.outage_ms(request.sent_ms, request.ended_ms.unwrap_or(record.ended_ms)) > 0
    };
    let mut delivered = plan.ways.iter().zip(&record.requests);
    delivered.any(|(way, request)| is_early(way) && met_an_outage(request))
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
                && !application.diagnostics.contains("by user dr.who")
                && was_at_work(record, application.finished_at)
                && !is_given_up_by_livy(&plan.jobs[spec], application);
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

/// Livy has looked for the application for as long as it does, and killed it when it came.
fn is_given_up_by_livy(job: &Job, application: &Application) -> bool {
    const NEARLY_APP_LOOKUP_S: u16 = 22;
    job.appears + job.tag_late > NEARLY_APP_LOOKUP_S && application.diagnostics.contains("by user livy")
}

/// A stack that needs a person was cut off from Livy or YARN, or Lambda gave the request up.
fn unstuck(plan: &Plan, record: &Record, add: Add<'_>) {
    for repair in record.repairs.iter().filter(|repair| repair.status.is_stuck()) {
        // A rollback to a job that fails by itself fails again, and a lost POST takes longer to settle than there is.
        let is_hopeless = |request: &Request| {
            let to_ms = request.ended_ms.unwrap_or(record.ended_ms);
            request.kind == "Update"
                && (!can_work(plan, request) || record.has_struck(request.sent_ms, to_ms))
        };
        let mut requests = record.requests[repair.requests.clone()].iter();
        if requests.any(|request| is_hopeless(request) || is_excused(record, request)) {
            continue;
        }
        let status = repair.status;
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
    let runs = || record.invocations.iter().filter(|run| run.key == request.key);
    let crashes = runs().filter(|run| run.end == End::Crashed);
    let is_late = runs().all(|run| run.began_ms - request.sent_ms > LATE_MS);
    record.outage_ms(request.sent_ms, to_ms) >= OUTAGE_MS || crashes.count() >= 3 || is_late
}

/// Whether an invocation was at work at that moment, or what it had asked for was.
fn was_at_work(record: &Record, at_ms: i64) -> bool {
    const ASKED_FOR_MS: i64 = 300;
    let mut runs = record.invocations.iter();
    runs.any(|run| (run.began_ms..=run.ended_ms + ASKED_FOR_MS).contains(&at_ms))
}
