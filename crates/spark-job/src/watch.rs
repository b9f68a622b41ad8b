//! Watching one run: a look a period, each with what it allows to say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sparkwright_livy::Batch;
use sparkwright_yarn::Application;
use tokio::time::{Instant as Clock, sleep_until};
use tracing::warn;

use crate::cluster::Cluster;
use crate::names::BatchName;
use crate::sighting::{LivySight, Sighting, YarnSight};
use crate::standing::{RunHistory, Standing};
use crate::submission::Run;

/// What is known of a run after a look.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it stands.
    pub standing: Standing,
    /// The newest that YARN said of its application.
    pub application: Option<Arc<Application>>,
    /// The newest that Livy said of its batch.
    pub batch: Option<Arc<Batch>>,
    /// Since when somebody whose word is needed has not answered, and why.
    pub silence: Option<Silence>,
    /// Since when neither Livy nor YARN has answered, and why.
    pub deaf: Option<Silence>,
    /// YARN answers, has never shown an application of it, and would by now.
    pub unknown_to_yarn: bool,
}

/// Nobody answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Silence {
    /// Since when.
    pub since: Instant,
    /// Who, and what to check.
    pub why: String,
}

/// One run's looks, and what they come to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Watched {
    history: RunHistory,
    silence: Option<Silence>,
    deaf: Option<Silence>,
    /// YARN did not answer when it was last asked.
    yarn_is_silent: bool,
    warned: bool,
}

impl Watched {
    /// A run whose last POST that may have been received was at `since`.
    pub fn new(since: Instant, settle: Duration) -> Self {
        Self {
            history: RunHistory::new(since, settle),
            silence: None,
            deaf: None,
            yarn_is_silent: false,
            warned: false,
        }
    }

    /// What has been seen so far.
    pub fn history(&self) -> &RunHistory {
        &self.history
    }

    /// Whether the next look should ask Livy: for what YARN cannot know, and to see whether anybody answers at all.
    pub fn wants_livy(&self, now: Instant) -> bool {
        self.yarn_is_silent || self.history.wants_livy(now)
    }

    /// Somebody else follows the same run, and may know of a later POST.
    pub fn posted_again(&mut self, at: Instant) {
        self.history.posted_again(at);
    }

    /// Takes a look in.
    pub fn observe(&mut self, name: &BatchName, now: Instant, sighting: &Sighting) -> Report {
        let standing = self.history.observe(now, sighting);
        silence(sighting, self.history.depends_on_livy()).take_in(&mut self.silence, now);
        deafness(sighting).take_in(&mut self.deaf, now);
        self.yarn_is_silent = matches!(sighting.yarn, YarnSight::Silent(_));
        if self.history.is_client_mode() && !self.warned {
            self.warned = true;
            warn!(batch_name = %name, "Livy runs drivers in client mode: YARN cannot tell a failed driver, so Livy's word is the outcome; set livy.spark.deploy-mode = cluster");
        }
        let shows_none = matches!(&sighting.yarn, YarnSight::Applications(all) if all.is_empty());
        let is_unknown = shows_none && self.history.known_application().is_none();
        Report {
            standing,
            application: self.history.application().cloned(),
            batch: self.history.batch().cloned(),
            silence: self.silence.clone(),
            deaf: self.deaf.clone(),
            unknown_to_yarn: is_unknown && self.history.has_settled(now),
        }
    }
}

/// What a look says of somebody whose word is needed.
enum Heard {
    Answer,
    /// Why there was none.
    Nothing(String),
    /// It was not asked, so that what was known stays.
    NotAsked,
}

impl Heard {
    /// A silence that goes on began when it began.
    fn take_in(self, silence: &mut Option<Silence>, now: Instant) {
        match self {
            Self::Answer => *silence = None,
            Self::Nothing(why) => {
                let since = silence.take().map_or(now, |silence| silence.since);
                *silence = Some(Silence { since, why });
            }
            Self::NotAsked => {}
        }
    }
}

/// Whether anybody answers: Livy, or a YARN where there is one.
fn deafness(sighting: &Sighting) -> Heard {
    match (&sighting.yarn, &sighting.livy) {
        (YarnSight::NotThere, LivySight::Silent(why)) => Heard::Nothing(why.clone()),
        (YarnSight::Silent(yarn), LivySight::Silent(livy)) => Heard::Nothing(format!("{livy}; {yarn}")),
        (YarnSight::NotThere | YarnSight::Silent(_), LivySight::NotAsked) => Heard::NotAsked,
        _ => Heard::Answer,
    }
}

/// Whether everybody answers whose word is needed.
fn silence(sighting: &Sighting, depends_on_livy: bool) -> Heard {
    match (&sighting.yarn, &sighting.livy) {
        (YarnSight::Silent(why), _) => Heard::Nothing(why.clone()),
        (YarnSight::NotThere, LivySight::Silent(why)) => Heard::Nothing(why.clone()),
        (YarnSight::Applications(_), LivySight::Silent(why)) if depends_on_livy => {
            Heard::Nothing(why.clone())
        }
        (_, LivySight::NotAsked) if depends_on_livy => Heard::NotAsked,
        (YarnSight::NotThere | YarnSight::Applications(_), _) => Heard::Answer,
    }
}

/// A watch over one run.
#[derive(Debug)]
pub struct Watch {
    cluster: Cluster,
    name: BatchName,
    watched: Watched,
    poll_period: Duration,
    next_look: Clock,
}

impl Watch {
    /// Watches a run, looking once a period.
    pub fn new(cluster: Cluster, run: &Run, settle: Duration, poll_period: Duration) -> Self {
        let watched = Watched::new(run.last_post.into_std(), settle);
        Self {
            cluster,
            name: run.name.clone(),
            watched,
            poll_period,
            next_look: Clock::now(),
        }
    }

    /// Waits for the next look's time, looks, and says what is known now. A look that is cut short is begun again, so
    /// a caller who waits for something else as well keeps the future.
    pub async fn next(&mut self) -> Report {
        sleep_until(self.next_look).await;
        let ask_livy = self.watched.wants_livy(Clock::now().into_std());
        let known = self.watched.history().known_application();
        let sighting = self.cluster.look(&self.name, ask_livy, known.as_ref()).await;
        if let YarnSight::Applications(applications) = &sighting.yarn {
            self.cluster.kill_surplus(applications).await;
        }
        self.next_look = Clock::now() + self.poll_period;
        self.watched
            .observe(&self.name, Clock::now().into_std(), &sighting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimens::{BORN, application, batch};

    fn name() -> BatchName {
        BatchName::parse("etl-0123456789ab").unwrap()
    }

    fn silent(why: &str) -> LivySight {
        LivySight::Silent(why.into())
    }

    fn yarn<const N: usize>(applications: [Application; N]) -> YarnSight {
        YarnSight::Applications(applications.into())
    }

    /// Who is missed after a look at a run of which nothing was seen before.
    #[track_caller]
    fn check(livy: LivySight, yarn: YarnSight, expected: Option<&str>) {
        let now = Instant::now();
        let mut watched = Watched::new(now, Duration::from_secs(150));
        let report = watched.observe(&name(), now, &Sighting { livy, yarn });
        assert_eq!(report.silence.map(|silence| silence.why).as_deref(), expected);
    }

    #[test]
    fn whoever_cannot_be_done_without_is_missed() {
        let running = || yarn([application(1, "RUNNING", "UNDEFINED")]);
        let livy_batch = || LivySight::Batch(batch("running", Some(1), &BORN).into());
        check(
            livy_batch(),
            YarnSight::Silent("YARN is down".into()),
            Some("YARN is down"),
        );
        check(silent("Livy is down"), YarnSight::NotThere, Some("Livy is down"));
        check(silent("Livy is down"), yarn([]), Some("Livy is down"));
        check(silent("Livy is down"), running(), None);
        check(livy_batch(), yarn([]), None);
        check(LivySight::Absent, running(), None);
    }

    #[test]
    fn silence_lasts_since_its_first_look_and_ends_with_an_answer() {
        let begun = Instant::now();
        let later = |seconds| begun + Duration::from_secs(seconds);
        let mut watched = Watched::new(begun, Duration::from_secs(150));
        let mut look = |seconds, livy, yarn| {
            let sighting = Sighting { livy, yarn };
            watched.observe(&name(), later(seconds), &sighting).silence
        };
        let down = |why: &str| YarnSight::Silent(why.into());
        look(5, LivySight::Absent, down("refused"));
        let silence = look(9, LivySight::Absent, down("timed out")).unwrap();
        assert_eq!((silence.since, silence.why.as_str()), (later(5), "timed out"));
        assert_eq!(look(10, LivySight::Absent, yarn([])), None);
        assert_eq!(
            look(11, LivySight::Absent, down("refused")).unwrap().since,
            later(11)
        );
    }

    #[test]
    fn a_look_that_does_not_ask_livy_ends_no_deafness() {
        let begun = Instant::now();
        let later = |seconds| begun + Duration::from_secs(seconds);
        let mut watched = Watched::new(begun, Duration::from_secs(150));
        let mut look = |seconds, livy| {
            let yarn = YarnSight::Silent("YARN is down".into());
            watched
                .observe(&name(), later(seconds), &Sighting { livy, yarn })
                .deaf
        };
        assert_eq!(look(4, LivySight::NotAsked), None);
        look(5, silent("Livy is down"));
        assert_eq!(look(6, LivySight::NotAsked).unwrap().since, later(5));
        assert_eq!(look(7, silent("Livy is down")).unwrap().since, later(5));
        assert_eq!(look(8, LivySight::Absent), None);
    }

    #[test]
    fn a_run_that_a_settled_yarn_has_never_shown_is_unknown_to_it() {
        let begun = Instant::now();
        let look = |watched: &mut Watched, seconds, livy, yarn| {
            let now = begun + Duration::from_secs(seconds);
            watched
                .observe(&name(), now, &Sighting { livy, yarn })
                .unknown_to_yarn
        };
        let down = || silent("Livy is down");
        let mut watched = Watched::new(begun, Duration::from_secs(150));
        assert!(!look(&mut watched, 149, down(), yarn([])));
        assert!(look(&mut watched, 150, down(), yarn([])));
        assert!(!look(&mut watched, 151, down(), YarnSight::Silent("down".into())));
        assert!(!look(&mut watched, 152, down(), YarnSight::NotThere));
        let running = yarn([application(1, "RUNNING", "UNDEFINED")]);
        assert!(!look(&mut watched, 153, down(), running));
        // It is forgotten.
        assert!(!look(&mut watched, 1000, down(), yarn([])));
    }

    #[test]
    fn an_end_that_only_livy_knows_misses_livy() {
        let begun = Instant::now();
        let mut watched = Watched::new(begun, Duration::from_secs(150));
        let driver = [
            "26/11/21 04:45:10 INFO SparkContext: Starting job",
            "\nYARN Diagnostics: ",
        ];
        let of_client = LivySight::Batch(batch("starting", Some(1), &driver).into());
        let running = yarn([application(1, "RUNNING", "UNDEFINED")]);
        watched.observe(
            &name(),
            begun,
            &Sighting {
                livy: of_client,
                yarn: running,
            },
        );
        let ended = yarn([application(1, "FINISHED", "SUCCEEDED")]);
        let sighting = Sighting {
            livy: silent("Livy is down"),
            yarn: ended,
        };
        let report = watched.observe(&name(), begun, &sighting);
        assert_eq!(
            report.standing,
            Standing::Pending(crate::standing::Phase::Running)
        );
        assert_eq!(report.silence.unwrap().why, "Livy is down");
    }
}
