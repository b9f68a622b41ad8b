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
