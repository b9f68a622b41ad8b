//! The HTTP server that every simulator stands on: loopback, a free port, faults, a journal.
//!
//! A server can refuse connections ([`Server::down`]), take them and say nothing ([`Server::silence`]), and be there
//! again at the same port. What a request sets going goes on when its caller hangs up, as in real servers.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::faults::Faults;
use crate::http::{Answer, Request};
use crate::journal::Journal;
use crate::sync::lock;

mod connection;
mod port;
mod tls;
mod wire;

use port::Port;
pub use tls::Authority;

/// A simulator's answer, being worked on.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What a server serves.
pub(crate) trait Simulator: Send + Sync + 'static {
    /// The name under which the journal counts the request.
    fn route(&self, request: &Request) -> String;

    /// Acts on the request.
    fn answer(self: Arc<Self>, request: Request) -> Answering;
}

/// How a server behaves below HTTP.
#[derive(Clone, Debug)]
pub(crate) struct ServerOptions {
    /// Served over TLS with a certificate of this authority.
    pub(crate) authority: Option<Authority>,
    /// An idle connection is closed after so long.
    pub(crate) keep_alive: Duration,
}

impl Default for ServerOptions {
    // Jetty's time; that of real Livy was seen.
    fn default() -> ServerOptions {
        ServerOptions {
            authority: None,
            keep_alive: Duration::from_secs(30),
        }
    }
}

/// A running server. Clones are the same server; it ends with the last of them.
#[derive(Clone, Debug)]
pub struct Server {
    inner: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    site: Arc<Site>,
    listening: Mutex<Option<Listening>>,
}

/// What connections need to know.
struct Site {
    port: Port,
    tls: Option<tokio_rustls::TlsAcceptor>,
    keep_alive: Duration,
    faults: Faults,
    journal: Journal,
    silent: watch::Sender<bool>,
    simulator: Arc<dyn Simulator>,
}

#[derive(Debug)]
struct Listening {
    end: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    pub(crate) fn start(simulator: Arc<dyn Simulator>, options: ServerOptions) -> Server {
        let site = Site {
            port: Port::reserve(),
            tls: options.authority.as_ref().map(Authority::acceptor),
            keep_alive: options.keep_alive,
            faults: Faults::default(),
            journal: Journal::default(),
            silent: watch::Sender::new(false),
            simulator,
        };
        let server = Server {
            inner: Arc::new(Running {
                site: Arc::new(site),
                listening: Mutex::new(None),
            }),
        };
        server.up();
        server
    }

    /// `127.0.0.1` and the port.
    pub fn address(&self) -> SocketAddr {
        self.inner.site.port.address()
    }

    /// `http://127.0.0.1:<port>/`, or `https` with TLS.
    pub fn url(&self) -> Url {
        let scheme = if self.inner.site.tls.is_some() {
            "https"
        } else {
            "http"
        };
        Url::parse(&format!("{scheme}://{}/", self.address())).expect("an address makes a URL")
    }

    /// The faults of this server.
    pub fn faults(&self) -> &Faults {
        &self.inner.site.faults
    }

    /// The requests that this server got.
    pub fn journal(&self) -> &Journal {
        &self.inner.site.journal
    }

    /// Refuses connections from now on, and cuts those that are open. The port stays this server's.
    pub async fn down(&self) {
        let listening = lock(&self.inner.listening).take();
        if let Some(listening) = listening {
            listening.end.cancel();
            listening.tasks.close();
            listening.tasks.wait().await;
        }
    }

    /// Listens again, at the same port.
    pub fn up(&self) {
        let mut listening = lock(&self.inner.listening);
        if listening.is_some() {
            return;
        }
        let (end, tasks) = (CancellationToken::new(), TaskTracker::new());
        let listener = self.inner.site.port.listen();
        tasks.spawn(accept(
            Arc::clone(&self.inner.site),
            listener,
            end.clone(),
            tasks.clone(),
        ));
        *listening = Some(Listening { end, tasks });
    }

    /// Whether it listens.
    pub fn is_up(&self) -> bool {
        lock(&self.inner.listening).is_some()
    }

    /// Takes connections and requests, but answers nothing until [`Server::speak`].
    pub fn silence(&self) {
        self.inner.site.silent.send_replace(true);
    }

    /// Goes on answering, also to what came in meanwhile.
    pub fn speak(&self) {
        self.inner.site.silent.send_replace(false);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(listening) = lock(&self.listening).take() {
            listening.end.cancel();
        }
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

async fn accept(site: Arc<Site>, listener: TcpListener, end: CancellationToken, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            () = end.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // Out of file handles, or the peer went away: what comes next may succeed.
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let (site, end) = (Arc::clone(&site), end.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = connection::serve(site, stream) => {}
            }
        });
    }
}
