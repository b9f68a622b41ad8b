//! A server that is rude in a chosen way, which a real one is only by accident.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does with each connection, once a request has arrived.
#[derive(Clone, Copy)]
pub(crate) enum Script {
    /// Closes it.
    Hangup,
    /// Writes this and closes it.
    Write(&'static str),
    /// Answers every request on it with this, and keeps it open.
    Answer(&'static str),
    /// Reads and never answers.
    Silence,
}

/// The server; it ends with the test's runtime.
pub(crate) struct Scripted {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Scripted {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, script));
            }
        });
        Self { address, connections }
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// How many connections were opened.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, script: Script) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(1..) = stream.read(&mut buffer).await {
        match script {
            Script::Hangup => return,
            Script::Write(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                return;
            }
            Script::Answer(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
            }
            Script::Silence => {}
        }
    }
}

/// An address of this machine at which nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
