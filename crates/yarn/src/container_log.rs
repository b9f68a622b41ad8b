//! A container's log without the lines that the NodeManager puts around it.

use std::fmt;

/// The files that a driver writes. A Python traceback stands in `stdout` when YARN runs the driver, a Java
/// one in `stderr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFile {
    /// `stdout`.
    Stdout,
    /// `stderr`.
    Stderr,
}

impl LogFile {
    /// The file's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl fmt::Display for LogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const HEADING: &[u8] = b"Container: ";
const LENGTH: &[u8] = b"\nLogLength:";
const CONTENTS: &[u8] = b"\nLogContents:\n";
const END: &[u8] = b"End of LogType:";

/// The last `bytes` bytes of a log's contents. The node frames them so, since Hadoop 2.9:
///
/// ```text
/// Container: container_1795225753640_0004_01_000001 on localhost:28041
/// LogAggregationType: LOCAL
/// ====================================================================
/// LogType:stdout
/// LogLastModifiedTime:Sat Nov 21 01:50:35 +0000 2026
/// LogLength:1311
/// LogContents:
/// …
/// End of LogType:stdout.This log file belongs to a running container (…) and so may not be complete.
/// *******************************************************************************
/// ```
///
/// The contents end where the length says, since nothing keeps a program from printing such an end itself. An
/// empty log may have the end alone. An aggregated part may follow in a frame of its own; the first part that holds
/// anything is taken.
pub(crate) fn contents(answer: &[u8], bytes: usize) -> String {
    let mut rest = answer;
    let mut found: &[u8] = b"";
    if !answer.starts_with(HEADING) && !answer.starts_with(END) {
        // An older node sends the file as it is.
        found = answer;
        rest = b"";
    }
    while found.is_empty() {
        let Some((frame, after)) = frame(rest, bytes) else {
            break;
        };
        (found, rest) = (frame, after);
    }
    text(&found[found.len().saturating_sub(bytes)..])
}

/// The contents of the first frame, and what follows them.
fn frame(answer: &[u8], bytes: usize) -> Option<(&[u8], &[u8])> {
    let heading = find(answer, CONTENTS)?;
    let (head, body) = (&answer[..heading], &answer[heading + CONTENTS.len()..]);
    let length = find(head, LENGTH).and_then(|at| number(&head[at + LENGTH.len()..]));
    let sent = length
        .map_or(body.len(), |length| length.min(bytes))
        .min(body.len());
    if body[sent..].starts_with(END) || body[sent..].is_empty() || body[sent..].starts_with(b"\n") {
        return Some((&body[..sent], &body[sent..]));
    }
    // The length was not what was sent: the last end counts.
    let end = (0..body.len())
        .rev()
        .find(|&at| body[at..].starts_with(END))
        .unwrap_or(body.len());
    Some((&body[..end], &body[end..]))
}

fn find(text: &[u8], words: &[u8]) -> Option<usize> {
    text.windows(words.len()).position(|window| window == words)
}

fn number(text: &[u8]) -> Option<usize> {
    let line = text.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

/// As text; a character that the cut has split is dropped.
fn text(bytes: &[u8]) -> String {
    let is_continuation = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    let split = bytes
        .iter()
        .take(3)
        .take_while(|byte| is_continuation(byte))
        .count();
    String::from_utf8_lossy(&bytes[split..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(file: &str, length: usize, contents: &str, running: bool) -> String {
        let container = "Container: container_1795225753640_0004_01_000001 on localhost:28041";
        let line = "=".repeat(container.len());
        let note = match running {
            true => {
                "This log file belongs to a running container (container_1795225753640_0004_01_000001) \
                 and so may not be complete."
            }
            false => "",
        };
        let head = match contents {
            "" => String::new(),
            _ => format!(
                "{container}\nLogAggregationType: LOCAL\n{line}\nLogType:{file}\n\
                 LogLastModifiedTime:Sat Nov 21 01:50:35 +0000 2026\nLogLength:{length}\nLogContents:\n"
            ),
        };
        format!(
            "{head}{contents}End of LogType:{file}.{note}\n{}\n\n",
            "*".repeat(71)
        )
    }

    const TRACEBACK: &str = "Traceback (most recent call last):\n  File \"/c/raise.py\", line 3, in <module>\n\
                             \x20   raise ValueError(\"the input is empty\")\nValueError: the input is empty\n";

    #[test]
    fn the_frame_of_an_ended_container_is_removed() {
        let answer = framed("stdout", TRACEBACK.len(), TRACEBACK, false);
        assert_eq!(contents(answer.as_bytes(), 8192), TRACEBACK);
    }

    #[test]
    fn the_frame_of_a_running_container_is_removed() {
        let answer = framed("stderr", 5, "abcd\n", true);
        assert_eq!(contents(answer.as_bytes(), 8192), "abcd\n");
    }

    #[test]
    fn a_log_that_was_cut_is_shorter_than_its_length() {
        let answer = framed("stdout", 1_000_000, "the tail\n", false);
        assert_eq!(contents(answer.as_bytes(), 9), "the tail\n");
    }

    #[test]
    fn an_empty_log_is_empty() {
        let answer = framed("stdout", 0, "", true);
        assert_eq!(contents(answer.as_bytes(), 8192), "");
        let headed = framed("stdout", 0, "@", false).replace('@', "");
        assert!(headed.contains("LogContents:\nEnd of"));
        assert_eq!(contents(headed.as_bytes(), 8192), "");
        assert_eq!(contents(b"", 8192), "");
    }

    #[test]
    fn contents_without_a_last_line_end_are_whole() {
        let answer = framed("stdout", 7, "no line", false);
        assert_eq!(contents(answer.as_bytes(), 8192), "no line");
    }

    #[test]
    fn a_program_that_prints_such_an_end_hides_nothing() {
        let printed = "End of LogType:stdout.\n****\nLogContents:\nValueError: real\n";
        let answer = framed("stdout", printed.len(), printed, false);
        assert_eq!(contents(answer.as_bytes(), 8192), printed);
    }

    #[test]
    fn an_aggregated_part_stands_in_for_an_empty_local_one() {
        let answer = framed("stdout", 0, "", false) + &framed("stdout", 4, "old\n", false);
        assert_eq!(contents(answer.as_bytes(), 8192), "old\n");
        let both = framed("stdout", 4, "new\n", false) + &framed("stdout", 4, "old\n", false);
        assert_eq!(contents(both.as_bytes(), 8192), "new\n");
    }

    #[test]
    fn an_older_node_sends_the_file_alone() {
        assert_eq!(contents(TRACEBACK.as_bytes(), 8192), TRACEBACK);
        assert_eq!(contents(TRACEBACK.as_bytes(), 6), "empty\n");
    }

    #[test]
    fn a_split_character_at_the_cut_is_dropped() {
        let answer = framed("stdout", 100, "\u{1F980} ok\n", false);
        // The node cuts by bytes: three of the crab's four are left.
        let cut = answer.replace('\u{1F980}', "@");
        let mut bytes = cut.into_bytes();
        let at = bytes.iter().position(|byte| *byte == b'@').unwrap();
        bytes.splice(at..=at, "\u{1F980}".bytes().skip(1));
        assert_eq!(contents(&bytes, 7), " ok\n");
    }

    #[test]
    fn an_answer_that_breaks_off_gives_what_there_is() {
        let answer = framed("stdout", 5000, "begun", false);
        let broken = answer.split("End of").next().unwrap();
        assert_eq!(contents(broken.as_bytes(), 8192), "begun");
        assert_eq!(contents(b"Container: container_1 on n\nLogAgg", 8192), "");
    }
}
