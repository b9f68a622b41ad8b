//! Livy's states for YARN's, by version.

use super::session::BatchState;
use crate::cluster::application::{Application, ApplicationState, FinalStatus};
use crate::cluster::options::LivyVersion;
use crate::cluster::spark_submit::SparkSubmit;

/// Livy's state for what YARN says.
pub(super) fn state_of(application: &Application, version: LivyVersion) -> BatchState {
    use ApplicationState::{Accepted, Failed, Finished, Killed, Running};
    match (application.state, application.final_status) {
        (Accepted, FinalStatus::Undefined) => BatchState::Starting,
        (Running, FinalStatus::Undefined) => BatchState::Running,
        (Running, FinalStatus::Succeeded) if version >= LivyVersion::V0_7 => BatchState::Running,
        (Finished, FinalStatus::Succeeded) => BatchState::Success,
        (Killed, FinalStatus::Killed) => BatchState::Killed,
        (Failed, FinalStatus::Failed) => BatchState::Dead,
        _ => BatchState::Dead,
    }
}

/// Client mode: since 0.8 YARN's state is not looked at while spark-submit runs; since 0.7 its exit code counts.
pub(super) fn state_beside_a_driver(
    process: &SparkSubmit,
    application: &Application,
    version: LivyVersion,
) -> Option<BatchState> {
    let code = process.progress().borrow().exit_code;
    match code {
        None if version >= LivyVersion::V0_8 => None,
        None if !application.is_live() => None,
        Some(code)
            if code != 0 && version >= LivyVersion::V0_7 && application.state != ApplicationState::Killed =>
        {
            Some(BatchState::Dead)
        }
        _ => Some(state_of(application, version)),
    }
}
