//! Errors out of logs: tracebacks, exceptions, and the lines that say nothing removed.

/// How many lines of a log are worth showing.
const TAIL_LINES: usize = 30;

/// A stack says what it has to say in so many lines.
const STACK_LINES: usize = 40;

const TRACEBACK: &str = "Traceback (most recent call last):";

/// The last traceback of a Python program, whole: frames, the error, and a message of several lines.
pub fn python_traceback(log: &str) -> Option<String> {
    let lines: Vec<_> = log.lines().collect();
    let start = lines
        .iter()
        .rposition(|line| line.trim_start().starts_with(TRACEBACK))?;
    let mut end = start + 1;
    while lines.get(end).is_some_and(|line| line.starts_with([' ', '\t'])) {
        end += 1;
    }
    // The error's own lines follow its frames, until the log goes on with something else.
    while lines
        .get(end)
        .is_some_and(|line| !line.trim().is_empty() && !is_log_line(line))
    {
        end += 1;
    }
    Some(shortened(&lines[start..end]))
}

/// The exception of a JVM with its stack and causes.
pub fn jvm_exception(log: &str) -> Option<String> {
    const MARKS: [&str; 3] = [
        "User class threw exception: ",
        "Exception in thread \"",
        "Caused by: ",
    ];
    let lines: Vec<_> = log.lines().collect();
    let start = MARKS
        .iter()
        .find_map(|mark| lines.iter().position(|line| line.contains(mark)))?;
    let prefix = MARKS[0];
    let head = lines[start]
        .split_once(prefix)
        .map_or(lines[start], |(_, rest)| rest);
    let mut stack = vec![head.trim_start()];
    stack.extend(
        lines[start + 1..]
            .iter()
            .copied()
            .take_while(|line| is_stack_line(line)),
    );
    Some(shortened(&stack))
}

/// What spark-submit itself complained about.
pub fn spark_submit_error(log: &str) -> Option<String> {
    let complaint = log
        .lines()
        .map(str::trim)
        .rfind(|line| line.starts_with("Error: "));
    jvm_exception(log).or_else(|| complaint.map(str::to_owned))
}

/// The one line of an exception that says most.
pub fn headline(exception: &str) -> String {
    if exception.trim_start().starts_with(TRACEBACK) {
        let lines: Vec<_> = exception.lines().collect();
        let error = lines
            .iter()
            .skip(1)
            .find(|line| !line.starts_with([' ', '\t']) && !line.is_empty());
        return error
            .or(lines.last())
            .map(|line| line.trim().to_owned())
            .unwrap_or_default();
    }
    let first = exception.lines().next().unwrap_or_default().trim();
    let without_thread = first
        .strip_prefix("Exception in thread \"")
        .and_then(|rest| rest.split_once("\" "))
        .map(|(_, rest)| rest);
    without_thread.unwrap_or(first).to_owned()
}

/// The last telling lines of a log.
pub fn tail(log: &str) -> Vec<String> {
    let telling: Vec<_> = without_noise(log).lines().map(str::to_owned).collect();
    telling[telling.len().saturating_sub(TAIL_LINES)..].to_vec()
}

/// The text without framing, empty lines and what was only informative.
pub fn without_noise(text: &str) -> String {
    let telling: Vec<_> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !is_noise(line))
        .collect();
    telling.join("\n")
}

fn is_noise(line: &str) -> bool {
    const FRAMES: [&str; 3] = ["stdout:", "stderr:", "YARN Diagnostics:"];
    let plain = line.trim();
    plain.is_empty()
        || FRAMES.contains(&plain)
        || plain == "spark-submit start failed"
        || is_informative(line)
}

/// A log line below WARN: a time stamp first, its level among the first words.
fn is_informative(line: &str) -> bool {
    is_log_line(line)
        && line
            .split_whitespace()
            .take(5)
            .any(|word| matches!(word.trim_matches(['[', ']', ':']), "INFO" | "DEBUG" | "TRACE"))
}

fn is_log_line(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_digit())
        && line.split_whitespace().take(5).any(|word| {
            matches!(
                word.trim_matches(['[', ']', ':']),
                "INFO" | "DEBUG" | "TRACE" | "WARN" | "ERROR" | "FATAL"
            )
        })
}

fn is_stack_line(line: &str) -> bool {
    let plain = line.trim_start();
    plain.starts_with("at ")
        || plain.starts_with("Caused by: ")
        || plain.starts_with("... ")
        || plain.starts_with("Suppressed: ")
}

/// Both ends of a long stack: the first frames and, at the end, the cause.
fn shortened(lines: &[&str]) -> String {
    let trimmed: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
    if trimmed.len() <= STACK_LINES {
        return trimmed.join("\n");
    }
    let (head, tail) = (
        &trimmed[..STACK_LINES / 4],
        &trimmed[trimmed.len() - STACK_LINES * 3 / 4..],
    );
    format!(
        "{}\n  … {} lines …\n{}",
        head.join("\n"),
        trimmed.len() - STACK_LINES,
        tail.join("\n")
    )
}
