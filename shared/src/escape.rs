//! Foreign text as a person may see it: names and words out of files, clusters and other programs.
//!
//! A control character steers a terminal, a line feed forges a row, and what is invisible or turns the direction of
//! writing makes one text look like another. All of them are shown as escapes, here and nowhere else.

/// Most characters of a name that a message shows: the longest that Kubernetes has.
const MOST_OF_A_NAME: usize = 253;

/// The text with an escape for each character that is not seen as itself.
pub fn printable(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => escaped.push(c),
            c if is_seen(c) => escaped.push(c),
            c => escaped.extend(c.escape_default()),
        }
    }
    escaped
}

/// A text of JSON in which each such character but the line feed is an escape of JSON: the same values to whoever reads it.
pub fn json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' | '\n' => escaped.push(c),
            c if is_seen(c) => escaped.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    escaped
}

/// A name for a message: the same, cut where it is longer than any name.
pub fn escaped(name: &str) -> String {
    cut(name, MOST_OF_A_NAME)
}

/// At most `most` characters of the text, escaped; what is left out is marked.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => printable(&text[..end]) + "…",
        None => printable(text),
    }
}

/// Whether a character beyond ASCII is one that people see. Rust's own table decides: it escapes controls, what is
/// invisible, and what turns the direction. An accent is asked for on a letter, where it belongs.
fn is_seen(c: char) -> bool {
    !c.is_ascii() && ['a', c].iter().collect::<String>().escape_debug().eq(['a', c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_as_itself_is_escaped() {
        for text in ["prod/db", "it's \"so\" \\ {}", "é", "e\u{301}", "漢字", "Ω≈", "🦀"] {
            assert_eq!(printable(text), text);
        }
        for (text, shown) in [
            ("a\nb", "a\\nb"),
            ("\r\t\0", "\\r\\t\\u{0}"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{7f}\u{9b}", "\\u{7f}\\u{9b}"),
            ("\u{202e}fdp", "\\u{202e}fdp"),
            ("\u{2066}\u{200b}\u{200d}\u{feff}", "\\u{2066}\\u{200b}\\u{200d}\\u{feff}"),
            ("\u{2028}\u{2029}\u{85}\u{a0}", "\\u{2028}\\u{2029}\\u{85}\\u{a0}"),
            ("\u{e0041}\u{e000}", "\\u{e0041}\\u{e000}"),
        ] {
            assert_eq!(printable(text), shown, "{text:?}");
        }
    }

    #[test]
    fn json_says_the_same_and_nothing_in_it_steers_a_terminal() {
        for text in ["a\nb", "\u{9b}2J", "\u{202e}fdp", "\u{e0041}", "é 漢字"] {
            let written = json(&serde_json::to_string(text).unwrap());
            assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
            assert!(
                written.chars().all(|c| c == ' ' || printable(&c.to_string()) == c.to_string())
            );
        }
    }

    #[test]
    fn a_name_is_cut_where_no_name_is_longer() {
        assert_eq!(escaped(&"a".repeat(253)), "a".repeat(253));
        assert_eq!(escaped(&"é".repeat(1000)), "é".repeat(253) + "…");
        assert_eq!(cut("a\nb", 2), "a\\n…");
    }
}
