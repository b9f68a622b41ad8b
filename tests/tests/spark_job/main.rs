//! The job model's drivers over real clients, against the simulators of Livy and YARN.

mod outcomes;
mod site;
mod stops;
mod submits;
mod ties;
mod watcher;
