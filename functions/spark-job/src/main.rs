//! The function: `Custom::SparkJob` on the Lambda runtime.

use custom_resource::{Handler, SelfInvocation};
use lambda_runtime::service_fn;
use spark_job_function::aws::Aws;
use spark_job_function::config::Config;
use spark_job_function::provider::{Settings, SparkJobs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = Config::from_env();
    config.start_logging();
    let settings = Settings {
        settle: config.settle,
        ..Settings::default()
    };
    let jobs = SparkJobs::new(settings, Aws::from_env());
    let handler =
        Handler::new(jobs, custom_resource::Settings::default()).continued_by(SelfInvocation::from_env());
    lambda_runtime::run(service_fn(|event| handler.handle(event))).await
}
