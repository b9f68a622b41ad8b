//! What the process is to do: run the worker, or a subcommand with the same options.

use clap::{Parser, Subcommand};

use super::Config;

const AFTER_CHECK_HELP: &str = "\
One line for each thing, on the standard output:
  ok      it is well, with what was seen
  note    worth knowing, but the worker can run
  FAILED  the worker cannot use it, with what to do

The exit code is 0 if nothing failed, 1 if something did, 2 for an option that cannot be read.

Nothing is changed and no task is taken. Permissions are tried on what cannot exist; that to poll, \
states:GetActivityTask, cannot be tried. The ResourceManager is asked to kill an application that cannot exist, by which \
it shows whether it takes orders from --resource-manager-user. A worker that is running already is not disturbed. \
Run it as the user and with the variables of the service, so that it sees what the worker sees:
  sudo -u sparkwright sh -c 'set -a; . /etc/sparkwright/worker.env; exec /usr/local/bin/sparkwright-worker check'";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "sparkwright-worker")]
// Options before the subcommand would be silently lost.
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(disable_help_subcommand = true)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tests what the options name, and says what is wrong with it.
    ///
    /// Tests what the options name: the AWS region and credentials, each activity, the role's permissions, the file of
    /// Livy's credentials, each Livy, each ResourceManager, the page's address, the filter of the log, and the journal.
    /// It takes the options of the worker, and the same variables.
    #[command(after_help = AFTER_CHECK_HELP)]
    Check(Config),
}

/// What the process is to do.
#[derive(Debug)]
pub enum Invocation {
    /// To run the worker.
    Work(Config),
    /// To test what the options name.
    Check(Config),
}

impl CommandLine {
    /// What it asks for.
    pub fn invocation(self) -> Invocation {
        match self.command {
            Some(Command::Check(config)) => Invocation::Check(config),
            None => Invocation::Work(self.config),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    const ARN: &str = "arn:aws:states:eu-west-1:123456789012:activity:spark-job";

    fn parse(words: &[&str]) -> Result<Invocation, clap::Error> {
        let words = std::iter::once(&"sparkwright-worker").chain(words);
        CommandLine::try_parse_from(words).map(CommandLine::invocation)
    }

    #[track_caller]
    fn checks(words: &[&str]) -> Config {
        match parse(words).unwrap() {
            Invocation::Check(config) => config,
            Invocation::Work(_) => panic!("{words:?} runs the worker"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn without_a_word_more_the_worker_runs() {
        for words in [&[ARN][..], &["--activity-arn", ARN], &["--slots=3", ARN, ARN]] {
            let Invocation::Work(config) = parse(words).unwrap() else {
                panic!("{words:?} is a check");
            };
            assert_eq!(config.activities(), [ARN.parse().unwrap()]);
        }
    }

    #[test]
    fn a_check_takes_the_same_options_and_arns() {
        assert_eq!(checks(&["check", ARN]).activities(), [ARN.parse().unwrap()]);
        let config = checks(&["check", "--activity-arn", ARN, "--slots=3"]);
        assert_eq!((config.activities().len(), config.slots), (1, 3));
        assert!(
            parse(&["check"])
                .unwrap_err()
                .to_string()
                .contains("--activity-arn")
        );
    }

    #[test]
    fn a_check_behind_the_options_is_refused_with_where_it_belongs() {
        for words in [&["--slots=3", "check", ARN][..], &[ARN, "check"]] {
            let message = parse(words).unwrap_err().to_string();
            assert!(message.contains("right behind `sparkwright-worker`"), "{message}");
        }
    }

    #[test]
    fn the_help_tells_of_the_check_and_the_checks_help_of_its_lines() {
        let mut command = CommandLine::command();
        assert!(command.render_help().to_string().contains("check  Tests what"));
        let check = command.find_subcommand_mut("check").unwrap();
        let help = check.render_long_help().to_string();
        for words in ["FAILED", "exit code", "--livy-url", "no task is taken"] {
            assert!(help.contains(words), "{words} is missing in {help}");
        }
    }
}
