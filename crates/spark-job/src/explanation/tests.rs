//! What a person is told, out of what real programs wrote: `fixtures/` holds the logs of a Spark 3.5 on YARN 3.3 as a
//! Livy 0.7.1 and a NodeManager gave them, with hosts and paths replaced.

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/", $name, ".txt"))
    };
}

mod laws;
mod limits;
mod read;

use super::*;

/// A Python driver that failed with a session up: YARN knows no more than this.
const EXITED: &str = "User application exited with status 1";

fn of_python(stdout: &str) -> Sources {
    Sources {
        stdout: stdout.into(),
        diagnostics: EXITED.into(),
        ..Sources::default()
    }
}

fn of_spark_submit(log: &str) -> Sources {
    Sources {
        livy_log: log.lines().map(str::to_owned).collect(),
        ..Sources::default()
    }
}

fn of_no_class() -> Sources {
    Sources {
        stderr: fixture!("noclass.stderr").into(),
        diagnostics: fixture!("noclass.diagnostics").into(),
        ..Sources::default()
    }
}

fn of_jar() -> Sources {
    Sources {
        stdout: "sum=10 arguments=[fail]\n".into(),
        stderr: fixture!("jarfail.stderr").into(),
        diagnostics: fixture!("jarfail.diagnostics").into(),
        ..Sources::default()
    }
}

fn of_exit() -> Sources {
    Sources {
        stdout: fixture!("exit3.stdout").into(),
        stderr: fixture!("exit3.stderr").into(),
        diagnostics: fixture!("exit3.diagnostics").into(),
        livy_log: fixture!("exit3.diagnostics").lines().map(str::to_owned).collect(),
    }
}

#[track_caller]
fn check(ending: Ending, sources: &Sources, expected: &str) {
    assert_eq!(compose(ending, sources).message, expected);
}

fn shown(explanation: &Explanation) -> String {
    format!(
        "{}\n\n-- exception\n{}\n\n-- diagnostics\n{}\n\n-- log\n{}",
        explanation.message,
        explanation.exception.as_deref().unwrap_or("none"),
        explanation.diagnostics.as_deref().unwrap_or("none"),
        explanation.log_tail.join("\n")
    )
}

#[test]
fn a_python_exception_is_told_by_its_own_line() {
    check(
        Ending::Failed,
        &of_python(fixture!("raise.stdout")),
        "the job failed: MissingPartitionError: no partition for day 2026-11-21 in table sales",
    );
    check(
        Ending::Failed,
        &of_python(fixture!("analysis.stdout")),
        "the job failed: pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not \
         exist: file:/no/such/table.",
    );
}

#[test]
fn an_error_of_java_below_python_is_told_by_javas_line() {
    check(
        Ending::Failed,
        &of_python(fixture!("input.stdout")),
        "the job failed: org.apache.hadoop.mapred.InvalidInputException: Input path does not exist: \
         file:/no/such/input",
    );
    check(
        Ending::Failed,
        &of_python(fixture!("badconf.stdout")),
        "the job failed: java.lang.NumberFormatException: Time must be specified as seconds (s), milliseconds \
         (ms), microseconds (us), minutes (m or min), hour (h), or day (d). E.g. 50s, 100ms, or 250us. Failed to \
         parse time string: soon",
    );
}

#[test]
fn an_error_in_a_python_worker_is_told_by_the_workers_line() {
    for log in [fixture!("udf.stdout"), fixture!("udf2.stdout")] {
        check(
            Ending::Failed,
            &of_python(log),
            "the job failed: ZeroDivisionError: division by zero",
        );
    }
}

#[test]
fn of_chained_errors_the_last_is_told_and_all_are_shown() {
    let explanation = compose(Ending::Failed, &of_python(fixture!("chained.stdout")));
    assert_eq!(
        explanation.message,
        "the job failed: FileNotFoundError: [Errno 2] No such file or directory: '/no/such/fallback.json'"
    );
    let exception = explanation.exception.unwrap();
    assert!(exception.contains("KeyError: 'day'"));
    assert!(exception.contains("ConfigError: setting `day` is missing\nadd it to the job's arguments\n"));
}

#[test]
fn an_older_error_that_was_handled_is_not_shown() {
    let log = "Traceback (most recent call last):\n  File \"job.py\", line 3, in <module>\nTimeoutError: slow\n\
               26/11/21 01:50:41 WARN Job: trying again\n\
               Traceback (most recent call last):\n  File \"job.py\", line 9, in <module>\nValueError: bad\n";
    let explanation = compose(Ending::Failed, &of_python(log));
    assert_eq!(explanation.message, "the job failed: ValueError: bad");
    assert!(!explanation.exception.unwrap().contains("TimeoutError"));
}

#[test]
fn a_message_of_several_lines_is_told_with_its_second_when_the_first_announces_it() {
    check(
        Ending::Failed,
        &of_python(fixture!("multi.stdout")),
        "the job failed: ValueError: the table `sales` cannot be read: column `day` is missing",
    );
}

#[test]
fn a_program_that_python_cannot_read_is_told_though_there_is_no_traceback() {
    let sources = Sources {
        diagnostics: fixture!("syn.diagnostics").into(),
        ..of_python(fixture!("syn.stdout"))
    };
    check(
        Ending::Failed,
        &sources,
        "the job failed: SyntaxError: invalid syntax",
    );
    let exception = compose(Ending::Failed, &sources).exception.unwrap();
    assert!(
        exception.contains("syn.py\", line 1\n    def broken(:"),
        "{exception}"
    );
}

#[test]
fn a_program_that_exits_by_itself_is_told_with_its_last_words() {
    check(
        Ending::Failed,
        &of_exit(),
        "the job failed: User application exited with status 3; the last that it wrote: about to leave",
    );
    check(
        Ending::Failed,
        &of_python(""),
        "the job failed: User application exited with status 1",
    );
}

#[test]
fn an_exception_of_a_jar_is_told_by_its_own_line() {
    check(
        Ending::Failed,
        &of_jar(),
        "the job failed: java.lang.IllegalStateException: the jar was told to fail",
    );
    check(
        Ending::Failed,
        &of_no_class(),
        "the job failed: java.lang.ClassNotFoundException: Bedjob",
    );
}

#[test]
fn a_failed_stage_of_a_jar_is_told_by_its_tasks_exception() {
    let diagnostics = "User class threw exception: org.apache.spark.SparkException: Job aborted due to stage \
                       failure: Task 0 in stage 0.0 failed 4 times, most recent failure: Lost task 0.3 in stage 0.0 \
                       (TID 3) (ip-10-0-0-2.ec2.internal executor 1): java.lang.ArithmeticException: / by zero\n\
                       \tat Ratio.of(Ratio.java:11)\n\nDriver stacktrace:\n\tat org.apache.spark.Foo.bar(Foo.scala:1)";
    let sources = Sources {
        diagnostics: diagnostics.into(),
        ..Sources::default()
    };
    check(
        Ending::Failed,
        &sources,
        "the job failed: java.lang.ArithmeticException: / by zero",
    );
}

#[test]
fn an_exception_that_only_wraps_another_is_told_by_that_one() {
    let stderr = "26/11/21 01:50:41 ERROR ApplicationMaster: User class threw exception: \n\
                  java.lang.reflect.InvocationTargetException\n\tat java.base/Method.invoke(Method.java:569)\n\
                  Caused by: java.io.IOException: disk full\n\tat Job.main(Job.java:1)\n\t... 9 more\n";
    let sources = Sources {
        stderr: stderr.into(),
        ..Sources::default()
    };
    check(
        Ending::Failed,
        &sources,
        "the job failed: java.io.IOException: disk full",
    );
}

#[test]
fn what_spark_submit_refused_is_told_by_its_complaint() {
    let cases = [
        (
            fixture!("nofile.livy"),
            "java.io.FileNotFoundException: File file:/home/hadoop/jobs/nosuch.py does not exist",
        ),
        (
            fixture!("badmem.livy"),
            "org.apache.spark.SparkException: Driver memory must be a positive number",
        ),
        (
            fixture!("bigmem.livy"),
            "java.lang.IllegalArgumentException: Required AM memory (10240+1024 MB) is above the max threshold (4096 \
             MB) of this cluster! Please check the values of 'yarn.scheduler.maximum-allocation-mb' and/or \
             'yarn.nodemanager.resource.memory-mb'.",
        ),
        (
            fixture!("badexecmem.livy"),
            "java.lang.NumberFormatException: Size must be specified as bytes (b), kibibytes (k), mebibytes (m), \
             gibibytes (g), tebibytes (t), or pebibytes(p). E.g. 50b, 100k, or 250m. Failed to parse byte string: much",
        ),
        (
            "stdout: \nInvalid maximum heap size: -Xmxlots\nError: Could not create the Java Virtual Machine.\n\
             Error: A fatal exception has occurred. Program will exit.\n\nstderr: ",
            "Invalid maximum heap size: -Xmxlots Error: Could not create the Java Virtual Machine.",
        ),
        (
            "stdout: \nError: Failed to load class Bedjob.\n\nstderr: ",
            "Error: Failed to load class Bedjob.",
        ),
    ];
    for (log, expected) in cases {
        check(
            Ending::NotStarted,
            &of_spark_submit(log),
            &format!("the job could not be started: {expected}"),
        );
    }
}

#[test]
fn an_unknown_queue_is_named_whether_or_not_livy_saw_the_application() {
    let sources = Sources {
        diagnostics: fixture!("noqueue.diagnostics").into(),
        ..of_spark_submit(fixture!("noqueue.livy"))
    };
    let said = "org.apache.hadoop.yarn.exceptions.YarnException: Failed to submit \
                application_1795225753640_0015 to YARN : Application application_1795225753640_0015 submitted by \
                user hadoop to unknown queue: nosuch";
    check(Ending::Failed, &sources, &format!("the job failed: {said}"));
    check(
        Ending::NotStarted,
        &sources,
        &format!("the job could not be started: {said}"),
    );
}

#[test]
fn a_driver_in_livys_own_process_is_explained_by_livys_log() {
    check(
        Ending::Failed,
        &of_spark_submit(fixture!("client-raise.livy")),
        "the job failed: MissingPartitionError: no partition for day 2026-11-21 in table sales",
    );
    check(
        Ending::Failed,
        &of_spark_submit(fixture!("client-jarfail.livy")),
        "the job failed: java.lang.IllegalStateException: the jar was told to fail",
    );
}

#[test]
fn a_quiet_end_in_livys_own_process_is_told_by_its_last_words() {
    let sources = Sources {
        // The container of client mode only launches executors.
        stderr: "=====\nYARN executor launch context:\n=====\n".into(),
        ..of_spark_submit(
            "stdout: \n26/11/21 05:59:08 INFO YarnClientSchedulerBackend: Application has started running.\n\
             no rows for today\n\nstderr: \n\nYARN Diagnostics: ",
        )
    };
    check(
        Ending::Failed,
        &sources,
        "the job failed: the last that it wrote: no rows for today",
    );
}

#[test]
fn a_driver_that_took_too_much_memory_is_told_by_yarns_words() {
    let sources = Sources {
        diagnostics: "Application application_1_0001 failed 2 times due to AM Container for \
                      appattempt_1_0001_000002 exited with  exitCode: -104\n\
                      Failing this attempt.Diagnostics: [2026-11-21 01:50:41.968]Container [pid=7] is running 13MB \
                      beyond the 'PHYSICAL' memory limit. Killing container.\n. Failing the application."
            .into(),
        ..Sources::default()
    };
    check(
        Ending::Failed,
        &sources,
        "the job failed: Container [pid=7] is running 13MB beyond the 'PHYSICAL' memory limit. Killing container.",
    );
}

#[test]
fn a_killed_job_is_not_explained_by_the_exceptions_of_its_end() {
    let sources = Sources {
        stdout: fixture!("raise.stdout").into(),
        diagnostics: "Application application_1_0001 was killed by user hadoop at 10.0.0.1".into(),
        ..Sources::default()
    };
    check(
        Ending::Killed,
        &sources,
        "the application was killed: Application application_1_0001 was killed by user hadoop at 10.0.0.1",
    );
    assert_eq!(compose(Ending::Killed, &sources).exception, None);
}

#[test]
fn with_nothing_to_read_the_ending_alone_is_told() {
    let nothing = Sources::default();
    check(Ending::Succeeded, &nothing, "");
    check(Ending::Failed, &nothing, "the job failed");
    check(Ending::NotStarted, &nothing, "the job could not be started");
    check(Ending::Killed, &nothing, "the application was killed");
    assert!(
        compose(Ending::Lost, &nothing)
            .message
            .contains("YARN knows no application of it")
    );
    for ending in [Ending::Failed, Ending::Lost] {
        let explanation = compose(ending, &nothing);
        assert_eq!((explanation.exception, explanation.diagnostics), (None, None));
        assert!(explanation.log_tail.is_empty());
    }
}

#[test]
fn redaction_reaches_every_part() {
    let object = serde_json::json!({"File": "/a", "Args": ["--password", "hunter2"]});
    let parameters = crate::parameters::Parameters::parse(object.as_object().unwrap()).unwrap();
    let explanation = Explanation {
        message: "no login with hunter2".into(),
        exception: Some("E: hunter2".into()),
        diagnostics: Some("hunter2 refused".into()),
        log_tail: vec!["WARN hunter2".into()],
    };
    let shown = shown(&explanation.redacted(&Redaction::of(&parameters, &[])));
    assert!(!shown.contains("hunter2") && shown.contains("****"), "{shown}");
}
