//! One line out of an error and its causes, for the edges: a reason, a cause, a log field.

use std::error::Error;

/// Joins an error and its sources with `: `, leaving out a source that only repeats its parent's text.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let line = cause.to_string();
        if !line.is_empty() && !text.ends_with(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not reach `livy`")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_follow_the_attempt() {
        let error = Outer(std::io::Error::other("connection refused"));
        assert_eq!(chain(&error), "could not reach `livy`: connection refused");
    }
}
