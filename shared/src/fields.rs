//! The fields of a JSON object as they stand in the text: in their order, each value as it is written, one that is there twice
//! both times. For whoever puts back what others wrote, or reads as a program does that takes the last of two.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of an object, in their order.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The first of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| *value)
    }

    /// Whether each name is there once: readers differ in which of two they take.
    pub(crate) fn are_unique(&self) -> bool {
        self.first_twice(str::to_owned).is_none()
    }

    /// The first name that was there before, as its reader tells names apart.
    pub(crate) fn first_twice(&self, told_by: impl Fn(&str) -> String) -> Option<String> {
        let mut seen = HashSet::new();
        let again = self.0.iter().find(|(name, _)| !seen.insert(told_by(name)));
        again.map(|(name, _)| name.clone())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry::<String, &'de RawValue>()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}
