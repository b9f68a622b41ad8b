//! Whatever looks show, in whatever order.

use proptest::prelude::*;

use super::*;

fn livy_sights() -> impl Strategy<Value = LivySight> {
    let log = prop_oneof![
        Just(Vec::new()),
        Just(BORN.to_vec()),
        Just(START_FAILED.to_vec()),
        Just(HANDED_OVER.to_vec()),
        Just(DRIVER_AT_WORK.to_vec()),
    ];
    let state = prop_oneof![
        Just("starting"),
        Just("recovering"),
        Just("running"),
        Just("success"),
        Just("dead"),
        Just("killed"),
        Just("odd"),
    ];
    prop_oneof![
        1 => Just(LivySight::Absent),
        1 => Just(livy_down()),
        4 => (state, proptest::option::of(1..3_u64), log).prop_map(|(s, a, l)| livy(s, a, &l)),
    ]
}

fn yarn_sights() -> impl Strategy<Value = YarnSight> {
    let state = prop_oneof![
        Just(("ACCEPTED", "UNDEFINED")),
        Just(("RUNNING", "UNDEFINED")),
        Just(("FINISHED", "SUCCEEDED")),
        Just(("FINISHED", "FAILED")),
        Just(("FAILED", "FAILED")),
        Just(("KILLED", "KILLED")),
    ];
    let of_run = proptest::collection::vec((1..3_u64, state), 0..3);
    prop_oneof![
        1 => Just(yarn_down()),
        4 => of_run.prop_map(|all| yarn(all.into_iter().map(|(n, (s, f))| application(n, s, f)))),
    ]
}

proptest! {
    #[test]
    fn no_end_contradicts_yarn(
        looks in proptest::collection::vec((1..200_u64, livy_sights(), yarn_sights()), 1..30)
    ) {
        let mut run = Run::new();
        let (mut seconds, mut phase) = (0, Phase::Unknown);
        for (step, livy, yarn) in looks {
            seconds += step;
            let standing = run.look(seconds, livy, yarn.clone());
            let ending = match standing {
                Standing::Pending(now) => {
                    prop_assert!(now >= phase);
                    phase = now;
                    continue;
                }
                Standing::Ended(ending) => ending,
            };
            let YarnSight::Applications(applications) = &yarn else {
                return Err(TestCaseError::fail("an end while YARN was silent"));
            };
            prop_assert!(!applications.iter().any(Application::is_live));
            match (leading(applications), ending) {
                (Some(last), Ending::Succeeded) => prop_assert!(last.succeeded()),
                (Some(last), Ending::NotStarted) => prop_assert!(!last.succeeded()),
                (Some(last), Ending::Killed) => {
                    prop_assert!(!last.succeeded() || run.history.is_client_mode());
                }
                (Some(last), Ending::Failed | Ending::Lost) => {
                    prop_assert!(!last.succeeded() || run.history.is_client_mode());
                }
                (None, Ending::Lost | Ending::Killed) => {
                    prop_assert!(seconds >= 150 || run.history.application().is_some());
                }
                (None, Ending::Succeeded | Ending::Failed | Ending::NotStarted) => {}
            }
            break;
        }
    }
}
