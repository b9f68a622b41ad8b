//! Keeps the function at home: whatever an event declares, the only server that is spoken to is the target's own.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_emr::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Map, Value};
use spark_job_function::physical_id::PhysicalId;
use spark_job_function::place::{Livy, Place, Truth};
use spark_job_function::properties::lenient_place;
use sparkwright_spark_job::endpoint::{parse_url, parse_urls};
use url::Url;

use crate::server::Server;

/// The server's part that is Livy by an address; by a host it is [`LIVY_ROOT`].
pub const LIVY: &str = "livy";
/// Livy's own first segments.
pub const LIVY_ROOT: [&str; 2] = ["batches", "version"];
/// The ResourceManager.
pub const RESOURCE_MANAGER: &str = "yarn";
/// The NodeManager.
pub const NODE: &str = "ws";
/// EMR and Secrets Manager.
pub const AWS: &str = "aws";

/// The event with every place in it led to the server; none if one leads elsewhere all the same.
pub fn at_home(mut event: Value, server: &Server) -> Option<Value> {
    for name in ["ResourceProperties", "OldResourceProperties"] {
        if let Some(Value::Object(properties)) = event.get_mut(name) {
            lead_properties(properties, server);
            if lenient_place(properties).is_some_and(|place| !is_home(&place, server)) {
                return None;
            }
        }
    }
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let (stack_id, logical_id) = (text("StackId"), text("LogicalResourceId"));
    let parse = |id: &str| PhysicalId::parse(id, stack_id, logical_id);
    if let PhysicalId::Run(mut run) = parse(text("PhysicalResourceId")) {
        lead_place(&mut run.place, server);
        let led = run.to_string();
        if !parse(&led).run().is_some_and(|run| is_home(&run.place, server)) {
            return None;
        }
        event["PhysicalResourceId"] = led.into();
    }
    Some(event)
}

/// AWS at the server. It is plain HTTP, so that nothing sets up TLS.
pub fn aws_config(server: &Server) -> SdkConfig {
    let credentials = Credentials::new("AKIDFUZZ", "fuzz", None, None, "fuzz");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(server.url(AWS))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn lead_properties(properties: &mut Map<String, Value>, server: &Server) {
    let is_given = |properties: &Map<_, _>, name: &str| {
        properties.get(name).is_some_and(|value: &Value| !value.is_null())
    };
    let is_host = is_given(properties, "LivyHost");
    if is_host {
        properties.insert("LivyHost".into(), "127.0.0.1".into());
    }
    if is_host || is_given(properties, "ClusterId") {
        properties.insert("LivyPort".into(), server.port().into());
    }
    // What is no address stays what it is: nothing can be reached by it.
    if properties
        .get("LivyUrl")
        .and_then(Value::as_str)
        .is_some_and(|url| parse_url("LivyUrl", url).is_ok())
    {
        properties.insert("LivyUrl".into(), server.url(LIVY).as_str().into());
    }
    let given = properties.get("ResourceManagerUrl").and_then(Value::as_str);
    if given.is_none_or(|urls| parse_urls("ResourceManagerUrl", urls).is_ok()) {
        properties.insert(
            "ResourceManagerUrl".into(),
            server.url(RESOURCE_MANAGER).as_str().into(),
        );
    }
}

fn lead_place(place: &mut Place, server: &Server) {
    match &mut place.livy {
        Livy::At(url) => *url = server.url(LIVY),
        Livy::OnCluster { port, .. } => *port = server.port(),
    }
    if place.truth != Truth::Nowhere {
        place.truth = Truth::At(vec![server.url(RESOURCE_MANAGER)]);
    }
}

fn is_home(place: &Place, server: &Server) -> bool {
    let is_ours = |url: &Url| url.host_str() == Some("127.0.0.1") && url.port() == Some(server.port());
    let livy = match &place.livy {
        Livy::At(url) => is_ours(url),
        Livy::OnCluster { port, .. } => *port == server.port(),
    };
    livy && match &place.truth {
        Truth::BesideLivy => false,
        Truth::At(urls) => urls.iter().all(is_ours),
        Truth::Nowhere => true,
    }
}
