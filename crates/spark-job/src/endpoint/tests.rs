//! Which declarations lead where.

use super::*;

fn read(value: Value) -> Result<DeclaredEndpoint, Mistakes> {
    let object = value.as_object().expect("an object");
    let mut fields = Fields::new(object, "property");
    let declared = DeclaredEndpoint::read(&mut fields, ClusterIds::Accepted);
    fields.finish().or_value(|| declared)
}

#[track_caller]
fn check(value: Value, livy: &str, resource_manager: &str) {
    let endpoint = read(value)
        .expect("valid")
        .resolve(Some("ip-10-0-0-1.ec2.internal"))
        .expect("resolves")
        .expect("named");
    let ResourceManager::Required { urls, .. } = endpoint.resource_manager else {
        panic!("no ResourceManager")
    };
    assert_eq!(
        (endpoint.livy.as_str(), urls[0].as_str()),
        (livy, resource_manager)
    );
}

#[test]
fn the_resource_manager_is_livys_neighbour_unless_named() {
    check(json!({"LivyHost": "h"}), "http://h:8998/", "http://h:8088/");
    check(
        json!({"LivyHost": "h", "LivyScheme": "https", "LivyPort": "443"}),
        "https://h/",
        "https://h:8090/",
    );
    check(
        json!({"LivyUrl": "https://h:8443/livy"}),
        "https://h:8443/livy",
        "https://h:8090/",
    );
    check(
        json!({"LivyUrl": "http://h:1", "ResourceManagerUrl": "http://a:2,http://b:2"}),
        "http://h:1/",
        "http://a:2/",
    );
    check(
        json!({"ClusterId": "j-1ABC"}),
        "http://ip-10-0-0-1.ec2.internal:8998/",
        "http://ip-10-0-0-1.ec2.internal:8088/",
    );
}

#[track_caller]
fn check_refused(value: Value, expected: &str) {
    let text = read(value).expect_err("refused").to_string();
    assert!(text.contains(expected), "{text}");
}

#[test]
fn contradictions_and_nonsense_are_refused() {
    check_refused(
        json!({"LivyUrl": "http://h", "LivyHost": "h"}),
        "give only one of",
    );
    check_refused(
        json!({"LivyUrl": "http://h", "LivyPort": 1}),
        "leave `LivyPort` and `LivyScheme` out",
    );
    check_refused(
        json!({"LivyHost": "http://h:8998"}),
        "an address goes to `LivyUrl`",
    );
    check_refused(json!({"LivyHost": "h:8998"}), "the port goes to `LivyPort`");
    check_refused(json!({"LivyUrl": "h:8998"}), "`LivyUrl` must be an address");
    check_refused(
        json!({"LivyUrl": "http://u:p@h"}),
        "credentials do not belong into it",
    );
    check_refused(
        json!({"LivyPort": 70000}),
        "`LivyPort` must be a whole number from 1 to 65535",
    );
    check_refused(json!({"ClusterId": "cluster"}), "must be an EMR cluster id");
    check_refused(json!({"LivyCaCertificate": "/etc/ca.pem"}), "PEM form");
    check_refused(
        json!({"ResourceManager": "Maybe"}),
        "`ResourceManager` must be `Required` or `None`",
    );
}

#[test]
fn spelling_a_default_out_changes_no_spec() {
    let plain = read(json!({"LivyHost": "h"})).expect("valid").to_canonical();
    let spelt = read(json!({"LivyHost": "H", "LivyPort": "8998", "LivyScheme": "http"}))
        .expect("valid")
        .to_canonical();
    assert_eq!(plain, spelt);
    assert_eq!(
        plain,
        json!({"LivyHost": "h", "LivyPort": "8998", "LivyScheme": "http"})
    );
}

#[test]
fn no_livy_named_resolves_to_none() {
    assert_eq!(read(json!({})).expect("valid").resolve(None).expect("fine"), None);
}
