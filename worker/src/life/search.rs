//! Which run an intent has, for a task whose token was over before it could look. No client, no clock.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sparkwright_spark_job::identity::{Intent, Spec};
use sparkwright_spark_job::sighting::{Survey, YarnSight};
use sparkwright_spark_job::submission::steps::{Identity, Runs};

/// What a search knows of the job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Search {
    identity: Identity,
    spec: Spec,
    began: Instant,
    settle: Duration,
    /// The numbers of the runs that were found and have been stopped.
    stopped: BTreeSet<u32>,
}

/// What a look has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The run of this number lives, or may.
    Run(u32),
    /// Nothing of the intent lives, or will.
    Nothing,
    /// That cannot be said yet; why.
    Unknown(String),
}

impl Search {
    /// A search that begins now: up to now somebody may have posted.
    pub fn new(intent: Intent, spec: Spec, began: Instant, settle: Duration) -> Self {
        Self {
            identity: Identity {
                intent,
                resource: None,
            },
            spec,
            began,
            settle,
            stopped: BTreeSet::new(),
        }
    }

    /// The run of this number was stopped, and that was confirmed. Livy may keep its batch, and call it active for ever: of
    /// this run only an application that lives counts from now on.
    pub fn stopped(&mut self, number: u32) {
        self.stopped.insert(number);
    }

    /// Decides upon a look.
    pub fn observe(&self, now: Instant, survey: &Survey) -> Found {
        let applications = match &survey.yarn {
            YarnSight::Silent(why) => return Found::Unknown(why.clone()),
            YarnSight::NotThere => None,
            YarnSight::Applications(applications) => Some(applications.as_slice()),
        };
        let batches = survey.livy.as_deref().unwrap_or_default();
        let runs = Runs::new(self.identity, batches, applications);
        // A job that somebody has given the same ClientToken is not ours to stop.
        let is_ours = |number: &u32| !runs.is_other_job(*number, self.spec);
        let may_live = |number: &u32| is_ours(number) && !self.stopped.contains(number);
        if let Some(number) = runs.live().find(is_ours).or_else(|| runs.active().find(may_live)) {
            return Found::Run(number);
        }
        let is_settled = now.duration_since(self.began) >= self.settle;
        match (&survey.livy, applications) {
            (Ok(_), None) => Found::Nothing,
            // What spark-submit was at has come to YARN by now, whatever Livy would say.
            (_, Some(_)) if is_settled => Found::Nothing,
            (Ok(_), Some(_)) => Found::Unknown("an application of it may still show up in YARN".into()),
            (Err(why), _) => Found::Unknown(why.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sparkwright_livy::Batch;
    use sparkwright_spark_job::endpoint::{ClusterIds, DeclaredEndpoint};
    use sparkwright_spark_job::fields::Fields;
    use sparkwright_spark_job::names::{BatchName, RunKey, Slug, Tags};
    use sparkwright_spark_job::parameters::Parameters;
    use sparkwright_yarn::Application;

    use super::*;

    const SETTLE: Duration = Duration::from_secs(150);

    fn intent() -> Intent {
        Intent::of_token("execution/state/1")
    }

    fn spec(file: &str) -> Spec {
        let input = json!({"File": file, "LivyUrl": "http://primary:8998"});
        let input = input.as_object().unwrap();
        let mut fields = Fields::new(input, "field");
        let endpoint = DeclaredEndpoint::read(&mut fields, ClusterIds::Refused);
        let parameters = Parameters::parse(json!({"File": file}).as_object().unwrap()).unwrap();
        Spec::of(&parameters, &endpoint, "")
    }

    fn application(run: u32, file: &str, state: &str) -> Application {
        let key = RunKey::of(intent(), None, run);
        let status = if state == "FINISHED" {
            "SUCCEEDED"
        } else {
            "UNDEFINED"
        };
        serde_json::from_value(json!({
            "id": format!("application_1795225753640_{run:04}"),
            "user": "hadoop",
            "name": "etl",
            "queue": "default",
            "state": state,
            "finalStatus": status,
            "applicationTags": Tags::of(&key, intent(), None, spec(file)).to_string(),
        }))
        .unwrap()
    }

    fn batch(run: u32, state: &str) -> Batch {
        let name = BatchName::of(&Slug::of("etl"), RunKey::of(intent(), None, run));
        serde_json::from_value(json!({"id": 7, "name": name.as_str(), "state": state, "log": []})).unwrap()
    }

    fn yarn<const N: usize>(applications: [Application; N]) -> YarnSight {
        YarnSight::Applications(applications.into())
    }

    /// What a look so many seconds after the beginning shows.
    #[track_caller]
    fn check(after: u64, livy: Result<Vec<Batch>, &str>, yarn: YarnSight, expected: Found) {
        let began = Instant::now();
        let search = Search::new(intent(), spec("/one.py"), began, SETTLE);
        let survey = Survey {
            livy: livy.map_err(str::to_owned),
            yarn,
        };
        let found = search.observe(began + Duration::from_secs(after), &survey);
        assert_eq!(found, expected, "{survey:?}");
    }

    fn unknown(why: &str) -> Found {
        Found::Unknown(why.into())
    }

    #[test]
    fn what_lives_is_found() {
        let running = || application(2, "/one.py", "RUNNING");
        check(0, Ok(vec![]), yarn([running()]), Found::Run(2));
        check(0, Err("Livy is down"), yarn([running()]), Found::Run(2));
        check(0, Ok(vec![batch(3, "starting")]), yarn([]), Found::Run(3));
        check(
            0,
            Ok(vec![batch(3, "running")]),
            YarnSight::NotThere,
            Found::Run(3),
        );
    }

    #[test]
    fn what_does_not_live_is_believed_once_it_has_settled() {
        let ended = || yarn([application(1, "/one.py", "FINISHED")]);
        let may_come = unknown("an application of it may still show up in YARN");
        check(149, Ok(vec![batch(1, "dead")]), ended(), may_come);
        check(150, Ok(vec![batch(1, "dead")]), ended(), Found::Nothing);
        check(149, Err("Livy is down"), ended(), unknown("Livy is down"));
        check(150, Err("Livy is down"), ended(), Found::Nothing);
        check(0, Ok(vec![]), YarnSight::NotThere, Found::Nothing);
    }

    #[test]
    fn nothing_is_said_without_the_one_whose_word_is_needed() {
        let down = || YarnSight::Silent("YARN is down".into());
        check(900, Ok(vec![]), down(), unknown("YARN is down"));
        check(
            900,
            Ok(vec![batch(1, "running")]),
            down(),
            unknown("YARN is down"),
        );
        check(
            900,
            Err("Livy is down"),
            YarnSight::NotThere,
            unknown("Livy is down"),
        );
    }

    #[test]
    fn another_job_of_the_same_client_token_is_left_alone() {
        let other = || yarn([application(1, "/two.py", "RUNNING")]);
        check(150, Ok(vec![batch(1, "running")]), other(), Found::Nothing);
    }

    /// What a search that has stopped this run says of a look so many seconds after its beginning.
    #[track_caller]
    fn check_after_stop(stopped: u32, after: u64, livy: Vec<Batch>, yarn: YarnSight, expected: Found) {
        let began = Instant::now();
        let mut search = Search::new(intent(), spec("/one.py"), began, SETTLE);
        search.stopped(stopped);
        let survey = Survey { livy: Ok(livy), yarn };
        let found = search.observe(began + Duration::from_secs(after), &survey);
        assert_eq!(found, expected, "{survey:?}");
    }

    #[test]
    fn a_batch_that_livy_keeps_of_a_run_that_was_stopped_is_not_found_for_ever() {
        let kept = || vec![batch(1, "running")];
        let killed = || yarn([application(1, "/one.py", "KILLED")]);
        let may_come = || unknown("an application of it may still show up in YARN");
        // Livy's process may live as well, so that the batch is to be deleted, whatever YARN says of its application.
        check(150, Ok(kept()), killed(), Found::Run(1));
        check_after_stop(1, 149, kept(), killed(), may_come());
        check_after_stop(1, 150, kept(), killed(), Found::Nothing);
        // YARN may have forgotten it by then.
        check_after_stop(1, 150, kept(), yarn([]), Found::Nothing);
    }

    #[test]
    fn what_lives_beside_a_run_that_was_stopped_is_found() {
        let kept = || batch(1, "running");
        let running = |number| yarn([application(number, "/one.py", "RUNNING")]);
        check_after_stop(1, 150, vec![kept()], running(1), Found::Run(1));
        check_after_stop(1, 150, vec![kept()], running(2), Found::Run(2));
        check_after_stop(
            1,
            150,
            vec![kept(), batch(2, "starting")],
            yarn([]),
            Found::Run(2),
        );
    }
}
