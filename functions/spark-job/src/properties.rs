//! The properties of a `Custom::SparkJob`, read with every mistake in one message.

use std::time::Duration;

use serde_json::{Map, Value};
use sparkwright_spark_job::endpoint::{ClusterIds, DeclaredEndpoint};
use sparkwright_spark_job::fields::{Fields, Mistakes};
use sparkwright_spark_job::identity::Spec;
use sparkwright_spark_job::parameters::Parameters;

use crate::place::Place;

/// When Create and Update are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WaitFor {
    /// The application's id is known; without YARN, Livy took the batch.
    Submitted,
    /// The driver runs, and has done so for `HealthySeconds`.
    #[default]
    Running,
    /// The job has succeeded.
    Success,
}

/// How a changed job takes the old one's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UpdatePolicy {
    /// Never two live applications.
    #[default]
    StopThenStart,
    /// Never none.
    StartThenStop,
}

/// What a Delete answers when it cannot be seen that the job has stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IfStopUnconfirmed {
    /// FAILED: somebody has to look.
    #[default]
    Fail,
    /// SUCCESS: the stack goes on, and the job is left to its cluster.
    Succeed,
}

const WAIT_FOR: [(&str, WaitFor); 3] = [
    ("Submitted", WaitFor::Submitted),
    ("Running", WaitFor::Running),
    ("Success", WaitFor::Success),
];
const UPDATE_POLICIES: [(&str, UpdatePolicy); 2] = [
    ("StopThenStart", UpdatePolicy::StopThenStart),
    ("StartThenStop", UpdatePolicy::StartThenStop),
];
const IF_STOP_UNCONFIRMED: [(&str, IfStopUnconfirmed); 2] = [
    ("Fail", IfStopUnconfirmed::Fail),
    ("Succeed", IfStopUnconfirmed::Succeed),
];

/// Everything a template declares, complete and plausible.
#[derive(Clone, Debug)]
pub struct Properties {
    /// The job.
    pub parameters: Parameters,
    /// Where it runs.
    pub endpoint: DeclaredEndpoint,
    /// The same, as the physical id says it.
    pub place: Place,
    /// Certificates to trust, which the place cannot hold.
    pub ca_certificate: Option<String>,
    /// Values that must not be shown.
    pub redact: Vec<String>,
    /// Part of the spec.
    pub revision: String,
    /// When Create and Update are done.
    pub wait_for: WaitFor,
    /// With `Running`: how long it must have been alive.
    pub healthy: Duration,
    /// How long Livy and YARN are tried before anything is submitted.
    pub submit_timeout: Duration,
    /// Past it the batch is stopped and the request FAILED.
    pub wait_timeout: Duration,
    /// How a changed job takes the old one's place.
    pub update_policy: UpdatePolicy,
    /// How stops behave.
    pub stopping: Stopping,
}

/// What a stop needs of the properties, whatever else they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopping {
    /// How long a stop may take before it counts as unconfirmed.
    pub timeout: Duration,
    /// What then happens to a Delete.
    pub if_unconfirmed: IfStopUnconfirmed,
}

impl Properties {
    /// Every property's name besides the endpoint's, in the order of the documentation.
    pub const NAMES: [&'static str; 13] = [
        "Parameters",
        "Redact",
        "LivyCredentials",
        "WaitFor",
        "HealthySeconds",
        "SubmitTimeoutSeconds",
        "WaitTimeoutSeconds",
        "UpdatePolicy",
        "StopTimeoutSeconds",
        "IfStopUnconfirmed",
        "Revision",
        "ServiceTimeout",
        "ServiceToken",
    ];

    /// Reads the properties, or says everything that is wrong with them, with the endpoint and with the job.
    pub fn parse(object: &Map<String, Value>) -> Result<Self, Mistakes> {
        let mut fields = Fields::new(object, "property");
        let endpoint = DeclaredEndpoint::read(&mut fields, ClusterIds::Accepted);
        let credentials = credentials(&mut fields);
        let parameters = parameters(&mut fields);
        let redact = fields.texts("Redact").unwrap_or_default();
        let revision = fields.any_text("Revision").unwrap_or_default();
        let wait_for = fields.choice("WaitFor", &WAIT_FOR).unwrap_or_default();
        let healthy = seconds(&mut fields, "HealthySeconds", 0, 900, 15);
        let submit_timeout = seconds(&mut fields, "SubmitTimeoutSeconds", 1, 900, 60);
        let wait_timeout = wait_timeout(&mut fields);
        let update_policy = fields
            .choice("UpdatePolicy", &UPDATE_POLICIES)
            .unwrap_or_default();
        let stopping = Stopping::read(&mut fields);
        // CloudFormation's own: the protocol crate reads the time-out, and nobody the token.
        fields.whole_number("ServiceTimeout", 1..=3600);
        fields.ignore("ServiceToken");
        let place = place(&mut fields, &endpoint, credentials);
        let mistakes = fields.finish();
        let (Some(parameters), Some(place), true) = (parameters, place, mistakes.is_empty()) else {
            return Err(mistakes);
        };
        Ok(Self {
            parameters,
            ca_certificate: lenient_ca_certificate(object),
            endpoint,
            place,
            redact,
            revision,
            wait_for,
            healthy,
            submit_timeout,
            wait_timeout,
            update_policy,
            stopping,
        })
    }

    /// The hash of what was declared: equal specs need no new run.
    pub fn spec(&self) -> Spec {
        Spec::of(&self.parameters, &self.endpoint, &self.revision)
    }
}

impl Stopping {
    /// Reads what can be read: a stop never depends on valid properties.
    pub fn lenient(object: &Map<String, Value>) -> Self {
        Self::read(&mut Fields::new(object, "property"))
    }

    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            timeout: seconds(fields, "StopTimeoutSeconds", 30, 900, 300),
            if_unconfirmed: fields
                .choice("IfStopUnconfirmed", &IF_STOP_UNCONFIRMED)
                .unwrap_or_default(),
        }
    }
}

/// Where the properties of any earlier form of the template lead to, if that can be read.
pub fn lenient_place(object: &Map<String, Value>) -> Option<Place> {
    let mut fields = Fields::new(object, "property");
    let endpoint = DeclaredEndpoint::read(&mut fields, ClusterIds::Accepted);
    let credentials = credentials(&mut fields);
    endpoint
        .names_livy()
        .then(|| Place::declared(&endpoint, credentials).ok())
        .flatten()
}

/// The certificates that the properties trust, if that can be read: an id cannot hold them.
pub fn lenient_ca_certificate(object: &Map<String, Value>) -> Option<String> {
    object
        .get("LivyCaCertificate")?
        .as_str()
        .filter(|pem| pem.contains("-----BEGIN CERTIFICATE-----"))
        .map(str::to_owned)
}

/// The secret that the properties name, if that can be read.
pub fn lenient_credentials(object: &Map<String, Value>) -> Option<String> {
    credentials(&mut Fields::new(object, "property"))
}

fn parameters(fields: &mut Fields<'_>) -> Option<Parameters> {
    fields.belong_into("Parameters", &Parameters::NAMES);
    if !fields.has("Parameters") {
        fields.mistake("`Parameters` is missing: the job itself, with at least its `File`");
        return None;
    }
    match Parameters::parse(fields.object("Parameters")?) {
        Ok(parameters) => Some(parameters),
        Err(mistakes) => {
            fields.mistakes(mistakes);
            None
        }
    }
}

fn place(fields: &mut Fields<'_>, endpoint: &DeclaredEndpoint, credentials: Option<String>) -> Option<Place> {
    if !endpoint.names_livy() {
        // A name that is there but wrong has its own message.
        if !["LivyUrl", "LivyHost", "ClusterId"]
            .into_iter()
            .any(|name| fields.has(name))
        {
            fields.mistake("no Livy is named: give `LivyHost`, `LivyUrl` or `ClusterId`");
        }
        return None;
    }
    match Place::declared(endpoint, credentials) {
        Ok(place) => Some(place),
        Err(mistakes) => {
            fields.mistakes(mistakes);
            None
        }
    }
}

fn credentials(fields: &mut Fields<'_>) -> Option<String> {
    let arn = fields.text("LivyCredentials")?;
    let parts: Vec<_> = arn.splitn(7, ':').collect();
    let is_secret = matches!(parts.as_slice(), ["arn", _, "secretsmanager", region, _, "secret", name]
        if !region.is_empty() && !name.is_empty());
    if !is_secret {
        fields.mistake(format!(
            "`LivyCredentials` must be the ARN of a Secrets Manager secret \
             (`arn:aws:secretsmanager:<region>:<account>:secret:<name>`), not `{arn}`"
        ));
        return None;
    }
    Some(arn)
}

/// CloudFormation waits an hour at most, and some of it is needed to submit and to stop.
fn wait_timeout(fields: &mut Fields<'_>) -> Duration {
    const LONGEST: u64 = 3300;
    let name = "WaitTimeoutSeconds";
    let seconds = fields.whole_number(name, 1..=u64::MAX).unwrap_or(900);
    if seconds > LONGEST {
        fields.mistake(format!(
            "`{name}` must be at most {LONGEST}, for CloudFormation waits no longer than an hour: wait for `Running`, or run \
             a job that takes longer from a state machine, whose activity task waits as long as it has to"
        ));
    }
    Duration::from_secs(seconds.min(LONGEST))
}

fn seconds(fields: &mut Fields<'_>, name: &'static str, low: u64, high: u64, default: u64) -> Duration {
    Duration::from_secs(fields.whole_number(name, low..=high).unwrap_or(default))
}

#[cfg(test)]
mod tests;
