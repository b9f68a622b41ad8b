//! Applications that come too late for Livy.

use std::sync::Arc;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::creation::USER;
use crate::cluster::spark_submit::SparkSubmit;
use crate::cluster::state::Core;

/// Kills the application of a destroyed spark-submit, should it appear within the time that Livy remembers its tag.
pub(crate) fn watch(core: &Arc<Core>, end: CancellationToken, process: Arc<SparkSubmit>) {
    let core = Arc::clone(core);
    tokio::spawn(async move {
        let mut progress = process.progress();
        let listed = async {
            let seen = progress.wait_for(|progress| progress.listed.is_some()).await;
            seen.ok().and_then(|progress| progress.listed)
        };
        tokio::select! {
            () = end.cancelled() => {}
            found = timeout(core.options.latencies.leak_check, listed) => {
                if let Ok(Some(application)) = found {
                    core.kill(application, &format!("{USER} at 127.0.0.1"));
                }
            }
        }
    });
}
