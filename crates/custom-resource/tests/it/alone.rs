//! Runs a test in a process of its own: trusted certificates and the log's subscriber are one per process.

use std::process::Command;

/// Runs an ignored test of this binary with additional environment variables; the error is its output.
pub(crate) fn run_alone(test: &str, environment: &[(&str, &str)]) -> Result<(), String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--ignored"])
        .envs(environment.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("running 1 test"),
        "there is no test `{test}`: {text}"
    );
    if output.status.success() {
        Ok(())
    } else {
        Err(text)
    }
}
