//! On what a run was made, without the machine's name.

use std::process::Command;

/// `commit abc1234, 2 cores, 23 GiB of memory, Linux 6.1.0`.
pub(super) fn described() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let memory = read("/proc/meminfo");
    let kilobytes = memory
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or(0_u64);
    format!(
        "commit {}, {cores} cores, {} GiB of memory, Linux {}",
        commit().unwrap_or_else(|| "unknown".into()),
        (kilobytes + (1 << 19)) >> 20,
        kernel.trim()
    )
}

/// With `, changed` when the tree is not the commit's.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let id = git(&["rev-parse", "--short", "HEAD"])?;
    let is_clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if is_clean { id } else { format!("{id} (changed)") })
}
