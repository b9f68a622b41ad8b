//! What is too long is cut.

use super::*;

#[test]
fn a_headline_has_an_end() {
    let log = format!(
        "{}ValueError: {}\n",
        "Traceback (most recent call last):\n  x\n",
        "é".repeat(5000)
    );
    let message = compose(Ending::Failed, &of_python(&log)).message;
    assert!(message.ends_with("éé…") && message.chars().count() < 1100);
}

#[test]
fn a_line_that_the_cut_has_halved_is_left_out() {
    let log = "tail of a line\nwhole\n";
    assert_eq!(text::whole_lines(log, log.len() as u32), "whole\n");
    assert_eq!(text::whole_lines(log, 1000), log);
    assert_eq!(
        text::whole_lines("one line that fills all", 23),
        "one line that fills all"
    );
}

#[test]
fn what_spark_says_over_many_lines_at_info_is_left_out_whole_also_where_the_cut_has_halved_it() {
    let error = "26/11/21 08:05:50 ERROR ApplicationMaster: User application exited with status 1";
    let context = "Default YARN executor launch context:\n  env:\n    PYTHONPATH -> x\n\n  command:\n    {{JAVA_HOME}}/bin/java \\\n      -server\n";
    let rule = "=".repeat(79);
    let log = format!(
        "      '-Dspark.ui.port=0' \\\n  resources:\n{rule}\n\
         26/11/21 08:05:48 INFO ApplicationMaster: \n{rule}\n{context}{rule}\n{error}\n"
    );
    assert_eq!(text::tail(&log), [error]);
    let own = "{\n  \"rows\": 7\n}";
    assert_eq!(text::tail(own).join("\n"), own);
    assert_eq!(text::tail("  all of it indented\n"), ["  all of it indented"]);
    let stack = "26/11/21 08:05:49 WARN Utils: no\n\n\tat a.B.c(B.scala:1)";
    assert_eq!(text::tail(stack).len(), 2);
}
