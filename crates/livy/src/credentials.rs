//! Who we are to Livy, and where to read it again once Livy says that we are nobody.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as Turn;

/// A user and a password, sent as HTTP Basic authentication with every request.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) username: String,
    pub(crate) password: String,
    source: Option<Arc<dyn CredentialsSource>>,
}

/// Where credentials come from that somebody may change while a client uses them.
pub trait CredentialsSource: Send + Sync {
    /// What messages call it: ``the secret `livy` ``.
    fn name(&self) -> String;

    /// The credentials as they are now, or in a few words why they cannot be had. Livy has refused `refused`: what
    /// is known already is only of use when it differs.
    fn read_again<'a>(&'a self, refused: &'a Credentials) -> ReadingAgain<'a>;
}

/// Credentials on their way.
pub type ReadingAgain<'a> = Pin<Box<dyn Future<Output = Result<Credentials, String>> + Send + 'a>>;

impl Credentials {
    /// A user and a password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
            source: None,
        }
    }

    /// The same, from a source that a client asks again, once for each request that Livy refuses with 401 or 403. If
    /// it has others by then, the request is sent again with them: a refused request was not acted upon.
    #[must_use]
    pub fn from_source(mut self, source: Arc<dyn CredentialsSource>) -> Self {
        self.source = Some(source);
        self
    }
}

/// Wherever they come from.
impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        (&self.username, &self.password) == (&other.username, &other.password)
    }
}

impl Eq for Credentials {}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The credentials that a client uses, shared by its requests.
#[derive(Debug)]
pub(crate) struct Login {
    source: Option<Source>,
    held: Mutex<Held>,
    /// Held by the request that reads again; the others wait for what it finds.
    turn: Turn<()>,
}

struct Source(Arc<dyn CredentialsSource>);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name())
    }
}

#[derive(Clone, Debug)]
struct Held {
    credentials: Option<Credentials>,
    /// How often they were read again.
    readings: u64,
    /// Why that did not help.
    why: String,
}

/// What one request was sent with.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    pub(crate) credentials: Option<Credentials>,
    readings: u64,
}

impl Login {
    pub(crate) fn new(credentials: Option<Credentials>) -> Self {
        let source = credentials.as_ref().and_then(|known| known.source.clone());
        let held = Held {
            credentials,
            readings: 0,
            why: String::new(),
        };
        Self {
            source: source.map(Source),
            held: Mutex::new(held),
            turn: Turn::new(()),
        }
    }

    /// What the next request is sent with.
    pub(crate) fn current(&self) -> Used {
        let held = self.held();
        Used {
            credentials: held.credentials.clone(),
            readings: held.readings,
        }
    }

    /// Livy has refused these. What to try instead, else what to say about it; nothing where there is no source.
    pub(crate) async fn renew(&self, refused: &Used) -> Option<Result<Used, String>> {
        let Source(source) = self.source.as_ref()?;
        let old = refused.credentials.as_ref()?;
        let _turn = self.turn.lock().await;
        // Whoever was first has read for everybody whose request was on its way by then.
        if self.held().readings == refused.readings {
            let read = source.read_again(old).await;
            let mut held = self.held();
            held.readings += 1;
            match read {
                Ok(newer) if newer == *old => held.why = format!("{} still holds the same", source.name()),
                Ok(newer) => held.credentials = Some(newer),
                Err(why) => held.why = why,
            }
        }
        let now = self.current();
        if now.credentials == refused.credentials {
            return Some(Err(self.held().why.clone()));
        }
        Some(Ok(now))
    }

    /// What to say when the newest are refused as well.
    pub(crate) fn newest_refused(&self) -> String {
        let name = self.source.as_ref().map(|Source(source)| source.name());
        format!("what {} holds now is refused too", name.unwrap_or_default())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
