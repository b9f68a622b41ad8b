//! Reads an input leniently: whatever is missing or strange is as if it were not there.

use serde_json::{Map, Value};

/// A part of an input.
#[derive(Clone, Debug, Default)]
pub struct Scenario(Value);

impl Scenario {
    /// Reads an input. What is not an object with the field `subject` stands for that field alone.
    pub fn read(bytes: &[u8], subject: &str) -> Self {
        let value = serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()));
        match value {
            Value::Object(fields) if fields.contains_key(subject) => Self(Value::Object(fields)),
            other => Self(Value::Object(Map::from_iter([(subject.to_owned(), other)]))),
        }
    }

    /// A field; `null` when it is not there.
    pub fn value(&self, name: &str) -> &Value {
        &self.0[name]
    }

    /// A field that is a part by itself.
    pub fn part(&self, name: &str) -> Self {
        Self(self.0[name].clone())
    }

    /// A text, unless it is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }

    /// The texts in a list.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let items = self.0[name].as_array().into_iter().flatten();
        items
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    }

    /// The parts in a list.
    pub fn parts(&self, name: &str) -> Vec<Self> {
        let items = self.0[name].as_array().into_iter().flatten();
        items.cloned().map(Self).collect()
    }

    /// The texts in an object.
    pub fn text_map(&self, name: &str) -> Vec<(String, String)> {
        let fields = self.0[name].as_object().into_iter().flatten();
        fields
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
    }
}
