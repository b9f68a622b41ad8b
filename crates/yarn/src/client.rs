//! The client: one method per call.

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::ACCEPT;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::answer::one_line;
use crate::application::{Application, Applications, OneApplication};
use crate::application_id::ApplicationId;
use crate::attempt::{Attempt, Attempts};
use crate::config::{ClientConfig, Timeouts};
use crate::container_log::{self, LogFile};
use crate::error::{Error, Operation};
use crate::failover::{self, ResourceManagers};
use crate::http::{Answer, Call, Keep, bare, connections};
use crate::info::{Info, ResourceManagerInfo};
use crate::list::{Elements, Kept};
use crate::metrics::{ClusterMetrics, Metrics};
use crate::observer::Observer;
use crate::query::ApplicationsQuery;

/// A node may send us on to the history server, which may send us on to another port of its own.
const MAX_LOG_REDIRECTS: u32 = 3;

/// A client of one YARN cluster. A clone is cheap and shares the connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    resource_managers: ResourceManagers,
    http: reqwest::Client,
    user: String,
    timeouts: Timeouts,
    observer: Observer,
}

impl Client {
    /// A client with these settings. Nothing is sent.
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        if config.resource_managers.is_empty() {
            let message = "no ResourceManager is named".to_owned();
            return Err(Error::Configuration {
                url: String::new(),
                message,
            });
        }
        for url in &config.resource_managers {
            check(url).map_err(|message| Error::Configuration {
                url: bare(url),
                message,
            })?;
        }
        let http = connections(&config)?;
        let ClientConfig {
            resource_managers,
            user,
            timeouts,
            observer,
            ..
        } = config;
        let resource_managers = ResourceManagers::new(resource_managers);
        Ok(Self {
            inner: Arc::new(Inner {
                resource_managers,
                http,
                user,
                timeouts,
                observer,
            }),
        })
    }

    /// The ResourceManagers, as configured.
    pub fn resource_managers(&self) -> &[Url] {
        self.inner.resource_managers.configured()
    }

    /// The applications that a query names. The ResourceManager keeps the last ten thousand or so that have
    /// ended.
    pub async fn applications(&self, query: &ApplicationsQuery) -> Result<Vec<Application>, Error> {
        self.applications_as(query, |application| application).await
    }

    /// The same, each as `keep` makes it. They are read as they come: of ten thousand no more is there at a time than what
    /// is made of them.
    pub async fn applications_as<T: Send>(
        &self,
        query: &ApplicationsQuery,
        keep: impl FnMut(Application) -> T + Send,
    ) -> Result<Vec<T>, Error> {
        let mut kept = Kept::new(keep);
        let asking =
            self.get_rest::<Applications>(Operation::Applications, &["apps"], query.pairs(), Some(&mut kept));
        for application in asking.await?.into_vec() {
            kept.push(application);
        }
        Ok(kept.list)
    }

    /// One application.
    pub async fn application(&self, id: &ApplicationId) -> Result<Application, Error> {
        let query = ApplicationsQuery::default().pairs();
        let answer: OneApplication = self
            .get(Operation::Application, &["apps", &id.to_string()], query)
            .await?;
        Ok(answer.app)
    }

    /// The attempts of an application, the oldest first.
    pub async fn attempts(&self, id: &ApplicationId) -> Result<Vec<Attempt>, Error> {
        let path = ["apps", &id.to_string(), "appattempts"];
        let answer: Attempts = self.get(Operation::Attempts, &path, Vec::new()).await?;
        Ok(answer.into_vec())
    }

    /// The last `bytes` bytes of what an attempt's driver has written, from its node: from the start of the
    /// container until the node forgets it, or sends us on to where it was collected.
    pub async fn container_log(&self, attempt: &Attempt, file: LogFile, bytes: u32) -> Result<String, Error> {
        let none = || Error::NoContainer {
            attempt: attempt.number,
        };
        let scheme = self.resource_managers()[0].scheme();
        let node = Url::parse(&format!("{scheme}://{}/", attempt.node_http_address)).map_err(|_| none())?;
        let is_plain = node.path() == "/" && node.query().is_none() && node.username().is_empty();
        if attempt.container_id.is_empty() || !is_plain {
            return Err(none());
        }
        let path = ["containers", &attempt.container_id, "logs", file.as_str()];
        match self.log(&node, &path, bytes).await {
            // Hadoop before 2.9 has the log elsewhere.
            Err(error) if error.is_not_found() => {
                let path = ["containerlogs", &attempt.container_id, file.as_str()];
                self.log(&node, &path, bytes).await.map_err(|_| error)
            }
            answer => answer,
        }
    }

    /// Asks for an application's end. YARN may need some seconds for it; one that has ended already is left
    /// as it is.
    pub async fn kill(&self, id: &ApplicationId) -> Result<(), Error> {
        let path = ["apps", &id.to_string(), "state"];
        let body = Some(json!({"state": "KILLED"}));
        let asking = self.ask(Operation::Kill, Method::PUT, &path, Vec::new(), body, None);
        let observer = &self.inner.observer;
        observer
            .observe(Operation::Kill, Box::pin(asking))
            .await
            .map(drop)
    }

    /// The cluster's numbers: also the cheapest way to see whether a ResourceManager answers.
    pub async fn metrics(&self) -> Result<ClusterMetrics, Error> {
        let answer: Metrics = self.get(Operation::Metrics, &["metrics"], Vec::new()).await?;
        Ok(answer.cluster_metrics)
    }

    /// What a ResourceManager says about itself. A standby answers this too, so the first one that can be reached is the
    /// one that is told of: to hear of each, make a client of each.
    pub async fn info(&self) -> Result<ResourceManagerInfo, Error> {
        let answer: Info = self.get(Operation::Info, &["info"], Vec::new()).await?;
        Ok(answer.cluster_info)
    }

    /// A request on its way is some kilobytes, on the heap: a caller that may ask, and seldom does, stays small.
    async fn get<T: DeserializeOwned>(
        &self,
        operation: Operation,
        path: &[&str],
        query: Vec<(&str, String)>,
    ) -> Result<T, Error> {
        self.get_rest(operation, path, query, None).await
    }

    /// What `elements` leaves of an answer, if they take anything.
    async fn get_rest<T: DeserializeOwned>(
        &self,
        operation: Operation,
        path: &[&str],
        query: Vec<(&str, String)>,
        elements: Option<&mut dyn Elements>,
    ) -> Result<T, Error> {
        let reading = async {
            let (url, body) = self
                .ask(operation, Method::GET, path, query, None, elements)
                .await?;
            serde_json::from_slice(&body).map_err(|error| {
                let message = one_line(&error.to_string());
                Error::Decode {
                    operation,
                    url: url.to_string(),
                    message,
                }
            })
        };
        self.inner.observer.observe(operation, Box::pin(reading)).await
    }

    /// Asks one ResourceManager after the other until one answers that is active; says which it was.
    async fn ask(
        &self,
        operation: Operation,
        method: Method,
        path: &[&str],
        query: Vec<(&str, String)>,
        body: Option<Value>,
        mut elements: Option<&mut dyn Elements>,
    ) -> Result<(Url, Vec<u8>), Error> {
        let managers = &self.inner.resource_managers;
        let mut round = managers.round();
        let mut failure: Option<Error> = None;
        while let Some(url) = round.next() {
            let target = below(&url, &["ws", "v1", "cluster"], path);
            let mut request = self
                .inner
                .http
                .request(method.clone(), target)
                .query(&query)
                .query(&self.user());
            if let Some(body) = &body {
                request = request.json(body);
            }
            let keep = match &mut elements {
                Some(elements) => Keep::Rest(&mut **elements),
                None => Keep::All,
            };
            let error = match self.call(operation, &url, request, keep).send().await {
                Ok(Answer::Body(body)) => {
                    managers.answered(&url);
                    return Ok((url, body));
                }
                Ok(Answer::Elsewhere(target)) => {
                    if let Some(target) = target {
                        round.redirect(&url, failover::base(target));
                    }
                    Error::Standby {
                        operation,
                        url: url.to_string(),
                    }
                }
                Err(error) if error.concerns_one_server() => error,
                Err(error) => {
                    managers.answered(&url);
                    return Err(error);
                }
            };
            if failure
                .as_ref()
                .is_none_or(|failure| error.weight() > failure.weight())
            {
                failure = Some(error);
            }
        }
        Err(failure.expect("a round asks at least one ResourceManager"))
    }

    async fn log(&self, node: &Url, path: &[&str], bytes: u32) -> Result<String, Error> {
        let reading = self.log_by_redirects(node, path, bytes);
        self.inner
            .observer
            .observe(Operation::ContainerLog, Box::pin(reading))
            .await
    }

    async fn log_by_redirects(&self, node: &Url, path: &[&str], bytes: u32) -> Result<String, Error> {
        let operation = Operation::ContainerLog;
        let mut target = below(node, &["ws", "v1", "node"], path);
        target
            .query_pairs_mut()
            .append_pair("size", &format!("-{bytes}"))
            .extend_pairs(self.user());
        for _ in 0..=MAX_LOG_REDIRECTS {
            // The node refuses to give a file as JSON.
            let request = self.inner.http.get(target).header(ACCEPT, "text/plain");
            let keep = Keep::Last(bytes as usize);
            match self.call(operation, node, request, keep).send().await? {
                Answer::Body(body) => return Ok(container_log::contents(&body, bytes as usize)),
                Answer::Elsewhere(Some(next)) => target = next,
                Answer::Elsewhere(None) => break,
            }
        }
        let message = "it leads from one address to another".to_owned();
        Err(Error::Decode {
            operation,
            url: node.to_string(),
            message,
        })
    }

    /// The limit does not count the connecting, so that a connection that cannot be made is always seen as
    /// such.
    fn call<'a>(
        &self,
        operation: Operation,
        url: &'a Url,
        request: reqwest::RequestBuilder,
        body: Keep<'a>,
    ) -> Call<'a> {
        let limit = self.inner.timeouts.connect + self.inner.timeouts.read;
        Call {
            operation,
            url,
            request,
            limit,
            body,
        }
    }

    fn user(&self) -> [(&'static str, String); 1] {
        [("user.name", self.inner.user.clone())]
    }
}

/// The address of what stands at these segments below a server's own.
fn below(url: &Url, api: &[&str], path: &[&str]) -> Url {
    let mut url = url.clone();
    let mut segments = url.path_segments_mut().expect("http addresses have a path");
    segments.pop_if_empty().extend(api).extend(path);
    drop(segments);
    url
}

/// What makes an address unfit for a ResourceManager.
fn check(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the scheme is `{}`, not `http` or `https`", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("user and password do not belong in the address".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an address with `?` or `#` cannot lead to YARN's paths".to_owned());
    }
    Ok(())
}
