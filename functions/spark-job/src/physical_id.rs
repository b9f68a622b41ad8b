//! Physical ids: what a Delete has in hand, years later, to find the run that it must stop.
//!
//! ```text
//! sparkwright:1:<batch name>:<spec, 12 hex>:<endpoint>[;key=value…]
//! sparkwright:1:none:<12 hex>[;of=update]
//! ```
//!
//! A failed request's id has zeros for its spec: what it leads to is never what an Update wants. That of an Update says so
//! (`of=update`): the job that it was to replace may live, and have no other id.
//!
//! The endpoint is a cluster id or Livy's URL. Keys: `rm` (the ResourceManager's URLs, comma-separated), `rmuser`,
//! `rmmode=none`, `cred` (the secret's ARN), and for a cluster `port` and `scheme`; each stands there only when it is
//! not the default. Unknown keys are kept and ignored. In endpoint and values `;`, `%` and all that is not visible
//! ASCII are percent-encoded.

use std::fmt;

use custom_resource::RequestType;
use sparkwright_spark_job::endpoint::{LIVY_PORT, RESOURCE_MANAGER_USER, parse_url, parse_urls};
use sparkwright_spark_job::identity::{Intent, Spec};
use sparkwright_spark_job::names::BatchName;
use sparkwright_yarn::ApplicationId;

use crate::place::{Livy, Place, Scheme, Truth};

/// CloudFormation takes no longer id.
pub const MAX_BYTES: usize = 1024;

const PREFIX: &str = "sparkwright:1:";
const SPEC_DIGITS: usize = 12;
/// Of a request that has failed.
const NO_SPEC: &str = "000000000000";
/// Of an Update that has failed.
const OF_UPDATE: &str = "of=update";
/// A function's runs have `<resource, 8 hex>-<intent, 12 hex>` after their slug, a worker's have not.
const KEY_LENGTH: usize = 8 + 1 + 12;

/// What an id says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhysicalId {
    /// One of our runs.
    Run(Box<RunId>),
    /// One of ours by which nothing can have been submitted.
    Nothing {
        /// An Update's.
        of_update: bool,
    },
    /// The older Java provider's.
    Legacy {
        /// The application to stop.
        application: ApplicationId,
        /// The batch that it was, if Livy has not started anew since.
        batch: i64,
    },
    /// What the older Java provider answered when a create had failed.
    LegacyFailure,
    /// CloudFormation made it up, because a Create was called off before its answer.
    Invented,
    /// Somebody else's.
    Other,
}

/// An id that leads to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunId {
    /// The run's name in Livy.
    pub batch: BatchName,
    /// The spec's first digits.
    pub spec: String,
    /// Where it runs.
    pub place: Place,
    /// Its request was an Update that failed.
    of_failed_update: bool,
    /// What a later release may have added.
    unknown: Vec<(String, String)>,
}

impl PhysicalId {
    /// Reads an id that came with a request of this stack's resource.
    pub fn parse(id: &str, stack_id: &str, logical_resource_id: &str) -> Self {
        if let Some(ours) = id.strip_prefix(PREFIX) {
            if let Some(none) = ours.strip_prefix("none:") {
                return Self::Nothing {
                    of_update: none.split(';').any(|part| part == OF_UPDATE),
                };
            }
            return RunId::parse(ours).map_or(Self::Other, |run| Self::Run(Box::new(run)));
        }
        if id == "default" {
            return Self::LegacyFailure;
        }
        if let Some((application, batch)) = id.split_once('#')
            && let (Ok(application), Ok(batch)) = (application.parse(), batch.parse())
        {
            return Self::Legacy { application, batch };
        }
        if is_invented(id, stack_id, logical_resource_id) {
            Self::Invented
        } else {
            Self::Other
        }
    }

    /// The run that the id leads to.
    pub fn run(&self) -> Option<&RunId> {
        match self {
            Self::Run(run) => Some(run),
            _ => None,
        }
    }

    /// Whether it is of an Update that failed: what it was to replace may live, and have no other id.
    pub fn is_of_failed_update(&self) -> bool {
        match self {
            Self::Run(run) => run.of_failed_update,
            Self::Nothing { of_update } => *of_update,
            Self::Legacy { .. } | Self::LegacyFailure | Self::Invented | Self::Other => false,
        }
    }
}

impl RunId {
    /// The id of a run.
    pub fn new(batch: BatchName, spec: Spec, place: Place) -> Self {
        Self {
            batch,
            spec: spec.hex(SPEC_DIGITS),
            place,
            of_failed_update: false,
            unknown: Vec::new(),
        }
    }

    /// The same run, when its request has failed: an Update never takes it for what is wanted.
    #[must_use]
    pub fn of_failed(&self, request_type: RequestType) -> Self {
        Self {
            spec: NO_SPEC.to_owned(),
            // Without it the id still leads to its run.
            of_failed_update: request_type == RequestType::Update
                && self.to_string().len() + ";".len() + OF_UPDATE.len() <= MAX_BYTES,
            ..self.clone()
        }
    }

    /// Whether the run is of this spec.
    pub fn is_of(&self, spec: Spec) -> bool {
        self.spec != NO_SPEC && self.spec == spec.hex(SPEC_DIGITS)
    }

    fn parse(text: &str) -> Option<Self> {
        let [batch, spec, rest] = text.splitn(3, ':').collect::<Vec<_>>().try_into().ok()?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if spec.len() != SPEC_DIGITS || !spec.bytes().all(is_digit) {
            return None;
        }
        let mut parts = rest.split(';');
        let mut keys = Keys::read(&decode(parts.next()?)?)?;
        let mut of_failed_update = false;
        for part in parts {
            if part == OF_UPDATE {
                of_failed_update = true;
                continue;
            }
            let (key, value) = part.split_once('=')?;
            keys.take(key, decode(value)?);
        }
        let Keys { place, unknown } = keys;
        // What is not visible would be printed as it is.
        let is_visible = batch.bytes().all(|byte| byte.is_ascii_graphic());
        let batch = BatchName::parse(batch)
            .filter(|batch| is_visible && batch.key().to_string().len() == KEY_LENGTH)?;
        Some(Self {
            batch,
            spec: spec.to_owned(),
            place,
            of_failed_update,
            unknown,
        })
    }
}

/// The id of a request by which nothing can have been submitted.
pub fn nothing(
    stack_id: &str,
    logical_resource_id: &str,
    request_id: &str,
    request_type: RequestType,
) -> String {
    let request = Intent::of_token(&format!("{stack_id}/{logical_resource_id}/{request_id}"));
    let id = format!("{PREFIX}none:{}", request.hex(SPEC_DIGITS));
    match request_type {
        RequestType::Update => format!("{id};{OF_UPDATE}"),
        RequestType::Create | RequestType::Delete => id,
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place {
            livy,
            truth,
            user,
            credentials,
        } = &self.place;
        let mut keys: Vec<(&str, String)> = Vec::new();
        let endpoint = match livy {
            Livy::At(url) => url.to_string(),
            Livy::OnCluster { id, port, scheme } => {
                if *port != LIVY_PORT {
                    keys.push(("port", port.to_string()));
                }
                if *scheme != Scheme::Http {
                    keys.push(("scheme", scheme.as_str().to_owned()));
                }
                id.clone()
            }
        };
        match truth {
            Truth::BesideLivy => {}
            Truth::At(urls) => keys.push((
                "rm",
                urls.iter().map(|url| url.as_str()).collect::<Vec<_>>().join(","),
            )),
            Truth::Nowhere => keys.push(("rmmode", "none".to_owned())),
        }
        if user != RESOURCE_MANAGER_USER {
            keys.push(("rmuser", user.clone()));
        }
        keys.extend(credentials.clone().map(|arn| ("cred", arn)));
        keys.extend(self.unknown.iter().map(|(key, value)| (&**key, value.clone())));
        write!(f, "{PREFIX}{}:{}:{}", self.batch, self.spec, encode(&endpoint))?;
        keys.iter()
            .try_for_each(|(key, value)| write!(f, ";{key}={}", encode(value)))?;
        if self.of_failed_update {
            write!(f, ";{OF_UPDATE}")?;
        }
        Ok(())
    }
}

/// An id's endpoint and keys, as far as they have been read.
struct Keys {
    place: Place,
    unknown: Vec<(String, String)>,
}

impl Keys {
    fn read(endpoint: &str) -> Option<Self> {
        let livy = if endpoint.starts_with("j-") {
            Livy::OnCluster {
                id: endpoint.to_owned(),
                port: LIVY_PORT,
                scheme: Scheme::Http,
            }
        } else {
            Livy::At(parse_url("endpoint", endpoint).ok()?)
        };
        let user = RESOURCE_MANAGER_USER.to_owned();
        let place = Place {
            livy,
            truth: Truth::BesideLivy,
            user,
            credentials: None,
        };
        Some(Self {
            place,
            unknown: Vec::new(),
        })
    }

    /// A value that makes no sense is kept like an unknown key: the rest may still be enough to stop the run.
    fn take(&mut self, key: &str, value: String) {
        let Place {
            livy,
            truth,
            user,
            credentials,
        } = &mut self.place;
        match (key, livy) {
            ("rm", _) if let Ok(urls) = parse_urls("rm", &value) => *truth = Truth::At(urls),
            ("rmmode", _) if value == "none" => *truth = Truth::Nowhere,
            ("rmuser", _) => *user = value,
            ("cred", _) => *credentials = Some(value),
            ("port", Livy::OnCluster { port, .. }) if let Ok(given) = value.parse() => *port = given,
            ("scheme", Livy::OnCluster { scheme, .. }) if value == "https" => *scheme = Scheme::Https,
            _ => self.unknown.push((key.to_owned(), value)),
        }
    }
}

/// `<stack>-<logical id>-<random>`; of long names, as of names that CloudFormation makes for other resources, perhaps only
/// the beginnings.
fn is_invented(id: &str, stack_id: &str, logical_resource_id: &str) -> bool {
    const SHORTEST_BEGINNING: usize = 16;
    let stack = stack_id
        .rsplit(':')
        .next()
        .and_then(|path| path.split('/').nth(1))
        .unwrap_or_default();
    let Some((names, random)) = id.rsplit_once('-') else {
        return false;
    };
    let is_of = |name: &str, part: &str| {
        !part.is_empty() && (name == part || (part.len() >= SHORTEST_BEGINNING && name.starts_with(part)))
    };
    let mut splits = names.match_indices('-');
    (6..=32).contains(&random.len())
        && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && splits.any(|(at, _)| is_of(stack, &names[..at]) && is_of(logical_resource_id, &names[at + 1..]))
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b';' | b'%' => encoded.push_str(&format!("%{byte:02X}")),
            b'!'..=b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
