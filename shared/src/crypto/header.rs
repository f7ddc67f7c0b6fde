//! The age v1 header: one file key, wrapped to each recipient (<https://c2sp.org/age#header>).
//!
//! The reader is stricter than the `age` crate's, which lets two kinds of unterminated stanza pass; what it
//! accepts is handed to that crate all the same, which checks the MAC again before a payload is opened.

use std::fmt::Write as _;

use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

const VERSION_LINE: &str = "age-encryption.org/v1";
const COLUMNS: usize = 64;

/// Largest header that is read, in bytes: 64 post-quantum stanzas fit.
pub(crate) const MAX_HEADER_BYTES: usize = 128 * 1024;
/// Most stanzas that a header may have.
pub(crate) const MAX_STANZAS: usize = 64;

/// A header whose text has been read; nothing in it is authenticated yet.
#[derive(Debug)]
pub(crate) struct Header {
    /// The text with its final line feed, as it stands before each payload.
    text: String,
    stanzas: Vec<Stanza>,
}

impl Header {
    /// Writes the header of `file_key` over `stanzas`.
    pub(crate) fn write(file_key: &FileKey, stanzas: Vec<Stanza>) -> Self {
        let mut text = format!("{VERSION_LINE}\n");
        for stanza in &stanzas {
            write_stanza(&mut text, stanza);
        }
        text.push_str("---");
        let mac = STANDARD_NO_PAD.encode(mac(file_key, text.as_bytes()));
        text.push(' ');
        text.push_str(&mac);
        text.push('\n');
        Self { text, stanzas }
    }

    /// Reads a header as it lies in a sealed file, without its final line feed.
    pub(crate) fn read(scalar: &str) -> Result<Self, &'static str> {
        if scalar.len() >= MAX_HEADER_BYTES {
            return Err("the header is longer than 128 KiB");
        }
        if scalar.ends_with('\n') {
            return Err("the header ends in more than one line feed");
        }
        let mut lines = scalar.split('\n').peekable();
        if lines.next() != Some(VERSION_LINE) {
            return Err("the header does not begin with age-encryption.org/v1");
        }
        let mut stanzas = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("-> ")) {
            if stanzas.len() == MAX_STANZAS {
                return Err("the header has more than 64 stanzas");
            }
            stanzas.push(read_stanza(line, &mut lines)?);
        }
        if stanzas.is_empty() {
            return Err("the header has no stanza");
        }
        let mac = lines
            .next()
            .and_then(|line| line.strip_prefix("--- "))
            .ok_or("the header has no MAC line")?;
        if STANDARD_NO_PAD.decode(mac).map_or(0, |mac| mac.len()) != 32 {
            return Err("the header's MAC is not 32 bytes in canonical base64");
        }
        if lines.next().is_some() {
            return Err("the header goes on after its MAC");
        }
        Ok(Self { text: format!("{scalar}\n"), stanzas })
    }

    pub(crate) fn stanzas(&self) -> &[Stanza] {
        &self.stanzas
    }

    /// The bytes that stand before each payload.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The text as it lies in a sealed file: without the final line feed.
    pub(crate) fn scalar(&self) -> &str {
        self.text.trim_end_matches('\n')
    }
}

fn write_stanza(text: &mut String, stanza: &Stanza) {
    text.push_str("-> ");
    text.push_str(&stanza.tag);
    for arg in &stanza.args {
        write!(text, " {arg}").expect("writing to a string");
    }
    text.push('\n');
    let body = STANDARD_NO_PAD.encode(&stanza.body);
    let mut rest = body.as_str();
    // A body ends with a line shorter than 64 columns, an empty one if need be.
    while rest.len() >= COLUMNS {
        let (line, after) = rest.split_at(COLUMNS);
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(rest);
    text.push('\n');
}

fn read_stanza<'a>(
    first: &str,
    lines: &mut impl Iterator<Item = &'a str>,
) -> Result<Stanza, &'static str> {
    let mut words = first.split(' ').skip(1).map(str::to_owned);
    let tag = words.next().unwrap_or_default();
    let args: Vec<String> = words.collect();
    if !std::iter::once(&tag).chain(&args).all(age_core::format::is_arbitrary_string) {
        return Err("a stanza's arguments are not words of visible ASCII, one space between two");
    }
    let mut body = String::new();
    loop {
        let line = lines.next().ok_or("the header ends inside a stanza")?;
        if line.len() > COLUMNS {
            return Err("a stanza's body has a line of more than 64 columns");
        }
        body.push_str(line);
        if line.len() < COLUMNS {
            break;
        }
    }
    let body = STANDARD_NO_PAD
        .decode(body)
        .map_err(|_| "a stanza's body is not canonical base64 without padding")?;
    Ok(Stanza { tag, args, body })
}

/// `HMAC-SHA-256(HKDF-SHA-256(ikm = file key, salt = "", info = "header"), text up to and including "---")`.
fn mac(file_key: &FileKey, text: &[u8]) -> [u8; 32] {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, file_key.expose_secret())
        .expand(b"header", key.as_mut())
        .expect("32 bytes are within HKDF's limit");
    let mut hmac = Hmac::<Sha256>::new_from_slice(key.as_ref()).expect("HMAC takes any key");
    hmac.update(text);
    hmac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the format's specification.
    #[test]
    fn mac_of_the_known_header() {
        let file_key = FileKey::new(Box::new(std::array::from_fn(|i| i as u8)));
        let a43 = "A".repeat(43);
        let text = format!("{VERSION_LINE}\n-> X25519 {a43}\n{a43}\n---");
        let mac = STANDARD_NO_PAD.encode(mac(&file_key, text.as_bytes()));
        assert_eq!(mac, "JNUn9xkSa7WUBPM8VR467K+W0MwkYtiL82jWWX+rqNg");
    }

    #[test]
    fn what_is_written_reads_back() {
        for body in [vec![], vec![7; 32], vec![7; 48], vec![7; 49], vec![7; 96]] {
            let stanza = || Stanza { tag: "t".into(), args: vec!["a".into()], body: body.clone() };
            let header = Header::write(&super::super::new_file_key(), vec![stanza(), stanza()]);
            let again = Header::read(header.scalar()).unwrap();
            assert_eq!(again.stanzas(), header.stanzas());
            assert_eq!(again.as_bytes(), header.as_bytes());
        }
    }
}
