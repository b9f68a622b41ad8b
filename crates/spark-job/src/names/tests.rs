//! Names and tags are a contract: what is pinned here is found by programs of other versions.

use proptest::prelude::*;

use super::*;

fn intent() -> Intent {
    Intent::of_token("token")
}

fn resource() -> Resource {
    Resource::of("stack", "Job")
}

#[track_caller]
fn check_slug(name: &str, expected: &str) {
    assert_eq!(Slug::of(name).to_string(), expected);
}

#[test]
fn slugs_are_lower_case_words() {
    check_slug("Spark Pi", "spark-pi");
    check_slug("  --Ünïcode__Job 7!", "n-code-job-7");
    check_slug("…", "job");
    check_slug("", "job");
    check_slug(&"x".repeat(60), &"x".repeat(40));
    check_slug(&format!("{} tail", "x".repeat(39)), &"x".repeat(39));
}

#[test]
fn golden_names_and_tags() {
    let spec_free = |key: &RunKey, resource| {
        Tags(vec![COMMON_TAG.into(), key.tag(), intent_tag(intent()), resource]).to_string()
    };
    let function = RunKey::of(intent(), Some(resource()), 1);
    let worker = RunKey::of(intent(), None, 3);
    insta::assert_debug_snapshot!([
        BatchName::of(&Slug::of("Spark Pi"), function.clone()).to_string(),
        BatchName::of(&Slug::of("Spark Pi"), worker.clone()).to_string(),
        spec_free(&function, resource_tag(resource())),
        worker.tag(),
    ]);
}

#[test]
fn a_run_is_found_by_name_and_tag_whatever_its_slug() {
    // A resource's intents have one run.
    for (number, resource) in [(1, None), (2, None), (17, None), (1, Some(resource()))] {
        let key = RunKey::of(intent(), resource, number);
        let name = BatchName::of(&Slug::of("other release's slug"), key.clone());
        assert!(key.matches(name.as_str()));
        assert_eq!(run_number(name.as_str(), intent(), resource), Some(number));
        assert_eq!(run_number_of_tags(&[key.tag()], intent(), resource), Some(number));
        assert_eq!(
            run_number_of_tags(&[key.tag()], Intent::of_token("another"), resource),
            None
        );
        assert_eq!(BatchName::parse(name.as_str()), Some(name));
    }
}

#[test]
fn strangers_names_are_nobodys_run() {
    let key = RunKey::of(intent(), None, 1);
    for name in [
        "",
        "spark-pi",
        &key.to_string(),
        &format!("-{key}"),
        &format!("a-{key}-1"),
        &format!("a-{key}-x"),
    ] {
        assert_eq!(run_number(name, intent(), None), None, "{name}");
    }
}

proptest! {
    #[test]
    fn every_name_yields_a_legal_slug(name in ".{0,80}") {
        let slug = Slug::of(&name).to_string();
        prop_assert!((1..=40).contains(&slug.len()));
        prop_assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        prop_assert!(!slug.starts_with('-') && !slug.ends_with('-') && !slug.contains("--"));
    }

    #[test]
    fn names_read_back(name in ".{0,80}", number in 1u32..1000, token in ".{0,20}", of_stack: bool) {
        let (resource, number) = if of_stack { (Some(resource()), 1) } else { (None, number) };
        let batch = BatchName::of(&Slug::of(&name), RunKey::of(Intent::of_token(&token), resource, number));
        prop_assert_eq!(BatchName::parse(batch.as_str()), Some(batch));
    }
}
