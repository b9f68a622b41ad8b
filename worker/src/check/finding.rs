//! One line of the report.

use std::fmt;

/// What was found out about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    verdict: Verdict,
    /// What was tested.
    thing: String,
    seen: String,
    /// What to do about it, in the imperative.
    advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    /// Worth knowing; the worker can run.
    Note,
    Failed,
}

impl Finding {
    /// It is well.
    pub(super) fn ok(thing: impl fmt::Display, seen: impl fmt::Display) -> Self {
        Self::new(Verdict::Ok, thing, seen, None)
    }

    /// It is worth knowing.
    pub(super) fn note(thing: impl fmt::Display, seen: impl fmt::Display) -> Self {
        Self::new(Verdict::Note, thing, seen, None)
    }

    /// The worker cannot use it.
    pub(super) fn failed(
        thing: impl fmt::Display,
        seen: impl fmt::Display,
        advice: impl fmt::Display,
    ) -> Self {
        Self::new(Verdict::Failed, thing, seen, Some(advice.to_string()))
    }

    pub(super) fn has_failed(&self) -> bool {
        self.verdict == Verdict::Failed
    }

    fn new(
        verdict: Verdict,
        thing: impl fmt::Display,
        seen: impl fmt::Display,
        advice: Option<String>,
    ) -> Self {
        Self {
            verdict,
            thing: thing.to_string(),
            seen: seen.to_string(),
            advice,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Failed => "FAILED",
        };
        let (thing, seen) = (one_line(&self.thing), one_line(&self.seen));
        write!(f, "{verdict:<7} {thing}: {}", seen.trim_end_matches('.'))?;
        match &self.advice {
            Some(advice) => write!(f, ". To do: {}", one_line(advice)),
            None => Ok(()),
        }
    }
}

/// A server's words go to somebody's terminal.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_whatever_a_server_said() {
        assert_eq!(Finding::ok("Livy", "well").to_string(), "ok      Livy: well");
        assert_eq!(
            Finding::failed("Livy", "it said\n\x1b[31mno.", "start it").to_string(),
            "FAILED  Livy: it said [31mno. To do: start it"
        );
    }
}
