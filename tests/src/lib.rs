//! Simulators of the services around Sparkwright, in this process, on loopback and free ports.
//!
//! | module | plays | start with |
//! |---|---|---|
//! | [`cluster`] | an EMR primary node: Livy 0.6 to 0.9, YARN's ResourceManager and NodeManager, the jobs | `Cluster::start()` |
//! | [`step_functions`] | Step Functions' activities, and the state machine's side for the test | `StepFunctions::start()` |
//! | [`cloudformation`] | CloudFormation's events, and the sink behind its presigned URLs | `Sink::start()` |
//! | [`lambda`] | the Lambda service around a real `bootstrap` | `Runtime::start(binary, environment)` |
//! | [`aws`] | what programs use of EMR, Secrets Manager, CloudFormation and Lambda's `Invoke` | `Aws::start()` |
//! | [`faults`] | what goes wrong on the way to any of them | `….faults().inject(On::…, Fault::…)` |
//! | [`journal`] | what each of them was asked | `….journal().count("POST /batches")` |
//! | [`clock`] | the time of day, real or virtual | `clock::run_virtual(async { … })` |
//!
//! The simulators know nothing of the programs under test: they use no type of Sparkwright's own crates, so that a
//! mistake of theirs cannot be made twice. What a simulator does stands on what a real service was seen to do; the
//! tables in the modules say on what, and which test holds it. [`wire`] is the list of tests of the clients that runs
//! on the simulators and on the real services alike; [`mod@bench`] measures the worker's process against them.

pub mod aws;
pub mod bench;
pub mod clock;
pub mod cloudformation;
pub mod cluster;
pub mod faults;
pub mod http;
pub mod journal;
pub mod lambda;
pub mod server;
pub mod step_functions;
pub mod wire;

mod random;
mod sync;
