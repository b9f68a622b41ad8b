//! Ids are a contract: what stands here leads to jobs that run today.

use proptest::prelude::*;
use serde_json::json;
use sparkwright_spark_job::identity::Resource;
use sparkwright_spark_job::names::{RunKey, Slug};

use super::*;
use crate::properties::lenient_place;

const STACK: &str = "arn:aws:cloudformation:eu-central-1:123456789012:stack/etl-prod/5d1f0a40-0000";

fn place(properties: serde_json::Value) -> Place {
    lenient_place(properties.as_object().expect("an object")).expect("a place")
}

fn run_id(slug: &str, place: Place) -> RunId {
    let key = RunKey::of(Intent::of_token("create"), Some(Resource::of(STACK, "Job")), 1);
    RunId {
        batch: BatchName::of(&Slug::of(slug), key),
        spec: "0123456789ab".into(),
        place,
        of_failed_update: false,
        unknown: Vec::new(),
    }
}

fn parse(id: &str) -> PhysicalId {
    PhysicalId::parse(id, STACK, "Job")
}

#[test]
fn golden_ids() {
    let secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:livy-a1b2c3";
    let places = [
        json!({"LivyHost": "primary.example"}),
        json!({"LivyUrl": "https://gateway.example/emr;1/livy", "ResourceManager": "None"}),
        json!({"ClusterId": "j-2AXXXXXXGAPLF"}),
        json!({"ClusterId": "j-2AXXXXXXGAPLF", "LivyPort": 8999, "LivyScheme": "https", "ResourceManagerUser": "späti"}),
        json!({"LivyHost": "h", "LivyCredentials": secret, "ResourceManagerUrl": "http://rm1:8088,http://rm2:8088"}),
    ];
    let ids = places.map(|properties| run_id("Nightly ETL", place(properties)).to_string());
    let nothing = |request_type| nothing(STACK, "Job", "7d6c8f0a", request_type);
    insta::assert_debug_snapshot!((ids, nothing(RequestType::Create), nothing(RequestType::Update)));
}

#[test]
fn a_failed_requests_id_leads_to_its_run_and_is_of_no_spec() {
    let run = run_id("etl", place(json!({"LivyHost": "primary.example"})));
    let of_update = run.of_failed(RequestType::Update);
    assert_eq!(
        of_update.to_string(),
        format!(
            "sparkwright:1:{}:000000000000:http://primary.example:8998/;of=update",
            run.batch
        )
    );
    assert_eq!(
        parse(&of_update.to_string()),
        PhysicalId::Run(Box::new(of_update.clone()))
    );
    assert!(parse(&of_update.to_string()).is_of_failed_update());
    let id = run.of_failed(RequestType::Create);
    assert!(!parse(&id.to_string()).is_of_failed_update());
    assert_eq!(
        id.to_string(),
        format!(
            "sparkwright:1:{}:000000000000:http://primary.example:8998/",
            id.batch
        )
    );
    assert_eq!(parse(&id.to_string()), PhysicalId::Run(Box::new(id.clone())));
    let object = json!({"File": "s3://bucket/etl.py"});
    let parameters =
        sparkwright_spark_job::parameters::Parameters::parse(object.as_object().expect("an object"));
    let declared = json!({"LivyHost": "primary.example", "Parameters": object});
    let properties = crate::properties::Properties::parse(declared.as_object().expect("an object"));
    let spec = Spec::of(
        &parameters.expect("parameters"),
        &properties.expect("properties").endpoint,
        "",
    );
    assert!(!id.is_of(spec));
}

#[test]
fn what_cannot_be_seen_is_in_no_id_of_ours() {
    let id = run_id("etl", place(json!({"LivyHost": "h"}))).to_string();
    assert_eq!(parse(&id.replace("etl-", "e\u{7}tl-")), PhysicalId::Other);
}

#[test]
fn ids_of_every_maker_are_told_apart() {
    let legacy = PhysicalId::Legacy {
        application: "application_1700000000000_0042".parse().expect("an id"),
        batch: 7,
    };
    assert_eq!(parse("application_1700000000000_0042#7"), legacy);
    assert_eq!(parse("default"), PhysicalId::LegacyFailure);
    for (request_type, of_update) in [(RequestType::Create, false), (RequestType::Update, true)] {
        let nothing = parse(&nothing(STACK, "Job", "7d6c8f0a", request_type));
        assert_eq!(nothing, PhysicalId::Nothing { of_update });
        assert_eq!(nothing.is_of_failed_update(), of_update);
    }
    assert_eq!(parse("etl-prod-Job-1ABCDEF2GHIJK"), PhysicalId::Invented);
    let long = STACK.replace("etl-prod", "etl-of-the-whole-group-in-production");
    let logical_id = "NightlyAggregationOfAllOrders";
    for (id, expected) in [
        (
            "etl-of-the-whole-group-NightlyAggregationOf-1ABCDEF2GHIJK",
            PhysicalId::Invented,
        ),
        ("etl-of-NightlyAggregationOf-1ABCDEF2GHIJK", PhysicalId::Other),
        ("etl-of-the-whole-group-Nightly-1ABCDEF2GHIJK", PhysicalId::Other),
    ] {
        assert_eq!(PhysicalId::parse(id, &long, logical_id), expected, "{id}");
    }
    for other in [
        "",
        "etl-prod-Other-1ABCDEF2GHIJK",
        "etl-prod-Job-",
        "etl-prod-Job-1ABC-DEF2",
        "null#12",
        "sparkwright:2:x:y:z",
    ] {
        assert_eq!(parse(other), PhysicalId::Other, "{other}");
    }
    assert_eq!(
        PhysicalId::parse("-Job-1ABCDEF2GHIJK", "", "Job"),
        PhysicalId::Other
    );
}

#[test]
fn what_a_later_release_added_is_kept_and_ignored() {
    let id = format!(
        "{};rm=nonsense;zone=b%3B",
        run_id("a", place(json!({"LivyHost": "h"})))
    );
    let parsed = parse(&id);
    let run = parsed.run().expect("a run");
    assert_eq!(run.place, place(json!({"LivyHost": "h"})));
    assert_eq!(run.to_string(), id);
}

#[test]
fn a_damaged_id_leads_nowhere() {
    let whole = run_id("a", place(json!({"LivyHost": "h"}))).to_string();
    for damaged in [
        whole.replace("0123456789ab", "0123456789AB"),
        whole.replace("http://h:8998/", "h"),
        whole.replace("http://h:8998/", "http://h:8998/%zz"),
        whole.replace("http://h:8998/", "http://h:8998/;rm"),
        whole[..whole.len() / 2].to_owned(),
        whole.replacen("a-", "", 1),
    ] {
        assert_eq!(parse(&damaged), PhysicalId::Other, "{damaged}");
    }
}

fn any_place() -> impl Strategy<Value = Place> {
    let url = || {
        "https?://[a-z][a-z0-9-]{0,40}[a-z0-9](:[1-9][0-9]{0,3})?(/[a-z0-9;%+~é-]{1,20}){0,3}"
            .prop_filter_map("not an address", |text| parse_url("url", &text).ok())
    };
    let scheme = prop_oneof![Just(Scheme::Http), Just(Scheme::Https)];
    let livy = prop_oneof![
        url().prop_map(Livy::At),
        ("j-[A-Z0-9]{1,13}", any::<u16>(), scheme).prop_map(|(id, port, scheme)| Livy::OnCluster {
            id,
            port,
            scheme
        }),
    ];
    let truth = prop_oneof![
        Just(Truth::BesideLivy),
        Just(Truth::Nowhere),
        prop::collection::vec(url(), 1..3).prop_map(Truth::At),
    ];
    let secret = prop::option::of(
        "arn:aws:secretsmanager:[a-z0-9-]{4,12}:[0-9]{12}:secret:[a-zA-Z0-9/_+=.@;%-]{1,60}",
    );
    (livy, truth, ".{0,20}", secret).prop_map(|(livy, truth, user, credentials)| Place {
        livy,
        truth,
        user,
        credentials,
    })
}

proptest! {
    #[test]
    fn an_id_leads_back_to_its_run(slug in ".{0,60}", place in any_place()) {
        let run = run_id(&slug, place);
        let id = run.to_string();
        prop_assert!(id.bytes().all(|byte| (b'!'..=b'~').contains(&byte)), "{}", id);
        prop_assert_eq!(parse(&id), PhysicalId::Run(Box::new(run)));
    }

    #[test]
    fn any_text_is_read_without_a_panic(id in "(sparkwright:1:)?.{0,80}", stack in ".{0,20}", logical in ".{0,10}") {
        let _ = PhysicalId::parse(&id, &stack, &logical);
    }
}
