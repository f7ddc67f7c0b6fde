//! One scalar: what its tag makes of it, and which ways of writing it readers take for different values.

use base64::Engine;
use granit_parser::{ScalarStyle, Tag};
use zeroize::Zeroizing;

use super::{GO_BASE64, Problem, Value, resolve};

/// The value of a scalar; `source` is how it is written.
pub(super) fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, Problem> {
    let Some(tag) = tag else {
        let plain = style == ScalarStyle::Plain;
        return Ok(if plain { resolve::plain(text) } else { string(text) });
    };
    match yaml_tag(tag).as_deref() {
        Some("str") => Ok(string(text)),
        Some("binary") => binary(text).ok_or(Problem::Binary),
        // `! text` says that it is a string.
        _ if tag.handle().is_empty() && tag.suffix() == "!" && !text.is_empty() => Ok(string(text)),
        _ => Err(Problem::Tag),
    }
}

/// Whether a tag of a list or a map says no more than what it is.
pub(super) fn is_collection_tag(tag: &Tag) -> bool {
    matches!(yaml_tag(tag).as_deref(), Some("map" | "seq"))
}

/// What stands behind `!!`, however the tag is written.
fn yaml_tag(tag: &Tag) -> Option<String> {
    let whole = format!("{}{}", tag.handle(), tag.suffix());
    whole.strip_prefix("tag:yaml.org,2002:").map(ToOwned::to_owned)
}

fn string(text: &str) -> Value {
    Value::String(Zeroizing::new(text.to_owned()))
}

/// `!!binary` as Go's YAML reads it: base64 whose line breaks do not count. It takes bytes that are no text, too, and then
/// replaces some of them: those are refused.
fn binary(text: &str) -> Option<Value> {
    let base64: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.bytes().filter(|byte| !b"\r\n".contains(byte)).collect());
    let mut bytes = Zeroizing::new(GO_BASE64.decode(base64.as_slice()).ok()?);
    std::str::from_utf8(&bytes).ok()?;
    let text = String::from_utf8(std::mem::take(&mut *bytes)).ok()?;
    Some(Value::String(Zeroizing::new(text)))
}

/// Whether a quoted string goes over a line break that is not escaped: it reads as a space. Block YAML is folded so by
/// those who write it; in braces it is JSON that is broken.
pub(super) fn folds(source: &str, style: ScalarStyle) -> bool {
    if !matches!(style, ScalarStyle::DoubleQuoted | ScalarStyle::SingleQuoted) {
        return false;
    }
    let escapes = style == ScalarStyle::DoubleQuoted;
    let mut escaped = false;
    for byte in source.bytes() {
        match byte {
            b'\\' if escapes => escaped = !escaped,
            b'\n' | b'\r' if !escaped => return true,
            // The second half of an escaped CRLF.
            b'\r' => {}
            _ => escaped = false,
        }
    }
    false
}
