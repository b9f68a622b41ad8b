//! `sparkwright-worker check` as a process: what it prints where, and its exit code.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::{Command, Output};

const ARN: &str = "arn:aws:states:eu-west-1:123456789012:activity:spark-job";

/// Runs it where nothing answers: port 1 is nobody's.
fn check(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sparkwright-worker"))
        .env_clear()
        .envs([
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ENDPOINT_URL_SFN", "http://127.0.0.1:1"),
            ("SPARKWRIGHT_LIVY_URL", "http://127.0.0.1:1"),
            ("SPARKWRIGHT_LISTEN", "127.0.0.1:0"),
            ("SPARKWRIGHT_JOURNAL", "/nonexistent/worker.db"),
        ])
        .envs(variables.iter().copied())
        .arg("check")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_check_that_fails_says_why_on_stdout_and_exits_with_1() {
    for output in [
        check(&[("SPARKWRIGHT_ACTIVITY_ARN", ARN)], &[]),
        check(&[], &[ARN]),
    ] {
        let report = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{report}");
        let starts: Vec<_> = report
            .lines()
            .map(|line| line.split([' ', ':']).next().unwrap_or_default())
            .collect();
        // Region, credentials, activity, Livy, ResourceManager, page, journal.
        assert_eq!(
            starts,
            ["ok", "ok", "FAILED", "FAILED", "FAILED", "ok", "FAILED", "4"],
            "{report}"
        );
        assert!(!report.contains("hunter2"), "{report}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
}

#[test]
fn an_option_that_cannot_be_read_is_told_from_one_that_fails() {
    let output = check(&[], &[ARN, "--slots=0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
}
