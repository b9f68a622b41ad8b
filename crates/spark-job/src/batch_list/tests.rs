//! What a list shows of an intent.

use super::*;
use crate::specimens::batch;

fn named(name: &str) -> Arc<Batch> {
    Arc::new(Batch {
        name: Some(name.to_owned()),
        ..batch("running", None, &[])
    })
}

#[test]
fn an_intents_runs_are_found_whatever_they_are_called_else() {
    let (intent, resource) = (Intent::of_token("a"), Intent::of_token("b"));
    let digits = intent_digits(intent);
    let ours = [
        format!("etl-{digits}"),
        format!("another-slug-{digits}"),
        format!("etl-{digits}-2"),
        format!("etl-{digits}-4294967295"),
    ];
    let others = [
        format!("etl-{}", intent_digits(resource)),
        format!("etl-{digits}-x"),
        digits.clone(),
        format!("etl-{digits}-2-3"),
        "etl".to_owned(),
        String::new(),
    ];
    let list = BatchList::new(ours.iter().chain(&others).map(|name| named(name)).collect());
    let found: Vec<_> = list
        .of_intent(intent, None)
        .into_iter()
        .filter_map(|batch| batch.name)
        .collect();
    assert_eq!(found, ours);
    for name in &ours {
        assert_eq!(list.named(name).and_then(|batch| batch.name.as_ref()), Some(name));
    }
    assert!(list.named("etl-0123456789ab").is_none());
}

#[test]
fn what_has_not_changed_is_shared_with_the_list_before() {
    let name = format!("etl-{}", intent_digits(Intent::of_token("a")));
    let before = BatchList::new(vec![named(&name)]);
    let again = before.shared(Batch::clone(&named(&name)));
    assert!(Arc::ptr_eq(&again, &before.batches[0]));
    let changed = Batch {
        app_id: Some("application_1_0001".into()),
        ..Batch::clone(&named(&name))
    };
    assert_eq!(*before.shared(changed.clone()), changed);
    let unnamed = Batch {
        name: None,
        ..changed
    };
    assert_eq!(*before.shared(unnamed.clone()), unnamed);
}
