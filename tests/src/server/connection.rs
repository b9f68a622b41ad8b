//! One connection: requests in, faults applied, answers out.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::ext::ReasonPhrase;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::Site;
use super::wire::{ResetSwitch, Wire};
use crate::faults::{Fault, Moment};
use crate::http::{Answer, Request};
use crate::journal::{Ending, Recorded};

pub(super) async fn serve(site: Arc<Site>, stream: TcpStream) {
    let reset = ResetSwitch::default();
    let wire = Wire::new(stream, Arc::clone(&reset));
    match site.tls.clone() {
        None => talk(site, wire, reset).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(wire).await {
                talk(site, stream, reset).await;
            }
        }
    }
}

async fn talk(site: Arc<Site>, stream: impl AsyncRead + AsyncWrite + Unpin, reset: ResetSwitch) {
    let keep_alive = site.keep_alive;
    let service = service_fn(move |request| exchange(Arc::clone(&site), request, Arc::clone(&reset)));
    // A connection ends with an error whenever a fault wants it to; the journal says which.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(keep_alive)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed by a fault")
    }
}

impl std::error::Error for NoAnswer {}

async fn exchange(
    site: Arc<Site>,
    request: hyper::Request<Incoming>,
    reset: ResetSwitch,
) -> Result<hyper::Response<Payload>, NoAnswer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| NoAnswer)?.to_bytes();
    let path = head.uri.path().to_owned();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let hung_up = CancellationToken::new();
    let _caller = hung_up.clone().drop_guard();
    let request = Request {
        method: head.method,
        path,
        query,
        headers: head.headers,
        body,
        hung_up,
    };
    let recorded = site.journal.record(site.simulator.route(&request), &request);
    let mut silent = site.silent.subscribe();
    silent
        .wait_for(|silent| !silent)
        .await
        .expect("the site keeps the sender");
    let fault = site.faults.strike(&request);
    let act = || {
        // A task of its own: what was begun is not undone when the caller hangs up.
        let acting = tokio::spawn(Arc::clone(&site.simulator).answer(request));
        async move {
            acting
                .await
                .unwrap_or_else(|error| Answer::text(500, format!("the simulator failed: {error}")))
        }
    };
    let answer = match fault {
        None => act().await,
        Some(Fault::Answer(answer)) => answer,
        Some(Fault::Replace(answer)) => {
            act().await;
            answer
        }
        Some(Fault::Truncate) => {
            let answer = act().await;
            let half = answer.body.len() / 2;
            return respond(recorded, answer, half);
        }
        Some(Fault::Cut(moment)) => {
            if moment == Moment::After {
                act().await;
            }
            recorded.end(Ending::Cut);
            return Err(NoAnswer);
        }
        Some(Fault::Reset(moment)) => {
            if moment == Moment::After {
                act().await;
            }
            reset.store(true, Ordering::Relaxed);
            recorded.end(Ending::Cut);
            return Err(NoAnswer);
        }
        Some(Fault::Delay(Moment::Before, delay)) => {
            tokio::time::sleep(delay).await;
            act().await
        }
        Some(Fault::Delay(Moment::After, delay)) => {
            let answer = act().await;
            tokio::time::sleep(delay).await;
            answer
        }
        Some(Fault::Hang(moment)) => {
            if moment == Moment::After {
                act().await;
            }
            std::future::pending().await
        }
        Some(Fault::Hold(Moment::Before, gate)) => {
            gate.pass().await;
            act().await
        }
        Some(Fault::Hold(Moment::After, gate)) => {
            let answer = act().await;
            gate.pass().await;
            answer
        }
    };
    let whole = answer.body.len();
    respond(recorded, answer, whole)
}

fn respond(recorded: Recorded, answer: Answer, sent: usize) -> Result<hyper::Response<Payload>, NoAnswer> {
    recorded.end(if sent == answer.body.len() {
        Ending::Answered(answer.status)
    } else {
        Ending::Cut
    });
    let mut response = hyper::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    if let Some(reason) = answer.reason {
        let reason = ReasonPhrase::try_from(reason.into_bytes()).expect("a reason phrase is printable");
        response = response.extension(reason);
    }
    let (length, bytes) = (answer.body.len(), Bytes::from(answer.body).slice(..sent));
    let payload = Payload {
        length,
        bytes,
        sent: false,
        flushed: false,
    };
    Ok(response
        .body(payload)
        .expect("an answer's status and headers are valid"))
}

/// A body that may end before its declared length.
struct Payload {
    length: usize,
    bytes: Bytes,
    sent: bool,
    flushed: bool,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = NoAnswer;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, NoAnswer>>> {
        if !self.sent && !self.bytes.is_empty() {
            self.sent = true;
            return Poll::Ready(Some(Ok(Frame::data(self.bytes.clone()))));
        }
        if self.bytes.len() == self.length {
            return Poll::Ready(None);
        }
        // What was sent must be on its way before the connection breaks.
        if !std::mem::replace(&mut self.flushed, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(NoAnswer)))
    }

    fn is_end_stream(&self) -> bool {
        self.length == 0 || (self.sent && self.bytes.len() == self.length)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length as u64)
    }
}
