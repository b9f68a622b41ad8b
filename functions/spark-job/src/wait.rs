//! When a job has come as far as its `WaitFor` asks: the decision alone, without client or clock.

use std::time::{Duration, Instant};

use sparkwright_spark_job::standing::{Ending, Phase, Standing, is_still_starting};
use sparkwright_spark_job::watch::Report;
use sparkwright_yarn::{Application, ApplicationState};

use crate::properties::WaitFor;

/// What a look means for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request is done.
    Reached,
    /// The job ended, and not as it should.
    Failed(Ending),
    /// Look again.
    NotYet,
    /// The same, though the job stands as asked: Livy is still starting a batch of this run, or does not have the one that was
    /// submitted. When two deliveries of a request have submitted because Livy had forgotten the first one's batch, a second
    /// application is to come, and to be stopped.
    Nearly,
}

/// How far a job has to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Goal {
    wait_for: WaitFor,
    healthy: Duration,
    /// Whether there is a YARN that knows applications.
    with_yarn: bool,
    running_since: Option<Instant>,
    /// What this request's own POST has made, as far as it is known.
    own_batch: Option<i64>,
    /// By then whatever was submitted shows in YARN.
    settles_at: Option<Instant>,
}

impl Goal {
    /// This far; `Running` only once it has lasted this long.
    pub fn new(wait_for: WaitFor, healthy: Duration, with_yarn: bool) -> Self {
        Self {
            wait_for,
            healthy,
            with_yarn,
            running_since: None,
            own_batch: None,
            settles_at: None,
        }
    }

    /// What was submitted is this batch, if that is known, and shows in YARN by then.
    #[must_use]
    pub fn submitted(self, own_batch: Option<i64>, settles_at: Instant) -> Self {
        Self {
            own_batch,
            settles_at: Some(settles_at),
            ..self
        }
    }

    /// Takes a look in. While nobody answers, nothing is reached.
    pub fn observe(&mut self, now: Instant, report: &Report) -> Verdict {
        let phase = match report.standing {
            Standing::Ended(Ending::Succeeded) => return Verdict::Reached,
            Standing::Ended(ending) => return Verdict::Failed(ending),
            Standing::Pending(phase) => phase,
        };
        // A driver that YARN starts again has not been healthy, however far it came before.
        let is_down = |application: &Application| application.state != ApplicationState::Running;
        if report.application.as_deref().is_some_and(is_down) {
            self.running_since = None;
        }
        let reached = report.silence.is_none()
            && match self.wait_for {
                WaitFor::Submitted if self.with_yarn => phase >= Phase::Submitted,
                WaitFor::Submitted => phase >= Phase::Starting,
                WaitFor::Running => {
                    phase == Phase::Running
                        && !report.application.as_deref().is_some_and(is_down)
                        && self.is_healthy(now)
                }
                WaitFor::Success => false,
            };
        match reached {
            false => Verdict::NotYet,
            true if report.application.is_some() && self.is_outstanding(now, report) => Verdict::Nearly,
            true => Verdict::Reached,
        }
    }

    /// Whether what was submitted may still bring an application that does not show.
    pub fn is_outstanding(&self, now: Instant, report: &Report) -> bool {
        let seen = report.batch.as_deref();
        let is_unaccounted = |own: i64| seen.is_none_or(|batch| batch.id.0 != own);
        (seen.is_some_and(is_still_starting) || self.own_batch.is_some_and(is_unaccounted))
            && self.settles_at.is_some_and(|at| now < at)
    }

    /// Takes up what an earlier invocation has seen.
    pub fn runs_since(&mut self, since: Option<Instant>) {
        self.running_since = since;
    }

    /// Since when the driver runs, without a break.
    pub fn running_since(&self) -> Option<Instant> {
        self.running_since
    }

    /// What is waited for, for people.
    pub fn name(&self) -> &'static str {
        match self.wait_for {
            WaitFor::Submitted if self.with_yarn => "seen in YARN",
            WaitFor::Submitted => "started by Livy",
            WaitFor::Running if self.healthy.is_zero() => "running",
            WaitFor::Running => "running for as long as `HealthySeconds` asks",
            WaitFor::Success => "finished",
        }
    }

    fn is_healthy(&mut self, now: Instant) -> bool {
        now.duration_since(*self.running_since.get_or_insert(now)) >= self.healthy
    }
}

#[cfg(test)]
mod tests {
    use sparkwright_spark_job::watch::Silence;

    use super::*;

    fn report(standing: Standing) -> Report {
        Report {
            standing,
            application: None,
            batch: None,
            silence: None,
            deaf: None,
            unknown_to_yarn: false,
        }
    }

    fn goal(wait_for: WaitFor) -> Goal {
        Goal::new(wait_for, Duration::ZERO, true)
    }

    #[track_caller]
    fn check(wait_for: WaitFor, standing: Standing, expected: Verdict) {
        assert_eq!(
            goal(wait_for).observe(Instant::now(), &report(standing)),
            expected
        );
    }

    #[test]
    fn each_goal_is_reached_at_its_phase() {
        check(
            WaitFor::Submitted,
            Standing::Pending(Phase::Starting),
            Verdict::NotYet,
        );
        check(
            WaitFor::Submitted,
            Standing::Pending(Phase::Submitted),
            Verdict::Reached,
        );
        check(
            WaitFor::Running,
            Standing::Pending(Phase::Submitted),
            Verdict::NotYet,
        );
        check(
            WaitFor::Running,
            Standing::Pending(Phase::Running),
            Verdict::Reached,
        );
        check(
            WaitFor::Success,
            Standing::Pending(Phase::Running),
            Verdict::NotYet,
        );
    }

    #[test]
    fn without_yarn_a_batch_that_livy_took_is_submitted() {
        let mut goal = Goal::new(WaitFor::Submitted, Duration::ZERO, false);
        assert_eq!(
            goal.observe(Instant::now(), &report(Standing::Pending(Phase::Starting))),
            Verdict::Reached
        );
    }

    #[test]
    fn a_success_satisfies_every_goal_and_a_failure_none() {
        for wait_for in [WaitFor::Submitted, WaitFor::Running, WaitFor::Success] {
            check(wait_for, Standing::Ended(Ending::Succeeded), Verdict::Reached);
            for ending in [Ending::Failed, Ending::NotStarted, Ending::Killed, Ending::Lost] {
                check(wait_for, Standing::Ended(ending), Verdict::Failed(ending));
            }
        }
    }

    #[test]
    fn running_counts_once_it_has_lasted() {
        let mut goal = Goal::new(WaitFor::Running, Duration::from_secs(15), true);
        let begun = Instant::now();
        let running = report(Standing::Pending(Phase::Running));
        assert_eq!(goal.observe(begun, &running), Verdict::NotYet);
        assert_eq!(
            goal.observe(begun + Duration::from_secs(14), &running),
            Verdict::NotYet
        );
        assert_eq!(
            goal.observe(begun + Duration::from_secs(15), &running),
            Verdict::Reached
        );
    }

    #[test]
    fn nothing_is_reached_while_nobody_answers() {
        let mut running = report(Standing::Pending(Phase::Running));
        running.silence = Some(Silence {
            since: Instant::now(),
            why: "down".into(),
        });
        assert_eq!(
            goal(WaitFor::Running).observe(Instant::now(), &running),
            Verdict::NotYet
        );
    }

    #[test]
    fn a_batch_that_livy_is_still_starting_is_waited_for_until_it_has_settled() {
        let begun = Instant::now();
        let mut goal = goal(WaitFor::Running).submitted(Some(2), begun + Duration::from_secs(150));
        let mut after = |seconds, (id, state): (i64, &str), app_id: Option<&str>| {
            let application = serde_json::json!({"id": "application_1_1", "state": "RUNNING"});
            let batch = serde_json::json!({"id": id, "state": state, "appId": app_id});
            let report = Report {
                application: Some(serde_json::from_value(application).expect("an application")),
                batch: Some(serde_json::from_value(batch).expect("a batch")),
                ..report(Standing::Pending(Phase::Running))
            };
            goal.observe(begun + Duration::from_secs(seconds), &report)
        };
        assert_eq!(after(20, (2, "starting"), None), Verdict::Nearly);
        assert_eq!(
            after(21, (2, "running"), Some("application_1_1")),
            Verdict::Reached
        );
        assert_eq!(after(22, (2, "dead"), None), Verdict::Reached);
        // Livy has forgotten the one that was submitted.
        assert_eq!(
            after(23, (0, "running"), Some("application_1_1")),
            Verdict::Nearly
        );
        assert_eq!(after(149, (2, "starting"), None), Verdict::Nearly);
        assert_eq!(after(150, (2, "starting"), None), Verdict::Reached);
    }

    #[test]
    fn a_driver_that_yarn_starts_again_is_not_healthy() {
        let mut goal = Goal::new(WaitFor::Running, Duration::from_secs(15), true);
        let begun = Instant::now();
        let at = |state: &str| {
            let application = serde_json::json!({"id": "application_1_1", "state": state});
            let application = serde_json::from_value(application).expect("an application");
            Report {
                application: Some(application),
                ..report(Standing::Pending(Phase::Running))
            }
        };
        let mut after = |seconds, state| goal.observe(begun + Duration::from_secs(seconds), &at(state));
        assert_eq!(after(0, "RUNNING"), Verdict::NotYet);
        assert_eq!(after(16, "ACCEPTED"), Verdict::NotYet);
        assert_eq!(after(20, "RUNNING"), Verdict::NotYet);
        assert_eq!(after(35, "RUNNING"), Verdict::Reached);
    }
}
