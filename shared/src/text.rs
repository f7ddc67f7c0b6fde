//! The bytes of a file as text, as kubectl takes them: UTF-8, or UTF-16 behind its byte order mark.
//!
//! PowerShell writes the latter. A UTF-8 mark stays in the text: an edit keeps it, and each reader passes over it.

use memchr::memmem;
use zeroize::Zeroizing;

/// What is neither; a UTF-16 text with half a character is one, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// Not UTF-8, and no mark of UTF-16 at its beginning.
    #[error("not UTF-8 text")]
    Utf8,
    /// Begins with the mark of UTF-16, and is cut or not valid.
    #[error("not valid UTF-16 text, which its first two bytes say it is")]
    Utf16,
}

/// The text that `bytes` are. They may be a secret: what is left behind is wiped.
pub fn decode(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, NotText> {
    if let Some(unit) = utf16(&bytes) {
        return decode_utf16(&bytes[2..], unit).ok_or(NotText::Utf16);
    }
    if std::str::from_utf8(&bytes).is_err() {
        return Err(NotText::Utf8);
    }
    let text = String::from_utf8(std::mem::take(&mut *bytes)).expect("it was looked at just now");
    Ok(Zeroizing::new(text))
}

/// `text` without the mark that some editors begin a file with.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

type Unit = fn([u8; 2]) -> u16;

fn utf16(bytes: &[u8]) -> Option<Unit> {
    match bytes {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    }
}

fn decode_utf16(bytes: &[u8], unit: Unit) -> Option<Zeroizing<String>> {
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    // Two bytes of UTF-16 are three of UTF-8 at most: growing would leave unwiped copies behind.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() / 2 * 3));
    for c in char::decode_utf16(units) {
        text.push(c.ok()?);
    }
    Some(text)
}

/// Whether `word` stands in it, as UTF-8 or as UTF-16 of either order.
pub fn mentions(bytes: &[u8], word: &str) -> bool {
    let is_utf16 = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    if is_utf16 {
        let wide: Vec<u8> = word.bytes().flat_map(|byte| [byte, 0]).collect();
        contains(bytes, &wide[..wide.len() - 1])
    } else {
        contains(bytes, word.as_bytes())
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    memmem::find(bytes, word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<String, NotText> {
        decode(Zeroizing::new(bytes.to_vec())).map(|text| text.to_string())
    }

    #[test]
    fn utf_16_is_read_behind_its_mark_in_both_orders() {
        let big: Vec<u8> =
            "\u{feff}a: é\u{1f600}\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let little: Vec<u8> =
            "\u{feff}a: é\u{1f600}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [&big, &little] {
            assert_eq!(decoded(bytes).unwrap(), "a: é\u{1f600}\n");
            assert_eq!(decoded(&bytes[..bytes.len() - 1]), Err(NotText::Utf16), "cut");
        }
        assert_eq!(decoded(&[0xff, 0xfe, 0x00, 0xd8]), Err(NotText::Utf16), "half a character");
    }

    #[test]
    fn utf_8_stays_as_it_is_and_nothing_else_is_text() {
        assert_eq!(decoded("\u{feff}a: é".as_bytes()).unwrap(), "\u{feff}a: é");
        assert_eq!(without_mark("\u{feff}a"), "a");
        assert_eq!(decoded(b"a\0").unwrap(), "a\0");
        assert_eq!(decoded(b"\xe9"), Err(NotText::Utf8));
        assert_eq!(decoded(b"a\0b\0\xe9\0"), Err(NotText::Utf8), "UTF-16 without its mark");
    }
}
