//! An application's id: the ResourceManager's start and a number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a YARN application, `application_<start of the ResourceManager>_<number>`. Ids are ordered as
/// their numbers are, so that of two the lower one is the older.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationId {
    // The order of the fields is the order of ids.
    cluster_timestamp: u64,
    number: u64,
}

impl ApplicationId {
    /// An id of its parts.
    pub fn new(cluster_timestamp: u64, number: u64) -> Self {
        Self {
            cluster_timestamp,
            number,
        }
    }

    /// When the ResourceManager that gave the id was started, in milliseconds of its clock.
    pub fn cluster_timestamp(&self) -> u64 {
        self.cluster_timestamp
    }

    /// Which of its applications it is, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// A text that is not an application's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an application id")]
pub struct ParseApplicationIdError(String);

impl FromStr for ApplicationId {
    type Err = ParseApplicationIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseApplicationIdError(text.to_owned());
        let parts = text
            .strip_prefix("application_")
            .and_then(|rest| rest.split_once('_'));
        let (cluster_timestamp, number) = parts.ok_or_else(refused)?;
        let parse = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten().ok_or_else(refused)
        };
        Ok(Self {
            cluster_timestamp: parse(cluster_timestamp)?,
            number: parse(number)?,
        })
    }
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "application_{}_{:04}", self.cluster_timestamp, self.number)
    }
}

impl Serialize for ApplicationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ApplicationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_printed_as_it_was_read() {
        for text in [
            "application_1795225753640_0001",
            "application_1_9999",
            "application_1795225753640_12345",
        ] {
            assert_eq!(text.parse::<ApplicationId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn ids_are_ordered_by_their_numbers_not_their_letters() {
        let mut ids: Vec<ApplicationId> = [
            "application_20_0001",
            "application_9_10000",
            "application_9_9999",
            "application_100_0001",
        ]
        .map(|text| text.parse().unwrap())
        .to_vec();
        ids.sort();
        let texts: Vec<_> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "application_9_9999",
                "application_9_10000",
                "application_20_0001",
                "application_100_0001"
            ]
        );
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "nonsense",
            "application_",
            "application_1",
            "application_1_",
            "application__1",
            "application_1_2_3",
            "application_+1_2",
            "application_1_99999999999999999999999",
            "job_1_2",
            " application_1_2",
        ] {
            let error = text.parse::<ApplicationId>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is not an application id"));
        }
    }

    #[test]
    fn json_has_it_as_text() {
        let id: ApplicationId = serde_json::from_str("\"application_1795225753640_0001\"").unwrap();
        assert_eq!((id.cluster_timestamp(), id.number()), (1795225753640, 1));
        assert_eq!(
            serde_json::to_string(&id).unwrap(),
            "\"application_1795225753640_0001\""
        );
        assert!(serde_json::from_str::<ApplicationId>("\"x\"").is_err());
    }
}
