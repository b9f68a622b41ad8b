//! Batch names and YARN tags: how a run is found again, by any program, whatever was lost.
//!
//! | who | batch name |
//! |---|---|
//! | function | `<slug>-<resource, 8 hex>-<intent, 12 hex>` |
//! | worker | `<slug>-<intent, 12 hex>[-n]`, with `n` from the second run of an intent on |
//!
//! The slug is for people; matching ignores it. What follows it is the run's *key*.

use std::fmt;
use std::sync::Arc;

use crate::identity::{Intent, Resource, Spec};

/// The tag that every application of this project carries.
pub const COMMON_TAG: &str = "sparkwright";

const MAX_SLUG: usize = 40;
const TAG_DIGITS: usize = 32;
const INTENT_DIGITS: usize = 12;
const RESOURCE_DIGITS: usize = 8;

/// The part of a batch's name that people read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slug(String);

impl Slug {
    /// Lower-cased ASCII letters and digits, every run of other characters one `-`, at most 40, `job` when empty.
    pub fn of(name: &str) -> Self {
        let mut slug = String::new();
        for c in name.chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c.to_ascii_lowercase());
            } else if !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let cut: String = slug.trim_matches('-').chars().take(MAX_SLUG).collect();
        let trimmed = cut.trim_matches('-');
        Self(if trimmed.is_empty() {
            "job".to_owned()
        } else {
            trimmed.to_owned()
        })
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A batch name without its slug: what makes a run this run and no other. A clone shares the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunKey(Arc<str>);

impl RunKey {
    /// The key of an intent's run number `number` (from 1); a function's intents have one run.
    pub fn of(intent: Intent, resource: Option<Resource>, number: u32) -> Self {
        let stem = stem(intent, resource);
        Self(if number <= 1 {
            stem.into()
        } else {
            format!("{stem}-{number}").into()
        })
    }

    /// The tag by which YARN finds this run's application.
    pub fn tag(&self) -> String {
        format!("{COMMON_TAG}-run-{}", self.0)
    }

    /// The run that an application with these tags belongs to.
    pub fn of_tags(tags: &[String]) -> Option<Self> {
        let prefix = format!("{COMMON_TAG}-run-");
        tags.iter()
            .find_map(|tag| tag.strip_prefix(&prefix))
            .map(|key| Self(key.into()))
    }

    /// Whether this is a run of a stack's resource.
    pub fn is_of(&self, resource: Resource) -> bool {
        self.0
            .strip_prefix(&resource.hex(RESOURCE_DIGITS))
            .is_some_and(|rest| rest.starts_with('-'))
    }

    /// Whether a batch of this name is this run, whatever its slug.
    pub fn matches(&self, batch_name: &str) -> bool {
        key_start(batch_name, &self.0).is_some()
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The unique name under which Livy knows a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BatchName {
    name: String,
    key: RunKey,
}

impl BatchName {
    /// The name of a run.
    pub fn of(slug: &Slug, key: RunKey) -> Self {
        Self {
            name: format!("{slug}-{key}"),
            key,
        }
    }

    /// The name under which Livy really holds a run: another release may have made another slug.
    pub fn seen(name: &str, key: RunKey) -> Option<Self> {
        key.matches(name).then(|| Self {
            name: name.to_owned(),
            key,
        })
    }

    /// Reads a name that one of our programs made. A worker's name whose slug ends in eight hex digits of its own looks
    /// like a function's and is read as one.
    pub fn parse(name: &str) -> Option<Self> {
        let parts: Vec<_> = name.split('-').collect();
        let is_hex = |part: &str, digits| {
            part.len() == digits && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_number = |part: &str| part.parse::<u32>().is_ok_and(|n| n >= 2 && part == n.to_string());
        let key_parts = match parts.as_slice() {
            [.., _, intent, number] if is_hex(intent, INTENT_DIGITS) && is_number(number) => 2,
            [.., _, resource, intent]
                if is_hex(resource, RESOURCE_DIGITS) && is_hex(intent, INTENT_DIGITS) =>
            {
                2
            }
            [.., _, intent] if is_hex(intent, INTENT_DIGITS) => 1,
            _ => return None,
        };
        let key = RunKey(parts[parts.len() - key_parts..].join("-").into());
        Some(Self {
            name: name.to_owned(),
            key,
        })
    }

    /// What makes the run this run.
    pub fn key(&self) -> &RunKey {
        &self.key
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for BatchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The number of the intent's run that a batch of this name is, if it is one.
pub fn run_number(batch_name: &str, intent: Intent, resource: Option<Resource>) -> Option<u32> {
    number_after(batch_name, &stem(intent, resource))
}

/// The number of the intent's run that an application with these tags is, if it is one.
pub fn run_number_of_tags(tags: &[String], intent: Intent, resource: Option<Resource>) -> Option<u32> {
    let stem = format!("-run-{}", stem(intent, resource));
    tags.iter()
        .find_map(|tag| number_after(tag, &stem[1..]).filter(|_| tag.starts_with(COMMON_TAG)))
}

/// The tags that a run's application carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags(Vec<String>);

impl Tags {
    /// The tags of one run.
    pub fn of(key: &RunKey, intent: Intent, resource: Option<Resource>, spec: Spec) -> Self {
        let mut tags = vec![COMMON_TAG.to_owned(), key.tag(), intent_tag(intent)];
        tags.extend(resource.map(resource_tag));
        tags.push(spec_tag(spec));
        Self(tags)
    }
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// The tag by which an intent's runs are adopted.
pub fn intent_tag(intent: Intent) -> String {
    format!("{COMMON_TAG}-intent-{}", intent.hex(TAG_DIGITS))
}

/// The tag by which a resource's job is looked up.
pub fn resource_tag(resource: Resource) -> String {
    format!("{COMMON_TAG}-resource-{}", resource.hex(TAG_DIGITS))
}

/// The tag that says what was declared.
pub fn spec_tag(spec: Spec) -> String {
    format!("{COMMON_TAG}-spec-{}", spec.hex(TAG_DIGITS))
}

/// What names hold of an intent.
pub(crate) fn intent_digits(intent: Intent) -> String {
    intent.hex(INTENT_DIGITS)
}

/// The part of a batch's name that would be an intent's, if one of our programs made it.
pub(crate) fn intent_digits_of(batch_name: &str) -> Option<&str> {
    let (head, last) = batch_name.rsplit_once('-')?;
    if last.len() == INTENT_DIGITS {
        return Some(last);
    }
    // What follows it is a number.
    head.rsplit_once('-').map(|(_, digits)| digits)
}

fn stem(intent: Intent, resource: Option<Resource>) -> String {
    let intent = intent_digits(intent);
    resource.map_or_else(
        || intent.clone(),
        |resource| format!("{}-{intent}", resource.hex(RESOURCE_DIGITS)),
    )
}

fn number_after(name: &str, stem: &str) -> Option<u32> {
    if key_start(name, stem).is_some() {
        return Some(1);
    }
    let (head, number) = name.rsplit_once('-')?;
    let number = number.parse().ok().filter(|n: &u32| *n >= 2)?;
    key_start(head, stem).map(|_| number)
}

fn key_start(name: &str, key: &str) -> Option<usize> {
    name.strip_suffix(key)
        .filter(|slug| slug.len() > 1 && slug.ends_with('-'))
        .map(str::len)
}

/// Among an application's tags the one that says what was declared.
pub fn spec_tag_of(tags: &[String]) -> Option<&str> {
    let prefix = format!("{COMMON_TAG}-spec-");
    tags.iter()
        .map(String::as_str)
        .find(|tag| tag.starts_with(&prefix))
}

/// Whether an application's tags say that it is another job than this spec's. What says nothing is no other.
pub fn is_of_other_spec(tags: &[String], spec: Spec) -> bool {
    spec_tag_of(tags).is_some_and(|tag| tag != spec_tag(spec))
}

#[cfg(test)]
mod tests;
