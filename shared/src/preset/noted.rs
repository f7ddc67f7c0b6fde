//! The annotation `seal.dev/for`: which preset a sealed object was made with, for whoever changes or checks it later.

use super::{Options, Preset};
use crate::kind::sealed::SealedSecret;
use crate::names::PRESET;

/// Behind the name of a preset: its values are not encoded.
const RAW: &str = "raw";
/// Behind the name of a preset: several keys were asked for.
const MULTI: &str = "multi";
/// Behind the name of a preset: a key was asked for that is not the Secret's name.
const OWN_KEY: &str = "key";

impl Preset {
    /// The preset that is noted on a sealed object, and what of its options is.
    pub fn noted(object: &SealedSecret) -> Option<(Self, Options)> {
        let text = object.metadata.annotations.as_ref()?.get(PRESET)?;
        let (preset, option) = known(text)?;
        let options = Options {
            raw: option == RAW,
            multi: option == MULTI,
            key: object.spec.values.keys().next().filter(|_| option == OWN_KEY).cloned(),
            ..Options::default()
        };
        Some((preset, options))
    }

    /// The flags of `seal` that make what an annotation `seal.dev/for` notes.
    pub fn flags(noted: &str) -> String {
        let (platform, option) = noted.split_once('/').unwrap_or((noted, ""));
        let more = match option {
            RAW => " --kestra-encoding raw",
            MULTI => " --multi",
            OWN_KEY => " --key KEY",
            _ => "",
        };
        format!("--for {platform}{more}")
    }

    /// What is noted on a sealed object and is no preset of this version.
    pub fn unknown(object: &SealedSecret) -> Option<&str> {
        let text = object.metadata.annotations.as_ref()?.get(PRESET)?;
        known(text).is_none().then_some(text.as_str())
    }

    /// Notes it on a sealed object.
    pub fn note(self, options: &Options, object: &mut SealedSecret) {
        let annotations = object.metadata.annotations.get_or_insert_default();
        let option = match options {
            Options { raw: true, .. } => format!("/{RAW}"),
            Options { multi: true, .. } => format!("/{MULTI}"),
            Options { key: Some(_), .. } => format!("/{OWN_KEY}"),
            _ => String::new(),
        };
        annotations.insert(PRESET.to_owned(), format!("{self}{option}"));
    }
}

/// A preset and its option, where this version has both.
fn known(text: &str) -> Option<(Preset, &str)> {
    let (word, option) = text.split_once('/').unwrap_or((text, ""));
    let preset: Preset = word.parse().ok()?;
    let is_known = match option {
        "" => text == word,
        RAW => preset == Preset::Kestra,
        MULTI => preset == Preset::OpenFaas,
        OWN_KEY => matches!(preset, Preset::OpenFaas | Preset::FlyteAgent),
        _ => false,
    };
    is_known.then_some((preset, option))
}
