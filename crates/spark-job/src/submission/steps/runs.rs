//! The runs of one intent that a survey shows, and how each stands as far as submitting goes.
//!
//! Whoever looks for an intent's runs for another purpose reads the survey in the same way.

use std::collections::BTreeSet;

use sparkwright_livy::{Batch, BatchState};
use sparkwright_yarn::Application;

use crate::identity::{Intent, Resource, Spec};
use crate::names::{self, RunKey};
use crate::standing::{leading, start_failed};

/// How a known run stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It lives, or may.
    Live,
    Succeeded {
        /// In milliseconds since the epoch; YARN may have forgotten it.
        submitted_ms: Option<i64>,
    },
    /// It failed or was killed, for certain.
    Over,
    /// Livy says that it ended, and YARN knows nothing of it so far.
    LostSight,
    /// It looks like a batch being born, or like a shell that never will be.
    Shape,
}

/// What makes the names and tags of an intent's runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The intent.
    pub intent: Intent,
    /// The stack's resource that it belongs to, if it is one.
    pub resource: Option<Resource>,
}

impl Identity {
    pub(super) fn key(&self, number: u32) -> RunKey {
        RunKey::of(self.intent, self.resource, number)
    }

    fn number_of_batch(&self, batch: &Batch) -> Option<u32> {
        names::run_number(batch.name.as_deref()?, self.intent, self.resource)
    }

    fn number_of(&self, application: &Application) -> Option<u32> {
        names::run_number_of_tags(&application.tags, self.intent, self.resource)
    }
}

/// A survey's runs of the intent.
#[derive(Clone, Copy, Debug)]
pub struct Runs<'a> {
    identity: Identity,
    batches: &'a [Batch],
    /// None where there is no YARN.
    applications: Option<&'a [Application]>,
}

impl<'a> Runs<'a> {
    /// What these show of the intent.
    pub fn new(identity: Identity, batches: &'a [Batch], applications: Option<&'a [Application]>) -> Self {
        Self {
            identity,
            batches,
            applications,
        }
    }

    pub(super) fn numbers(&self) -> BTreeSet<u32> {
        let of_batches = self
            .batches
            .iter()
            .filter_map(|batch| self.identity.number_of_batch(batch));
        let of_applications = self
            .applications()
            .iter()
            .filter_map(|a| self.identity.number_of(a));
        of_batches.chain(of_applications).collect()
    }

    /// The runs that live in YARN, that of the lowest application first: every program leaves that one alive where there are
    /// several.
    pub fn live(&self) -> impl Iterator<Item = u32> + use<> {
        let live = self
            .applications()
            .iter()
            .filter(|application| application.is_live());
        let ids: BTreeSet<_> = live
            .filter_map(|application| Some((application.id, self.identity.number_of(application)?)))
            .collect();
        ids.into_iter().map(|(_, number)| number)
    }

    /// The runs whose batches Livy does not say to have ended, the lowest number first.
    pub fn active(&self) -> impl Iterator<Item = u32> + use<> {
        let active = self.batches.iter().filter(|batch| !batch.state.is_terminal());
        let numbers: BTreeSet<_> = active
            .filter_map(|batch| self.identity.number_of_batch(batch))
            .collect();
        numbers.into_iter()
    }

    pub(super) fn batch(&self, number: u32) -> Option<&'a Batch> {
        self.batches
            .iter()
            .find(|batch| self.identity.number_of_batch(batch) == Some(number))
    }

    /// Whether a run's application says that it is another job than this spec's. What says nothing is no other.
    pub fn is_other_job(&self, number: u32, spec: Spec) -> bool {
        self.applications()
            .iter()
            .filter(|application| self.identity.number_of(application) == Some(number))
            .any(|application| names::is_of_other_spec(&application.tags, spec))
    }

    pub(super) fn judge(&self, number: u32) -> Known {
        let of_run: Vec<_> = self
            .applications()
            .iter()
            .filter(|application| self.identity.number_of(application) == Some(number))
            .cloned()
            .collect();
        if let Some(application) = leading(&of_run) {
            return match (application.is_live(), application.succeeded()) {
                (true, _) => Known::Live,
                (false, true) => Known::Succeeded {
                    submitted_ms: Some(application.started_at_ms),
                },
                (false, false) => Known::Over,
            };
        }
        let Some(batch) = self.batch(number) else {
            return Known::Live;
        };
        match batch.state {
            _ if batch.is_zombie_shaped() => Known::Shape,
            _ if start_failed(batch) => Known::Over,
            BatchState::Success => Known::Succeeded { submitted_ms: None },
            BatchState::Dead | BatchState::Error | BatchState::Killed if self.applications.is_none() => {
                Known::Over
            }
            // `dead` can mean that Livy lost sight, `killed` that it gave up before the application showed.
            BatchState::Dead | BatchState::Error | BatchState::Killed => Known::LostSight,
            BatchState::NotStarted | BatchState::Starting | BatchState::Recovering => Known::Live,
            BatchState::Idle | BatchState::Running | BatchState::Busy => Known::Live,
            BatchState::ShuttingDown | BatchState::Other(_) => Known::Live,
        }
    }

    fn applications(&self) -> &'a [Application] {
        self.applications.unwrap_or_default()
    }
}
