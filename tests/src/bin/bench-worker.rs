//! `make bench`: the worker's release build against the simulators, which run in this process.

use std::path::PathBuf;

use clap::Parser;
use sparkwright_tests::bench::{self, Load};

/// Runs the worker with so many tasks at once, and prints what it took.
#[derive(Debug, Parser)]
struct Options {
    /// The program `sparkwright-worker`.
    program: PathBuf,

    /// Sizes, one run each.
    #[arg(
        long,
        env = "BENCH_TASKS",
        value_delimiter = ',',
        default_value = "10,100,1000,10000"
    )]
    tasks: Vec<usize>,

    /// Document to put the table into.
    #[arg(long)]
    document: Option<PathBuf>,

    /// The short form that tests use.
    #[arg(long)]
    short: bool,

    /// Kills the worker while all jobs run, and starts it again.
    #[arg(long, conflicts_with = "document")]
    restart: bool,
}

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "people read it")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut runs = Vec::new();
    for tasks in options.tasks {
        eprintln!("{tasks} tasks …");
        let load = if options.short {
            Load::short(tasks)
        } else {
            Load::of(tasks)
        };
        if options.restart {
            println!("{}", bench::restart(&options.program, &load).await?);
            continue;
        }
        runs.push(bench::run(&options.program, &load).await?);
        eprintln!("{}", bench::print(&runs[runs.len() - 1..]));
    }
    if options.restart {
        return Ok(());
    }
    let table = bench::print(&runs);
    println!("{table}");
    if let Some(document) = options.document {
        bench::write_into(&document, &table)?;
    }
    Ok(())
}
