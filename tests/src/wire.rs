//! Wire tests of the Livy and YARN clients: one list, which runs unchanged against the simulators and against
//! a real Livy and YARN, so that the simulators cannot drift.
//!
//! Each test is a fact about the servers as the clients show it. It makes batches of its own, under names
//! that no other test has, waits for what it expects, and its batches are deleted in the end. Requests that
//! the clients cannot make are sent as they are.
//!
//! The site's folder of jobs has to hold `pi.py` (succeeds), `raise.py` (raises an exception once Spark is
//! up), `sleep.py` (runs for as many seconds as its argument says), `exit3.py` (exits with 3 before Spark is
//! up), and must not hold `missing.py`. Livy must run its batches on YARN in cluster mode.

mod applications;
mod endings;
mod look_up;
mod names;
mod refusals;
mod run;
mod site;
mod stops;
mod trial;

use std::pin::Pin;

pub use run::{Report, run};
pub use site::Site;
pub use trial::Trial;

/// One wire test.
#[derive(Clone, Copy, Debug)]
pub struct WireTest {
    /// The fact that it shows.
    pub name: &'static str,
    run: for<'a> fn(&'a Trial) -> Running<'a>,
}

type Running<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + 'a>>;

macro_rules! list {
    ($($module:ident: $($test:ident),+;)+) => {
        &[$($(WireTest { name: stringify!($test), run: |trial| Box::pin($module::$test(trial)) }),+),+]
    };
}

/// All of them. Those that wait longest come first, so that a run of several at once ends sooner.
pub const TESTS: &[WireTest] = list! {
    endings:
        a_traceback_stands_in_the_drivers_stdout,
        a_job_that_succeeds_is_told_by_both,
        a_job_that_exits_before_spark_is_up_fails_in_yarn;
    stops:
        a_kill_in_yarn_makes_the_batch_killed,
        a_deleted_running_batch_is_killed_in_yarn,
        a_batch_deleted_at_once_leaves_nothing_alive;
    endings:
        an_unknown_queue_leaves_a_failed_application,
        a_missing_file_is_dead_before_there_is_an_application,
        a_memory_that_spark_cannot_read_is_dead_before_there_is_an_application;
    look_up:
        livy_tells_its_version,
        a_new_batch_has_its_name_and_no_application,
        a_batch_is_found_by_name_and_by_number,
        the_list_holds_every_batch_once,
        pages_are_cut_by_position,
        a_log_has_livys_headings_and_is_cut_from_its_end,
        an_unknown_batch_is_not_found,
        a_number_beyond_all_ids_is_refused,
        a_method_that_is_not_served_is_refused_without_a_word;
    names:
        a_name_is_unique,
        a_name_of_digits_or_of_nothing_is_refused,
        a_name_with_a_slash_and_a_space_can_be_addressed,
        a_deleted_batch_is_gone_and_its_name_is_free;
    refusals:
        an_unknown_field_is_refused,
        a_torn_body_is_refused,
        a_relative_file_is_refused_and_leaves_a_shell,
        a_request_without_a_file_is_refused,
        a_file_outside_the_allowed_folders_is_refused;
    applications:
        an_unknown_application_is_not_found,
        an_id_that_is_none_is_refused,
        an_unknown_state_is_refused,
        no_match_is_an_empty_list,
        the_cluster_has_nodes,
        a_resource_manager_says_that_it_is_active;
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_there_once() {
        let names: HashSet<_> = TESTS.iter().map(|test| test.name).collect();
        assert_eq!(names.len(), TESTS.len());
    }
}
