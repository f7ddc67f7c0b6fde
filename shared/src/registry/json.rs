//! JSON as Go reads it, and `auth` as the kubelet decodes it. Strings in it are wiped: any may be a password.

use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::RegistryError;

const LOOSE: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
const PADDED: GeneralPurpose = GeneralPurpose::new(&STANDARD, LOOSE);
const UNPADDED: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    LOOSE.with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
);

/// User and password of `auth`, as Go decodes it.
pub(super) fn decoded(auth: &Text) -> Result<(Text, Text), RegistryError> {
    let wrong = |what: &str| {
        let message = format!(
            "its auth is {what}, which fails all credentials of a pod, those of other Secrets too"
        );
        RegistryError::new(
            message,
            "auth is base64 of user:password; leave it out, and username and password count",
        )
    };
    let engine = if auth.0.trim().ends_with('=') { PADDED } else { UNPADDED };
    let text: Zeroizing<String> =
        Zeroizing::new(auth.0.chars().filter(|c| !matches!(c, '\r' | '\n')).collect());
    let bytes =
        engine.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| wrong("no base64"))?;
    let pair = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
    match pair.split_once(':') {
        Some((user, password)) => Ok((Text::of(user), Text::of(password))),
        None => Err(wrong("base64 of something without a :")),
    }
}

/// Text that may be a secret.
#[derive(Default)]
pub(super) struct Text(pub(super) Zeroizing<String>);

impl Text {
    fn of(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

/// The fields of a JSON object in their order, each with what stands there.
#[derive(Default)]
pub(super) struct Fields<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a RawValue) -> Self {
        serde_json::from_str(value.get()).unwrap_or_default()
    }

    pub(super) fn last(&self, name: &str) -> Option<&'a RawValue> {
        let named = self.0.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| *value).filter(|value| value.get() != "null")
    }

    /// A field's text; Go takes the last of several, and refuses all when one is no string.
    pub(super) fn text(&self, name: &str) -> Result<Text, RegistryError> {
        let mut last = Text::default();
        for (_, value) in self.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)) {
            let text: Option<String> = serde_json::from_str(value.get()).map_err(|_| {
                let message = format!(
                    "its {name} is no string, which fails all credentials of a pod, those of other Secrets too"
                );
                RegistryError::new(message, "put it into quotes")
            })?;
            if let Some(text) = text {
                last = Text(Zeroizing::new(text));
            }
        }
        Ok(last)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
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
        deserializer.deserialize_map(Object)
    }
}
