//! EMR and Secrets Manager.

use serde_json::{Value, json};
use sparkwright_tests::aws::{self, Aws};
use sparkwright_tests::faults::{Fault, On};

use crate::raw::{self, Reply};

async fn call(aws: &Aws, target: &str, body: Value) -> Reply {
    let headers = [
        format!("X-Amz-Target: {target}"),
        "Content-Type: application/x-amz-json-1.1".to_owned(),
    ];
    raw::send(aws.server().address(), "POST", "/", &headers, &body.to_string()).await
}

#[tokio::test]
async fn a_cluster_is_described() {
    let aws = Aws::start().await;
    aws.cluster("j-1ABC", "WAITING", Some("ip-10-0-0-1.ec2.internal"));
    aws.cluster("j-2DEF", "STARTING", None);
    let describe = async |id: &str| {
        call(
            &aws,
            "ElasticMapReduce.DescribeCluster",
            json!({ "ClusterId": id }),
        )
        .await
    };
    let cluster = &describe("j-1ABC").await.json()["Cluster"];
    assert_eq!(
        (&cluster["Status"]["State"], &cluster["MasterPublicDnsName"]),
        (&json!("WAITING"), &json!("ip-10-0-0-1.ec2.internal"))
    );
    assert_eq!(
        describe("j-2DEF").await.json()["Cluster"].get("MasterPublicDnsName"),
        None
    );
    let unknown = describe("j-NONE").await;
    assert_eq!(
        (unknown.status, &unknown.json()["message"]),
        (400, &json!("Cluster id 'j-NONE' is not valid."))
    );
    assert_eq!(aws.server().journal().count("DescribeCluster"), 3);
}

#[tokio::test]
async fn a_secret_is_found_by_its_arn_and_by_its_name() {
    let aws = Aws::start().await;
    let arn = aws.secret("livy", "{\"username\":\"hadoop\"}");
    let get = async |id: &str| call(&aws, "secretsmanager.GetSecretValue", json!({ "SecretId": id })).await;
    let partial = arn.rsplit_once('-').unwrap().0.to_owned();
    for id in [arn.as_str(), partial.as_str(), "livy"] {
        assert_eq!(
            get(id).await.json()["SecretString"],
            "{\"username\":\"hadoop\"}",
            "{id}"
        );
    }
    let binary = aws.binary_secret("bytes", "AAEC");
    assert_eq!(get(&binary).await.json().get("SecretString"), None);
    aws.delete_secret(&arn);
    assert_eq!(get(&arn).await.json()["__type"], "ResourceNotFoundException");
}

#[tokio::test]
async fn a_service_refuses_as_it_is_told() {
    let aws = Aws::start().await;
    let denied = Fault::Answer(aws::error("AccessDeniedException", "not authorized"));
    aws.server()
        .faults()
        .inject(On::operation("DescribeCluster"), denied);
    let refused = call(
        &aws,
        "ElasticMapReduce.DescribeCluster",
        json!({ "ClusterId": "j" }),
    )
    .await;
    assert_eq!(
        (refused.status, &refused.json()["__type"]),
        (400, &json!("AccessDeniedException"))
    );
}
