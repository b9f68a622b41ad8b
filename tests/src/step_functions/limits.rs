//! Bounds on sizes and on rates.

use std::collections::HashMap;
use std::time::Instant;

use crate::aws;
use crate::http::Answer;

pub(super) const OUTPUT: usize = 262_144;
pub(super) const ERROR: usize = 256;
pub(super) const CAUSE: usize = 32_768;
pub(super) const WORKER_NAME: usize = 80;
pub(super) const TOKEN: usize = 2048;

/// Refuses a text that is longer than the model allows.
pub(super) fn check(member: &str, text: Option<&str>, limit: usize) -> Result<(), Answer> {
    match text {
        Some(text) if text.len() > limit => Err(aws::error(
            "ValidationException",
            &format!(
                "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length \
                 less than or equal to {limit}"
            ),
        )),
        _ => Ok(()),
    }
}

/// Token buckets by operation; an operation without one is never throttled.
#[derive(Clone, Debug, Default)]
pub(super) struct Quotas {
    buckets: HashMap<String, Bucket>,
}

#[derive(Clone, Debug)]
struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    filled_at: Instant,
}

impl Quotas {
    pub(super) fn set(&mut self, operation: &str, burst: u32, per_second: f64) {
        let capacity = f64::from(burst);
        let bucket = Bucket {
            capacity,
            per_second,
            level: capacity,
            filled_at: Instant::now(),
        };
        self.buckets.insert(operation.to_owned(), bucket);
    }

    /// Whether the call is within its quota; it is counted then.
    pub(super) fn admit(&mut self, operation: &str, now: Instant) -> bool {
        let Some(bucket) = self.buckets.get_mut(operation) else {
            return true;
        };
        let elapsed = now.saturating_duration_since(bucket.filled_at).as_secs_f64();
        bucket.level = (bucket.level + elapsed * bucket.per_second).min(bucket.capacity);
        bucket.filled_at = now;
        let admitted = bucket.level >= 1.0;
        if admitted {
            bucket.level -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_admits_its_burst_and_refills() {
        let mut quotas = Quotas::default();
        quotas.set("SendTaskHeartbeat", 2, 10.0);
        let start = Instant::now();
        let admitted: Vec<bool> = (0..3).map(|_| quotas.admit("SendTaskHeartbeat", start)).collect();
        assert_eq!(admitted, [true, true, false]);
        assert!(quotas.admit("SendTaskHeartbeat", start + Duration::from_millis(150)));
        assert!(quotas.admit("SendTaskSuccess", start));
    }
}
