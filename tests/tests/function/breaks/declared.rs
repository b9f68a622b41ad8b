//! Breaks of what the request itself says: envelope and properties.

use serde_json::json;

use super::Break;
use super::Expected::{Failed, Success};
use crate::stage::with;

pub(super) fn envelope() -> Vec<Break> {
    let broken = |name, reason| Break::new("envelope", name, Failed(reason)).create_only();
    vec![
        broken("no request type", "`` is not a request type")
            .event(|event| event["RequestType"] = json!(null)),
        broken("another request type", "`Destroy` is not a request type")
            .event(|event| event["RequestType"] = json!("Destroy")),
        broken("no properties", "`Parameters` is missing")
            .event(|event| event["ResourceProperties"] = json!(null)),
        broken("properties are a text", "`Parameters` is missing")
            .event(|event| event["ResourceProperties"] = json!("none")),
        Break::new("envelope", "no service token", Success)
            .event(|event| event["ServiceToken"] = json!(null)),
    ]
}

pub(super) fn properties() -> Vec<Break> {
    let broken = |name, reason| Break::new("properties", name, Failed(reason));
    vec![
        broken("a misspelt property", "did you mean `LivyScheme`?")
            .properties(|_, p| with(&p, json!({"LivyScema": "http"}))),
        broken("no file", "`File` is missing")
            .properties(|_, p| with(&p, json!({"Parameters": {"Args": []}}))),
        broken("parameters are a list", "`Parameters` must be an object")
            .properties(|_, p| with(&p, json!({"Parameters": []}))),
        broken("two Livys", "give only one of").properties(|_, p| with(&p, json!({"LivyHost": "h"}))),
        broken("an unresolved secret", "{{resolve:…}}")
            .properties(|_, p| with(&p, json!({"Revision": "{{resolve:secretsmanager:x}}"}))),
        broken("an endless address", "the resource's id would have").properties(|stage, p| {
            let url = format!("{}{}", stage.cluster.livy_url(), "x".repeat(1100));
            with(&p, json!({"LivyUrl": url}))
        }),
        broken("a certificate that is none", "could not set up a client of Livy").properties(|_, p| {
            let pem = "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----";
            with(
                &p,
                json!({"LivyUrl": "https://127.0.0.1:9", "LivyCaCertificate": pem}),
            )
        }),
        broken("an unknown host", "is not known here")
            .properties(|_, p| with(&p, json!({"LivyUrl": "http://primary.invalid:8998"}))),
    ]
}
