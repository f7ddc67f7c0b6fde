//! The layout `env`: `KEY=value`, a line for each key of each object, sorted.
//!
//! Three programs read such files, and each in its own way: docker takes a line as it stands, up to 64 KiB of it, compose
//! takes quotes, `$` and ` #` for syntax, systemd quotes and backslashes, and all of them trim something. Only what none of
//! them changes is written, and so it needs no quotes: printable ASCII without blanks, quotes, backslashes, `$`, `#` and
//! backticks. Base64 is of that kind, which is what Kestra reads. A shell reads more into it than that.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use crate::escape::escaped;
use crate::secret::SecretValue;

use super::error::{LINE_BREAK, LayoutError};

/// docker reads a line into a buffer of this size.
const MAX_LINE: usize = 64 * 1024 - 2;

/// The lines of an object by their variable.
pub(super) fn entries(
    object: &str,
    values: BTreeMap<String, SecretValue>,
) -> Result<BTreeMap<String, SecretValue>, LayoutError> {
    for (key, value) in &values {
        let key = || escaped(key);
        if !is_variable(&key()) {
            return Err(LayoutError::Variable { object: object.to_owned(), key: key() });
        }
        if let Some(what) = wrong(value.expose()) {
            return Err(LayoutError::Value { object: object.to_owned(), key: key(), what });
        }
        if key().len() + value.expose().len() > MAX_LINE {
            return Err(LayoutError::LongLine { object: object.to_owned(), key: key() });
        }
    }
    Ok(values)
}

pub(super) fn is_variable(key: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !key.is_empty() && key.bytes().all(is_part) && !key.starts_with(|c: char| c.is_ascii_digit())
}

/// What of a value is read differently, if anything.
fn wrong(value: &[u8]) -> Option<&'static str> {
    value.iter().find_map(|byte| match byte {
        b'\n' | b'\r' => Some(LINE_BREAK),
        b' ' | b'\t' => Some("a blank"),
        b'"' | b'\'' | b'`' => Some("a quote"),
        b'\\' => Some("a backslash"),
        b'$' => Some("a $"),
        b'#' => Some("a #"),
        b'!'..=b'~' => None,
        _ => Some("a byte that is no printable ASCII"),
    })
}

/// The lines of a file that we wrote. What is no such line was put in by somebody else, and is no entry.
pub(super) fn read(text: &[u8]) -> BTreeMap<&str, &[u8]> {
    text.split(|byte| *byte == b'\n').filter_map(entry).collect()
}

fn entry(line: &[u8]) -> Option<(&str, &[u8])> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    let key = str::from_utf8(&line[..at]).ok().filter(|key| is_variable(key))?;
    let value = &line[at + 1..];
    wrong(value).is_none().then_some((key, value))
}

/// The whole file: those of `there` that are kept, and what is set.
pub(super) fn render(
    there: &BTreeMap<&str, &[u8]>,
    kept: &BTreeSet<&str>,
    set: &BTreeMap<&str, &SecretValue>,
) -> Zeroizing<Vec<u8>> {
    let mut all: BTreeMap<&str, &[u8]> = BTreeMap::new();
    all.extend(there.iter().filter(|(key, _)| kept.contains(*key)));
    all.extend(set.iter().map(|(key, value)| (*key, value.expose())));
    let size = all.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
    // As large as it will be, so that growing leaves no copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(size));
    for (key, value) in all {
        for part in [key.as_bytes(), b"=", value, b"\n"] {
            text.extend_from_slice(part);
        }
    }
    text
}
