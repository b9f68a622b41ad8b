//! Exceptions of a JVM: the driver's, or spark-submit's own.

use super::text::{is_frame, is_log_line, shortened};

/// What stands before an exception, the most telling first.
const MARKS: [&str; 4] = [
    "User class threw exception: ",
    "Exception in thread \"",
    "Uncaught exception: ",
    "Caused by: ",
];

/// A message does not go on for longer.
const MESSAGE_LINES: usize = 8;

/// Exceptions that only wrap another one.
const WRAPPERS: [&str; 5] = [
    "java.lang.reflect.InvocationTargetException",
    "java.lang.reflect.UndeclaredThrowableException",
    "java.util.concurrent.ExecutionException",
    "java.lang.ExceptionInInitializerError",
    "org.apache.spark.SparkException: Exception thrown in awaitResult",
];

/// The exception of a JVM with its stack and causes.
pub(super) fn exception(log: &str) -> Option<String> {
    let lines: Vec<_> = log.lines().collect();
    let (mark, mut start) = MARKS.iter().find_map(|mark| {
        let at = lines.iter().position(|line| line.contains(mark))?;
        Some((mark, at))
    })?;
    let mut head = lines[start];
    if matches!(*mark, "User class threw exception: " | "Uncaught exception: ") {
        let (_, rest) = head.split_once(mark)?;
        head = rest;
        // A logger writes the exception on a line of its own.
        if head.trim().is_empty() {
            start += 1;
            head = lines.get(start)?;
        }
    }
    let mut stack = vec![head.trim_start()];
    let mut of_message = 1;
    for line in &lines[start + 1..] {
        if is_frame(line) {
            of_message = MESSAGE_LINES;
        } else if line.trim_start().starts_with("Caused by: ") {
            of_message = 1;
        } else if of_message < MESSAGE_LINES && !line.trim().is_empty() && !is_log_line(line) {
            of_message += 1;
        } else {
            break;
        }
        stack.push(line);
    }
    Some(shortened(&stack))
}

/// What spark-submit itself complained about.
pub(super) fn spark_submit_error(log: &str) -> Option<String> {
    exception(log).or_else(|| complaint(log))
}

/// A launcher's `Error: …`, with the line before it, which may say what it is about.
fn complaint(log: &str) -> Option<String> {
    let lines: Vec<_> = log.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.starts_with("Error: "))?;
    let says_more =
        |line: &&str| !line.is_empty() && !is_log_line(line) && !matches!(*line, "stdout:" | "stderr:");
    let before = at
        .checked_sub(1)
        .map(|before| lines[before])
        .filter(|line| says_more(line));
    Some(
        before
            .into_iter()
            .chain([lines[at]])
            .collect::<Vec<_>>()
            .join("\n"),
    )
}

/// The one line of an exception that says most.
pub(super) fn headline(exception: &str) -> String {
    let mut lines: Vec<_> = exception.lines().collect();
    let is_wrapper = |line: &str| {
        let plain = without_thread(line);
        WRAPPERS.iter().any(|wrapper| plain.starts_with(wrapper))
    };
    if lines.first().is_some_and(|line| is_wrapper(line)) {
        let causes = |line: &&str| line.trim_start().starts_with("Caused by: ");
        let cause = lines.iter().rposition(causes).unwrap_or(0);
        lines.drain(..cause);
    }
    let first = lines.first().map_or("", |line| without_thread(line));
    let said = of_failed_task(first).unwrap_or(first);
    match lines.get(1) {
        Some(more) if !is_frame(more) && !more.trim_start().starts_with("Caused by: ") => {
            format!("{said} {}", more.trim()).trim_end().to_owned()
        }
        _ => said.to_owned(),
    }
}

fn without_thread(line: &str) -> &str {
    let plain = line.trim();
    let of_thread = plain
        .strip_prefix("Exception in thread \"")
        .and_then(|rest| rest.split_once("\" "));
    match of_thread {
        Some((_, rest)) => rest,
        None => plain.strip_prefix("Caused by: ").unwrap_or(plain),
    }
}

/// A stage's failure quotes that of a task: `… Lost task 0.3 in stage 0.0 (TID 3) (node executor 1): …`.
fn of_failed_task(line: &str) -> Option<&str> {
    let (_, failure) = line.split_once("Job aborted due to stage failure: ")?;
    let (_, executor) = failure.split_once(" executor ")?;
    let (_, said) = executor.split_once("): ")?;
    Some(said).filter(|said| !said.is_empty())
}
