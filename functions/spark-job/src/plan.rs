//! Whether a request can be waited for: what is known to take too many invocations is refused before it is begun.

use custom_resource::{Failure, HandOverError};
use sparkwright_spark_job::chain;
use tracing::warn;

use crate::gate::Gate;
use crate::job::Job;
use crate::properties::WaitFor;
use crate::provider::Work;

impl<G: Gate> Work<'_, G> {
    /// Refuses before anything is submitted what is known to take more invocations than there can be.
    pub(crate) async fn plan_invocations(&self, job: &Job) -> Result<(), Failure> {
        let properties = &job.properties;
        let wait = properties.submit_timeout + properties.wait_timeout;
        let continuation = &self.request.continuation;
        let has_asked_for_it = properties.wait_for == WaitFor::Success
            && self.request.properties.contains_key("WaitTimeoutSeconds");
        let hops = self.budget.hand_overs(wait);
        if !self.budget.continues || continuation.hop() > 0 || !has_asked_for_it || hops == 0 {
            return Ok(());
        }
        let seconds = properties.wait_timeout.as_secs();
        let why = if hops > continuation.hops_left() {
            format!(
                "waiting for {seconds} s (`WaitTimeoutSeconds`) takes {hops} further invocations of this function, and at \
                 most {} are made: give the function a longer time-out (900 s is the longest)",
                continuation.hops_left()
            )
        } else {
            match continuation.check().await {
                Ok(()) => return Ok(()),
                Err(error @ (HandOverError::Refused { .. } | HandOverError::TooLarge { .. })) => format!(
                    "waiting for {seconds} s (`WaitTimeoutSeconds`) takes more than one invocation of this function: {}",
                    chain(&error)
                ),
                Err(error) => {
                    warn!(
                        why = chain(&error),
                        "whether a further invocation can take over is not known"
                    );
                    return Ok(());
                }
            }
        };
        Err(Failure::new(format!(
            "{why}. Nothing was submitted. A job that takes long runs better from a state machine, whose activity task \
             waits as long as it has to"
        )))
    }
}
