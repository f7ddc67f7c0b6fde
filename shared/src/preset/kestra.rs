//! Kestra (`core/src/main/java/io/kestra/core/secret/SecretService.java`, the same from 0.16 to 2.0).
//!
//! Each environment variable that begins with `SECRET_` is a secret: its value is decoded from base64 and its name, behind the
//! prefix, is made upper case. What is no base64 of UTF-8 text is dropped with a line in the log, and two names that are one in
//! upper case log both values. Variables are read once, when the process starts.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::rules::{self, collision};
use super::seen::Seen;
use super::{Options, PresetError};
use crate::manifest::Manifest;
use crate::place::Place;
use crate::secret::SecretValue;

pub(super) const TAKES_EFFECT: &str =
    "Kestra reads its secrets once: it takes effect when Kestra is started again";

const PREFIX: &str = "SECRET_";

pub(super) fn place(namespace: Option<&str>, name: Option<&str>) -> Result<Place, PresetError> {
    let name = rules::name(name, "--name NAME")?;
    let Some(namespace) = namespace else {
        return Err(PresetError::new(
            "it has no namespace, and Kestra's container reads the Secrets of its own",
            "-n NS names the namespace that Kestra runs in",
        ));
    };
    rules::place(namespace, name)
}

pub(super) fn shape(options: &Options, manifest: &mut Manifest) -> Result<(), PresetError> {
    rules::own_keys(&manifest.template, "Kestra")?;
    if let Some((one, other)) = collision(manifest.values.keys(), variable) {
        return Err(same(one, other));
    }
    for (key, value) in std::mem::take(&mut manifest.values) {
        let (variable, value) = entry(options, &key, value)?;
        manifest.values.insert(variable, value);
    }
    manifest.empty.clear();
    Ok(())
}

pub(super) fn check(seen: &Seen<'_>) -> Result<(), PresetError> {
    if seen.is_registry() {
        return Ok(());
    }
    if let Some(key) = seen.keys.iter().find(|key| variable(key) != ***key) {
        return Err(PresetError::new(
            format!("{key} is no variable that Kestra looks for: SECRET_ and capitals"),
            format!("seal it again with --for kestra, which makes {} of it", variable(key)),
        ));
    }
    Ok(())
}

/// One value as Kestra reads it, under the name of its variable.
pub(super) fn entry(
    options: &Options,
    key: &str,
    value: SecretValue,
) -> Result<(String, SecretValue), PresetError> {
    Ok((variable(key), encoded(options, key, value)?))
}

fn same(one: &str, other: &str) -> PresetError {
    PresetError::new(
        format!(
            "{one} and {other} are one secret to Kestra, which makes names upper case, and logs both values"
        ),
        "give one of them another name",
    )
}

/// `SECRET_` and the name in upper case, as Kestra looks it up.
fn variable(key: &str) -> String {
    let upper = key.to_ascii_uppercase();
    if upper.starts_with(PREFIX) { upper } else { format!("{PREFIX}{upper}") }
}

/// Linux takes no longer string of the environment, name and end included.
const LONGEST_VARIABLE: usize = 128 * 1024;

/// The value as it is in the variable, which a program of that environment could not be started with otherwise.
fn encoded(options: &Options, key: &str, value: SecretValue) -> Result<SecretValue, PresetError> {
    let value = as_kestra_reads(options, key, value)?;
    if value.expose().contains(&0) {
        return Err(PresetError::new(
            format!("the value of {key} has a NUL, which ends a variable"),
            "leave --kestra-encoding raw out: base64 has none",
        ));
    }
    if variable(key).len() + value.expose().len() + 2 > LONGEST_VARIABLE {
        return Err(PresetError::new(
            format!(
                "the value of {key} is too long for a variable: Linux takes 128 KiB, base64 and name included"
            ),
            "keep it in a file that the task reads, and seal that as a Secret which is mounted",
        ));
    }
    Ok(value)
}

fn as_kestra_reads(
    options: &Options,
    key: &str,
    value: SecretValue,
) -> Result<SecretValue, PresetError> {
    let Ok(text) = std::str::from_utf8(value.expose()) else {
        return Err(PresetError::new(
            format!(
                "the value of {key} is no UTF-8 text, and Kestra would put replacement characters into it"
            ),
            "keep binary values in a file that the task reads, or encode it yourself and decode it in the task",
        ));
    };
    if text.contains("base64encode") && text.trim_start().starts_with("{{") {
        return Err(template(key));
    }
    let is_encoded = is_base64_of_text(text.trim());
    if options.already_base64 {
        return match is_encoded {
            true if ends_a_line(text) => Err(line_feed(key)),
            true => Ok(SecretValue::from(unwrapped(text).into_bytes())),
            false => Err(PresetError::new(
                format!("the value of {key} is no base64 of UTF-8 text"),
                "leave --already-base64 out, and it is encoded",
            )),
        };
    }
    if is_encoded && key.to_ascii_uppercase().starts_with(PREFIX) && text.trim().len() >= 4 {
        return Err(PresetError::new(
            format!("the value of {key} is base64 of text already, and would be encoded twice"),
            "--already-base64 takes the values as they are",
        ));
    }
    if options.raw {
        return Ok(value);
    }
    Ok(SecretValue::from(STANDARD.encode(text).into_bytes()))
}

fn template(key: &str) -> PresetError {
    PresetError::new(
        format!(
            "the value of {key} is a template, which Kestra never fills in: it decodes the line as base64, and drops it"
        ),
        format!("write the plain line {key}=… with the value itself: the preset encodes it"),
    )
}

/// What base64 stands for, with or without padding and line breaks.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(unwrapped(text));
    let bytes = STANDARD.decode(&*text).or_else(|_| STANDARD_NO_PAD.decode(&*text));
    bytes.ok().map(Zeroizing::new)
}

fn is_base64_of_text(text: &str) -> bool {
    let is_binary = |c: char| c.is_control() && !c.is_whitespace();
    let Some(bytes) = decoded(text) else { return false };
    std::str::from_utf8(&bytes).is_ok_and(|text| !text.contains(is_binary))
}

fn line_feed(key: &str) -> PresetError {
    PresetError::new(
        format!(
            "what the base64 of {key} stands for ends in a line feed, which Kestra hands to the task"
        ),
        "echo without -n has put it there; seal the value itself, without --already-base64",
    )
}

fn ends_a_line(text: &str) -> bool {
    decoded(text).is_some_and(|bytes| bytes.ends_with(b"\n"))
}

/// Without the line breaks that base64 tools put in.
fn unwrapped(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_whitespace()).collect()
}
