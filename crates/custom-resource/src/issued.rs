//! When a request was issued, as far as the query of its presigned response URL tells.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// When CloudFormation issued a request, and until when an answer can be delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    text: String,
    at: Option<SystemTime>,
    expires: Option<SystemTime>,
}

impl Issued {
    /// Reads a URL's query: `X-Amz-Date` and `X-Amz-Expires`, or the older `Expires` (seconds since the
    /// epoch).
    pub fn from_query(query: &str) -> Self {
        let field = |name: &str| {
            let mut fields = query.split('&').filter_map(|pair| pair.split_once('='));
            fields
                .find(|(key, value)| *key == name && !value.is_empty())
                .map(|(_, value)| value)
        };
        let date = field("X-Amz-Date");
        let expires = field("Expires");
        let at = date
            .and_then(|date| date.parse::<Timestamp>().ok())
            .map(SystemTime::from);
        let lifetime = field("X-Amz-Expires").and_then(seconds);
        Self {
            text: date.or(expires).unwrap_or_default().to_owned(),
            at,
            expires: match date {
                Some(_) => at
                    .zip(lifetime)
                    .and_then(|(at, lifetime)| at.checked_add(lifetime)),
                None => expires
                    .and_then(seconds)
                    .and_then(|s| SystemTime::UNIX_EPOCH.checked_add(s)),
            },
        }
    }

    /// `X-Amz-Date`, else `Expires`, exactly as it stands in the URL; empty when there is neither.
    /// It tells a request from a later one that CloudFormation sends under the same request id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// When the request was issued, if the URL says so.
    pub fn at(&self) -> Option<SystemTime> {
        self.at
    }

    /// Whether the URL is known to be past its time: nobody waits for an answer any more.
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260314T092653Z&X-Amz-SignedHeaders=host\
                          &X-Amz-Expires=7199&X-Amz-Credential=AKIA%2F20260314&X-Amz-Signature=ab";
    const ISSUED: u64 = 1_773_480_413;

    fn epoch(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[track_caller]
    fn check(query: &str, text: &str, at: Option<u64>, expires: Option<u64>) {
        let issued = Issued::from_query(query);
        assert_eq!(issued.as_str(), text);
        assert_eq!(issued.at(), at.map(epoch));
        assert_eq!(issued.expires, expires.map(epoch));
    }

    #[test]
    fn both_kinds_of_signature_are_read() {
        check(SIGNED, "20260314T092653Z", Some(ISSUED), Some(ISSUED + 7199));
        check(
            "AWSAccessKeyId=A&Expires=1773487612&Signature=x%3D",
            "1773487612",
            None,
            Some(1_773_487_612),
        );
    }

    #[test]
    fn what_cannot_be_read_is_kept_as_text_and_never_expires() {
        check("", "", None, None);
        check("token=x", "", None, None);
        check("X-Amz-Date=yesterday&X-Amz-Expires=60", "yesterday", None, None);
        check(
            "X-Amz-Date=20260314T092653Z",
            "20260314T092653Z",
            Some(ISSUED),
            None,
        );
        check("X-Amz-Date=&Expires=soon", "soon", None, None);
        check("Expires=18446744073709551615", "18446744073709551615", None, None);
        check(
            "X-Amz-Date=20260314T092653Z&X-Amz-Expires=-1",
            "20260314T092653Z",
            Some(ISSUED),
            None,
        );
    }

    #[test]
    fn a_url_expires_at_its_last_second() {
        let issued = Issued::from_query(SIGNED);
        assert!(!issued.has_expired(epoch(ISSUED + 7198)));
        assert!(issued.has_expired(epoch(ISSUED + 7199)));
        assert!(!Issued::from_query("").has_expired(epoch(u64::from(u32::MAX))));
    }
}
