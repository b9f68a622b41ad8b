//! What a wire test works with: the clients, names of its own, and waiting.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, bail};
use reqwest::{Method, Response};
use sparkwright_livy::{Batch, BatchKey, BatchRequest, BatchState};
use sparkwright_yarn::{Application, ApplicationId, ApplicationsQuery};

use super::Site;

/// One test on one site.
#[derive(Debug)]
pub struct Trial {
    /// Where it runs.
    pub site: Site,
    /// A client of the site's Livy.
    pub livy: sparkwright_livy::Client,
    /// A client of the site's YARN.
    pub yarn: sparkwright_yarn::Client,
    /// For what the clients cannot send.
    raw: reqwest::Client,
    names: Mutex<Vec<String>>,
}

impl Trial {
    pub(super) fn new(site: Site) -> Result<Self> {
        let livy = sparkwright_livy::Client::new(sparkwright_livy::ClientConfig::new(site.livy.clone()))?;
        let managers = vec![site.resource_manager.clone()];
        let yarn = sparkwright_yarn::Client::new(sparkwright_yarn::ClientConfig::new(managers))?;
        let raw = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
        Ok(Self {
            site,
            livy,
            yarn,
            raw,
            names: Mutex::default(),
        })
    }

    /// A name that no other batch has, also not one of an earlier run; its batch is deleted in the end.
    pub(super) fn name(&self, stem: &str) -> String {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let name = format!(
            "wire-{stem}-{:x}-{}",
            now.as_millis(),
            LAST.fetch_add(1, Ordering::Relaxed)
        );
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name.clone());
        name
    }

    /// A request for a job of the site, in the least memory.
    pub(super) fn request(&self, file: &str, name: &str) -> BatchRequest {
        BatchRequest {
            file: self.site.job(file),
            name: Some(name.to_owned()),
            ..BatchRequest::default()
        }
    }

    /// Creates a batch that Livy refuses but keeps: it takes no process and no time.
    pub(super) async fn create_shell(&self, name: &str) -> Result<sparkwright_livy::Error> {
        let request = BatchRequest {
            file: "relative.py".into(),
            name: Some(name.to_owned()),
            ..Default::default()
        };
        match self.livy.create_batch(&request).await {
            Err(error) => Ok(error),
            Ok(batch) => bail!("a relative path was accepted: {batch:?}"),
        }
    }

    /// Sends something to Livy that its client cannot.
    pub(super) async fn raw(&self, method: Method, path: &str, body: &str) -> Result<Response> {
        self.send(&self.site.livy, method, path, body).await
    }

    /// Sends something to the ResourceManager that its client cannot.
    pub(super) async fn raw_yarn(&self, method: Method, path: &str, body: &str) -> Result<Response> {
        self.send(&self.site.resource_manager, method, path, body).await
    }

    async fn send(&self, base: &url::Url, method: Method, path: &str, body: &str) -> Result<Response> {
        let request = self
            .raw
            .request(method, base.join(path)?)
            .header("x-requested-by", "wire-tests")
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(body.to_owned());
        Ok(request.send().await?)
    }

    /// Waits until the batch is as expected.
    pub(super) async fn batch_until(
        &self,
        batch: impl Into<BatchKey>,
        what: &str,
        expected: impl Fn(&Batch) -> bool + Send,
    ) -> Result<Batch> {
        let batch = batch.into();
        let start = Instant::now();
        loop {
            let seen = self
                .livy
                .batch(batch.clone())
                .await
                .context("while waiting for a batch")?;
            if expected(&seen) {
                return Ok(seen);
            }
            if start.elapsed() > self.site.patience {
                bail!("the batch is not {what}: {seen:?}");
            }
            tokio::time::sleep(self.site.pace).await;
        }
    }

    /// Waits until the batch has ended, and expects how.
    pub(super) async fn ends_as(&self, batch: &str, state: BatchState) -> Result<Batch> {
        let ended = self
            .batch_until(batch, "over", |batch| batch.state.is_terminal())
            .await?;
        if ended.state != state {
            let log = self
                .livy
                .batch_log(batch, sparkwright_livy::LogLines::Last(20))
                .await
                .unwrap_or_default();
            bail!("the batch is {}, not {state}: {log:?}", ended.state);
        }
        Ok(ended)
    }

    /// The batch's application, once Livy knows it.
    pub(super) async fn application_of(&self, batch: &str) -> Result<ApplicationId> {
        let known = |batch: &Batch| batch.app_id.is_some() || batch.state.is_terminal();
        let seen = self.batch_until(batch, "known to YARN", known).await?;
        let app_id = seen
            .app_id
            .with_context(|| format!("the batch ended without an application: {:?}", seen.log))?;
        Ok(app_id.parse()?)
    }

    /// Waits until the application is as expected.
    pub(super) async fn application_until(
        &self,
        id: &ApplicationId,
        what: &str,
        expected: impl Fn(&Application) -> bool + Send,
    ) -> Result<Application> {
        let start = Instant::now();
        loop {
            let seen = self
                .yarn
                .application(id)
                .await
                .context("while waiting for an application")?;
            if expected(&seen) {
                return Ok(seen);
            }
            if start.elapsed() > self.site.patience {
                bail!("the application is not {what}: {seen:?}");
            }
            tokio::time::sleep(self.site.pace).await;
        }
    }

    /// The applications with a tag.
    pub(super) async fn tagged(&self, tag: &str) -> Result<Vec<Application>> {
        Ok(self.yarn.applications(&ApplicationsQuery::tag(tag)).await?)
    }

    /// Deletes every batch whose name was given out.
    pub(super) async fn clean_up(&self) -> Result<()> {
        let names = std::mem::take(&mut *self.names.lock().unwrap_or_else(PoisonError::into_inner));
        for name in names {
            match self.livy.delete_batch(&name).await {
                Err(error) if !error.is_not_found() => return Err(error).context("while cleaning up"),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The condition as a result, with what was seen.
macro_rules! expect_that {
    ($condition:expr, $seen:expr) => {
        anyhow::ensure!(
            $condition,
            "not so: {}; seen: {:?}",
            stringify!($condition),
            $seen
        )
    };
}
pub(super) use expect_that;
