//! What a provider tells while it still works: the id of what it is about to make, and its secrets.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// By which id a Delete finds what the provider has begun to make, should the request fail from now on.
///
/// Claim before the first step that leaves something behind; a panic and a missed deadline then still answer
/// with an id that leads to it. A later claim replaces an earlier one. A Delete always answers with its own id.
#[derive(Clone, Debug, Default)]
pub struct Claim(Arc<Mutex<Option<String>>>);

impl Claim {
    /// From now on, whatever happens, FAILED carries this id.
    pub fn physical_resource_id(&self, id: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.into());
    }

    /// The id claimed last.
    pub fn claimed(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Texts that become `****` in the answer's reason and log lines, and in what this crate logs.
///
/// Attributes are not touched: [`Provisioned::no_echo`](crate::Provisioned::no_echo) is for them.
#[derive(Clone, Default)]
pub struct Redactions(Arc<Mutex<Vec<String>>>);

impl Redactions {
    /// Hides this text from now on, also in what is said of a panic. An empty text, or one of `*` only, hides nothing.
    pub fn hide(&self, text: impl Into<String>) {
        let text = text.into();
        // What is hidden already would be hidden again and again, and four times as long each time.
        if text.chars().all(|c| c.is_whitespace() || c == '*') {
            return;
        }
        let mut hidden = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hidden.contains(&text) {
            return;
        }
        hidden.push(text);
        // The longest first: a shorter one that is part of it would leave the rest readable.
        hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
    }

    pub(crate) fn apply(&self, text: &str) -> String {
        let hidden = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hidden
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, "****"))
    }
}

impl fmt::Debug for Redactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactions(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_claim_replaces_an_earlier_one() {
        let claim = Claim::default();
        assert_eq!(claim.claimed(), None);
        claim.clone().physical_resource_id("first");
        claim.physical_resource_id("second");
        assert_eq!(claim.claimed().as_deref(), Some("second"));
    }

    #[test]
    fn the_longest_secret_is_hidden_whole() {
        let redactions = Redactions::default();
        redactions.hide("pass");
        redactions.hide("password1");
        redactions.hide("  ");
        assert_eq!(redactions.apply("password1 and pass it"), "**** and **** it");
        assert_eq!(format!("{redactions:?}"), "Redactions(..)");
    }

    #[test]
    fn what_is_hidden_is_not_hidden_again() {
        let redactions = Redactions::default();
        for _ in 0..40 {
            for text in ["*", "***", "***"] {
                redactions.hide(text);
            }
        }
        assert_eq!(redactions.apply("a * b"), "a * b");
    }
}
