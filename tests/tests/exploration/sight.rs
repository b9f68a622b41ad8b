//! What a look at the model's world shows, in the words of the decisions.

use sparkwright_livy::{AppInfo, Batch, BatchId, BatchState};
use sparkwright_spark_job::sighting::{FoundRun, LivySight, YarnSight};
use sparkwright_yarn::{Application, ApplicationState, FinalStatus};

use crate::names::{self, Run, Version, application_id};
use crate::world::{Job, Life, World, number};

/// Livy's word on one batch, small enough to be kept until YARN was asked as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BatchView {
    pub(crate) run: Run,
    /// Livy's number; no two are the same here.
    number: u8,
    state: StateView,
    application: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum StateView {
    Starting,
    Running,
    Success,
    Dead,
    StartFailed,
    Killed,
}

/// Livy's word on one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LivyView {
    NotAsked,
    Silent,
    Absent,
    Batch(BatchView),
}

const HEADINGS: [&str; 3] = ["stdout: ", "\nstderr: ", "\nYARN Diagnostics: "];
const HANDED_OVER: [&str; 2] = [
    "INFO ShutdownHookManager: Shutdown hook called",
    "\nYARN Diagnostics: ",
];
const START_FAILED: [&str; 2] = ["\nYARN Diagnostics: ", "spark-submit start failed"];

impl BatchView {
    fn of(world: &World, batch: &crate::world::Batch) -> Self {
        let job = &world.jobs[batch.job];
        let state = match job.life {
            _ if batch.has_lost_sight => StateView::Dead,
            Life::Submitting { .. } | Life::Accepted => StateView::Starting,
            Life::Running => StateView::Running,
            Life::Succeeded => StateView::Success,
            Life::Failed => StateView::Dead,
            Life::Killed => StateView::Killed,
            Life::NeverStarted => StateView::StartFailed,
        };
        Self {
            run: batch.run,
            number: number(batch.job),
            state,
            application: job.application.filter(|_| !batch.has_lost_sight),
        }
    }

    /// What spark-submit's failure would look like instead of a lost sight.
    pub(crate) fn believed_dead(mut self) -> Self {
        if self.state == StateView::Dead {
            self.state = StateView::StartFailed;
        }
        self
    }

    /// The same, as Livy says it.
    pub(crate) fn batch(&self, is_named: bool) -> Batch {
        let (state, log): (_, &[&str]) = match self.state {
            StateView::Starting if self.application.is_some() => (BatchState::Starting, &HANDED_OVER),
            StateView::Starting => (BatchState::Starting, &HEADINGS),
            StateView::Running => (BatchState::Running, &HANDED_OVER),
            StateView::Success => (BatchState::Success, &HANDED_OVER),
            StateView::Dead => (BatchState::Dead, &HEADINGS),
            StateView::StartFailed => (BatchState::Dead, &START_FAILED),
            StateView::Killed => (BatchState::Killed, &HEADINGS),
        };
        Batch {
            id: BatchId(self.number.into()),
            name: is_named.then(|| names::of(self.run).batch.to_string()),
            state,
            app_id: self.application.map(|number| application_id(number).to_string()),
            app_info: AppInfo::default(),
            log: log.iter().map(|line| (*line).to_owned()).collect(),
            owner: None,
            proxy_user: None,
        }
    }
}

impl LivyView {
    /// The same, as the decisions take it: a look at one run needs no name.
    pub(crate) fn sight(&self) -> LivySight {
        match self {
            Self::NotAsked => LivySight::NotAsked,
            Self::Silent => LivySight::Silent("Livy is down".into()),
            Self::Absent => LivySight::Absent,
            Self::Batch(view) => LivySight::Batch(view.batch(false).into()),
        }
    }
}

/// Livy's whole list; none when it does not answer.
pub(crate) fn livy_list(world: &World) -> Option<Vec<BatchView>> {
    let list = || {
        world
            .batches
            .iter()
            .map(|batch| BatchView::of(world, batch))
            .collect()
    };
    (world.livy_down == 0).then(list)
}

/// Livy's word on one run.
pub(crate) fn livy_view(world: &World, run: Run) -> LivyView {
    if world.livy_down > 0 {
        return LivyView::Silent;
    }
    let batch = world.batches.iter().find(|batch| batch.run == run);
    batch.map_or(LivyView::Absent, |batch| {
        LivyView::Batch(BatchView::of(world, batch))
    })
}

/// YARN's word on those applications that are wanted; without tags where a look at one run does not need them.
pub(crate) fn yarn_sight(world: &World, are_tagged: bool, wanted: impl Fn(&Job) -> bool) -> YarnSight {
    if world.yarn_down > 0 {
        return yarn_silent();
    }
    let found = world.jobs.iter().filter(|job| wanted(job));
    YarnSight::Applications(found.filter_map(|job| application(job, are_tagged)).collect())
}

pub(crate) fn yarn_silent() -> YarnSight {
    YarnSight::Silent("YARN is down".into())
}

/// Every run of the resource that a list of Livy's and a look at YARN show; none when YARN's answer is lost, or not given.
pub(crate) fn found_runs(batches: &[BatchView], world: &World, is_lost: bool) -> Option<Vec<FoundRun>> {
    let YarnSight::Applications(applications) = yarn_sight(world, true, |_| true) else {
        return None;
    };
    if is_lost {
        return None;
    }
    let mut runs: Vec<FoundRun> = batches
        .iter()
        .map(|view| FoundRun {
            key: names::of(view.run).key.clone(),
            name: Some(names::of(view.run).batch.clone()),
            batch: Some(view.batch(true)),
            applications: Vec::new(),
        })
        .collect();
    for application in applications {
        let key = sparkwright_spark_job::names::RunKey::of_tags(&application.tags).expect("all are ours");
        match runs.iter_mut().find(|run| run.key == key) {
            Some(run) => run.applications.push(application),
            None => runs.push(FoundRun {
                key,
                name: None,
                batch: None,
                applications: vec![application],
            }),
        }
    }
    Some(runs)
}

fn application(job: &Job, is_tagged: bool) -> Option<Application> {
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
        tags: if is_tagged {
            names::of(job.run).tags(job.version).to_vec()
        } else {
            Vec::new()
        },
        tracking_url: None,
        diagnostics: String::new(),
        started_at_ms: started_at_ms(job.era),
        launched_at_ms: 0,
        finished_at_ms: 0,
        am_container_logs: None,
    })
}

fn started_at_ms(era: u8) -> i64 {
    let since_epoch = names::time_of_day(era).duration_since(std::time::SystemTime::UNIX_EPOCH);
    let ms = since_epoch.expect("after 1970").as_millis();
    i64::try_from(ms).expect("before the end of time")
}

/// Whether a version's tag is among an application's: the look-up of what is wanted.
pub(crate) fn has_spec(application: &Application, version: Version) -> bool {
    application.has_tag(&sparkwright_spark_job::names::spec_tag(names::spec(version)))
}
