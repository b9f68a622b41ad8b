//! Any physical id: it is read without a panic, and one that leads to a run still does when it is printed again.
//!
//! The first line of an input is the id, the second the stack's, the third the resource's name in the template.

#![no_main]

use custom_resource::RequestType;
use libfuzzer_sys::fuzz_target;
use spark_job_function::physical_id::{PhysicalId, nothing};

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (id, stack_id, logical_id) = (line(), line(), line());
    let parse = |id: &str| PhysicalId::parse(id, stack_id, logical_id);
    let parsed = parse(id);

    if let Some(run) = parsed.run() {
        let printed = run.to_string();
        assert_eq!(parse(&printed), parsed, "`{id}` was printed as `{printed}`");
        assert!(
            !is_visible(id) || is_visible(&printed),
            "`{id}` was printed as `{printed}`"
        );
        let endpoint = run.place.endpoint(Some("primary.example"), None);
        assert!(endpoint.is_ok(), "`{id}` leads nowhere: {endpoint:?}");
    }
    // Nobody else's id is ever taken for one that leads to a run or to nothing at all.
    if let Some(run) = parsed.run() {
        let beginning = format!("sparkwright:1:{}:{}:", run.batch, run.spec);
        assert!(id.starts_with(&beginning), "`{id}` is {parsed:?}");
    }
    assert_eq!(
        matches!(parsed, PhysicalId::Nothing { .. }),
        id.starts_with("sparkwright:1:none:"),
        "`{id}` is {parsed:?}"
    );
    for (request_type, of_update) in [(RequestType::Create, false), (RequestType::Update, true)] {
        let nothing = parse(&nothing(stack_id, logical_id, id, request_type));
        assert_eq!(nothing, PhysicalId::Nothing { of_update });
    }
});

fn is_visible(id: &str) -> bool {
    id.bytes().all(|byte| (b'!'..=b'~').contains(&byte))
}
