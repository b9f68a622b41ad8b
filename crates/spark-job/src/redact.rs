//! What must not be shown: in logs, pages and causes it reads `****`.

use std::collections::BTreeSet;

use wildmatch::WildMatch;

use crate::parameters::Parameters;

/// What stands in a secret's place.
const MASK: &str = "****";

/// A key with one of these as a segment names a secret.
const SECRET_SEGMENTS: [&str; 4] = ["password", "secret", "token", "key"];

/// A shorter value would mask ordinary words all over a log.
const MIN_SECRET: usize = 3;

/// The secrets of one job.
#[derive(Clone, Default)]
pub struct Redaction {
    /// Longest first, so that a secret that holds another is masked whole.
    secrets: Vec<String>,
}

impl Redaction {
    /// The secrets of a job: whole values of its arguments and configuration that one of the globs matches, values of
    /// keys that name a secret, and the argument after such an option.
    pub fn of(parameters: &Parameters, globs: &[String]) -> Self {
        let globs: Vec<_> = globs.iter().map(|glob| WildMatch::new(glob)).collect();
        let declared = |value: &str| globs.iter().any(|glob| glob.matches(value));
        let mut secrets = BTreeSet::new();
        for (key, value) in parameters.configuration() {
            if names_secret(key) || declared(value) {
                secrets.insert(value.clone());
            }
        }
        let args = parameters.args();
        for (position, arg) in args.iter().enumerate() {
            let after_option = position
                .checked_sub(1)
                .is_some_and(|before| args[before].starts_with('-') && names_secret(&args[before]));
            if after_option || declared(arg) {
                secrets.insert(arg.clone());
            }
            if let Some((option, value)) = arg.split_once('=')
                && names_secret(option)
            {
                secrets.insert(value.to_owned());
            }
        }
        let mut secrets: Vec<_> = secrets
            .into_iter()
            .filter(|secret| secret.len() >= MIN_SECRET && !secret.chars().all(|c| c == '*'))
            .collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets }
    }

    /// The text with every secret masked.
    pub fn apply(&self, text: &str) -> String {
        self.secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }
}

impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redaction({} secrets)", self.secrets.len())
    }
}

fn names_secret(key: &str) -> bool {
    key.split(['.', '_', '-']).any(|segment| {
        SECRET_SEGMENTS
            .iter()
            .any(|secret| segment.eq_ignore_ascii_case(secret))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redaction(globs: &[&str]) -> Redaction {
        let job = json!({
            "File": "/a",
            "Args": ["--password", "hunter22", "--db-token=t0ps3cret", "plain", "jdbc:x?pw=1"],
            "Configuration": {"spark.hadoop.fs.s3a.secret.key": "AKIA/abc", "spark.monkey": "business"},
        });
        let globs: Vec<_> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        Redaction::of(
            &Parameters::parse(job.as_object().expect("an object")).expect("valid"),
            &globs,
        )
    }

    #[test]
    fn what_names_a_secret_is_masked() {
        let shown = redaction(&[]).apply("login hunter22 with t0ps3cret at AKIA/abc, monkey business plain");
        assert_eq!(shown, "login **** with **** at ****, monkey business plain");
    }

    #[test]
    fn what_is_masked_is_not_masked_again() {
        let job = json!({"File": "/a", "Args": ["--password", "****", "--token", "***"]});
        let parameters = Parameters::parse(job.as_object().expect("an object")).expect("valid");
        assert_eq!(Redaction::of(&parameters, &[]).apply("with ****"), "with ****");
    }

    #[test]
    fn globs_match_whole_values() {
        assert_eq!(redaction(&["jdbc:*"]).apply("at jdbc:x?pw=1"), "at ****");
        assert_eq!(redaction(&["jdbc"]).apply("at jdbc:x?pw=1"), "at jdbc:x?pw=1");
    }
}
