//! The client: one method per call.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use url::Url;

use crate::batch::{Batch, BatchKey, BatchPage, LogLines, Version};
use crate::config::{ClientConfig, Timeouts};
use crate::credentials::Login;
use crate::error::{Error, Operation};
use crate::http::{Call, Http, bare};
use crate::observer::Observer;
use crate::pages::{Next, Pages};
use crate::request::BatchRequest;
use crate::state::BatchState;

/// Livy knows no largest page, and a list that comes in one piece cannot shift.
const PAGE_SIZE: u32 = 1000;

/// A client of one Livy. A clone is cheap and shares the connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    url: Url,
    http: Http,
    login: Login,
    timeouts: Timeouts,
    observer: Observer,
}

impl Client {
    /// A client with these settings. Nothing is sent.
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        check(&config.url).map_err(|message| Error::Configuration {
            url: bare(&config.url),
            message,
        })?;
        let http = Http::new(&config)?;
        let ClientConfig {
            url,
            credentials,
            timeouts,
            observer,
            ..
        } = config;
        Ok(Self {
            inner: Arc::new(Inner {
                url,
                http,
                login: Login::new(credentials),
                timeouts,
                observer,
            }),
        })
    }

    /// Livy's address.
    pub fn url(&self) -> &Url {
        &self.inner.url
    }

    /// Livy's version: also the cheapest way to see whether it answers.
    pub async fn version(&self) -> Result<Version, Error> {
        self.get(Operation::Version, &["version"], &[]).read().await
    }

    /// Creates a batch. It is sent once, on a connection of its own. When the answer is lost the batch may
    /// exist: look for its name before asking again, unless the error [was not sent](Error::was_not_sent). A
    /// refusal with 400 or 500 may leave a shell that [holds the name](Batch::is_zombie_shaped). After a 401 or 403 it is
    /// sent once more if the [credentials' source](crate::CredentialsSource) has others: then nothing was created.
    pub async fn create_batch(&self, request: &BatchRequest) -> Result<Batch, Error> {
        let url = self.path(&["batches"]);
        let post = self.inner.http.fresh.post(url).json(request);
        self.call(Operation::CreateBatch, post, self.inner.timeouts.read)
            .read()
            .await
    }

    /// One batch.
    pub async fn batch(&self, batch: impl Into<BatchKey>) -> Result<Batch, Error> {
        let segment = self.segment(Operation::Batch, batch.into())?;
        self.get(Operation::Batch, &["batches", &segment], &[])
            .read()
            .await
    }

    /// The state of a batch alone: less to send, and nothing to check its identity by.
    pub async fn batch_state(&self, batch: impl Into<BatchKey>) -> Result<BatchState, Error> {
        #[derive(Deserialize)]
        struct State {
            state: BatchState,
        }
        let segment = self.segment(Operation::Batch, batch.into())?;
        let answer: State = self
            .get(Operation::Batch, &["batches", &segment, "state"], &[])
            .read()
            .await?;
        Ok(answer.state)
    }

    /// All batches that Livy knows, the finished ones too, each once.
    pub async fn batches(&self) -> Result<Vec<Batch>, Error> {
        self.batches_as(|batch| batch).await
    }

    /// The same, each as `keep` makes it: of a list of thousands only a page is there at a time beside what is made of it.
    pub async fn batches_as<T>(&self, mut keep: impl FnMut(Batch) -> T) -> Result<Vec<T>, Error> {
        let mut pages = Pages::new();
        let mut from = 0;
        loop {
            match pages.add(self.batches_page(from, PAGE_SIZE).await?, &mut keep) {
                Next::Page(next) => from = next,
                Next::Done => return Ok(pages.into_batches()),
            }
        }
    }

    /// The batches at the positions from `from` on, at most `size`.
    pub async fn batches_page(&self, from: u64, size: u32) -> Result<BatchPage, Error> {
        let query = [("from", from.to_string()), ("size", size.to_string())];
        self.get(Operation::Batches, &["batches"], &query).read().await
    }

    /// The last lines of spark-submit's output, with Livy's headings `stdout: `, `\nstderr: ` and `\nYARN
    /// Diagnostics: `. What the driver prints is not in it when YARN runs the driver.
    pub async fn batch_log(&self, batch: impl Into<BatchKey>, lines: LogLines) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Log {
            #[serde(default)]
            log: Vec<String>,
        }
        let size = match lines {
            LogLines::All => "-1".to_owned(),
            LogLines::Last(lines) => lines.to_string(),
        };
        let segment = self.segment(Operation::BatchLog, batch.into())?;
        let path = ["batches", &segment, "log"];
        let answer: Log = self
            .get(Operation::BatchLog, &path, &[("size", size)])
            .read()
            .await?;
        Ok(answer.log)
    }

    /// Deletes a batch: stops its application, if there is one, and forgets it. It can take two minutes, and
    /// its success does not prove that the application has ended.
    pub async fn delete_batch(&self, batch: impl Into<BatchKey>) -> Result<(), Error> {
        let segment = self.segment(Operation::DeleteBatch, batch.into())?;
        let request = self.request(Method::DELETE, self.path(&["batches", &segment]));
        self.call(Operation::DeleteBatch, request, self.inner.timeouts.delete)
            .done()
            .await
    }

    fn get(&self, operation: Operation, path: &[&str], query: &[(&str, String)]) -> Call<'_> {
        let request = self.request(Method::GET, self.path(path)).query(query);
        self.call(operation, request, self.inner.timeouts.read)
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.inner.http.pooled.request(method, url)
    }

    /// The limit does not count the connecting, so that a connection that cannot be made is always seen as
    /// such.
    fn call(&self, operation: Operation, request: RequestBuilder, limit: Duration) -> Call<'_> {
        Call {
            operation,
            url: &self.inner.url,
            login: &self.inner.login,
            request,
            limit: self.inner.timeouts.connect + limit,
            observer: &self.inner.observer,
        }
    }

    /// The address of what stands at these segments below Livy's own.
    fn path(&self, segments: &[&str]) -> Url {
        let mut url = self.inner.url.clone();
        url.path_segments_mut()
            .expect("http addresses have a path")
            .pop_if_empty()
            .extend(segments);
        url
    }

    fn segment(&self, operation: Operation, batch: BatchKey) -> Result<String, Error> {
        batch.segment().ok_or_else(|| Error::Unaddressable {
            operation,
            url: self.inner.url.to_string(),
            name: batch.to_string(),
        })
    }
}

/// What makes an address unfit for Livy.
fn check(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the scheme is `{}`, not `http` or `https`", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("user and password do not belong in the address".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an address with `?` or `#` cannot lead to Livy's paths".to_owned());
    }
    Ok(())
}
