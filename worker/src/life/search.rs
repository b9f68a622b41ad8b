//! Which run an intent has, for a task whose token was over before it could look. No client, no clock.

use std::time::{Duration, Instant};

use sparkwright_livy::Batch;
use sparkwright_spark_job::identity::{Intent, Spec};
use sparkwright_spark_job::names::{run_number, run_number_of_tags, spec_tag, spec_tag_of};
use sparkwright_spark_job::sighting::{Survey, YarnSight};
use sparkwright_yarn::Application;

/// What a search knows of the job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Search {
    intent: Intent,
    spec: Spec,
    began: Instant,
    settle: Duration,
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
            intent,
            spec,
            began,
            settle,
        }
    }

    /// Decides upon a look.
    pub fn observe(&self, now: Instant, survey: &Survey) -> Found {
        let applications = match &survey.yarn {
            YarnSight::Silent(why) => return Found::Unknown(why.clone()),
            YarnSight::NotThere => None,
            YarnSight::Applications(applications) => Some(applications.as_slice()),
        };
        let known = applications.unwrap_or_default();
        let live = known
            .iter()
            .filter(|application| application.is_live() && !self.is_other_job(application))
            .filter_map(|application| Some((application.id, self.number_of(application)?)));
        if let Some((_, number)) = live.min() {
            return Found::Run(number);
        }
        let is_settled = now.duration_since(self.began) >= self.settle;
        match &survey.livy {
            Ok(batches) => {
                let live = batches.iter().filter(|batch| !batch.state.is_terminal());
                let own = live.filter_map(|batch| self.number_of_batch(batch));
                match own.filter(|number| !self.is_of_other_job(*number, known)).min() {
                    Some(number) => Found::Run(number),
                    None if applications.is_none() || is_settled => Found::Nothing,
                    None => Found::Unknown("an application of it may still show up in YARN".into()),
                }
            }
            // What spark-submit was at has come to YARN by now.
            Err(_) if applications.is_some() && is_settled => Found::Nothing,
            Err(why) => Found::Unknown(why.clone()),
        }
    }

    fn number_of(&self, application: &Application) -> Option<u32> {
        run_number_of_tags(&application.tags, self.intent, None)
    }

    fn number_of_batch(&self, batch: &Batch) -> Option<u32> {
        run_number(batch.name.as_deref()?, self.intent, None)
    }

    /// A job that somebody has given the same ClientToken is not ours to stop. What says nothing is no other.
    fn is_other_job(&self, application: &Application) -> bool {
        let own = spec_tag(self.spec);
        spec_tag_of(&application.tags).is_some_and(|tag| tag != own)
    }

    fn is_of_other_job(&self, number: u32, applications: &[Application]) -> bool {
        applications
            .iter()
            .any(|application| self.number_of(application) == Some(number) && self.is_other_job(application))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sparkwright_spark_job::endpoint::{ClusterIds, DeclaredEndpoint};
    use sparkwright_spark_job::fields::Fields;
    use sparkwright_spark_job::names::{BatchName, RunKey, Slug, Tags};
    use sparkwright_spark_job::parameters::Parameters;

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
}
