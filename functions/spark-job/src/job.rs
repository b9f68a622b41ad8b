//! What a Create or an Update asks for: complete, and with every name that it will go by.

use custom_resource::{Request, RequestType};
use sparkwright_spark_job::fields::Mistakes;
use sparkwright_spark_job::identity::{Intent, RequestIdentity, Resource, Spec};
use sparkwright_spark_job::names::{BatchName, Slug};
use sparkwright_spark_job::redact::Redaction;
use sparkwright_spark_job::submission::{Numbering, Order};

use crate::physical_id::{MAX_BYTES, RunId};
use crate::properties::Properties;

/// The job that a request wants to run.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// What the template declares.
    pub(crate) properties: Properties,
    /// What to submit.
    pub(crate) order: Order,
    /// The stack's resource.
    pub(crate) resource: Resource,
    /// By which a Delete finds the run.
    pub(crate) id: RunId,
    /// What must not be shown.
    pub(crate) redaction: Redaction,
}

impl Job {
    /// Reads a request's properties, or says everything that is wrong with them.
    pub(crate) fn read(request: &Request) -> Result<Self, Mistakes> {
        let properties = Properties::parse(&request.properties)?;
        let spec = properties.spec();
        let resource = resource(request);
        let identity = RequestIdentity {
            stack_id: &request.stack_id,
            logical_resource_id: &request.logical_resource_id,
            request_type: request.request_type.as_str(),
            request_id: &request.request_id,
            physical_resource_id: request.physical_resource_id.as_deref().unwrap_or_default(),
            issued: request.issued.as_str(),
        };
        let order = Order {
            slug: slug(request, &properties),
            parameters: properties.parameters.clone(),
            intent: Intent::of_request(identity, spec),
            resource: Some(resource),
            spec,
            numbering: Numbering::OneRun,
        };
        let id = RunId::new(order.batch_name(1), spec, properties.place.clone());
        let bytes = id.to_string().len();
        if bytes > MAX_BYTES {
            return Err(Mistakes::one(format!(
                "the resource's id would have {bytes} bytes, and CloudFormation takes {MAX_BYTES}: \
                 shorten `LivyUrl`, `ResourceManagerUrl`, `ResourceManagerUser` or `LivyCredentials`"
            )));
        }
        let redaction = Redaction::of(&properties.parameters, &properties.redact);
        Ok(Self {
            properties,
            order,
            resource,
            id,
            redaction,
        })
    }

    /// The spec of what is declared.
    pub(crate) fn spec(&self) -> Spec {
        self.order.spec
    }

    /// The id of a failure: it leads to the run, if there is one, and is of no spec, so that no Update takes it for what
    /// is wanted.
    pub(crate) fn failed_id(&self, request_type: RequestType) -> String {
        self.id.of_failed(request_type).to_string()
    }

    /// The run's name in Livy.
    pub(crate) fn batch(&self) -> &BatchName {
        &self.id.batch
    }
}

/// The stack's resource that a request is about.
pub(crate) fn resource(request: &Request) -> Resource {
    Resource::of(&request.stack_id, &request.logical_resource_id)
}

fn slug(request: &Request, properties: &Properties) -> Slug {
    let logical_id = Some(request.logical_resource_id.as_str()).filter(|id| !id.is_empty());
    Slug::of(properties.parameters.name().or(logical_id).unwrap_or("spark-job"))
}
