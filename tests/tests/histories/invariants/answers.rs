//! Every request has its answer, and what the answers say is true.

use sparkwright_tests::cloudformation::{Answer, End, Reply, Request, Verdict};
use sparkwright_tests::cluster::{Application, FinalStatus};

use super::{Add, Rule, run_of};
use crate::plan::{JobEnd, Plan, WaitFor, Way};
use crate::play::Record;

/// A look that found a job well may be so old when its answer arrives.
const LOOK_MS: i64 = 3_000;

/// With lost answers, outages and slow looks.
const LONG_LOOK_MS: i64 = 60_000;

/// What struck so long before a request may still be felt.
const CALM_MS: i64 = 300_000;

pub(super) fn check(plan: &Plan, record: &Record, add: Add<'_>) {
    for (number, request) in record.requests.iter().enumerate() {
        let answers = record.answers_to(request);
        let label = format!("{} {}", request.kind, &request.key[..8]);
        answered(plan, record, request, number, &label, add);
        for answer in answers {
            if let Verdict::Invalid(faults) = &answer.verdict {
                add(Rule::Usable, format!("{label}: {faults:?}"));
            }
            // Said again, an answer may be out of date; nobody reads it.
            let first = &answers[0];
            let is_echo = !std::ptr::eq(first, answer)
                && (answer.verdict.is_success() || first.physical_id() == answer.physical_id());
            if request.kind != "Delete" && !is_echo {
                is_true(plan, record, request, number, answer, &label, add);
            }
        }
        let mut ids: Vec<_> = answers
            .iter()
            .filter(|answer| answer.verdict.is_success())
            .map(Answer::physical_id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > 1 {
            add(Rule::OneWord, format!("{label}: {ids:?}"));
        }
    }
    works(plan, record, add);
}

/// An answer came, unless Lambda itself gave the request up.
fn answered(plan: &Plan, record: &Record, request: &Request, number: usize, label: &str, add: Add<'_>) {
    let runs: Vec<_> = record
        .invocations
        .iter()
        .filter(|run| run.key == request.key)
        .collect();
    let given_up = record.was_given_up(request);
    let way = plan.ways.get(number);
    // The URL was good no longer, or CloudFormation waited no longer, when the function was first begun.
    let too_late = runs.iter().all(|run| run.began_ms - request.sent_ms > 3_500_000);
    let lossy = plan.ways.iter().any(|way| way.puts_lost > 0);
    if record.answers_to(request).is_empty() && !given_up && !too_late {
        add(Rule::Answered, format!("{label}: {runs:?}"));
    }
    let late = way.is_some_and(|way| !way.crashes_ms.is_empty() || way.late > 0);
    if request.reply == Some(Reply::NoAnswer) && !given_up && !too_late && !late {
        add(Rule::Answered, format!("{label}: not while the stack waited"));
    }
    for run in runs {
        match &run.end {
            End::Returned | End::Crashed => {}
            End::TimedOut => add(Rule::Answered, format!("{label}: the function's time ran out")),
            End::Failed(_) if lossy || run.ended_ms - request.sent_ms > 7_000_000 => {}
            End::Failed(error) => add(Rule::Answered, format!("{label}: {error}")),
        }
    }
}

fn is_true(
    plan: &Plan,
    record: &Record,
    request: &Request,
    number: usize,
    answer: &Answer,
    label: &str,
    add: Add<'_>,
) {
    let Some(run) = run_of(answer.physical_id()) else {
        return;
    };
    let at = answer.at_ms;
    let lossy = plan.ways.get(number).is_some_and(|way| way.puts_lost > 0)
        || plan.ways.iter().any(|w| w.puts_lost > 0);
    let is_clouded = record.outage_ms(at - LONG_LOOK_MS, at) > 0 || lossy;
    let tolerance = if is_clouded { LONG_LOOK_MS } else { LOOK_MS };
    let known = || {
        record
            .of_run(run)
            .filter(|application| application.started_at <= at)
    };
    if answer.verdict.is_success() {
        // An Update in place needs no contact.
        let is_blind = is_clouded && request.physical_id.as_deref() == Some(answer.physical_id());
        let had_failed = |application: &Application| {
            let is_bad = matches!(
                application.final_status,
                FinalStatus::Failed | FinalStatus::Killed
            );
            !application.is_live() && is_bad && application.finished_at < at - tolerance
        };
        // Of a tie, one was killed.
        let failed = known().last().filter(|_| known().all(had_failed));
        if let Some(application) = failed.filter(|_| !is_blind) {
            let seconds = (at - application.finished_at) / 1000;
            let id = application.id;
            add(
                Rule::TrueSuccess,
                format!("{label}: {id} had failed {seconds} s before"),
            );
        }
    } else if answer.reason().contains("it was stopped") {
        let lives = stopped_run(answer.reason()).and_then(|stopped| {
            record.of_run(stopped).find(|application| {
                application.started_at <= at && record.end_of(application) > at + tolerance
            })
        });
        if let Some(application) = lives {
            add(Rule::TrueStop, format!("{label}: {} lives", application.id));
        }
    }
}

/// The run that a reason speaks of.
fn stopped_run(reason: &str) -> Option<&str> {
    let (_, rest) = reason.split_once("batch `")?;
    run_of(rest.split('`').next()?)
}

/// Where nothing goes wrong on the cluster or on the way, a job that can work does.
fn works(plan: &Plan, record: &Record, add: Add<'_>) {
    if !record.retained.is_empty() {
        return;
    }
    for (number, request) in record.requests.iter().enumerate() {
        let failed = matches!(request.reply, Some(Reply::Failed(_)));
        let is_calm = plan
            .ways
            .iter()
            .take(number + 1)
            .all(|way| *way == Way::default())
            && !record.has_struck(
                request.sent_ms - CALM_MS,
                request.ended_ms.unwrap_or(record.ended_ms),
            );
        // What an earlier Create has left stands in the way, and is named.
        let is_obstructed = request.kind == "Create"
            && record
                .ours()
                .any(|other| lived_at(record, other, request.sent_ms));
        if request.kind != "Delete" && failed && is_calm && !is_obstructed && can_work(plan, request) {
            let reasons: Vec<_> = record.answers_to(request).iter().map(Answer::reason).collect();
            add(
                Rule::Works,
                format!("{} {}: {reasons:?}", request.kind, &request.key[..8]),
            );
        }
    }
}

fn lived_at(record: &Record, application: &Application, at_ms: i64) -> bool {
    (application.started_at..record.end_of(application)).contains(&at_ms)
}

/// Whether the job that a request asks for does what it waits for.
pub(super) fn can_work(plan: &Plan, request: &Request) -> bool {
    let name = request.properties["Parameters"]["Name"]
        .as_str()
        .unwrap_or_default();
    let spec: usize = name.trim_start_matches('v').parse().unwrap_or_default();
    let job = &plan.jobs[spec];
    let is_quick = job.appears + job.tag_late <= 20;
    is_quick
        && match job.end {
            JobEnd::Never => plan.wait_for != WaitFor::Success,
            JobEnd::Success { after } => plan.wait_for != WaitFor::Success || after < 20,
            JobEnd::Failure { .. } | JobEnd::BeforeItStarts | JobEnd::NeverAppears => false,
        }
}
