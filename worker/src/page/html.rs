//! The page as HTML. Everything that comes from outside is escaped, and a link is made of web addresses alone.

use std::fmt::{Arguments, Write};
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::completion::Reason;
use crate::snapshot::{
    ActivityStatus, Ended, Failing, Finished, Links, Rows, Snapshot, TaskState, TaskStatus, Unprotected,
    shown,
};

pub(super) const STYLE: &str = include_str!("style.css");
pub(super) const SCRIPT: &str = include_str!("refresh.js");

const WELL: &str = "works";
const POLLED: &str = "polled";
const NOT_POLLED_YET: &str = "none yet";
const UNUSABLE: &str = "cannot be used since";
const STARTING: &str = "The worker is starting: it takes up what an earlier process has left.";
const STOPPING: &str = "The worker is stopping: it takes no new tasks.";
const STALE: &str = "The worker does not answer";

/// All that the page can say of a task, of what the worker needs, and of the worker itself.
pub fn states() -> Vec<String> {
    let fixed = [WELL, POLLED, NOT_POLLED_YET, UNUSABLE, STARTING, STOPPING, STALE].map(str::to_owned);
    let mut states = fixed.to_vec();
    states.extend(TaskState::SHOWN.map(|step| step.words().to_owned()));
    states.extend(Ended::all().map(|how| how.words().to_owned()));
    states.extend(Unprotected::ALL.map(warning));
    states
}

pub(super) fn page(snapshot: &Snapshot, rows: &Rows) -> String {
    let mut page = Page(String::with_capacity(16 << 10));
    page.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.raw("<meta name=\"viewport\" content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\">");
    page.raw("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>");
    page.raw("<title>sparkwright-worker</title><style>");
    page.raw(STYLE);
    page.raw("</style></head><body><h1>sparkwright-worker</h1><div id=\"worker\" data-live>");
    page.worker(snapshot);
    page.raw("<div id=\"needs\">");
    page.table("Services", "services", &["Service", "State"]);
    for (service, failing) in &snapshot.services {
        page.add(format_args!("<tr><td>{}<td>", Text(service)));
        page.state(WELL, failing.as_ref());
    }
    page.end_of_table();
    page.table(
        "Activities",
        "activities",
        &["Activity", "Open polls", "Last answer", "State"],
    );
    for (arn, activity) in &snapshot.activities {
        page.activity(arn, activity);
    }
    page.end_of_table();
    page.raw("</div>");
    let now = Timestamp::now();
    page.table(
        "Tasks",
        "tasks",
        &[
            "Task",
            "Activity",
            "Age",
            "Step",
            "Batch",
            "Application",
            "Links",
            "Waits for",
        ],
    );
    for task in &rows.open {
        page.open_task(task, now);
    }
    page.end_of_table();
    page.raw("<div id=\"more\" data-live>");
    if snapshot.tasks > rows.open.len() {
        page.add(format_args!(
            "<p>and {} more.</p>",
            snapshot.tasks - rows.open.len()
        ));
    }
    page.raw("</div>");
    page.table(
        "Recently finished",
        "finished",
        &[
            "Task",
            "Activity",
            "Ended",
            "Took",
            "Outcome",
            "Batch",
            "Application",
            "Links",
            "Why",
        ],
    );
    for finished in &rows.finished {
        page.finished_task(finished, now);
    }
    page.end_of_table();
    page.add(format_args!(
        "<div id=\"stale\" role=\"status\" data-text=\"{STALE}\" hidden></div><script>"
    ));
    page.raw(SCRIPT);
    page.raw("</script></body></html>");
    page.0
}

struct Page(String);

impl Page {
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn add(&mut self, html: Arguments<'_>) {
        self.0.write_fmt(html).expect("a string can be written to");
    }

    /// The line at the top.
    fn worker(&mut self, snapshot: &Snapshot) {
        let used = snapshot.slots - snapshot.free_slots;
        self.add(format_args!(
            "<p>{} tasks; {used} of {} slots hold a task or an open poll.",
            snapshot.tasks, snapshot.slots
        ));
        let counted = TaskState::SHOWN
            .iter()
            .filter_map(|step| Some((step, snapshot.steps.get(step.name())?)));
        for (index, (step, count)) in counted.enumerate() {
            let before = if index == 0 { ' ' } else { ',' };
            self.add(format_args!("{before} {count} {step}"));
        }
        self.raw("</p>");
        if snapshot.starting {
            self.add(format_args!("<p class=\"warn\">{STARTING}</p>"));
        }
        if snapshot.draining {
            self.add(format_args!("<p class=\"trouble\">{STOPPING}</p>"));
        }
        self.raw("</div>");
    }

    fn table(&mut self, heading: &str, id: &str, columns: &[&str]) {
        self.add(format_args!(
            "<section><h2>{heading}</h2><div class=\"wide\"><table><thead><tr>"
        ));
        for column in columns {
            self.add(format_args!("<th scope=\"col\">{column}"));
        }
        self.add(format_args!("</thead><tbody id=\"{id}\" data-live>"));
    }

    fn end_of_table(&mut self) {
        self.raw("</tbody></table></div></section>");
    }

    fn state(&mut self, well: &str, failing: Option<&Failing>) {
        match failing {
            None => self.add(format_args!("<span class=\"well\">{well}</span>")),
            Some(failing) => self.add(format_args!(
                "<span class=\"trouble\">{UNUSABLE} {}: {}</span>",
                shown(failing.since),
                Text(&failing.why)
            )),
        }
    }

    fn activity(&mut self, arn: &str, activity: &ActivityStatus) {
        let last = activity
            .last_answer
            .map_or_else(|| NOT_POLLED_YET.to_owned(), shown);
        self.add(format_args!(
            "<tr><td class=\"name\">{}<td>{}<td class=\"short\">{last}<td>",
            Text(arn),
            activity.open_polls
        ));
        self.state(POLLED, activity.failing.as_ref());
    }

    fn open_task(&mut self, task: &TaskStatus, now: Timestamp) {
        self.add(format_args!("<tr><td class=\"name\">{}", task.id));
        for without in &task.unprotected {
            self.add(format_args!(
                "<br><span class=\"short warn\">{}</span>",
                warning(*without)
            ));
        }
        self.add(format_args!(
            "<td class=\"short\">{}<td class=\"short\" title=\"since {}\">{}<td class=\"short\">{}",
            Text(&task.activity),
            shown(task.since),
            between(task.since, now),
            task.step
        ));
        self.run(task);
        self.add(format_args!(
            "<td class=\"why\">{}",
            Text(task.note.as_deref().unwrap_or_default())
        ));
    }

    fn finished_task(&mut self, finished: &Finished, now: Timestamp) {
        let (task, how) = (&finished.task, finished.how);
        let class = match how {
            Ended::Succeeded => "well",
            Ended::Failed(_) => "trouble",
            Ended::TokenOver | Ended::Left => "warn",
        };
        self.add(format_args!(
            "<tr><td class=\"name\">{}<td class=\"short\">{}<td class=\"short\" title=\"{}\">{} ago<td class=\"short\">{}\
             <td class=\"short {class}\">{}",
            task.id,
            Text(&task.activity),
            shown(finished.at),
            between(finished.at, now),
            between(task.since, finished.at),
            how.words()
        ));
        self.run(task);
        self.raw("<td class=\"why\">");
        if let Some(Reason { message, exception }) = &finished.reason {
            self.add(format_args!("{}", Text(message)));
            if let Some(exception) = exception {
                self.add(format_args!(
                    "<br><span class=\"name\">{}</span>",
                    Text(exception)
                ));
            }
        }
    }

    /// The cells of a task's run.
    fn run(&mut self, task: &TaskStatus) {
        self.add(format_args!(
            "<td class=\"name\">{}<td class=\"short name\">{}",
            Text(task.batch_name.as_deref().unwrap_or_default()),
            Text(task.application_id.as_deref().unwrap_or_default())
        ));
        let Links { spark_ui, driver_log } = &task.links;
        self.raw("<td class=\"short\">");
        self.link("Spark UI", spark_ui.as_deref());
        self.raw(" ");
        self.link("driver log", driver_log.as_deref());
    }

    /// A link, if it leads to the web: `javascript:` and the like are nothing that a person should click on.
    fn link(&mut self, words: &str, address: Option<&str>) {
        let url = address.and_then(|address| Url::parse(address).ok());
        if let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) {
            self.add(format_args!(
                "<a href=\"{}\" target=\"_blank\" rel=\"noopener noreferrer\">{words}</a>",
                Text(url.as_str())
            ));
        }
    }
}

fn warning(without: Unprotected) -> String {
    format!("no {}", without.name())
}

/// A time span, in whole seconds.
fn between(begin: Timestamp, end: Timestamp) -> String {
    let seconds = end.duration_since(begin).as_secs().max(0).unsigned_abs();
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

/// Text that is shown as it is.
struct Text<'a>(&'a str);

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
