//! The real handler and provider as a Lambda function of the simulators.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_config::{BehaviorVersion, SdkConfig};
use custom_resource::{Handler, InvokeError, Invoker, Request};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use spark_job_function::aws::Aws;
use spark_job_function::gate::{Closed, Gate, Moment};
use spark_job_function::provider::{Settings, SparkJobs};
use spark_job_function::superseded::{Asked, FirstWords, StackWord};
use sparkwright_tests::cloudformation::{Delivery, Function, Invocation, Queue, Running, Stack};

use crate::defects::Variation;
use crate::plan::Site;

/// Livy and YARN are looked at so often.
const POLL_PERIOD: Duration = Duration::from_secs(2);

/// The function's code: one handler serves all invocations.
pub(crate) struct SparkJobFunction {
    handler: Arc<Handler<SparkJobs<StackGate>>>,
    old_schema: bool,
    request_ids_differ: bool,
}

impl SparkJobFunction {
    /// A function that reads its gate from this stack, and invokes itself through this queue.
    pub(crate) fn new(stack: Stack, queue: Queue, site: &Site, variation: &Variation) -> SparkJobFunction {
        let settings = Settings {
            settle: variation.settle,
            poll_period: POLL_PERIOD,
            ..Settings::default()
        };
        let gate = StackGate {
            stack,
            is_deaf: variation.gate_is_deaf,
            first_words: FirstWords::default(),
        };
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .build();
        let mut protocol = custom_resource::Settings::default();
        protocol.wall_clock = variation.wall_clock;
        let handler = Handler::new(SparkJobs::behind(gate, settings, Aws::of(config)), protocol);
        SparkJobFunction {
            handler: Arc::new(handler.continued_by(SelfInvocation {
                queue,
                twice: site.hops_twice,
            })),
            old_schema: site.old_schema,
            request_ids_differ: variation.request_ids_differ,
        }
    }
}

impl Function for SparkJobFunction {
    fn run(&self, mut invocation: Invocation) -> Running {
        let handler = Arc::clone(&self.handler);
        if self.old_schema && invocation.payload["RequestType"] == "Delete" {
            let properties = &mut invocation.payload["ResourceProperties"];
            properties["WaitFor"] = json!("Finished");
            properties["NumExecutors"] = json!({"Minimum": "1"});
            properties["Parameters"] = json!("s3://bucket/job.jar");
        }
        if self.request_ids_differ {
            invocation.payload["RequestId"] = json!(invocation.deadline_ms.to_string());
        }
        Box::pin(async move {
            let mut context = Context::default();
            context.deadline = u64::try_from(invocation.deadline_ms).expect("a time of this era");
            invocation
                .function_arn
                .clone_into(&mut context.invoked_function_arn);
            let returned = handler
                .handle(LambdaEvent::new(invocation.payload, context))
                .await;
            returned.map(drop).map_err(|error| error.to_string())
        })
    }
}

/// What the stack says of the resource, as the real gate reads it.
struct StackGate {
    stack: Stack,
    is_deaf: bool,
    first_words: FirstWords,
}

impl StackGate {
    fn word(&self, request: &Request) -> Option<StackWord> {
        let described = self.stack.describe(&request.logical_resource_id);
        let status = described.status.filter(|_| !self.is_deaf)?;
        let since = Duration::from_millis(u64::try_from(described.since_ms).expect("a time of this era"));
        Some(StackWord {
            status: status.to_owned(),
            reason: None,
            physical_id: described.physical_id,
            since: Some(UNIX_EPOCH + since),
        })
    }
}

impl Gate for StackGate {
    async fn pass(&self, request: &Request, moment: Moment) -> Result<(), Closed> {
        let Some(word) = self.word(request) else {
            return Ok(());
        };
        let asked = Asked {
            request_type: request.request_type,
            issued: request.issued.at(),
            at_first: self.first_words.at_first(request, moment, word.since),
        };
        if word.supersedes(asked) {
            return Err(Closed {
                why: format!("the stack says {} of the resource by now", word.status),
                stack_has: word.resource().map(str::to_owned),
                is_accepted: word.has_accepted(request.request_type),
            });
        }
        Ok(())
    }

    async fn is_leaving(&self, request: &Request) -> bool {
        let word = self.word(request);
        word.is_some_and(|word| word.is_of_leaving(request.physical_resource_id.as_deref()))
    }
}

/// The function invokes itself; Lambda delivers at least once.
struct SelfInvocation {
    queue: Queue,
    twice: bool,
}

impl Invoker for SelfInvocation {
    async fn invoke(&self, _function_arn: &str, payload: Vec<u8>) -> Result<(), InvokeError> {
        let event: Value = serde_json::from_slice(&payload).expect("the crate writes JSON");
        let url = event["ResponseURL"].as_str().unwrap_or_default();
        let key = url.split('?').next().and_then(|path| path.rsplit("%7C").next());
        let delivery = Delivery {
            again_after: self.twice.then_some(Duration::from_secs(1)).into_iter().collect(),
            ..Delivery::default()
        };
        self.queue.send(key.unwrap_or_default(), event.clone(), delivery);
        Ok(())
    }

    async fn check(&self, _function_arn: &str) -> Result<(), InvokeError> {
        Ok(())
    }
}
