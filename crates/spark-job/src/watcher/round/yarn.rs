//! What YARN says in a round of all runs at once.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sparkwright_yarn::{Application, ApplicationState, ApplicationsQuery};

use super::Round;
use super::judging::by_run;
use crate::cluster::yarn_silence;
use crate::names::{COMMON_TAG, RunKey};
use crate::sighting::YarnSight;

/// Applications that finished so long before the last look are asked for again: clocks differ.
const OVERLAP: Duration = Duration::from_secs(60);

/// So long before the latest end that YARN has told, by its own clock, others may have ended that it did not tell yet.
const LATE: Duration = Duration::from_secs(10);

/// YARN's answers of a round.
pub(super) enum YarnAnswers {
    NotThere,
    Silent(String),
    Applications(HashMap<RunKey, Vec<Application>>),
}

impl YarnAnswers {
    /// A run's part, which is asked for once.
    pub(super) fn take(&mut self, key: &RunKey) -> YarnSight {
        match self {
            Self::NotThere => YarnSight::NotThere,
            Self::Silent(why) => YarnSight::Silent(why.clone()),
            Self::Applications(by_run) => YarnSight::Applications(by_run.remove(key).unwrap_or_default()),
        }
    }
}

impl Round {
    /// The two bulk calls.
    pub(super) async fn ask_yarn(&mut self) -> YarnAnswers {
        let Some(yarn) = self.cluster.yarn().cloned() else {
            return YarnAnswers::NotThere;
        };
        let began = SystemTime::now();
        // What ends between the two calls is in the later one, so those that live are asked for first.
        let live = ApplicationsQuery {
            tag: Some(COMMON_TAG.to_owned()),
            states: ApplicationState::LIVE.to_vec(),
            finished_since: None,
        };
        let ended = self.ended_query(began);
        let answers = async { Ok((yarn.applications(&live).await?, yarn.applications(&ended).await?)) };
        let (live, ended) = match answers.await {
            Ok(answers) => answers,
            Err(error) => {
                let why = yarn_silence(&yarn, &error);
                self.note_health(&Some(why.clone()), "YARN", |health| &mut health.yarn);
                return YarnAnswers::Silent(why);
            }
        };
        self.note_health(&None, "YARN", |health| &mut health.yarn);
        self.last_look = Some(began);
        self.note_ends(&ended);
        self.kill_surplus(&live).await;
        let answers = by_run(ended.into_iter().chain(live));
        self.lived = answers
            .iter()
            .filter_map(|(key, applications)| {
                let live = applications.iter().filter(|application| application.is_live());
                let ids: Vec<_> = live.map(|application| application.id).collect();
                (!ids.is_empty()).then(|| (key.clone(), ids))
            })
            .collect();
        YarnAnswers::Applications(answers)
    }

    /// Those that have ended since the last look at everything, or since shortly before the latest end that was told.
    pub(super) fn ended_query(&self, now: SystemTime) -> ApplicationsQuery {
        let last_look = self.last_look.unwrap_or(now);
        let since_look = last_look.checked_sub(OVERLAP).unwrap_or(UNIX_EPOCH);
        let last_end = Duration::from_millis(u64::try_from(self.last_end_ms).unwrap_or_default());
        let since_end = UNIX_EPOCH + last_end.saturating_sub(LATE);
        ApplicationsQuery {
            tag: Some(COMMON_TAG.to_owned()),
            states: ApplicationState::ENDED.to_vec(),
            finished_since: Some(since_look.max(since_end)),
        }
    }

    pub(super) fn note_ends(&mut self, ended: &[Application]) {
        let latest = ended.iter().map(|application| application.finished_at_ms).max();
        self.last_end_ms = self.last_end_ms.max(latest.unwrap_or_default());
    }

    async fn kill_surplus(&self, live: &[Application]) {
        let mut by_intent: HashMap<&str, Vec<&Application>> = HashMap::new();
        let intent_prefix = format!("{COMMON_TAG}-intent-");
        for application in live {
            if let Some(tag) = application
                .tags
                .iter()
                .find(|tag| tag.starts_with(&intent_prefix))
            {
                by_intent.entry(tag).or_default().push(application);
            }
        }
        for applications in by_intent.into_values().filter(|all| all.len() > 1) {
            let applications: Vec<_> = applications.into_iter().cloned().collect();
            self.cluster.kill_surplus(&applications).await;
        }
    }
}
