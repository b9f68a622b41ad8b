//! EMR, Secrets Manager, CloudFormation, Lambda.

use serde_json::{Value, json};
use sparkwright_tests::aws::{self, Aws, Collection, ResourceStatus};
use sparkwright_tests::cloudformation::StackResource;
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
async fn primary_nodes_are_listed_as_their_kind_of_cluster_wants_it() {
    let aws = Aws::start().await;
    let names = ("ec2-1.compute.amazonaws.com", "ip-10-0-0-1.ec2.internal");
    let by_group = json!({ "ClusterId": "j-1", "InstanceGroupTypes": ["MASTER"] });
    let by_fleet = json!({ "ClusterId": "j-1", "InstanceFleetType": "MASTER" });
    let list = async |body: &Value| call(&aws, "ElasticMapReduce.ListInstances", body.clone()).await;
    assert_eq!(list(&by_group).await.status, 400);
    aws.cluster("j-1", "WAITING", Some(names.0));
    for (collection, right, wrong) in [
        (Collection::Groups, &by_group, &by_fleet),
        (Collection::Fleets, &by_fleet, &by_group),
    ] {
        aws.primary_nodes("j-1", collection, &[names]);
        let listed = list(right).await.json();
        let instances = listed["Instances"].as_array().unwrap();
        assert_eq!(instances.len(), 1, "{listed}");
        assert_eq!(
            (&instances[0]["PublicDnsName"], &instances[0]["PrivateDnsName"]),
            (&json!(names.0), &json!(names.1))
        );
        assert_eq!(list(wrong).await.json()["__type"], "InvalidRequestException");
        let all = list(&json!({ "ClusterId": "j-1" })).await.json();
        assert_eq!(all["Instances"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_stack_says_of_its_resource_what_it_was_told() {
    let aws = Aws::start().await;
    let resource = StackResource::new("Job");
    let describe = async |stack: &str, resource: &str| {
        let form = format!(
            "Action=DescribeStackResource&Version=2010-05-15&StackName={}&LogicalResourceId={resource}",
            stack.replace(':', "%3A").replace('/', "%2F")
        );
        let headers = ["Content-Type: application/x-www-form-urlencoded".to_owned()];
        raw::send(aws.server().address(), "POST", "/", &headers, &form).await
    };
    let unknown = describe(&resource.stack_id, "Job").await;
    assert_eq!(unknown.status, 400);
    assert!(
        unknown.body.contains("<Code>ValidationError</Code>"),
        "{}",
        unknown.body
    );
    assert!(
        unknown
            .body
            .contains(&format!("Stack '{}' does not exist", resource.stack_id))
    );
    let status = ResourceStatus::new("UPDATE_FAILED")
        .because("cancelled & <gone>")
        .of("id-1");
    aws.stack_says(&resource, status);
    for stack in [resource.stack_id.as_str(), "simulated"] {
        let text = describe(stack, "Job").await.body;
        for said in [
            "<ResourceStatus>UPDATE_FAILED</ResourceStatus>",
            "<PhysicalResourceId>id-1</PhysicalResourceId>",
            "<ResourceStatusReason>cancelled &amp; &lt;gone&gt;</ResourceStatusReason>",
        ] {
            assert!(text.contains(said), "{text}");
        }
    }
    assert!(
        describe(&resource.stack_id, "Other")
            .await
            .body
            .contains("Resource Other does not exist")
    );
    assert_eq!(aws.server().journal().count("DescribeStackResource"), 4);
}

#[tokio::test]
async fn a_function_is_invoked_by_its_name_or_arn() {
    let aws = Aws::start().await;
    let mut invocations = aws.function("spark-job");
    let invoke = async |function: &str, kind: &str, body: &str| {
        let path = format!(
            "/2015-03-31/functions/{}/invocations",
            function.replace(':', "%3A")
        );
        let headers = [format!("X-Amz-Invocation-Type: {kind}")];
        raw::send(aws.server().address(), "POST", &path, &headers, body)
            .await
            .status
    };
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:spark-job";
    for (n, function) in ["spark-job", "spark-job:live", arn].into_iter().enumerate() {
        assert_eq!(
            invoke(function, "Event", &format!("{{\"n\":{n}}}")).await,
            202,
            "{function}"
        );
        assert_eq!(invocations.next().await, Some(json!({ "n": n })));
    }
    assert_eq!(invoke(arn, "DryRun", "").await, 204);
    assert_eq!(invoke("other", "Event", "{}").await, 404);
    assert_eq!(invoke(arn, "Event", "{").await, 400);
    assert_eq!(invoke(arn, "RequestResponse", "{}").await, 400);
    assert_eq!(
        invoke(arn, "Event", &format!("\"{}\"", "x".repeat(1 << 20))).await,
        413
    );
    let denied = aws::rest_error(403, "AccessDeniedException", "not authorized");
    aws.server()
        .faults()
        .inject(On::post("/2015-03-31/*"), Fault::Answer(denied));
    assert_eq!(invoke(arn, "DryRun", "").await, 403);
    assert_eq!(aws.server().journal().count("Invoke"), 9);
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
    aws.rotate_secret(&arn, "other");
    assert_eq!(get(&arn).await.json()["SecretString"], "other");
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
