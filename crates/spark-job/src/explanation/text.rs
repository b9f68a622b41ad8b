//! Logs for people: the lines that say nothing removed, long stacks shortened.

use std::borrow::Cow;
use std::collections::HashSet;

/// How many lines of a log are worth showing.
const TAIL_LINES: usize = 30;

/// An error says what it has to say in so many lines.
const ERROR_LINES: usize = 40;

/// So many frames of a JVM's stack tell where it was.
const FRAMES_SHOWN: usize = 5;

/// What Spark says when a Python driver exits by itself.
const USER_EXIT: &str = "User application exited with status ";

/// The last telling lines of a log.
pub(super) fn tail(log: &str) -> Vec<String> {
    let telling = telling_lines(log);
    telling[telling.len().saturating_sub(TAIL_LINES)..].to_vec()
}

/// What YARN says of an application; it gives the whole of a failed attempt's log twice.
pub(super) fn diagnostics(text: &str) -> String {
    let mut seen = HashSet::new();
    let first: Vec<_> = text.lines().filter(|line| seen.insert(*line)).collect();
    telling_lines(&first.join("\n")).join("\n")
}

/// Why YARN gave up the last attempt: `Failing this attempt.Diagnostics: [time]Container … is running beyond …`.
pub(super) fn attempt_failure(diagnostics: &str) -> Option<&str> {
    let said = diagnostics
        .lines()
        .find_map(|line| Some(line.split_once("Failing this attempt.Diagnostics: ")?.1))?;
    let plain = match said.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, plain)) => plain,
        None => said,
    };
    // Which says nothing: what follows is the driver's own log.
    Some(plain.trim()).filter(|plain| !plain.is_empty() && *plain != "Exception from container-launch.")
}

/// A log of which only the last `bytes` were read, without the line that the cut has halved.
pub(super) fn whole_lines(log: &str, bytes: u32) -> &str {
    // A character that the cut has split is missing too.
    const LONGEST_CHARACTER: usize = 4;
    let cut = log.len() + LONGEST_CHARACTER > bytes as usize;
    match log.split_once('\n') {
        Some((_, rest)) if cut => rest,
        _ => log,
    }
}

/// At most so many characters, and a sign where more stood.
pub(super) fn cut(text: &str, characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// How a Python driver that raised nothing ended, in Spark's words.
pub(super) fn user_exit(log: &str) -> Option<&str> {
    let line = log.lines().find(|line| line.contains(USER_EXIT))?;
    let exit = &line[line.find(USER_EXIT)?..];
    let digits = exit[USER_EXIT.len()..]
        .bytes()
        .take_while(u8::is_ascii_digit)
        .count();
    Some(&exit[..USER_EXIT.len() + digits])
}

/// Whether a line was written by a logger: a time stamp first, its level among the first words.
pub(super) fn is_log_line(line: &str) -> bool {
    level(line).is_some()
}

/// A frame of a JVM's stack.
pub(super) fn is_frame(line: &str) -> bool {
    let plain = line.trim_start();
    plain.starts_with("at ") || plain.starts_with("... ")
}

/// An error without the middle of its stacks; of what is still long, both ends.
pub(super) fn shortened(lines: &[&str]) -> String {
    let mut kept = without_deep_frames(lines.iter().copied());
    if kept.len() > ERROR_LINES {
        let tail = kept.split_off(kept.len() - ERROR_LINES / 2);
        let left_out = kept.len() - ERROR_LINES / 2;
        kept.truncate(ERROR_LINES / 2);
        kept.push(format!("  … {left_out} lines …"));
        kept.extend(tail);
    }
    kept.join("\n")
}

/// The lines without framing, empty ones, what was only informative, and the depths of stacks.
fn telling_lines(text: &str) -> Vec<String> {
    // What is indented belongs to what stands above it, which the end of a long log begins without. Spark says over forty
    // lines of one INFO how it starts an executor.
    let mut tells = text
        .lines()
        .all(|line| line.trim().is_empty() || belongs_to_the_line_above(line));
    without_deep_frames(text.lines().filter(|line| {
        if !line.trim().is_empty() && !belongs_to_the_line_above(line) {
            tells = !is_informative(line);
        }
        tells && !is_framing(line)
    }))
}

fn without_deep_frames<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut frames = 0;
    for line in lines.map(str::trim_end) {
        frames = if is_frame(line) { frames + 1 } else { 0 };
        if frames <= FRAMES_SHOWN {
            kept.push(line.to_owned());
        } else if frames == FRAMES_SHOWN + 1 {
            kept.push("\t…".to_owned());
        }
    }
    kept
}

fn belongs_to_the_line_above(line: &str) -> bool {
    line.starts_with([' ', '\t']) || line.starts_with("=====")
}

fn is_framing(line: &str) -> bool {
    const FRAMING: [&str; 8] = [
        "stdout:",
        "stderr:",
        "YARN Diagnostics:",
        "spark-submit start failed",
        "Last 4096 bytes of",
        "Using Spark's default log4j profile:",
        "Setting default log level to",
        "To adjust logging level use",
    ];
    let plain = line.trim();
    plain.is_empty() || FRAMING.iter().any(|framing| plain.starts_with(framing))
}

fn is_informative(line: &str) -> bool {
    line.starts_with("Default YARN executor launch context:")
        || matches!(level(line), Some("INFO" | "DEBUG" | "TRACE"))
}

fn level(line: &str) -> Option<&str> {
    if !line.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    line.split_whitespace()
        .take(5)
        .map(|word| word.trim_matches(['[', ']', ':']))
        .find(|word| matches!(*word, "INFO" | "DEBUG" | "TRACE" | "WARN" | "ERROR" | "FATAL"))
}
