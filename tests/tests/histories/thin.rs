//! The shortest histories, by hand.

use sparkwright_tests::cloudformation::StackStatus;

use crate::defects::Variation;
use crate::invariants::check;
use crate::plan::{Job, JobEnd, Operation, Others, Plan, Policy, Site, Step, WaitFor};
use crate::play::play;

pub(crate) fn plan(steps: Vec<Operation>) -> Plan {
    let job = Job {
        end: JobEnd::Never,
        appears: 3,
        tag_late: 0,
        outlives_livy: false,
    };
    Plan {
        seed: 1,
        site: Site {
            livy: 7,
            recovery: false,
            invocation: 300,
            pause: 2,
            wait: 60,
            hops_twice: false,
            old_schema: false,
        },
        jobs: vec![job.clone(), job.clone(), job],
        policy: Policy::StopThenStart,
        wait_for: WaitFor::Running,
        steps: steps
            .into_iter()
            .map(|operation| Step { idle: 10, operation })
            .collect(),
        faults: Vec::new(),
        ways: Vec::new(),
    }
}

pub(crate) fn deploy(spec: u8) -> Operation {
    Operation::Deploy {
        spec,
        others: Others::Work,
        keep_on_failure: false,
        rollback_has_same_id: false,
    }
}

#[test]
fn a_job_is_created_updated_and_deleted() {
    let plan = plan(vec![deploy(0), deploy(1), deploy(1), Operation::Delete]);
    let record = play(&plan, &Variation::default());
    assert_eq!(check(&plan, &record), [], "{}", record.story());
    let steps = [
        StackStatus::CreateComplete,
        StackStatus::UpdateComplete,
        StackStatus::UpdateComplete,
        StackStatus::DeleteComplete,
    ];
    assert_eq!(record.steps, steps);
    // The third deployment declares the same job again: nothing is restarted.
    let ours = record.applications.len() - record.strangers.len();
    assert_eq!(ours, 2, "{}", record.story());
}

#[test]
fn a_wait_beyond_the_functions_time_out_is_handed_over_until_the_job_succeeds() {
    let mut plan = plan(vec![deploy(0)]);
    plan.site.invocation = 120;
    plan.site.wait = 600;
    plan.wait_for = WaitFor::Success;
    plan.jobs[0].end = JobEnd::Success { after: 300 };
    let record = play(&plan, &Variation::default());
    assert_eq!(check(&plan, &record), [], "{}", record.story());
    assert_eq!(record.steps, [StackStatus::CreateComplete], "{}", record.story());
    assert!(record.invocations.len() > 3, "{}", record.story());
}
