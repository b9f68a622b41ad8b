//! Changes an input as JSON: a change of single bytes seldom leaves JSON, and then only tests the JSON reader.

use fastrand::Rng;
use serde_json::{Map, Value};

/// libFuzzer's own change of bytes: the text's length, and the room that there is; gives the new length.
pub type ByteMutation = fn(&mut [u8], usize, usize) -> usize;

/// Of so many changes one is left to libFuzzer, so that bytes that are no JSON are tried too.
const BYTES_ONCE_IN: u8 = 10;
const MOST_CHANGES: u8 = 4;
/// No string is made longer: whatever limits a text limits it far below.
const MAX_STRING: usize = 10_000;

/// Makes `fuzz_target!` change its inputs as JSON.
#[macro_export]
macro_rules! mutate_json {
    () => {
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutator::mutate(data, size, max_size, seed, libfuzzer_sys::fuzzer_mutate)
        });
    };
}

/// Changes the input in place and gives its new length. Equal arguments give equal changes.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, bytes: ByteMutation) -> usize {
    let mut rng = Rng::with_seed(seed.into());
    let parsed = serde_json::from_slice(&data[..size]);
    let (Ok(mut root), false) = (parsed, rng.u8(..BYTES_ONCE_IN) == 0) else {
        return bytes(data, size, max_size);
    };
    let mut change = Change {
        original: nodes(&root).into_iter().cloned().collect(),
        rng,
        bytes,
    };
    for _ in 0..change.rng.u8(1..=MOST_CHANGES) {
        change.one(&mut root);
    }
    let text = root.to_string();
    if text.len() > max_size {
        return bytes(data, size, max_size);
    }
    data[..text.len()].copy_from_slice(text.as_bytes());
    text.len()
}

struct Change {
    /// Every value of the input as it was: material for other places.
    original: Vec<Value>,
    rng: Rng,
    bytes: ByteMutation,
}

impl Change {
    fn one(&mut self, root: &mut Value) {
        let index = self.rng.usize(..nodes(root).len());
        let value = nth(root, &mut { index }).expect("the index is one of the nodes'");
        match (self.rng.u8(..8), &mut *value) {
            (0, _) => *value = self.rng.choice(&self.original).cloned().unwrap_or_default(),
            (1, _) => *value = self.strange(),
            (2, _) => *value = other_form(value),
            (_, Value::String(text)) => self.change_text(text),
            (_, Value::Array(items)) => self.change_items(items),
            (_, Value::Object(fields)) => self.change_fields(fields),
            (_, Value::Number(number)) => {
                let base = number.as_i64().unwrap_or_default();
                *value = base.wrapping_add(self.rng.i64(-2..=2)).into();
            }
            (_, Value::Null | Value::Bool(_)) => *value = self.strange(),
        }
    }

    fn change_text(&mut self, text: &mut String) {
        match self.rng.u8(..6) {
            0 => text.clear(),
            1 => {
                let times = self.rng.usize(2..400).min(MAX_STRING / text.len().max(1));
                *text = text.repeat(times.max(1));
            }
            2 => {
                let at = (0..=text.len())
                    .filter(|at| text.is_char_boundary(*at))
                    .collect::<Vec<_>>();
                let at = self.rng.choice(at).unwrap_or_default();
                text.insert_str(at, STRANGE_TEXTS[self.rng.usize(..STRANGE_TEXTS.len())]);
            }
            _ => {
                let room = text.len() + 64;
                let mut changed = text.clone().into_bytes();
                changed.resize(room, 0);
                let size = (self.bytes)(&mut changed, text.len(), room);
                *text = String::from_utf8_lossy(&changed[..size]).into_owned();
            }
        }
    }

    fn change_items(&mut self, items: &mut Vec<Value>) {
        let any = self.rng.choice(&self.original).cloned().unwrap_or_default();
        match (self.rng.u8(..4), items.len()) {
            (0, 1..) => drop(items.remove(self.rng.usize(..items.len()))),
            (1, 1..) => {
                let item = items[self.rng.usize(..items.len())].clone();
                items.extend(std::iter::repeat_n(item, self.rng.usize(1..20)));
            }
            (2, 2..) => self.rng.shuffle(items),
            _ => items.insert(self.rng.usize(..=items.len()), any),
        }
    }

    fn change_fields(&mut self, fields: &mut Map<String, Value>) {
        let any = self.rng.choice(&self.original).cloned().unwrap_or_default();
        let names: Vec<String> = fields.keys().cloned().collect();
        let Some(mut name) = self.rng.choice(names) else {
            fields.insert(String::new(), any);
            return;
        };
        match self.rng.u8(..4) {
            0 => drop(fields.remove(&name)),
            1 => drop(fields.insert(name, any)),
            kept_or_not => {
                let value = fields[&name].clone();
                if kept_or_not == 2 {
                    fields.remove(&name);
                }
                self.change_text(&mut name);
                fields.insert(name, value);
            }
        }
    }

    fn strange(&mut self) -> Value {
        match self.rng.u8(..8) {
            0 => Value::Null,
            1 => self.rng.bool().into(),
            2 => [0, -1, 1, 255, 900, 3600, 65536, i64::MAX, i64::MIN][self.rng.usize(..9)].into(),
            3 => u64::MAX.into(),
            4 => [0.5, -0.0, 1e308, 1e-308][self.rng.usize(..4)].into(),
            5 => Value::Array(Vec::new()),
            6 => Value::Object(Map::new()),
            _ => STRANGE_TEXTS[self.rng.usize(..STRANGE_TEXTS.len())].into(),
        }
    }
}

/// Texts on which readers and writers of text stumble.
const STRANGE_TEXTS: [&str; 14] = [
    "",
    " ",
    "\n",
    "\u{0}",
    "\u{1b}[31m",
    "\u{1b}]",
    "\u{202e}",
    "\u{feff}",
    "é東🦀",
    "\"\\",
    "%",
    "null",
    "0x1f",
    "/../",
];

/// A scalar in the other form that means the same; others stay.
fn other_form(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        Value::Number(_) | Value::Bool(_) => value.to_string().into(),
        other => other.clone(),
    }
}

/// The value and everything in it.
fn nodes(value: &Value) -> Vec<&Value> {
    let mut found = vec![value];
    match value {
        Value::Array(items) => found.extend(items.iter().flat_map(nodes)),
        Value::Object(fields) => found.extend(fields.values().flat_map(nodes)),
        _ => {}
    }
    found
}

/// The node of this number in the order of [`nodes`].
fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Value::Object(fields) => fields.values_mut().find_map(|item| nth(item, left)),
        _ => None,
    }
}
