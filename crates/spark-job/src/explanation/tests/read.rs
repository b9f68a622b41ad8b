//! What people read, whole.

use super::*;

#[test]
fn a_driver_that_was_killed_from_outside_is_explained_by_yarn() {
    let sources = Sources {
        stderr: fixture!("oom.stderr").into(),
        diagnostics: fixture!("oom.diagnostics").into(),
        ..Sources::default()
    };
    insta::assert_snapshot!(shown(&compose(Ending::Failed, &sources)));
}

#[test]
fn what_people_read_of_a_worker_error() {
    insta::assert_snapshot!(shown(&compose(
        Ending::Failed,
        &of_python(fixture!("udf.stdout"))
    )));
}

#[test]
fn what_people_read_of_a_java_error_below_python() {
    insta::assert_snapshot!(shown(&compose(
        Ending::Failed,
        &of_python(fixture!("input.stdout"))
    )));
}

#[test]
fn what_people_read_of_an_exit() {
    insta::assert_snapshot!(shown(&compose(Ending::Failed, &of_exit())));
}

#[test]
fn what_people_read_of_a_missing_class() {
    insta::assert_snapshot!(shown(&compose(Ending::Failed, &of_no_class())));
}

#[test]
fn what_people_read_of_a_missing_file() {
    insta::assert_snapshot!(shown(&compose(
        Ending::NotStarted,
        &of_spark_submit(fixture!("nofile.livy"))
    )));
}
