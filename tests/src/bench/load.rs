//! What the worker is given to do.

use std::time::Duration;

/// One run's tasks, and how the worker is started for them.
#[derive(Clone, Debug)]
pub struct Load {
    /// How many tasks.
    pub tasks: usize,
    /// How many of their executions are stopped while they run.
    pub stopped: usize,
    /// `HeartbeatSeconds`; the period is a third of it.
    pub heartbeat: Duration,
    /// `--sfn-rate`.
    pub sfn_rate: u32,
    /// `--poll-period`.
    pub poll_period: Duration,
    /// The shortest job.
    pub shortest: Duration,
    /// The longest job.
    pub longest: Duration,
    /// Livy's work on one POST; it takes them one by one.
    pub post: Duration,
    /// How long all tasks are open before the first job runs.
    pub rest: Duration,
}

impl Load {
    /// Jobs of 5 to 30 s, one in twenty stopped, with the options that an operator would choose for so many.
    pub fn of(tasks: usize) -> Self {
        // Above that, the heartbeats of so many tasks need more calls than a region's quota allows.
        let is_large = tasks > 5000;
        Self {
            tasks,
            stopped: (tasks / 20).clamp(2, 100),
            heartbeat: Duration::from_secs(if is_large { 120 } else { 60 }),
            sfn_rate: if is_large { 900 } else { 300 },
            poll_period: Duration::from_secs(1),
            shortest: Duration::from_secs(5),
            longest: Duration::from_secs(30),
            post: Duration::from_millis(12),
            rest: Duration::from_secs(10),
        }
    }

    /// Short jobs, looked at more often, so that counts and ratios are there within seconds.
    pub fn short(tasks: usize) -> Self {
        Self {
            stopped: 0,
            heartbeat: Duration::from_secs(6),
            poll_period: Duration::from_millis(250),
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(3),
            post: Duration::from_millis(2),
            rest: Duration::from_secs(3),
            ..Self::of(tasks)
        }
    }

    /// The period of heartbeats.
    pub fn heartbeat_period(&self) -> Duration {
        self.heartbeat / 3
    }

    /// How soon everything could be submitted: Livy takes one POST after the other, and Step Functions so many calls a
    /// second, of which a task needs two until then.
    pub fn ideal_submission(&self) -> Duration {
        let tasks = self.tasks as f64;
        let calls = Duration::from_secs_f64(2.0 * tasks / f64::from(self.sfn_rate));
        self.post.mul_f64(tasks).max(calls) + Duration::from_secs(1).min(self.longest)
    }

    /// How long a job runs. Every length is equally likely, and neighbours differ.
    pub(super) fn seconds_of(&self, number: usize) -> f64 {
        const GOLDEN: f64 = 0.618_033_988_749_895;
        let place = (number as f64 * GOLDEN).fract();
        let span = self.longest - self.shortest;
        (self.shortest + span.mul_f64(place)).as_secs_f64()
    }

    /// Whether the task's execution is stopped: some, spread over all.
    pub(super) fn is_stopped(&self, number: usize) -> bool {
        self.stopped > 0 && number.is_multiple_of((self.tasks / self.stopped).max(1))
    }

    /// Longer than anything takes that ever ends.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(120) + 4 * self.ideal_submission() + 4 * self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_spread_over_all_lengths() {
        let load = Load::of(1000);
        let lengths: Vec<f64> = (0..1000).map(|number| load.seconds_of(number)).collect();
        let mean = lengths.iter().sum::<f64>() / 1000.0;
        assert!((17.0..18.0).contains(&mean), "{mean}");
        assert!(lengths.iter().all(|length| (5.0..=30.0).contains(length)));
    }

    #[test]
    fn one_in_twenty_is_stopped_and_at_most_a_hundred() {
        for (tasks, expected) in [(10, 2), (100, 5), (1000, 50), (10_000, 100)] {
            let load = Load::of(tasks);
            let stopped = (0..tasks).filter(|number| load.is_stopped(*number)).count();
            assert_eq!(stopped, expected, "of {tasks}");
        }
        assert!((0..10).all(|number| !Load::short(10).is_stopped(number)));
    }
}
