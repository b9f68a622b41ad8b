//! Which words of a stack call a request off, and which do not.

use std::time::Duration;

use aws_sdk_cloudformation::types::ResourceStatus;

use super::*;

/// Every status that CloudFormation gives a resource: whether it supersedes a Create, and an Update.
const WORDS: [(&str, bool, bool); 28] = [
    // A Create is at work. An Update that reads it reads what was before.
    ("CREATE_IN_PROGRESS", false, false),
    // It was answered, by another delivery. An Update may come before its own word is written.
    ("CREATE_COMPLETE", true, false),
    // It failed, ran out of time, or another resource failed.
    ("CREATE_FAILED", true, false),
    // An Update is at work: which one is not said.
    ("UPDATE_IN_PROGRESS", false, false),
    // The resource was there before: no word about a Create.
    ("UPDATE_COMPLETE", false, true),
    ("UPDATE_FAILED", false, true),
    // It goes, has gone, stays behind or is left by the stack: whoever creates or updates it does so for nobody.
    ("DELETE_IN_PROGRESS", true, true),
    ("DELETE_COMPLETE", true, true),
    ("DELETE_FAILED", true, true),
    ("DELETE_SKIPPED", true, true),
    // Words for stacks. If a resource ever has them, the Update that rolls it back may be the one that asks.
    ("ROLLBACK_IN_PROGRESS", false, false),
    ("ROLLBACK_COMPLETE", false, false),
    ("ROLLBACK_FAILED", false, false),
    ("UPDATE_ROLLBACK_IN_PROGRESS", false, false),
    ("UPDATE_ROLLBACK_COMPLETE", false, false),
    ("UPDATE_ROLLBACK_FAILED", false, false),
    // A custom resource can be neither imported nor moved to another stack, so they say nothing about a request.
    ("IMPORT_IN_PROGRESS", false, false),
    ("IMPORT_COMPLETE", false, false),
    ("IMPORT_FAILED", false, false),
    ("IMPORT_ROLLBACK_IN_PROGRESS", false, false),
    ("IMPORT_ROLLBACK_COMPLETE", false, false),
    ("IMPORT_ROLLBACK_FAILED", false, false),
    ("EXPORT_IN_PROGRESS", false, false),
    ("EXPORT_COMPLETE", false, false),
    ("EXPORT_FAILED", false, false),
    ("EXPORT_ROLLBACK_IN_PROGRESS", false, false),
    ("EXPORT_ROLLBACK_COMPLETE", false, false),
    ("EXPORT_ROLLBACK_FAILED", false, false),
];

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn word(status: &str, since: Option<u64>) -> StackWord {
    StackWord {
        status: status.into(),
        physical_id: Some("id".into()),
        since: since.map(at),
        reason: None,
    }
}

fn asked(request_type: RequestType, issued: Option<u64>, at_first: Option<u64>) -> Asked {
    Asked {
        request_type,
        issued: issued.map(at),
        at_first: at_first.map(at),
    }
}

#[test]
fn every_status_calls_off_what_it_should() {
    for (status, create, update) in WORDS {
        assert_eq!(is_superseded(RequestType::Create, status), create, "{status}");
        assert_eq!(is_superseded(RequestType::Update, status), update, "{status}");
        assert!(!is_superseded(RequestType::Delete, status), "{status}");
    }
}

#[test]
fn the_table_has_every_status_that_the_sdk_knows() {
    let known: Vec<_> = WORDS.iter().map(|(status, ..)| *status).collect();
    for status in ResourceStatus::values() {
        assert!(known.contains(status), "{status}");
    }
    assert_eq!(known.len(), ResourceStatus::values().len());
}

#[test]
fn a_word_that_nobody_knows_calls_nothing_off() {
    for status in ["", "COMPLETE", "create_failed", "UPDATE_PAUSED", "CREATE_FAILED "] {
        assert!(!is_superseded(RequestType::Create, status), "{status}");
        assert!(!is_superseded(RequestType::Update, status), "{status}");
    }
    // Whatever a later release calls it, the resource leaves the stack.
    assert!(is_superseded(RequestType::Update, "DELETE_PAUSED"));
}

#[test]
fn a_word_from_before_the_request_is_about_another() {
    let update =
        |since, issued| word("UPDATE_COMPLETE", since).supersedes(asked(RequestType::Update, issued, None));
    assert!(!update(Some(99), Some(100)));
    // Requests are dated to the second, downwards.
    assert!(update(Some(100), Some(100)) && update(Some(101), Some(100)));
    assert!(update(None, Some(100)) && update(Some(99), None));
    // A resource that was deleted once, and is created again under the same name.
    assert!(!word("DELETE_COMPLETE", Some(99)).supersedes(asked(RequestType::Create, Some(100), None)));
}

#[test]
fn work_that_began_after_the_request_is_a_later_requests() {
    let update = |since, issued, at_first| {
        let word = word("UPDATE_IN_PROGRESS", Some(since));
        word.supersedes(asked(RequestType::Update, issued, at_first))
    };
    // Its own, though written down late.
    assert!(!update(100, Some(100), Some(100)) && !update(104, Some(100), Some(104)));
    assert!(!update(110, Some(100), None));
    // The rollback's.
    assert!(update(105, Some(100), Some(104)) && update(105, None, Some(104)));
    assert!(update(111, Some(100), None));
    assert!(!word("UPDATE_IN_PROGRESS", Some(200)).supersedes(asked(RequestType::Delete, Some(100), None)));
    // A resource that was deleted, and created anew under the same name.
    let anew = word("CREATE_COMPLETE", Some(200));
    assert!(anew.supersedes(asked(RequestType::Update, Some(100), None)));
    assert!(!anew.supersedes(asked(RequestType::Update, Some(250), None)));
    // A Create that comes late meets the next one of the same name.
    assert!(word("CREATE_IN_PROGRESS", Some(200)).supersedes(asked(RequestType::Create, Some(100), None)));
}

#[test]
fn what_is_updated_has_been_created() {
    let updated = |since| word("UPDATE_IN_PROGRESS", Some(since));
    assert!(updated(101).supersedes(asked(RequestType::Create, Some(100), None)));
    assert!(
        updated(101).has_accepted(RequestType::Create) && !updated(101).has_accepted(RequestType::Update)
    );
    // Of a resource that was there before, under the same name.
    assert!(!updated(99).supersedes(asked(RequestType::Create, Some(100), None)));
}

#[test]
fn a_stack_has_a_resource_once_a_request_was_answered_well() {
    for (status, ..) in WORDS {
        let is_there = matches!(
            status,
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS"
        );
        assert_eq!(
            word(status, None).resource(),
            is_there.then_some("id"),
            "{status}"
        );
    }
    let nameless = StackWord {
        physical_id: Some(String::new()),
        ..word("CREATE_COMPLETE", None)
    };
    assert_eq!(nameless.resource(), None);
}
