//! The installer of the worker, on folders of its own and with users and a systemd that only take notes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::root;

const ARN: &str = "arn:aws:states:eu-west-1:123456789012:activity:spark-job";

/// A machine on which the worker is to be installed.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().expect("a folder"));
        let notes = machine.path("notes").display().to_string();
        // `id -u` says root's number, `id -u sparkwright` whether the user was made.
        machine.program(
            "id",
            &format!("[ $# = 1 ] && echo 0 || grep -q '^useradd' '{notes}' 2>/dev/null"),
        );
        for name in ["useradd", "chown", "systemctl"] {
            machine.program(name, &format!("echo \"{name} $*\" >>'{notes}'"));
        }
        machine.worker("1.0.0");
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn mode(&self, path: &str) -> u32 {
        let metadata = fs::metadata(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        metadata.permissions().mode() & 0o7777
    }

    /// Makes a program that is found before the machine's real ones.
    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::create_dir_all(self.path("bin")).expect("a folder");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }

    /// Brings a worker of this version.
    fn worker(&self, version: &str) {
        self.program("worker", &format!("echo sparkwright-worker {version}"));
    }

    fn install(&self, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        Command::new("sh")
            .arg(root().join("worker/systemd/install.sh"))
            .arg("--binary")
            .arg(self.path("bin/worker"))
            .args(arguments)
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("DESTDIR", self.path("root"))
            .output()
            .expect("a shell")
    }

    #[track_caller]
    fn installs(&self, arguments: &[&str]) -> String {
        let output = self.install(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// What users and systemd were told since the last time.
    fn told(&self) -> Vec<String> {
        let notes = self.read("notes").lines().map(str::to_owned).collect();
        fs::write(self.path("notes"), "useradd was asked before\n").expect("a file");
        notes
    }
}

#[test]
fn everything_is_put_in_its_place_and_started() {
    let machine = Machine::new();
    let said = machine.installs(&[&format!("SPARKWRIGHT_ACTIVITY_ARN={ARN}"), "AWS_REGION=eu-west-1"]);
    assert!(said.contains("sparkwright-worker 1.0.0 is installed"), "{said}");
    assert_eq!(machine.mode("root/var/lib/sparkwright"), 0o700);
    assert_eq!(machine.mode("root/etc/sparkwright"), 0o750);
    assert_eq!(machine.mode("root/etc/sparkwright/worker.env"), 0o640);
    assert_eq!(machine.mode("root/usr/local/bin/sparkwright-worker"), 0o755);
    assert_eq!(
        machine.read("root/etc/systemd/system/sparkwright-worker.service"),
        crate::read("worker/systemd/sparkwright-worker.service")
    );
    let settings = machine.read("root/etc/sparkwright/worker.env");
    assert!(
        settings.ends_with(&format!(
            "SPARKWRIGHT_ACTIVITY_ARN='{ARN}'\nAWS_REGION='eu-west-1'\n"
        )),
        "{settings}"
    );
    let told = machine.told();
    assert!(told[0].starts_with("useradd --system") && told[0].ends_with(" sparkwright"));
    assert!(
        told.iter()
            .any(|line| line.starts_with("chown -- sparkwright:sparkwright ")
                && line.ends_with("/var/lib/sparkwright"))
    );
    let systemd: Vec<_> = told.iter().filter(|line| line.starts_with("systemctl")).collect();
    assert_eq!(
        systemd,
        [
            "systemctl daemon-reload",
            "systemctl enable sparkwright-worker.service",
            "systemctl restart sparkwright-worker.service",
        ]
    );
}

#[test]
fn a_second_run_upgrades_the_worker_and_keeps_the_settings() {
    let machine = Machine::new();
    machine.installs(&[&format!("SPARKWRIGHT_ACTIVITY_ARN={ARN}"), "SPARKWRIGHT_SLOTS=7"]);
    machine.told();
    let journal = machine.path("root/var/lib/sparkwright/worker.db");
    fs::write(&journal, "tasks").expect("a file");
    machine.worker("1.1.0");
    let said = machine.installs(&["SPARKWRIGHT_SLOTS=8"]);
    assert!(said.contains("1.1.0 is installed"), "{said}");
    let settings = machine.read("root/etc/sparkwright/worker.env");
    assert!(
        settings.contains(ARN) && settings.ends_with("\nSPARKWRIGHT_SLOTS='8'\n"),
        "{settings}"
    );
    assert!(!settings.contains("'7'"), "{settings}");
    assert!(
        machine
            .read("root/usr/local/bin/sparkwright-worker")
            .contains("1.1.0")
    );
    assert_eq!(fs::read_to_string(journal).expect("a file"), "tasks");
    let told = machine.told();
    assert!(
        !told.iter().any(|line| line.starts_with("useradd --")),
        "{told:?}"
    );
    assert_eq!(
        told.last().map(String::as_str),
        Some("systemctl restart sparkwright-worker.service")
    );
}

#[test]
fn without_an_activity_it_is_installed_and_not_started() {
    let machine = Machine::new();
    let said = machine.installs(&[]);
    assert!(said.contains("Set SPARKWRIGHT_ACTIVITY_ARN"), "{said}");
    assert_eq!(
        machine.told().last().map(String::as_str),
        Some("systemctl enable sparkwright-worker.service")
    );
    let arn = format!("SPARKWRIGHT_ACTIVITY_ARN={ARN}");
    machine.installs(&["--no-start", &arn]);
    assert_eq!(
        machine.told().last().map(String::as_str),
        Some("systemctl enable sparkwright-worker.service")
    );
}

#[test]
fn a_start_that_fails_is_told_with_where_to_look() {
    let machine = Machine::new();
    machine.program("systemctl", "[ \"$1\" != restart ]");
    let output = machine.install(&[&format!("SPARKWRIGHT_ACTIVITY_ARN={ARN}")]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("journalctl -u sparkwright-worker"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_installed_is_refused_before_anything_is_changed() {
    let machine = Machine::new();
    for (arguments, words) in [
        (&["SPARKWRIGHT_SLOTS=7", "--no-start"][..], "options stand before"),
        (&["--nosuch"], "unknown option --nosuch"),
        (&["SPARKWRIGHT_SLOTS"], "unknown argument"),
        (&["SPARK-SLOTS=7"], "not the name of a variable"),
        (&["SPARKWRIGHT_LOG=it's"], "must not contain a quote"),
        (&["--binary", "/nosuch"], "there is no worker at /nosuch"),
    ] {
        let output = machine.install(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(words),
            "{arguments:?}: {said}"
        );
    }
    machine.program("worker", "exit 126");
    let output = machine.install(&[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("does not run on this machine"), "{said}");
    machine.program("id", "echo 1000");
    let said = machine.install(&[]).stderr;
    assert!(String::from_utf8_lossy(&said).contains("needs root"));
    assert!(!machine.path("root").exists());
}

#[test]
fn the_help_names_what_is_made() {
    let output = Command::new("sh")
        .arg(root().join("worker/systemd/install.sh"))
        .arg("--help")
        .output()
        .expect("a shell");
    let help = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success());
    for words in [
        "--binary",
        "--no-start",
        "/etc/sparkwright/worker.env",
        "/var/lib/sparkwright",
        "0700",
        "upgrade",
    ] {
        assert!(help.contains(words), "{words} is missing in {help}");
    }
}
