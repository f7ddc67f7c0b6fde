//! JSON as Go reads it, and `auth` as the kubelet decodes it. Strings in it are wiped: any may be a password.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::RegistryError;
use crate::fields::Fields;

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

/// As Go takes fields: names in any case, the last of several.
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
