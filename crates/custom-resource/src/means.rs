//! What a hand-over takes: who invokes which function with what, and how long that may take.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};

use crate::carried::Carried;
use crate::invoker::AnyInvoker;
use crate::{Claim, HandOverError, InvokeError};

/// What Lambda takes for an asynchronous invocation: 256 KB, or 1 MB in newer accounts. The lower counts.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 256 * 1024;
/// Less of an invocation is no time to hand over in.
const SHORTEST_PATIENCE: Duration = Duration::from_millis(100);

/// Where a hand-over leads.
pub(crate) struct Way {
    pub(crate) invoker: AnyInvoker,
    pub(crate) function_arn: String,
    /// As it came; never to be logged.
    pub(crate) event: Map<String, Value>,
}

/// All that a hand-over takes.
pub(crate) struct Means {
    pub(crate) way: Way,
    pub(crate) claim: Claim,
    pub(crate) received_at: SystemTime,
    pub(crate) service_deadline: SystemTime,
    /// The provider's last instant in this invocation.
    pub(crate) deadline: Instant,
    pub(crate) patience: Duration,
}

impl Means {
    /// The event for the next invocation.
    pub(crate) fn payload(&self, hop: u32, state: Value) -> Result<Vec<u8>, HandOverError> {
        let mut event = self.way.event.clone();
        let carried = Carried {
            hop,
            received_at: Some(self.received_at),
            service_deadline: Some(self.service_deadline),
            claimed_id: self.claim.claimed(),
            state: Some(state),
            flaw: None,
        };
        carried.put(&mut event);
        let payload = serde_json::to_vec(&event).expect("what was read as JSON is written as JSON");
        match payload.len() {
            bytes if bytes > MAX_PAYLOAD_BYTES => Err(HandOverError::TooLarge { bytes }),
            _ => Ok(payload),
        }
    }

    /// Waits for an invoker's answer no longer than leaves time to answer without it.
    pub(crate) async fn patiently(
        &self,
        answer: impl Future<Output = Result<(), InvokeError>>,
    ) -> Result<(), HandOverError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let patience = self.patience.min(left / 3);
        if patience < SHORTEST_PATIENCE {
            let why = "no time is left for it in this invocation";
            return Err(HandOverError::NotAvailable { why });
        }
        match timeout(patience, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(HandOverError::Failed {
                why: format!(
                    "the invocation was not confirmed within {:.1} s",
                    patience.as_secs_f32()
                ),
            }),
        }
    }
}
