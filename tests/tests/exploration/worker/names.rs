//! The one intent of the model, with the names that the decisions know it by, and what a look at the cluster shows of it.

use std::sync::OnceLock;

use serde_json::json;
use sparkwright_livy::{AppInfo, Batch, BatchId, BatchState};
use sparkwright_spark_job::identity::{Intent, Spec};
use sparkwright_spark_job::names::{RunKey, Slug, Tags, run_number};
use sparkwright_spark_job::parameters::Parameters;
use sparkwright_spark_job::sighting::{LivySight, Sighting, Survey, YarnSight};
use sparkwright_spark_job::submission::{Numbering, Order};
use sparkwright_yarn::{Application, ApplicationState, FinalStatus};

use crate::names::{Run, Version, application_id, spec};
use crate::world::{Job, Life, World};

const HANDED_OVER: [&str; 2] = [
    "INFO ShutdownHookManager: Shutdown hook called",
    "\nYARN Diagnostics: ",
];
const HEADINGS: [&str; 3] = ["stdout: ", "\nstderr: ", "\nYARN Diagnostics: "];

/// What the tasks submit.
pub(super) fn order() -> &'static Order {
    static ORDER: OnceLock<Order> = OnceLock::new();
    ORDER.get_or_init(|| {
        let parameters = json!({"File": "s3://bucket/one.py"});
        Order {
            parameters: Parameters::parse(parameters.as_object().expect("an object"))
                .expect("valid parameters"),
            slug: Slug::of("etl"),
            intent: intent(),
            resource: None,
            spec: own_spec(),
            numbering: Numbering::Numbered {
                reuse_success_since: Some(0),
            },
        }
    })
}

pub(super) fn intent() -> Intent {
    static INTENT: OnceLock<Intent> = OnceLock::new();
    *INTENT.get_or_init(|| Intent::of_token("execution/state/1"))
}

pub(super) fn own_spec() -> Spec {
    spec(Version::One)
}

/// A run's name and tags, which are hashes and more.
struct OfRun {
    name: String,
    tags: Vec<String>,
}

/// More runs than the intent has in any history.
const RUNS: u8 = 9;

fn of_run(run: Run) -> &'static OfRun {
    static ALL: OnceLock<Vec<OfRun>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let of = |number: u8| {
            let key = RunKey::of(intent(), None, number.into());
            let tags = Tags::of(&key, intent(), None, own_spec()).to_string();
            OfRun {
                name: order().batch_name(number.into()).to_string(),
                tags: tags.split(',').map(str::to_owned).collect(),
            }
        };
        (0..RUNS).map(of).collect()
    });
    &all[usize::from(run.0)]
}

/// The number of the run of this name.
pub(super) fn number_of(name: &str) -> Run {
    let number = run_number(name, intent(), None).expect("a run of the intent");
    Run(u8::try_from(number).expect("few runs"))
}

/// A look at all that the intent has.
pub(super) fn survey(world: &World) -> Survey {
    let batches = world.batches.iter().map(|batch| {
        let job = &world.jobs[batch.job];
        self::batch(batch.run, batch.job, job)
    });
    Survey {
        livy: if world.livy_down > 0 {
            Err("Livy is down".into())
        } else {
            Ok(batches.collect())
        },
        yarn: yarn(world, |_| true),
    }
}

/// A look at one run.
pub(super) fn sighting(world: &World, run: Run) -> Sighting {
    let own = world.batches.iter().find(|batch| batch.run == run);
    let livy = match own {
        _ if world.livy_down > 0 => LivySight::Silent("Livy is down".into()),
        Some(own) => LivySight::Batch(batch(run, own.job, &world.jobs[own.job]).into()),
        None => LivySight::Absent,
    };
    Sighting {
        livy,
        yarn: yarn(world, |job| job.run == run),
    }
}

fn yarn(world: &World, wanted: impl Fn(&Job) -> bool) -> YarnSight {
    if world.yarn_down > 0 {
        return YarnSight::Silent("YARN is down".into());
    }
    let found = world.jobs.iter().filter(|job| wanted(job));
    YarnSight::Applications(found.filter_map(application).collect())
}

fn batch(run: Run, number: usize, job: &Job) -> Batch {
    let (state, log): (_, &[&str]) = match job.life {
        Life::Submitting { .. } => (BatchState::Starting, &HEADINGS),
        Life::Accepted => (BatchState::Starting, &HANDED_OVER),
        Life::Running => (BatchState::Running, &HANDED_OVER),
        Life::Succeeded => (BatchState::Success, &HANDED_OVER),
        Life::Failed | Life::NeverStarted => (BatchState::Dead, &HEADINGS),
        Life::Killed => (BatchState::Killed, &HEADINGS),
    };
    Batch {
        id: BatchId(i64::try_from(number).expect("few jobs")),
        name: Some(of_run(run).name.clone()),
        state,
        app_id: job.application.map(|number| application_id(number).to_string()),
        app_info: AppInfo::default(),
        log: log.iter().map(|line| (*line).to_owned()).collect(),
        owner: None,
        proxy_user: None,
    }
}

fn application(job: &Job) -> Option<Application> {
    let number = job.application?;
    let (state, final_status) = match job.life {
        Life::Submitting { .. } | Life::NeverStarted => return None,
        Life::Accepted => (ApplicationState::Accepted, FinalStatus::Undefined),
        Life::Running => (ApplicationState::Running, FinalStatus::Undefined),
        Life::Succeeded => (ApplicationState::Finished, FinalStatus::Succeeded),
        Life::Failed => (ApplicationState::Finished, FinalStatus::Failed),
        Life::Killed => (ApplicationState::Killed, FinalStatus::Killed),
    };
    Some(Application {
        id: application_id(number),
        user: String::new(),
        name: String::new(),
        queue: String::new(),
        state,
        final_status,
        tags: of_run(job.run).tags.clone(),
        tracking_url: None,
        diagnostics: String::new(),
        started_at_ms: 1,
        launched_at_ms: 0,
        finished_at_ms: 0,
        am_container_logs: None,
    })
}
