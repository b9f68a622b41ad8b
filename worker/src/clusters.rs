//! The clusters that tasks run on: clients and watcher of each are made when first needed, and shared.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde::Deserialize;
use sparkwright_livy::{Credentials, CredentialsSource, ReadingAgain};
use sparkwright_spark_job::cluster::{Cluster, ConnectError, Observers};
use sparkwright_spark_job::endpoint::Endpoint;
use sparkwright_spark_job::watcher::{WatchSettings, Watcher};
use tracing::{info, warn};

use crate::errors::StartupError;

/// One endpoint's clients with the watcher of its runs.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) cluster: Cluster,
    pub(crate) watcher: Watcher,
}

/// All clusters of a worker.
#[derive(Debug)]
pub(crate) struct Clusters {
    /// The worker's own, which get its credentials and are kept; the others go when no task uses them any more.
    own: Vec<Endpoint>,
    settings: WatchSettings,
    credentials_file: Option<PathBuf>,
    observers: Observers,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    credentials: Option<Credentials>,
    known: HashMap<Endpoint, Weak<Connected>>,
    kept: Vec<Arc<Connected>>,
}

impl Clusters {
    /// Reads the credentials' file, if there is one.
    pub(crate) fn new(
        own: Vec<Endpoint>,
        settings: WatchSettings,
        credentials_file: Option<PathBuf>,
        observers: Observers,
    ) -> Result<Self, StartupError> {
        let credentials = credentials_file.as_deref().map(read_credentials).transpose()?;
        let state = Mutex::new(State {
            credentials,
            ..State::default()
        });
        Ok(Self {
            own,
            settings,
            credentials_file,
            observers,
            state,
        })
    }

    /// The worker's own endpoints.
    pub(crate) fn own(&self) -> &[Endpoint] {
        &self.own
    }

    /// The clients and the watcher of an endpoint.
    pub(crate) fn get(&self, endpoint: &Endpoint) -> Result<Arc<Connected>, ConnectError> {
        let mut state = self.lock();
        if let Some(connected) = state.known.get(endpoint).and_then(Weak::upgrade) {
            return Ok(connected);
        }
        state.known.retain(|_, connected| connected.strong_count() > 0);
        // Nobody but the worker's own Livys is sent its credentials.
        let is_own = self.own.iter().any(|own| own.livy == endpoint.livy);
        let mut credentials = state.credentials.clone().filter(|_| is_own);
        if let Some(path) = &self.credentials_file {
            // Whoever follows a run with these for days reads them again by itself.
            let file = Arc::new(CredentialsFile(path.clone()));
            credentials = credentials.map(|credentials| credentials.from_source(file));
        }
        let cluster = Cluster::connect_observed(endpoint.clone(), credentials, self.observers.clone())?;
        let watcher = Watcher::start(cluster.clone(), self.settings);
        let connected = Arc::new(Connected { cluster, watcher });
        state.known.insert(endpoint.clone(), Arc::downgrade(&connected));
        if self.own.contains(endpoint) {
            state.kept.push(Arc::clone(&connected));
        }
        Ok(connected)
    }

    /// Livy has refused what `used` says: whether there are other credentials by now, whoever read them first.
    pub(crate) fn renewed_since(&self, used: &Arc<Connected>) -> bool {
        self.renew_credentials();
        self.get(used.cluster.endpoint())
            .is_ok_and(|now| !Arc::ptr_eq(&now, used))
    }

    /// Reads the credentials again after a refusal; whether they have changed. What is asked for from now on uses
    /// them.
    pub(crate) fn renew_credentials(&self) -> bool {
        let Some(path) = &self.credentials_file else {
            return false;
        };
        let credentials = match read_credentials(path) {
            Ok(credentials) => credentials,
            Err(error) => {
                warn!(
                    error = sparkwright_spark_job::chain(&error),
                    "the Livy credentials could not be read again"
                );
                return false;
            }
        };
        let mut state = self.lock();
        if state.credentials.as_ref() == Some(&credentials) {
            return false;
        }
        info!("the Livy credentials have changed");
        *state = State {
            credentials: Some(credentials),
            ..State::default()
        };
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file that `--livy-credentials-file` names.
#[derive(Debug)]
struct CredentialsFile(PathBuf);

impl CredentialsSource for CredentialsFile {
    fn name(&self) -> String {
        format!("the file `{}`", self.0.display())
    }

    fn read_again<'a>(&'a self, _: &'a Credentials) -> ReadingAgain<'a> {
        let read = || read_credentials(&self.0).map_err(|error| sparkwright_spark_job::chain(&error));
        Box::pin(async move { read() })
    }
}

/// Reads the file that `--livy-credentials-file` names.
pub(crate) fn read_credentials(path: &Path) -> Result<Credentials, StartupError> {
    #[derive(Deserialize)]
    struct File {
        username: String,
        password: String,
    }
    let text = std::fs::read_to_string(path).map_err(|source| StartupError::File {
        option: "--livy-credentials-file",
        path: path.to_owned(),
        source,
    })?;
    // The parser's message could quote the file.
    let file: File = serde_json::from_str(&text).map_err(|_| StartupError::Credentials {
        path: path.to_owned(),
    })?;
    Ok(Credentials::new(file.username, file.password))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sparkwright_spark_job::endpoint::ResourceManager;
    use url::Url;

    use super::*;

    fn endpoint(livy: &str) -> Endpoint {
        Endpoint {
            livy: Url::parse(livy).unwrap(),
            ca_certificate: None,
            resource_manager: ResourceManager::None,
        }
    }

    fn clusters(credentials_file: Option<PathBuf>) -> Clusters {
        let settings = WatchSettings {
            poll_period: Duration::from_secs(1),
            settle: Duration::from_secs(150),
        };
        let own = vec![endpoint("http://own:8998")];
        Clusters::new(own, settings, credentials_file, Observers::default()).unwrap()
    }

    #[tokio::test]
    async fn a_cluster_is_shared_and_a_strangers_goes_with_its_last_task() {
        let clusters = clusters(None);
        let own = Arc::downgrade(&clusters.get(&endpoint("http://own:8998")).unwrap());
        let other = clusters.get(&endpoint("http://other:8998")).unwrap();
        assert!(Arc::ptr_eq(
            &other,
            &clusters.get(&endpoint("http://other:8998")).unwrap()
        ));
        let other_afterwards = Arc::downgrade(&other);
        drop(other);
        assert!(own.upgrade().is_some() && other_afterwards.upgrade().is_none());
    }

    #[tokio::test]
    async fn credentials_are_read_again_and_unreadable_ones_change_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("livy.json");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(r#"{"username":"etl","password":"one"}"#);
        let clusters = clusters(Some(path.clone()));
        let before = clusters.get(&endpoint("http://own:8998")).unwrap();
        assert!(!clusters.renew_credentials());
        write("{");
        assert!(!clusters.renew_credentials());
        write(r#"{"username":"etl","password":"two"}"#);
        assert!(clusters.renew_credentials());
        assert!(!Arc::ptr_eq(
            &before,
            &clusters.get(&endpoint("http://own:8998")).unwrap()
        ));
    }

    #[tokio::test]
    async fn credentials_are_renewed_for_everybody_who_used_the_old() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("livy.json");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(r#"{"username":"etl","password":"one"}"#);
        let clusters = clusters(Some(path.clone()));
        let before = clusters.get(&endpoint("http://own:8998")).unwrap();
        assert!(!clusters.renewed_since(&before));
        write(r#"{"username":"etl","password":"two"}"#);
        assert!(clusters.renewed_since(&before) && clusters.renewed_since(&before));
        let after = clusters.get(&endpoint("http://own:8998")).unwrap();
        assert!(!clusters.renewed_since(&after));
    }

    #[test]
    fn a_broken_credentials_file_is_named_and_not_quoted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("livy.json");
        std::fs::write(&path, r#"{"username":"etl","passwort":"hunter2"}"#).unwrap();
        let message = read_credentials(&path).unwrap_err().to_string();
        assert!(
            message.contains("livy.json") && !message.contains("hunter2"),
            "{message}"
        );
    }
}
