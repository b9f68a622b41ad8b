//! Runs and specs by small numbers in the model's states, with the real names that the decisions know them by.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use spark_job_function::properties::Properties;
use sparkwright_spark_job::identity::{Intent, Resource, Spec};
use sparkwright_spark_job::names::{BatchName, RunKey, Slug, Tags};
use sparkwright_spark_job::submission::{Numbering, Order};
use sparkwright_yarn::ApplicationId;

/// A tick. Two of them bound a spark-submit (120 s), three are more than the time to settle (150 s).
pub(crate) const TICK: Duration = Duration::from_secs(60);

/// How long absence proves nothing.
pub(crate) const SETTLE: Duration = Duration::from_secs(150);

/// The stack's resource.
pub(crate) const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/etl/5d1f";
pub(crate) const LOGICAL_ID: &str = "Job";

/// More runs than any scenario has requests.
const RUNS: u8 = 40;

/// One run: that of the first request with its intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Run(pub u8);

/// What a template declares: the first version of it, or the changed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Version {
    One,
    Two,
}

/// A run's names.
#[derive(Debug)]
pub(crate) struct RunNames {
    pub(crate) key: RunKey,
    pub(crate) batch: BatchName,
    tags: [Vec<String>; 2],
    orders: [Order; 2],
}

impl RunNames {
    pub(crate) fn tags(&self, version: Version) -> &[String] {
        &self.tags[version as usize]
    }

    pub(crate) fn order(&self, version: Version) -> &Order {
        &self.orders[version as usize]
    }
}

struct Names {
    runs: Vec<RunNames>,
    specs: [Spec; 2],
    epoch: Instant,
}

fn all() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let versions = ["one.py", "two.py"].map(|file| {
            let properties =
                json!({"LivyHost": "primary", "Parameters": {"File": format!("s3://bucket/{file}")}});
            Properties::parse(properties.as_object().expect("an object")).expect("valid properties")
        });
        let specs = [versions[0].spec(), versions[1].spec()];
        let resource = Resource::of(STACK, LOGICAL_ID);
        let run = |number: u8| {
            let intent = Intent::of_token(&format!("run {number}"));
            let key = RunKey::of(intent, Some(resource), 1);
            let tags = specs.map(|spec| {
                let tags = Tags::of(&key, intent, Some(resource), spec).to_string();
                tags.split(',').map(str::to_owned).collect()
            });
            let orders = [0, 1].map(|version: usize| Order {
                parameters: versions[version].parameters.clone(),
                slug: Slug::of(LOGICAL_ID),
                intent,
                resource: Some(resource),
                spec: specs[version],
                numbering: Numbering::OneRun,
            });
            let batch = orders[0].batch_name(1);
            RunNames {
                key,
                batch,
                tags,
                orders,
            }
        };
        Names {
            runs: (0..RUNS).map(run).collect(),
            specs,
            epoch: Instant::now() + Duration::from_secs(3600),
        }
    })
}

/// A run's names.
pub(crate) fn of(run: Run) -> &'static RunNames {
    &all().runs[usize::from(run.0)]
}

/// The run of this key.
pub(crate) fn run_of(key: &RunKey) -> Run {
    let number = all()
        .runs
        .iter()
        .position(|run| run.key == *key)
        .expect("a run of the model");
    Run(u8::try_from(number).expect("few runs"))
}

/// A version's spec.
pub(crate) fn spec(version: Version) -> Spec {
    all().specs[version as usize]
}

/// YARN's id of its application of this number.
pub(crate) fn application_id(number: u8) -> ApplicationId {
    ApplicationId::new(1_795_225_753_640, u64::from(number))
}

/// A request's time: so many ticks after it was issued.
pub(crate) fn instant(ticks: u8) -> Instant {
    all().epoch + TICK * u32::from(ticks)
}

/// The time of day, so many ticks after the first Delete of an invented id.
pub(crate) fn time_of_day(ticks: u8) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_225_753) + TICK * u32::from(ticks)
}
