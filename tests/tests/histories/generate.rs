//! Which histories there are, and how often.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::plan::{
    Fault, Job, JobEnd, Operation, Others, Plan, Policy, Site, Step, WaitFor, Way, What, When,
};

/// Any history. It shrinks to fewer steps, fewer faults and shorter times.
pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    (
        any::<u64>().no_shrink(),
        sites(),
        vec(jobs(), 3),
        prop_oneof![3 => Just(Policy::StopThenStart), 2 => Just(Policy::StartThenStop)],
        prop_oneof![
            6 => Just(WaitFor::Running),
            2 => Just(WaitFor::Submitted),
            2 => Just(WaitFor::Success)
        ],
        vec(steps(), 1..=6),
        prop_oneof![1 => Just(Vec::new()), 8 => vec(faults(), 1..=4)],
        prop_oneof![2 => Just(Vec::new()), 3 => vec(ways(), 1..=6)],
    )
        .prop_map(|(seed, site, jobs, policy, wait_for, mut steps, faults, ways)| {
            // A history begins with a job.
            if let Some(first) = steps.first_mut()
                && !matches!(first.operation, Operation::Deploy { .. })
            {
                first.operation = deploy(0, Others::Work, false, false);
            }
            Plan {
                seed,
                site,
                jobs,
                policy,
                wait_for,
                steps,
                faults,
                ways,
            }
        })
}

fn deploy(spec: u8, others: Others, keep_on_failure: bool, rollback_has_same_id: bool) -> Operation {
    Operation::Deploy {
        spec,
        others,
        keep_on_failure,
        rollback_has_same_id,
    }
}

fn sites() -> impl Strategy<Value = Site> {
    (
        prop_oneof![3 => Just(7u8), 1 => 6u8..=9],
        any::<bool>(),
        prop_oneof![Just(300u16), Just(120), Just(900)],
        prop_oneof![Just(2u16), Just(0), 1..=20u16],
        prop_oneof![3 => Just(60u16), 1 => Just(600)],
        any::<bool>(),
        prop::bool::weighted(0.3),
    )
        .prop_map(
            |(livy, recovery, invocation, pause, wait, hops_twice, old_schema)| Site {
                livy,
                recovery,
                invocation,
                pause,
                wait,
                hops_twice,
                old_schema,
            },
        )
}

fn jobs() -> impl Strategy<Value = Job> {
    let end = prop_oneof![
        10 => Just(JobEnd::Never),
        3 => (0..500u16).prop_map(|after| JobEnd::Success { after }),
        2 => (0..10u16).prop_map(|after| JobEnd::Failure { after }),
        2 => (10..200u16).prop_map(|after| JobEnd::Failure { after }),
        1 => Just(JobEnd::BeforeItStarts),
        1 => Just(JobEnd::NeverAppears),
    ];
    let appears = prop_oneof![4 => Just(3u16), 2 => 0..=20u16];
    let tag_late = prop_oneof![4 => Just(0u16), 1 => 1..=4u16];
    (end, appears, tag_late, prop::bool::weighted(0.3)).prop_map(|(end, appears, tag_late, outlives_livy)| {
        Job {
            end,
            appears,
            tag_late,
            outlives_livy,
        }
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let others = prop_oneof![
        10 => Just(Others::Work),
        1 => Just(Others::FailBefore),
        5 => (0..80u16).prop_map(Others::FailAfter),
        3 => Just(Others::FailLast),
    ];
    let deployment = (0..3u8, others, prop::bool::weighted(0.2), any::<bool>()).prop_map(
        |(spec, others, keep_on_failure, rollback_has_same_id)| {
            deploy(spec, others, keep_on_failure, rollback_has_same_id)
        },
    );
    let operation = prop_oneof![
        12 => deployment,
        2 => Just(Operation::Delete),
        1 => Just(Operation::Retain),
    ];
    let idle = prop_oneof![6 => 0..30u16, 2 => 30..400u16, 1 => 400..4000u16];
    (idle, operation).prop_map(|(idle, operation)| Step { idle, operation })
}

fn faults() -> impl Strategy<Value = Fault> {
    let when = prop_oneof![
        2 => (0..6u8, 0..120u16).prop_map(|(step, after)| When::Step { step, after }),
        2 => (1..6u8, prop_oneof![0..30u16, 0..30_000u16])
            .prop_map(|(nth, after_ms)| When::Post { nth, after_ms }),
    ];
    (when, troubles()).prop_map(|(when, what)| Fault { when, what })
}

fn troubles() -> impl Strategy<Value = What> {
    let time = || prop_oneof![6 => 1..30u16, 3 => 30..120u16, 1 => 120..900u16];
    prop_oneof![
        5 => time().prop_map(What::LivyKilled),
        2 => time().prop_map(What::LivyUnreachable),
        1 => time().prop_map(What::LivySilent),
        2 => time().prop_map(What::LivyErrors),
        1 => Just(What::LivyForgetsEnded),
        2 => Just(What::LivyForgetsAll),
        2 => Just(What::LivyLosesSight),
        3 => Just(What::PostAnswerLost),
        1 => Just(What::PostLost),
        1 => Just(What::PostRefused),
        2 => time().prop_map(What::YarnUnreachable),
        2 => time().prop_map(What::YarnCrashed),
        1 => Just(What::JobKilled),
    ]
}

fn ways() -> impl Strategy<Value = Way> {
    let late = prop_oneof![8 => Just(0u16), 2 => 1..60u16, 1 => 60..3700u16];
    let crash = prop_oneof![2 => 0..100u32, 3 => 100..30_000u32, 1 => 30_000..120_000u32];
    let crashes = prop_oneof![
        6 => Just(Vec::new()),
        3 => vec(crash, 1..=2),
        1 => vec(0..20_000u32, 3..=3),
    ];
    let again = prop_oneof![
        6 => Just(Vec::new()),
        3 => vec(prop_oneof![0..5u16, 0..60u16, 60..3700u16], 1..=2),
    ];
    let puts_lost = prop_oneof![8 => Just(0u8), 1 => 1..=2u8];
    (late, crashes, again, puts_lost).prop_map(|(late, crashes_ms, again, puts_lost)| Way {
        late,
        crashes_ms,
        again,
        puts_lost,
    })
}
