//! What one look at a cluster showed: data alone, for the decisions that are made of it.
//!
//! Within a look Livy is asked before YARN, so that YARN's answer is the later of the two.

use std::sync::Arc;
use std::time::Duration;

use sparkwright_livy::{Batch, BatchState, LogLines};
use sparkwright_yarn::{Application, ApplicationId, ApplicationsQuery};

use crate::cluster::{Cluster, livy_silence, yarn_silence};
use crate::identity::{Intent, Resource};
use crate::names::{self, BatchName, RunKey};
use crate::standing::start_failed;

/// What Livy said of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum LivySight {
    /// It was not asked.
    NotAsked,
    /// It could not be asked; why.
    Silent(String),
    /// It knows no such batch.
    Absent,
    /// It has the batch.
    Batch(Arc<Batch>),
}

/// What YARN said of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum YarnSight {
    /// There is no YARN to ask.
    NotThere,
    /// It could not be asked; why.
    Silent(String),
    /// Its applications of this run.
    Applications(Vec<Application>),
}

/// One look at one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// Livy's word.
    pub livy: LivySight,
    /// YARN's word, which is the later one.
    pub yarn: YarnSight,
}

/// One look at everything that an intent, or a resource, has.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// Livy's batches.
    pub livy: Result<Vec<Batch>, String>,
    /// YARN's applications.
    pub yarn: YarnSight,
}

/// A run of a resource that was found on a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRun {
    /// What makes it this run.
    pub key: RunKey,
    /// Its name in Livy, if Livy has it.
    pub name: Option<BatchName>,
    /// Livy's word.
    pub batch: Option<Batch>,
    /// YARN's applications of it.
    pub applications: Vec<Application>,
}

impl FoundRun {
    /// The run's application that lives, if one does.
    pub fn live_application(&self) -> Option<&Application> {
        self.applications
            .iter()
            .filter(|application| application.is_live())
            .min_by_key(|application| &application.id)
    }

    /// Whether anything of it may still run.
    pub fn may_live(&self) -> bool {
        let batch_active = self
            .batch
            .as_ref()
            .is_some_and(|batch| !batch.state.is_terminal());
        self.live_application().is_some() || (batch_active && self.applications.is_empty())
    }

    /// Whether it looks like what Livy keeps of a batch that it refused; one that is being born looks the same.
    pub fn is_shell(&self) -> bool {
        self.applications.is_empty() && self.batch.as_ref().is_some_and(Batch::is_zombie_shaped)
    }

    /// Whether Livy has lost sight of it before there was an application, which may yet show up.
    pub fn is_out_of_sight(&self) -> bool {
        let is_lost = |batch: &Batch| {
            batch.state.is_terminal() && batch.state != BatchState::Success && !start_failed(batch)
        };
        self.applications.is_empty() && self.batch.as_ref().is_some_and(is_lost)
    }
}

impl Sighting {
    /// Whether everybody was asked, and nobody shows anything that may live.
    pub fn is_absent(&self) -> bool {
        let livy = match &self.livy {
            LivySight::Absent => true,
            LivySight::Batch(batch) => batch.state.is_terminal(),
            LivySight::NotAsked | LivySight::Silent(_) => false,
        };
        let yarn = match &self.yarn {
            YarnSight::NotThere => true,
            YarnSight::Applications(applications) => {
                applications.iter().all(|application| !application.is_live())
            }
            YarnSight::Silent(_) => false,
        };
        livy && yarn
    }
}

impl Cluster {
    /// Looks at one run. YARN is asked by the run's tag, and by `known` where the tag finds nothing.
    pub async fn look(&self, name: &BatchName, ask_livy: bool, known: Option<&ApplicationId>) -> Sighting {
        let livy = if ask_livy {
            self.ask_livy(name).await
        } else {
            LivySight::NotAsked
        };
        let reported = match &livy {
            LivySight::Batch(batch) => batch.app_id.as_deref().and_then(|id| id.parse().ok()),
            _ => None,
        };
        let yarn = self
            .ask_yarn(&name.key().tag(), known.cloned().or(reported).as_ref())
            .await;
        Sighting { livy, yarn }
    }

    /// Looks at all that an intent has: its batches by name, its applications by tag. Livy's list is shared with others who
    /// want it, and not read more often than once in `spacing`.
    pub async fn survey(&self, intent: Intent, resource: Option<Resource>, spacing: Duration) -> Survey {
        let livy = self.batches_of(intent, resource, spacing).await;
        let yarn = self.applications_of(intent).await;
        Survey { livy, yarn }
    }

    /// Everything that an intent has in Livy, or why that cannot be said.
    pub(crate) async fn batches_of(
        &self,
        intent: Intent,
        resource: Option<Resource>,
        spacing: Duration,
    ) -> Result<Vec<Batch>, String> {
        let list = self.list().read(self.livy(), spacing).await?;
        Ok(list.of_intent(intent, resource))
    }

    /// Everything that an intent has in YARN.
    pub(crate) async fn applications_of(&self, intent: Intent) -> YarnSight {
        self.ask_yarn(&names::intent_tag(intent), None).await
    }

    /// Every run of a stack's resource that Livy or YARN knows, or why that cannot be said.
    pub async fn runs_of(&self, resource: Resource) -> Result<Vec<FoundRun>, String> {
        let of_resource = |name: &BatchName| name.key().is_of(resource);
        let batches = self
            .livy()
            .batches()
            .await
            .map_err(|error| livy_silence(&error))?;
        let applications = match self.ask_yarn(&names::resource_tag(resource), None).await {
            YarnSight::NotThere => Vec::new(),
            YarnSight::Silent(why) => return Err(why),
            YarnSight::Applications(applications) => applications,
        };
        let mut runs: Vec<FoundRun> = Vec::new();
        for batch in batches {
            let name = batch.name.as_deref().and_then(BatchName::parse);
            if let Some(name) = name.filter(of_resource) {
                let key = name.key().clone();
                runs.push(FoundRun {
                    key,
                    name: Some(name),
                    batch: Some(batch),
                    applications: Vec::new(),
                });
            }
        }
        for application in applications {
            let Some(key) = RunKey::of_tags(&application.tags) else {
                continue;
            };
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
        Ok(runs)
    }

    /// Livy's word on one run: by name, since numbers start again when Livy restarts.
    pub(crate) async fn ask_livy(&self, name: &BatchName) -> LivySight {
        match self.livy().batch(name.as_str()).await {
            Ok(batch) => LivySight::Batch(Arc::new(self.with_whole_log(batch).await)),
            Err(error) if error.is_not_found() => LivySight::Absent,
            Err(error) => LivySight::Silent(livy_silence(&error)),
        }
    }

    /// A dead batch's ten lines rarely hold the reason: all that Livy has left replaces them.
    async fn with_whole_log(&self, mut batch: Batch) -> Batch {
        if matches!(batch.state, BatchState::Dead | BatchState::Error)
            && let Some(name) = batch.name.clone()
            && let Ok(lines) = self.livy().batch_log(name, LogLines::All).await
        {
            batch.log = lines;
        }
        batch
    }

    async fn ask_yarn(&self, tag: &str, known: Option<&ApplicationId>) -> YarnSight {
        let Some(yarn) = self.yarn() else {
            return YarnSight::NotThere;
        };
        let query = ApplicationsQuery {
            tag: Some(tag.to_owned()),
            ..ApplicationsQuery::default()
        };
        let mut applications = match yarn.applications(&query).await {
            Ok(applications) => applications,
            Err(error) => return YarnSight::Silent(yarn_silence(yarn, &error)),
        };
        // What is found is stopped: a proxy that drops the query must not make every application ours.
        applications.retain(|application| application.has_tag(tag));
        let (true, Some(id)) = (applications.is_empty(), known) else {
            return YarnSight::Applications(applications);
        };
        match yarn.application(id).await {
            Ok(application) => YarnSight::Applications(vec![application]),
            Err(error) if error.is_not_found() => YarnSight::Applications(Vec::new()),
            Err(error) => YarnSight::Silent(yarn_silence(yarn, &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(livy: LivySight, yarn: YarnSight, expected: bool) {
        assert_eq!(Sighting { livy, yarn }.is_absent(), expected);
    }

    #[test]
    fn absent_is_what_everybody_was_asked_for_and_nobody_shows() {
        let silent = || "down".to_owned();
        check(LivySight::Absent, YarnSight::Applications(Vec::new()), true);
        check(LivySight::Absent, YarnSight::NotThere, true);
        check(LivySight::Absent, YarnSight::Silent(silent()), false);
        check(
            LivySight::Silent(silent()),
            YarnSight::Applications(Vec::new()),
            false,
        );
        check(LivySight::NotAsked, YarnSight::Applications(Vec::new()), false);
    }
}
