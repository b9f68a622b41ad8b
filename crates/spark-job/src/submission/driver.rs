//! Carries a submission's decisions out: looks, waits for its turn, posts, and clears up.

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt;
use sparkwright_livy as livy;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::steps::{Next, PostAnswer, Refusal, Submission, ZombieFate};
use super::{Gate, Order, Patience, SubmitError, Supervisor, now};
use crate::cluster::{Cluster, livy_silence};
use crate::names::{BatchName, Tags};
use crate::sighting::{LivySight, Survey, YarnSight};
use crate::turns::Obstacle;

/// How long a caller may take to say whether the job is still wanted: its turn is over after that.
const GATE_TIMEOUT: Duration = Duration::from_secs(30);

/// For a caller without a deadline.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The caller's deadline has come.
pub(super) struct Overdue {
    /// What was waited for, if not for what was last said.
    pub(super) instead_of: Option<&'static str>,
}

/// A submission with what it takes to carry it out.
pub(super) struct Driver<'a, S> {
    cluster: &'a Cluster,
    order: &'a Order,
    patience: &'a Patience,
    supervisor: &'a S,
    pub(super) submission: Submission,
    /// The turn for the POST that comes next.
    turn: Option<SemaphorePermit<'a>>,
}

impl<'a, S: Supervisor> Driver<'a, S> {
    pub(super) fn new(
        cluster: &'a Cluster,
        order: &'a Order,
        patience: &'a Patience,
        supervisor: &'a S,
    ) -> Self {
        Self {
            cluster,
            order,
            patience,
            supervisor,
            submission: Submission::new(order, patience, now()),
            turn: None,
        }
    }

    /// Takes a step that the submission itself does not end with, and says what follows.
    pub(super) async fn take(&mut self, step: Next) -> Result<Next, Overdue> {
        match step {
            Next::SurveyLater => {
                self.in_time(sleep(self.patience.poll_period)).await?;
                Ok(Next::Survey)
            }
            Next::ClearZombie { number, refusal } => {
                let name = self.order.batch_name(number);
                let fate = self.in_time(Box::pin(clear_zombie(self.cluster, &name))).await?;
                Ok(self.submission.zombie_cleared(now(), number, refusal, fate))
            }
            Next::Post { number } => self.post(number).await,
            _ => self.survey().await,
        }
    }

    /// Looks at everything that the intent has. If a POST follows it has its turn already, so that nothing lies between
    /// YARN's word and the POST.
    async fn survey(&mut self) -> Result<Next, Overdue> {
        let (intent, resource) = (self.order.intent, self.order.resource);
        let batches = self
            .cluster
            .batches_of(intent, resource, self.patience.poll_period);
        let livy = self.in_time(batches).await?;
        let in_line_since = Instant::now();
        let turns = self.cluster.turns();
        let turn = self.in_time(turns.next()).await.map_err(|_| Overdue {
            instead_of: Some("it is in line, and other submissions are still at Livy"),
        })?;
        let has_none = livy.as_ref().is_ok_and(Vec::is_empty);
        let yarn = match turns.obstacle_since(in_line_since) {
            Some(Obstacle::FullLivy) if has_none => return Ok(self.submission.refused_for_others(now())),
            Some(Obstacle::SilentYarn(why)) => YarnSight::Silent(why),
            Some(Obstacle::FullLivy) | None => {
                let question = turns.ask(self.cluster.applications_of(intent));
                self.in_time(question).await?
            }
        };
        let survey = Survey { livy, yarn };
        self.cluster.kill_all(&self.submission.surplus(&survey)).await;
        let next = self.submission.surveyed(now(), &survey);
        self.turn = matches!(next, Next::Post { .. }).then_some(turn);
        Ok(next)
    }

    /// The POST itself is never cut short: an answer on its way is worth waiting for.
    async fn post(&mut self, number: u32) -> Result<Next, Overdue> {
        // It is over when the answer is there.
        let _turn = self.turn.take();
        if self
            .patience
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            return Err(Overdue { instead_of: None });
        }
        let gate = self.supervisor.gate(Gate::BeforePost { number });
        let Ok(gate) = timeout(GATE_TIMEOUT, gate).await else {
            // Others are in line.
            let reason = "it was not heard in time whether the job is still wanted".to_owned();
            return Ok(Next::Wait { reason });
        };
        if let Err(why) = gate {
            return Ok(Next::Fail(SubmitError::Superseded {
                why,
                left_behind: self.submission.left_behind(self.order),
            }));
        }
        let name = self.order.batch_name(number);
        let tags = Tags::of(
            name.key(),
            self.order.intent,
            self.order.resource,
            self.order.spec,
        );
        self.submission.posting(now(), number);
        let request = self.order.parameters.to_batch_request(&name, &tags);
        let answer = post_answer(self.cluster.livy().create_batch(&request).await);
        if let PostAnswer::TooManySessions = answer {
            self.cluster.turns().refused();
        }
        if let PostAnswer::TooManySessions | PostAnswer::NotSent(_) = answer {
            self.supervisor.was_not_received();
        }
        // Livy takes POSTs one by one: it may have taken this one only just before it answered, or was given up.
        let next = self.submission.posted(now(), now(), number, answer);
        if let Next::Created { name, .. } = &next
            && let Err(why) = self.supervisor.gate(Gate::AfterPost).await
        {
            return Ok(Next::Fail(SubmitError::Superseded {
                why,
                left_behind: Some(name.clone()),
            }));
        }
        Ok(next)
    }

    /// Without a copy of the work in a future of its own.
    fn in_time<W: Future>(
        &self,
        work: W,
    ) -> impl Future<Output = Result<W::Output, Overdue>> + use<'a, S, W> {
        let deadline = self.patience.deadline.unwrap_or_else(|| Instant::now() + NEVER);
        timeout_at(deadline, work).map(|done| done.map_err(|_| Overdue { instead_of: None }))
    }
}

fn post_answer(answer: Result<livy::Batch, livy::Error>) -> PostAnswer {
    let error = match answer {
        Ok(batch) => return PostAnswer::Created { batch_id: batch.id.0 },
        Err(error) => error,
    };
    let said = livy_silence(&error);
    match error.status() {
        _ if error.is_duplicate_name() => PostAnswer::Duplicate,
        _ if error.is_too_many_sessions() => PostAnswer::TooManySessions,
        None if error.was_not_sent() => PostAnswer::NotSent(said),
        None | Some(408 | 429 | 502..=504) => PostAnswer::NoAnswer(said),
        // Livy answers a failed creation with 400 or 500 and may keep its name; other refusals come before that.
        Some(status @ (400 | 500)) => PostAnswer::Refused(Refusal {
            status,
            message: refusal_text(&error),
            may_hold_name: true,
        }),
        Some(status) if status >= 500 => PostAnswer::NoAnswer(said),
        Some(status) => PostAnswer::Refused(Refusal {
            status,
            message: said,
            may_hold_name: false,
        }),
    }
}

fn refusal_text(error: &livy::Error) -> String {
    match error {
        livy::Error::Api { message, .. } => message.clone(),
        other => crate::chain(other),
    }
}

/// Removes what a refused POST of ours left, and only that.
async fn clear_zombie(cluster: &Cluster, name: &BatchName) -> ZombieFate {
    match cluster.ask_livy(name).await {
        LivySight::Batch(batch) if batch.is_zombie_shaped() => {
            match cluster.livy().delete_batch(name.as_str()).await {
                Ok(()) => ZombieFate::Removed,
                Err(error) if error.is_not_found() => ZombieFate::Removed,
                Err(error) => ZombieFate::Unseen(livy_silence(&error)),
            }
        }
        LivySight::Batch(_) => ZombieFate::Alive,
        LivySight::Absent => ZombieFate::Absent,
        LivySight::Silent(why) => ZombieFate::Unseen(why),
        LivySight::NotAsked => ZombieFate::Unseen("Livy was not asked".into()),
    }
}
