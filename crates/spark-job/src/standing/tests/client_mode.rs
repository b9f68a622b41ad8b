//! Livy in client mode: YARN calls every application SUCCEEDED.

use super::*;

/// A job of a Livy in client mode that has run long, and whose application YARN has called SUCCEEDED.
fn in_client_mode(log: &[&str]) -> Run {
    let mut run = Run::new();
    for seconds in [10, 30, 60] {
        assert_eq!(
            run.look(seconds, livy("starting", Some(1), log), running()),
            RUNNING
        );
    }
    assert!(run.history.is_client_mode());
    run
}

#[test]
fn in_client_mode_the_outcome_is_livys() {
    for log in [&BORN[..], &DRIVER_AT_WORK[..]] {
        let mut run = in_client_mode(log);
        assert_eq!(
            run.look(100, livy("starting", Some(1), log), succeeded()),
            RUNNING
        );
        assert_eq!(
            run.look(4000, livy("starting", Some(1), log), succeeded()),
            RUNNING
        );
        assert_eq!(run.look(4001, livy("dead", Some(1), log), succeeded()), FAILED);
        let mut run = in_client_mode(log);
        assert_eq!(
            run.look(100, livy("success", Some(1), log), succeeded()),
            SUCCEEDED
        );
    }
}

#[test]
fn a_livy_0_7_in_client_mode_is_known_by_its_drivers_lines() {
    let mut run = Run::new();
    // Seen on 0.7.1: it says `running` in client mode too.
    for seconds in [10, 30, 60] {
        run.look(seconds, livy("running", Some(1), &DRIVER_AT_WORK), running());
    }
    assert!(run.history.is_client_mode());
    assert_eq!(
        run.look(100, livy("running", Some(1), &DRIVER_AT_WORK), succeeded()),
        RUNNING
    );
    assert_eq!(
        run.look(101, livy("dead", Some(1), &DRIVER_AT_WORK), succeeded()),
        FAILED
    );
}

#[test]
fn a_quiet_livy_0_7_in_client_mode_is_known_at_the_end_by_its_drivers_exception() {
    for error in [
        "Traceback (most recent call last):",
        "Exception in thread \"main\" java.lang.IllegalStateException: boom",
    ] {
        let log = ["stdout: ", error, "\nstderr: ", "\nYARN Diagnostics: "];
        let mut run = Run::new();
        for seconds in [10, 30, 60] {
            run.look(seconds, livy("running", Some(1), &BORN), running());
        }
        assert!(!run.history.is_client_mode());
        assert_eq!(
            run.look(100, livy("running", Some(1), &BORN), succeeded()),
            RUNNING
        );
        assert_eq!(run.look(101, livy("dead", Some(1), &log), succeeded()), FAILED);
    }
}

#[test]
fn a_spark_submit_that_died_after_handing_over_does_not_make_a_client_mode() {
    let log = [
        "stdout: ",
        "Exception in thread \"main\" java.net.ConnectException: Connection refused",
        "\nYARN Diagnostics: ",
        "spark-submit start failed",
    ];
    let mut run = Run::new();
    assert_eq!(run.look(10, livy("dead", None, &log), running()), RUNNING);
    assert_eq!(run.look(14, livy("dead", None, &log), succeeded()), RUNNING);
    assert_eq!(run.look(15, livy("dead", None, &log), succeeded()), SUCCEEDED);
}

#[test]
fn a_short_job_of_client_mode_is_known_at_its_end() {
    let log = [
        "26/11/21 04:45:10 INFO SparkContext: Successfully stopped SparkContext",
        "\nYARN Diagnostics: ",
    ];
    let mut run = Run::new();
    run.look(1, livy("starting", Some(1), &BORN), running());
    run.look(2, livy("running", Some(1), &log), succeeded());
    assert_eq!(run.look(3, livy("dead", Some(1), &log), succeeded()), FAILED);
}

#[test]
fn a_driver_of_client_mode_that_failed_before_livy_saw_its_application_has_failed() {
    let log = [
        "26/11/21 04:45:10 INFO SparkContext: Successfully stopped SparkContext",
        "\nYARN Diagnostics: ",
        "spark-submit start failed",
    ];
    check(10, livy("dead", None, &log), succeeded(), FAILED);
}

#[test]
fn what_yarns_diagnostics_quote_does_not_make_a_client_mode() {
    let log = [
        "\nstderr: ",
        "\nYARN Diagnostics: ",
        "26/11/21 04:45:05 INFO SparkContext: Running Spark version 3.5.6",
    ];
    let mut run = Run::new();
    for seconds in [10, 30] {
        run.look(seconds, livy("running", Some(1), &log), running());
    }
    assert!(!run.history.is_client_mode());
}

#[test]
fn a_livy_that_only_lagged_is_not_in_client_mode() {
    let mut run = in_client_mode(&BORN);
    run.look(70, livy("running", Some(1), &BORN), running());
    assert!(!run.history.is_client_mode());
    assert_eq!(run.look(100, LivySight::Absent, succeeded()), RUNNING);
    assert_eq!(run.look(101, LivySight::Absent, succeeded()), SUCCEEDED);
}

#[test]
fn a_forgetful_livy_in_client_mode_leaves_only_what_is_certain() {
    let mut run = in_client_mode(&DRIVER_AT_WORK);
    assert_eq!(run.look(100, LivySight::Absent, succeeded()), LOST);
    let mut run = in_client_mode(&DRIVER_AT_WORK);
    let killed = yarn([application(1, "KILLED", "KILLED")]);
    assert_eq!(run.look(100, LivySight::Absent, killed), KILLED);
    let mut run = in_client_mode(&DRIVER_AT_WORK);
    assert_eq!(run.look(100, livy_down(), succeeded()), RUNNING);
    assert!(run.history.depends_on_livy());
}

#[test]
fn livy_is_asked_once_about_a_job_that_lives_and_once_more_if_it_still_says_starting() {
    for (state, expected) in [("running", false), ("starting", true)] {
        let mut run = Run::new();
        let accepted = yarn([application(1, "ACCEPTED", "UNDEFINED")]);
        run.look(9, livy("starting", Some(1), &BORN), accepted);
        run.look(10, livy(state, Some(1), &BORN), running());
        assert!(!run.history.wants_livy(run.at(13)));
        assert!(run.history.wants_livy(run.at(14)));
        run.look(14, livy(state, Some(1), &BORN), running());
        assert!(!run.history.wants_livy(run.at(24)));
        assert_eq!(run.history.wants_livy(run.at(25)), expected);
        run.look(25, livy("running", Some(1), &BORN), running());
        assert!(!run.history.wants_livy(run.at(10_000)));
    }
}

#[test]
fn once_spark_submit_is_over_while_its_application_lives_livy_is_asked_no_more() {
    for application in [yarn([application(1, "ACCEPTED", "UNDEFINED")]), running()] {
        let mut run = Run::new();
        run.look(10, livy("running", Some(1), &HANDED_OVER), application);
        for seconds in [14, 15, 25, 10_000] {
            assert!(!run.history.wants_livy(run.at(seconds)));
        }
        assert_eq!(run.look(10_001, livy_down(), succeeded()), SUCCEEDED);
    }
}

/// A quiet driver of client mode that runs a spark-submit of its own, which has just ended.
fn nested(own: &[&'static str], nested: &[&'static str]) -> Vec<&'static str> {
    [own, nested, &["\nstderr: ", "\nYARN Diagnostics: "]].concat()
}

const NESTED_REPORT: [&str; 2] = [
    "\t tracking URL: http://ip-10-0-0-1.ec2.internal:20888/proxy/application_1795225753640_0002/",
    "\t user: hadoop",
];

const OWN_REPORT: [&str; 2] = [
    "\t tracking URL: http://ip-10-0-0-1.ec2.internal:20888/proxy/application_1795225753640_0001/",
    "\t user: hadoop",
];

const SHUTDOWN: [&str; 2] = [
    "26/11/21 01:49:46 INFO ShutdownHookManager: Shutdown hook called",
    "26/11/21 01:49:46 INFO ShutdownHookManager: Deleting directory /mnt/tmp/spark-f5b8e96b",
];

#[test]
fn a_spark_submit_that_the_driver_runs_proves_no_cluster_mode() {
    let logs = [
        // It has handed another application over, whose id begins with this one's in the second.
        nested(&[], &[&NESTED_REPORT[..], &SHUTDOWN].concat()),
        nested(
            &[],
            &[
                &["\t tracking URL: http://primary:20888/proxy/application_1795225753640_00010/"][..],
                &SHUTDOWN,
            ]
            .concat(),
        ),
        // The driver's own application was reported before.
        nested(&OWN_REPORT, &[&NESTED_REPORT[..], &SHUTDOWN].concat()),
        // It did not get as far as an application.
        nested(
            &OWN_REPORT,
            &[
                &["Exception in thread \"main\" java.io.FileNotFoundException: job.py"][..],
                &SHUTDOWN,
            ]
            .concat(),
        ),
        nested(&[], &SHUTDOWN),
        // The driver goes on.
        nested(&[&OWN_REPORT[..], &SHUTDOWN].concat(), &["42 rows"]),
        nested(&OWN_REPORT, &[]),
        // What the driver prints of another job's log is no report of its own.
        nested(&["application_1795225753640_0001"], &SHUTDOWN),
    ];
    for log in &logs {
        let mut run = Run::new();
        for seconds in [10, 14, 15, 25, 60] {
            run.look(seconds, livy("running", Some(1), log), running());
        }
        // So Livy has the last word.
        assert_eq!(
            run.look(100, livy("running", Some(1), log), succeeded()),
            RUNNING,
            "{log:?}"
        );
        let died = nested(&["Traceback (most recent call last):"], &SHUTDOWN);
        assert_eq!(
            run.look(101, livy("dead", Some(1), &died), succeeded()),
            FAILED,
            "{log:?}"
        );
    }
}

#[test]
fn the_runs_own_spark_submit_proves_cluster_mode_by_its_last_words() {
    let id_last = "\t tracking URL: http://primary:8088/cluster/app/application_1795225753640_0001";
    let logs = [
        nested(&[], &[&OWN_REPORT[..], &SHUTDOWN].concat()),
        nested(&[], &[&[id_last][..], &SHUTDOWN].concat()),
        nested(&[], &[&OWN_REPORT[..], &SHUTDOWN[..1]].concat()),
    ];
    for log in &logs {
        let mut run = Run::new();
        run.look(10, livy("running", Some(1), log), running());
        assert_eq!(run.look(20, livy_down(), succeeded()), SUCCEEDED, "{log:?}");
    }
}

#[test]
fn a_silent_livy_is_not_asked_at_every_look_about_a_driver_that_runs() {
    let mut run = Run::new();
    run.look(10, livy_down(), running());
    run.look(25, livy_down(), running());
    assert!(!run.history.wants_livy(run.at(60)));
    assert!(run.history.wants_livy(run.at(85)));
}
