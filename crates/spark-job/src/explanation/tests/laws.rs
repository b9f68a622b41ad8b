//! Whatever the logs hold.

use proptest::prelude::*;

use super::*;

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Traceback (most recent call last):".to_owned()),
        Just("  File \"job.py\", line 1, in <module>".to_owned()),
        Just("py4j.protocol.Py4JJavaError: An error occurred while calling o1.x.".to_owned()),
        Just(": java.lang.RuntimeException: x".to_owned()),
        Just("Caused by: ".to_owned()),
        Just("Exception in thread \"".to_owned()),
        Just("User class threw exception: ".to_owned()),
        Just("Uncaught exception: ".to_owned()),
        Just("User application exited with status ".to_owned()),
        Just("Error: ".to_owned()),
        Just("\tat a.b.c(D.java:1)".to_owned()),
        Just("SyntaxError: ".to_owned()),
        Just(String::new()),
        "\\PC{0,20}",
    ]
}

fn log() -> impl Strategy<Value = String> {
    proptest::collection::vec(line(), 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_logs_make_a_short_explanation(
        stdout in log(), stderr in log(), diagnostics in log(), livy in log()
    ) {
        let livy_log = livy.lines().map(str::to_owned).collect();
        let sources = Sources { stdout, stderr, diagnostics, livy_log };
        for ending in [Ending::Failed, Ending::NotStarted, Ending::Killed, Ending::Lost] {
            let explanation = compose(ending, &sources);
            prop_assert!(!explanation.message.is_empty());
            prop_assert!(!explanation.message.contains('\n'));
            prop_assert!(explanation.exception.is_none_or(|text| text.lines().count() <= 42));
            prop_assert!(explanation.log_tail.len() <= 30);
        }
    }
}
