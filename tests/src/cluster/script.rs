//! Which job a batch runs, when the test says so.

use std::sync::Mutex;

use wildmatch::WildMatch;

use super::job::Job;
use crate::sync::lock;

/// The scripts of one cluster.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    scripts: Mutex<Vec<Script>>,
}

#[derive(Debug)]
struct Script {
    name: WildMatch,
    file: WildMatch,
    job: Job,
    left: usize,
}

impl Scripts {
    pub(crate) fn add(&self, name: &str, file: &str, job: Job, times: usize) {
        let script = Script {
            name: WildMatch::new(name),
            file: WildMatch::new(file),
            job,
            left: times,
        };
        lock(&self.scripts).push(script);
    }

    /// The job of the latest script that matches; it has one turn less then.
    pub(crate) fn take(&self, name: &str, file: &str) -> Option<Job> {
        let mut scripts = lock(&self.scripts);
        let matching =
            |script: &&mut Script| script.left > 0 && script.name.matches(name) && script.file.matches(file);
        let script = scripts.iter_mut().rev().find(matching)?;
        script.left -= 1;
        Some(script.job.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_script_goes_first_until_its_turns_are_used_up() {
        let scripts = Scripts::default();
        scripts.add("etl-*", "*", Job::succeeds(), usize::MAX);
        scripts.add("etl-*", "*", Job::exits(3), 1);
        assert_eq!(scripts.take("etl-1", "f"), Some(Job::exits(3)));
        assert_eq!(scripts.take("etl-2", "f"), Some(Job::succeeds()));
        assert_eq!(scripts.take("other", "f"), None);
    }
}
