//! JSON to [`Node`], one document after another as kubectl takes them; a key twice is an error here too.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::de::StrRead;
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::budget::{Budget, Copies};
use super::{Entry, Node, Problem, ReadError, Value, escaped};

/// Reads one document after another.
pub(super) struct Reader<'a> {
    text: serde_json::Deserializer<StrRead<'a>>,
    state: RefCell<State<'a>>,
}

struct State<'a> {
    budget: Budget<'a>,
    /// Why we ended it, where it was not the parser.
    refused: Option<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, copies: &'a mut Copies) -> Self {
        let state = State { budget: Budget::of(text, copies), refused: None };
        Self { text: serde_json::Deserializer::from_str(text), state: RefCell::new(state) }
    }

    /// The next document; none at the end of the text.
    pub(super) fn document(&mut self) -> Option<Result<Node, ReadError>> {
        if self.text.end().is_ok() {
            return None;
        }
        self.state.get_mut().budget.next_document();
        let read = Json(&self.state).deserialize(&mut self.text);
        Some(read.map_err(|error| {
            let own = self.state.get_mut().refused.take();
            let problem = own.unwrap_or_else(|| in_our_words(&error));
            // Column 0 is right behind the line break that was in the way.
            let line = error.line() - usize::from(error.column() == 0 && error.line() > 1);
            ReadError { line, problem }
        }))
    }
}

/// The parser's error in our words: its own may quote the text.
fn in_our_words(error: &serde_json::Error) -> Problem {
    if error.classify() == Category::Eof {
        return Problem::Json("it is cut short");
    }
    let message = error.to_string();
    if message.starts_with("control character") {
        return Problem::Json("a line break, tab or other control character within a string");
    }
    if message.starts_with("recursion limit") {
        return Problem::TooLarge;
    }
    Problem::Json("a quote, comma, bracket or value is missing or one too many")
}

#[derive(Clone, Copy)]
struct Json<'r, 'a>(&'r RefCell<State<'a>>);

impl Json<'_, '_> {
    fn count<E: de::Error>(
        self,
        count: impl FnOnce(&mut Budget<'_>) -> Result<(), ReadError>,
    ) -> Result<(), E> {
        let mut state = self.0.borrow_mut();
        count(&mut state.budget).map_err(|error| {
            state.refused = Some(error.problem);
            E::custom("refused")
        })
    }

    fn number<E: de::Error>(self, text: String) -> Result<Value, E> {
        self.count(|budget| budget.node(text.len(), 0))?;
        Ok(Value::Number(text))
    }
}

impl<'de> DeserializeSeed<'de> for Json<'_, '_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let value = deserializer.deserialize_any(self)?;
        Ok(Node { value, line: 0, span: 0..0 })
    }
}

impl<'de> Visitor<'de> for Json<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        self.count(|budget| budget.node(0, 0))?;
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        self.count(|budget| budget.node(0, 0))?;
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        self.number(value.to_string())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        self.number(value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        self.number(value.to_string())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.count(|budget| budget.node(value.len(), 0))?;
        Ok(Value::String(Zeroizing::new(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        self.count(|budget| budget.node(0, 0))?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.count(|budget| budget.node(0, 0))?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            self.count(|budget| budget.key(&key, 0))?;
            if !seen.insert(key.clone()) {
                self.0.borrow_mut().refused = Some(Problem::KeyTwice(escaped(&key)));
                return Err(de::Error::custom("refused"));
            }
            let value = map.next_value_seed(self)?;
            entries.push(Entry { key, line: 0, span: 0..0, value, is_respelled: false });
        }
        Ok(Value::Mapping(entries))
    }
}
