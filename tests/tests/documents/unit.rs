//! The worker as a service of systemd: its unit, and the example of its settings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::Command;

use clap::{CommandFactory, Parser};
use sparkwright_worker::config::Config;

use crate::read;

const UNIT: &str = "worker/systemd/sparkwright-worker.service";
const EXAMPLE: &str = "worker/systemd/worker.env.example";

/// Amazon Linux 2 has this version.
const OLDEST: u32 = 219;

/// The version of systemd that brought each directive, by its NEWS; 183 is the first one that tells of directives, and
/// stands for what is older.
const SINCE: [(&str, u32); 39] = [
    ("After", 183),
    ("CapabilityBoundingSet", 183),
    ("Description", 183),
    ("Documentation", 183),
    ("EnvironmentFile", 183),
    ("ExecStart", 183),
    ("Group", 183),
    ("KillMode", 209), // With `mixed`.
    ("KillSignal", 183),
    ("LimitNOFILE", 183),
    ("LockPersonality", 235),
    ("MemoryDenyWriteExecute", 231),
    ("NoNewPrivileges", 187),
    ("PrivateDevices", 209),
    ("PrivateTmp", 183),
    ("ProtectClock", 245),
    ("ProtectControlGroups", 232),
    ("ProtectHome", 214),
    ("ProtectHostname", 242),
    ("ProtectKernelLogs", 244),
    ("ProtectKernelModules", 232),
    ("ProtectKernelTunables", 232),
    ("ProtectSystem", 214),
    ("Restart", 183),
    ("RestartPreventExitStatus", 189),
    ("RestartSec", 183),
    ("RestrictAddressFamilies", 211),
    ("RestrictNamespaces", 233),
    ("RestrictRealtime", 231),
    ("RestrictSUIDSGID", 242),
    ("SystemCallArchitectures", 209),
    ("TimeoutStopSec", 188),
    ("Type", 183),
    ("UMask", 183),
    ("User", 183),
    ("WantedBy", 183),
    ("Wants", 183),
    ("WatchdogSec", 183),
    ("WorkingDirectory", 183),
];

/// The directives with their values, each under the version that its heading claims.
fn directives() -> Vec<(u32, String, String)> {
    let unit = read(UNIT);
    let mut claimed = OLDEST;
    let mut found = Vec::new();
    for line in unit.lines() {
        if line.starts_with('[') {
            claimed = OLDEST;
        } else if let Some(version) = line
            .strip_prefix("# From ")
            .and_then(|rest| rest.strip_suffix(" on:"))
        {
            claimed = version.parse().expect("a version");
        } else if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            found.push((claimed, name.to_owned(), value.to_owned()));
        }
    }
    found
}

fn value(directive: &str) -> String {
    let found = directives().into_iter().find(|(_, name, _)| name == directive);
    found.unwrap_or_else(|| panic!("no {directive}")).2
}

#[test]
fn every_directive_is_known_to_the_version_that_the_unit_claims() {
    let since = BTreeMap::from(SINCE);
    let directives = directives();
    assert!(directives.len() > 30, "{directives:?}");
    for (claimed, name, _) in &directives {
        let brought = since
            .get(name.as_str())
            .unwrap_or_else(|| panic!("{name}: look into systemd's NEWS which version brought it"));
        match *claimed {
            OLDEST => assert!(*brought <= OLDEST, "{name} came with {brought}"),
            claimed => assert_eq!(*brought, claimed, "{name}"),
        }
    }
}

#[test]
fn what_219_would_take_amiss_is_left_out() {
    assert_eq!(value("ProtectSystem"), "full");
    for (_, name, _) in directives() {
        assert!(
            !["SystemCallFilter", "StateDirectory"].contains(&name.as_str()),
            "{name}"
        );
    }
}

#[test]
fn systemd_waits_for_an_open_poll_and_for_the_draining() {
    let command = Config::command();
    let drain = command
        .get_arguments()
        .find(|argument| argument.get_id() == "drain_timeout")
        .and_then(|argument| argument.get_default_values().first()?.to_str()?.strip_suffix('s'))
        .expect("a default in seconds");
    let drain: u64 = drain.parse().expect("seconds");
    let stop: u64 = value("TimeoutStopSec").parse().expect("seconds");
    // A poll returns after 75 s at the latest; then there are the last reports.
    assert!(stop >= drain.max(75) + 30, "{stop}");
}

#[test]
fn systemd_itself_has_nothing_to_say_about_the_unit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sparkwright-worker.service");
    // The worker is not installed here.
    let text = read(UNIT).replace(
        "ExecStart=/usr/local/bin/sparkwright-worker",
        "ExecStart=/bin/true",
    );
    std::fs::write(&path, text).expect("a file");
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&path)
        .output();
    let Ok(verified) = verified else {
        // Written past the test's own capture, so that a plain run shows it.
        writeln!(
            std::io::stdout(),
            "\nNOT TESTED: there is no systemd-analyze to verify {UNIT}"
        )
        .expect("standard output is open");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let about_it: Vec<_> = said.lines().filter(|line| line.contains("sparkwright")).collect();
    assert!(verified.status.success() && about_it.is_empty(), "{said}");
}

/// The lines of the example that set a variable, or would without their `#`.
fn example() -> Vec<(String, String)> {
    let text = read(EXAMPLE);
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('='));
    lines
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_example_has_every_variable_of_the_worker_with_its_default() {
    let command = Config::command();
    let options: Vec<_> = command
        .get_arguments()
        .filter_map(|argument| Some((argument.get_env()?.to_str()?, argument)))
        .collect();
    let example = example();
    let named: BTreeSet<_> = example
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("SPARKWRIGHT_"))
        .collect();
    assert_eq!(named, options.iter().map(|(name, _)| *name).collect());
    let example: BTreeMap<_, _> = example.into_iter().collect();
    for (name, argument) in options {
        if let Some(default) = argument.get_default_values().first() {
            assert_eq!(*example[name], *default.to_string_lossy(), "{name}");
        }
    }
}

#[test]
fn every_example_can_be_read_by_the_worker() {
    let options = example().into_iter().filter_map(|(name, value)| {
        let option = name
            .strip_prefix("SPARKWRIGHT_")?
            .to_lowercase()
            .replace('_', "-");
        Some(format!("--{option}={value}"))
    });
    let config = Config::try_parse_from(std::iter::once("sparkwright-worker".to_owned()).chain(options));
    assert_eq!(config.expect("options").activities().len(), 1);
}
