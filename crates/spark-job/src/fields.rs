//! Lenient and complete reading of a JSON object that a person wrote.
//!
//! CloudFormation sends every scalar as a string, state machines send what their author typed: numbers and
//! booleans are read from either form. Nothing stops at the first mistake: a reader collects them all, so that one
//! message tells the user everything there is to mend.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

/// Everything that is wrong with one declaration, in one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    /// One mistake alone.
    pub fn one(text: impl Into<String>) -> Self {
        Self(vec![text.into()])
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a mistake, unless it stands there already.
    pub fn push(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.0.contains(&text) {
            self.0.push(text);
        }
    }

    /// Adds another declaration's mistakes.
    pub fn extend(&mut self, other: Mistakes) {
        other.0.into_iter().for_each(|text| self.push(text));
    }

    /// The value, if nothing is wrong.
    pub fn or_value<T>(self, value: impl FnOnce() -> T) -> Result<T, Mistakes> {
        if self.is_empty() { Ok(value()) } else { Err(self) }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Mistakes {}

/// A reader of one JSON object.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    known: BTreeSet<&'static str>,
    /// Names that belong into an inner object, and that object's name.
    inner: Option<(&'static str, &'static [&'static str])>,
    noun: &'static str,
    mistakes: Mistakes,
}

impl<'a> Fields<'a> {
    /// Reads `object`, whose fields are called `noun` in messages ("property", "parameter", "field").
    pub fn new(object: &'a Map<String, Value>, noun: &'static str) -> Self {
        Self {
            object,
            known: BTreeSet::new(),
            inner: None,
            noun,
            mistakes: Mistakes::default(),
        }
    }

    /// Whether the field is there at all; makes it known.
    pub fn has(&mut self, name: &'static str) -> bool {
        self.value(name).is_some()
    }

    /// Makes a field known without reading it.
    pub fn ignore(&mut self, name: &'static str) {
        self.known.insert(name);
    }

    /// Says of these names, where they stand here, that they belong into the field `object`.
    pub fn belong_into(&mut self, object: &'static str, names: &'static [&'static str]) {
        self.inner = Some((object, names));
    }

    /// Notes a mistake that spans fields.
    pub fn mistake(&mut self, text: impl Into<String>) {
        self.mistakes.push(text);
    }

    /// Takes over the mistakes of an inner object.
    pub fn mistakes(&mut self, inner: Mistakes) {
        self.mistakes.extend(inner);
    }

    /// A text. Numbers and booleans are taken as their text; an empty text is a mistake.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.value(name)?;
        let text = self.scalar(name, value)?;
        if text.trim().is_empty() {
            self.mistake(format!("`{name}` is empty: give it a value or leave it out"));
            return None;
        }
        Some(text)
    }

    /// A text that may be empty, such as one that a template leaves blank.
    pub fn any_text(&mut self, name: &'static str) -> Option<String> {
        let value = self.value(name)?;
        self.scalar(name, value)
    }

    /// A whole number within `range`, as a number or as its digits.
    pub fn whole_number(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value(name)?;
        let text = self.scalar(name, value)?;
        match text.trim().parse::<u64>() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                let bounds = match (*range.start(), *range.end()) {
                    (low, u64::MAX) => format!("of {low} or more"),
                    (low, high) => format!("from {low} to {high}"),
                };
                self.mistake(format!("`{name}` must be a whole number {bounds}, not `{text}`"));
                None
            }
        }
    }

    /// One of a few words, in any case.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = choices
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.mistake(format!("`{name}` must be {}, not `{text}`", words.join(" or ")));
        }
        found.map(|(_, value)| *value)
    }

    /// A list of scalars, each as its text.
    pub fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let value = self.value(name)?;
        let Value::Array(items) = value else {
            self.mistake(format!("`{name}` must be a list, not {}", shape(value)));
            return None;
        };
        let texts: Vec<_> = items.iter().filter_map(|item| self.scalar(name, item)).collect();
        (texts.len() == items.len()).then_some(texts)
    }

    /// A map from names to scalars, each as its text.
    pub fn text_map(&mut self, name: &'static str) -> Option<BTreeMap<String, String>> {
        let object = self.object(name)?;
        let mut texts = BTreeMap::new();
        for (key, value) in object {
            texts.insert(key.clone(), self.scalar(&format!("{name}.{key}"), value)?);
        }
        Some(texts)
    }

    /// An object, to be read by a reader of its own.
    pub fn object(&mut self, name: &'static str) -> Option<&'a Map<String, Value>> {
        let value = self.value(name)?;
        match value {
            Value::Object(object) => Some(object),
            other => {
                self.mistake(format!("`{name}` must be an object, not {}", shape(other)));
                None
            }
        }
    }

    /// Ends the reading: every field that nobody asked for is a mistake, with the nearest known name.
    pub fn finish(mut self) -> Mistakes {
        for name in self.object.keys() {
            if self.known.contains(name.as_str()) {
                continue;
            }
            if let Some((object, _)) = self.inner.filter(|(_, names)| names.contains(&name.as_str())) {
                self.mistakes.push(format!("`{name}` belongs into `{object}`"));
            } else {
                self.mistakes
                    .push(unknown(name, self.noun, self.known.iter().copied()));
            }
        }
        self.mistakes
    }

    /// An absent field and an explicit null are the same: not given.
    fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.insert(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn scalar(&mut self, name: &str, value: &Value) -> Option<String> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            other => {
                self.mistake(format!("`{name}` must be a single value, not {}", shape(other)));
                return None;
            }
        };
        if text.contains("{{resolve:") {
            self.mistake(format!(
                "`{name}` holds a `{{{{resolve:…}}}}` reference that nobody resolves for a custom resource: \
                 let the job read the secret itself"
            ));
            return None;
        }
        Some(text)
    }
}

/// The message for a name that nothing reads.
fn unknown(name: &str, noun: &str, known: impl Iterator<Item = &'static str>) -> String {
    let nearest = known
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&candidate.to_lowercase(), &name.to_lowercase()),
                candidate,
            )
        })
        .min();
    match nearest {
        Some((distance, candidate)) if distance <= 2.max(name.len() / 4) => {
            format!("`{name}` is not a {noun}; did you mean `{candidate}`?")
        }
        _ => format!("`{name}` is not a {noun}"),
    }
}

fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) | Value::Number(_) | Value::String(_) => "a single value",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value, read: impl FnOnce(&mut Fields<'_>)) -> String {
        let object = value.as_object().expect("an object").clone();
        let mut fields = Fields::new(&object, "parameter");
        read(&mut fields);
        fields.finish().to_string()
    }

    #[test]
    fn scalars_are_read_from_either_form() {
        let mistakes = read(json!({"Cores": "4", "Memory": 4, "Flag": true}), |fields| {
            assert_eq!(fields.whole_number("Cores", 1..=u64::MAX), Some(4));
            assert_eq!(fields.text("Memory").as_deref(), Some("4"));
            assert_eq!(fields.text("Flag").as_deref(), Some("true"));
        });
        assert_eq!(mistakes, "");
    }

    #[test]
    fn every_mistake_is_named_in_one_message() {
        let mistakes = read(
            json!({"Cores": "many", "Args": "a", "NumExecutor": 1}),
            |fields| {
                fields.whole_number("Cores", 1..=u64::MAX);
                fields.texts("Args");
                fields.ignore("NumExecutors");
            },
        );
        assert_eq!(
            mistakes,
            "`Cores` must be a whole number of 1 or more, not `many`; `Args` must be a list, not a single value; \
             `NumExecutor` is not a parameter; did you mean `NumExecutors`?"
        );
    }

    #[test]
    fn an_unresolved_secret_is_refused() {
        let mistakes = read(json!({"Name": "{{resolve:secretsmanager:x}}"}), |fields| {
            assert_eq!(fields.text("Name"), None);
        });
        assert!(
            mistakes.starts_with("`Name` holds a `{{resolve:…}}` reference"),
            "{mistakes}"
        );
    }

    #[test]
    fn a_field_that_stands_one_level_too_high_is_told_where_it_belongs() {
        let mistakes = read(json!({"NumExecutors": 1}), |fields| {
            fields.belong_into("Parameters", &["NumExecutors"])
        });
        assert_eq!(mistakes, "`NumExecutors` belongs into `Parameters`");
    }

    #[test]
    fn a_null_is_the_same_as_absent() {
        assert_eq!(
            read(json!({"Name": null}), |fields| assert_eq!(
                fields.text("Name"),
                None
            )),
            ""
        );
    }
}
