//! What a submitted job does.
//!
//! Without a script of the test's own (see [`super::World::script`]) the last segment of the batch's `file` chooses:
//!
//! | file | the job |
//! |---|---|
//! | `pi.py` and any other | succeeds after [`Latencies::run`](super::Latencies) |
//! | `sleep.py <seconds>` | runs for so long (times the cluster's time scale), or until it is ended when no time is given |
//! | `forever.py` | runs until it is ended |
//! | `raise.py`, `fail_in_spark.py` | FINISHED and FAILED with `User application exited with status 1`; the traceback is in the driver's stdout |
//! | `boom.jar`, `bedjob.jar fail` | FINISHED and FAILED; the exception and its stack are in the diagnostics and in stderr |
//! | `exit3.py` (any number) | FAILED and FAILED with `exitCode: 13`: it exits before it has a context |
//! | `missing.py`, `nosuch.py` | spark-submit fails: the file does not exist |
//! | `bedjob.jar sleep <seconds>`, `plain.py <seconds>` | runs for so long |

use std::time::Duration;

use super::output;

/// What a job does from spark-submit's start to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub(crate) submission: Submission,
    pub(crate) appears_after: Option<Duration>,
    pub(crate) tag_shows_after: Duration,
    pub(crate) accepted_for: Option<Duration>,
    pub(crate) run: RunTime,
    pub(crate) fate: Fate,
    pub(crate) stdout: String,
    pub(crate) unkillable: bool,
    pub(crate) outlives_livy: bool,
}

/// How spark-submit fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Submission {
    /// An application appears.
    Works,
    /// It prints this and exits with 1.
    Fails(Vec<String>),
    /// It never comes to an end: an upload that hangs.
    Hangs,
}

/// How long a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunTime {
    /// As long as the cluster's latencies say.
    Usual,
    For(Duration),
    /// Until the test ends it or somebody kills it.
    UntilEnded,
}

/// How a job ends that nobody kills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// FINISHED, SUCCEEDED.
    Succeeds,
    /// A Python exception: FINISHED, FAILED; `error` is the traceback's last line.
    Raises {
        /// `ValueError: no such table`.
        error: String,
    },
    /// A JVM exception: FINISHED, FAILED; the stack is in the diagnostics.
    Throws {
        /// `java.lang.IllegalStateException: boom`.
        error: String,
    },
    /// Exits before it has a Spark context: FAILED, FAILED.
    Exits {
        /// The program's own exit code; the container's is 13.
        code: i32,
    },
    /// FINISHED, FAILED with these diagnostics.
    Fails {
        /// YARN's diagnostics.
        diagnostics: String,
    },
}

impl Job {
    fn new(submission: Submission, fate: Fate) -> Job {
        Job {
            submission,
            appears_after: None,
            tag_shows_after: Duration::ZERO,
            accepted_for: None,
            run: RunTime::Usual,
            fate,
            stdout: String::new(),
            unkillable: false,
            outlives_livy: false,
        }
    }

    /// A job that succeeds.
    pub fn succeeds() -> Job {
        Job::new(Submission::Works, Fate::Succeeds)
    }

    /// A Python job that raises.
    pub fn raises(error: &str) -> Job {
        Job::new(
            Submission::Works,
            Fate::Raises {
                error: error.to_owned(),
            },
        )
    }

    /// A JVM job that throws.
    pub fn throws(error: &str) -> Job {
        Job::new(
            Submission::Works,
            Fate::Throws {
                error: error.to_owned(),
            },
        )
    }

    /// A job that exits before it has a Spark context.
    pub fn exits(code: i32) -> Job {
        Job::new(Submission::Works, Fate::Exits { code })
    }

    /// A job that ends as the test says.
    pub fn ending(fate: Fate) -> Job {
        Job::new(Submission::Works, fate)
    }

    /// A job whose spark-submit dies of this exception before there is an application.
    pub fn start_fails(exception: &str) -> Job {
        Job::new(
            Submission::Fails(output::start_failure(exception)),
            Fate::Succeeds,
        )
    }

    /// A job whose spark-submit hangs: no application, ever.
    pub fn never_appears() -> Job {
        Job::new(Submission::Hangs, Fate::Succeeds)
    }

    /// A job that runs until [`super::World::end`] or a kill.
    pub fn until_ended() -> Job {
        Job {
            run: RunTime::UntilEnded,
            ..Job::succeeds()
        }
    }

    /// The job runs for so long.
    #[must_use]
    pub fn running_for(self, time: Duration) -> Job {
        Job {
            run: RunTime::For(time),
            ..self
        }
    }

    /// Its application appears so long after the POST.
    #[must_use]
    pub fn appearing_after(self, time: Duration) -> Job {
        Job {
            appears_after: Some(time),
            ..self
        }
    }

    /// Once there, the application is found by its id, but by its tags only after so long; Livy waits likewise.
    #[must_use]
    pub fn tag_showing_after(self, time: Duration) -> Job {
        Job {
            tag_shows_after: time,
            ..self
        }
    }

    /// It waits in its queue for so long.
    #[must_use]
    pub fn accepted_for(self, time: Duration) -> Job {
        Job {
            accepted_for: Some(time),
            ..self
        }
    }

    /// Its driver prints this.
    #[must_use]
    pub fn printing(self, stdout: &str) -> Job {
        Job {
            stdout: stdout.to_owned(),
            ..self
        }
    }

    /// Kill orders are taken and have no effect.
    #[must_use]
    pub fn unkillable(self) -> Job {
        Job {
            unkillable: true,
            ..self
        }
    }

    /// Livy's destroying of spark-submit comes too late: the application appears all the same.
    #[must_use]
    pub fn outliving_livy(self) -> Job {
        Job {
            outlives_livy: true,
            ..self
        }
    }

    /// The job that a file's name stands for.
    pub(crate) fn of_file(file: &str, args: &[String], time_scale: f64) -> Job {
        let name = file.rsplit('/').next().unwrap_or(file);
        let seconds = |index: usize| {
            let seconds: f64 = args.get(index)?.parse().ok()?;
            Duration::try_from_secs_f64(seconds * time_scale).ok()
        };
        let sleeping = |index: usize| match seconds(index) {
            Some(time) => Job::succeeds().running_for(time).printing("slept 10\n"),
            None => Job::until_ended(),
        };
        match name {
            "pi.py" => Job::succeeds().printing("Pi is roughly 3.141240\n"),
            "sleep.py" => sleeping(0),
            "plain.py" => Job {
                run: seconds(0).map_or(RunTime::Usual, RunTime::For),
                ..Job::succeeds()
            },
            "forever.py" => Job::until_ended(),
            "raise.py" => Job::raises("RuntimeError: boom from the fixture").printing("about to raise\n"),
            "fail_in_spark.py" => Job::raises("RuntimeError: boom after the context was up"),
            "boom.jar" => Job::throws("java.lang.IllegalStateException: boom from the jar"),
            "bedjob.jar" => match args.first().map(String::as_str) {
                Some("fail") => Job::throws("java.lang.IllegalStateException: boom from the jar"),
                Some("sleep") => sleeping(1),
                _ => Job::succeeds(),
            },
            "missing.py" | "nosuch.py" => Job::start_fails(&output::file_not_found(file)),
            other => match other
                .strip_prefix("exit")
                .and_then(|rest| rest.strip_suffix(".py")?.parse().ok())
            {
                Some(code) => Job::exits(code).printing("about to fail\n"),
                None => Job::succeeds(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str, args: &[&str]) -> Job {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Job::of_file(file, &args, 0.01)
    }

    #[test]
    fn the_last_segment_of_the_file_chooses_the_job() {
        assert_eq!(of("s3://bucket/jobs/exit3.py", &[]).fate, Fate::Exits { code: 3 });
        assert_eq!(of("local:/x/anything.jar", &[]), Job::succeeds());
        assert!(matches!(
            of("/jobs/missing.py", &[]).submission,
            Submission::Fails(_)
        ));
        assert!(matches!(of("bedjob.jar", &["fail"]).fate, Fate::Throws { .. }));
    }

    #[test]
    fn a_sleeper_sleeps_in_scaled_time_or_until_it_is_ended() {
        assert_eq!(
            of("sleep.py", &["120"]).run,
            RunTime::For(Duration::from_millis(1200))
        );
        assert_eq!(of("sleep.py", &[]).run, RunTime::UntilEnded);
        assert_eq!(of("sleep.py", &["soon"]).run, RunTime::UntilEnded);
    }
}
