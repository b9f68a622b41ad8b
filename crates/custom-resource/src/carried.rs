//! What an invocation tells the next one, as a member of the event.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

/// The event's member that CloudFormation does not send. Invocations of other versions read it: it is a
/// contract.
const MEMBER: &str = "CustomResourceContinuation";

/// Nothing, in the invocation that CloudFormation asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Carried {
    /// How many times the request has been handed over.
    pub(crate) hop: u32,
    /// When the first invocation began.
    pub(crate) received_at: Option<SystemTime>,
    /// The provider's last instant, as the first invocation worked it out.
    pub(crate) service_deadline: Option<SystemTime>,
    /// The id that leads to what was begun.
    pub(crate) claimed_id: Option<String>,
    /// The provider's own.
    pub(crate) state: Option<Value>,
    /// What makes the member unusable. A request that comes with one is answered and not carried on.
    pub(crate) flaw: Option<&'static str>,
}

impl Carried {
    /// Takes the member out of an event, if it has one.
    pub(crate) fn take(event: &mut Map<String, Value>) -> Self {
        match event.remove(MEMBER) {
            None => Self::default(),
            Some(Value::Object(fields)) => Self::read(fields),
            Some(_) => Self {
                flaw: Some("it is not an object"),
                ..Self::default()
            },
        }
    }

    fn read(mut fields: Map<String, Value>) -> Self {
        let hop = fields.get("Hop").and_then(whole);
        let received_at = fields.get("ReceivedAt").and_then(time);
        let service_deadline = fields.get("ServiceDeadline").and_then(time);
        let claimed_id = fields.get("ClaimedId").and_then(Value::as_str);
        Self {
            hop: hop.and_then(|hop| u32::try_from(hop).ok()).unwrap_or_default(),
            received_at,
            service_deadline,
            claimed_id: claimed_id.map(str::to_owned),
            flaw: match hop {
                None | Some(0) => Some("its `Hop` is not a whole number from 1"),
                Some(hop) if u32::try_from(hop).is_err() => Some("its `Hop` is out of range"),
                Some(_) if received_at.is_none() => Some("its `ReceivedAt` is not a time"),
                Some(_) if service_deadline.is_none() => Some("its `ServiceDeadline` is not a time"),
                Some(_) => None,
            },
            state: fields.remove("State"),
        }
    }

    /// Adds itself to an event.
    pub(crate) fn put(self, event: &mut Map<String, Value>) {
        let mut member = json!({ "Hop": self.hop });
        for (name, value) in [
            ("ReceivedAt", self.received_at.map(milliseconds)),
            ("ServiceDeadline", self.service_deadline.map(milliseconds)),
            ("ClaimedId", self.claimed_id.map(Value::from)),
            ("State", self.state),
        ] {
            if let Some(value) = value {
                member[name] = value;
            }
        }
        event.insert(MEMBER.to_owned(), member);
    }
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::String(digits) => digits.parse().ok(),
        value => value.as_u64(),
    }
}

fn time(value: &Value) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(whole(value)?))
}

fn milliseconds(time: SystemTime) -> Value {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take(mut event: Value) -> Carried {
        Carried::take(event.as_object_mut().unwrap())
    }

    #[test]
    fn an_event_of_cloudformation_carries_nothing() {
        assert_eq!(take(json!({"RequestType": "Create"})), Carried::default());
    }

    #[test]
    fn the_member_has_the_form_that_other_versions_read() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let carried = Carried {
            hop: 2,
            received_at: at(1000),
            service_deadline: at(4590),
            claimed_id: Some("report-18".to_owned()),
            state: Some(json!({"Page": 7})),
            flaw: None,
        };
        let mut event = json!({"RequestType": "Create", "CustomResourceContinuation": {"Hop": 1}});
        carried.clone().put(event.as_object_mut().unwrap());
        let expected = json!({"RequestType": "Create", "CustomResourceContinuation": {
            "Hop": 2, "ReceivedAt": 1_000_000, "ServiceDeadline": 4_590_000, "ClaimedId": "report-18",
            "State": {"Page": 7},
        }});
        assert_eq!(event, expected);
        assert_eq!(take(event), carried);
    }

    #[test]
    fn a_member_that_cannot_be_read_says_why_and_keeps_the_claimed_id() {
        let good = json!({"Hop": 1, "ReceivedAt": "1000", "ServiceDeadline": 2000, "ClaimedId": "report-18"});
        assert_eq!(take(json!({ MEMBER: &good })).flaw, None);
        for (field, value, part) in [
            ("Hop", json!(null), "Hop"),
            ("Hop", json!(0), "Hop"),
            ("Hop", json!(-1), "Hop"),
            ("Hop", json!(1.5), "Hop"),
            ("Hop", json!(u64::MAX), "range"),
            ("ReceivedAt", json!("soon"), "ReceivedAt"),
            ("ServiceDeadline", json!([]), "ServiceDeadline"),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            let carried = take(json!({ MEMBER: bad }));
            assert!(
                carried.flaw.is_some_and(|flaw| flaw.contains(part)),
                "{field}: {carried:?}"
            );
            assert_eq!(carried.claimed_id.as_deref(), Some("report-18"));
        }
        for value in [json!(null), json!("x"), json!([1])] {
            assert!(take(json!({ MEMBER: value })).flaw.is_some());
        }
    }

    proptest! {
        #[test]
        fn times_survive_any_number_of_hand_overs(at in 0..u64::MAX / 4, deadline in 0..u64::MAX / 4) {
            let time = |at| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(at));
            let mut carried = Carried {
                hop: 1, received_at: time(at), service_deadline: time(deadline), ..Carried::default()
            };
            for _ in 0..3 {
                let mut event = Map::new();
                carried.clone().put(&mut event);
                let read = Carried::take(&mut event);
                prop_assert_eq!(&read, &carried);
                carried = read;
            }
        }
    }
}
