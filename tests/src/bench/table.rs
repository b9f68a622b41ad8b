//! The figures as a table in Markdown, a column for each size.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;

use super::{Figures, Requests, machine};

const BEGIN: &str = "<!-- Written by `make bench`: begin -->";
const END: &str = "<!-- Written by `make bench`: end -->";

/// One line: what it is, the aim, and how to show it.
struct Line {
    what: &'static str,
    aim: &'static str,
    shown: fn(&Figures) -> String,
    is_met: fn(&Figures) -> bool,
}

const fn plain(what: &'static str, shown: fn(&Figures) -> String) -> Line {
    Line {
        what,
        aim: "",
        shown,
        is_met: |_| true,
    }
}

const LINES: &[Line] = &[
    plain("`HeartbeatSeconds`", |f| f.load.heartbeat.as_secs().to_string()),
    plain("`--sfn-rate`", |f| f.load.sfn_rate.to_string()),
    plain("all submitted after / ideal, s", |f| {
        format!(
            "{:.1} / {:.1}",
            f.submitted,
            f.load.ideal_submission().as_secs_f64()
        )
    }),
    plain("all ended after / ideal, s", |f| {
        format!("{:.1} / {:.1}", f.ran, f.load.longest.as_secs_f64())
    }),
    plain("succeeded, stopped", |f| {
        format!("{}, {}", f.succeeded, f.kill.count())
    }),
    Line {
        what: "job's end to SendTaskSuccess, median, s",
        aim: "≤ 1",
        shown: |f| format!("{:.2}", f.end_detection.median()),
        is_met: |f| f.end_detection.median() <= 1.0,
    },
    Line {
        what: "the same, p99, s",
        aim: "≤ 2.5",
        shown: |f| format!("{:.2}", f.end_detection.quantile(0.99)),
        is_met: |f| f.end_detection.quantile(0.99) <= 2.5,
    },
    Line {
        what: "StopExecution to KILLED, median, greatest, s",
        aim: "≤ period",
        shown: |f| format!("{:.1}, {:.1}", f.kill.median(), f.kill.greatest()),
        // YARN's own time for it, and a look, are not the worker's.
        is_met: |f| f.kill.greatest() <= f.load.heartbeat_period().as_secs_f64() + 2.0,
    },
    plain("between heartbeats, p99, periods", |f| {
        format!("{:.2}", f.silence.quantile(0.99))
    }),
    Line {
        what: "the same, greatest",
        aim: "≤ 1.5",
        shown: |f| format!("{:.2}", f.silence.greatest()),
        is_met: |f| f.silence.greatest() <= 1.5,
    },
    Line {
        what: "state-reading requests a second",
        aim: "< 3",
        shown: |f| format!("{:.2}", f.state_reading_rate()),
        is_met: |f| f.state_reading_rate() < 3.0,
    },
    Line {
        what: "other requests to Livy and YARN per job",
        aim: "≤ 4",
        shown: |f| format!("{:.2}", f.others_per_job()),
        is_met: |f| f.others_per_job() <= 4.0,
    },
    plain("Livy: list pages, batches", |f| {
        pair(f, |r| r.livy_lists, |r| r.livy_batches)
    }),
    plain("Livy: POST, DELETE", |f| {
        pair(f, |r| r.livy_posts, |r| r.livy_deletes)
    }),
    plain("YARN: all jobs, one job", |f| {
        pair(f, |r| r.yarn_lists, |r| r.yarn_alone)
    }),
    plain("YARN: attempts, kills", |f| {
        pair(f, |r| r.yarn_attempts, |r| r.yarn_kills)
    }),
    plain("Step Functions: polls, heartbeats, outcomes", |f| {
        format!(
            "{}, {}, {}",
            f.requests.polls, f.requests.heartbeats, f.requests.outcomes
        )
    }),
    plain("CPU, s", |f| format!("{:.1}", f.cpu)),
    Line {
        what: "peak memory (VmHWM), MB",
        aim: "≤ 150",
        shown: |f| format!("{:.0}", f.peak_memory),
        is_met: |f| f.peak_memory <= 150.0,
    },
    plain("open files, at most; threads", |f| {
        format!("{}; {}", f.peak_files, f.threads)
    }),
    plain("warnings in the log", |f| f.warnings.to_string()),
];

fn pair(figures: &Figures, one: fn(&Requests) -> usize, other: fn(&Requests) -> usize) -> String {
    format!("{}, {}", one(&figures.requests), other(&figures.requests))
}

/// The table with its caption. What misses its aim is bold.
pub fn print(runs: &[Figures]) -> String {
    let mut text = String::new();
    let sizes: String = runs.iter().map(|run| format!(" {} |", run.load.tasks)).collect();
    let rule = "---:|".repeat(runs.len());
    let _ = writeln!(
        text,
        "{}.\n\n| tasks | aim |{sizes}\n|---|---|{rule}",
        machine::described()
    );
    for line in LINES {
        let cells: String = runs
            .iter()
            .map(|run| match (line.is_met)(run) {
                true => format!(" {} |", (line.shown)(run)),
                false => format!(" **{}** |", (line.shown)(run)),
            })
            .collect();
        let _ = writeln!(text, "| {} | {} |{cells}", line.what, line.aim);
    }
    text
}

/// Puts the table into a document, between its two marks.
pub fn write_into(document: &Path, table: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(document)?;
    let marks = text.find(BEGIN).zip(text.find(END));
    let (begin, end) = marks.with_context(|| format!("`{}` has no `{BEGIN}`", document.display()))?;
    let text = format!("{}{BEGIN}\n{table}{}", &text[..begin], &text[end..]);
    Ok(std::fs::write(document, text)?)
}
