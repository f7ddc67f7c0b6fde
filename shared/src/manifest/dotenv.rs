//! Text of an env file → keys and values, in two dialects: kubectl's `--from-env-file` and a `.env` file.
//!
//! Nothing is ever expanded: a `$` in a value is a dollar sign. Errors name a line, never what stands in it.

use zeroize::Zeroizing;

use crate::place::is_key;
use crate::secret::SecretValue;

/// Why an env file did not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct EnvError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, in our own words.
    pub problem: &'static str,
}

/// The entries of an env file in its order.
pub type Entries = Vec<(String, SecretValue)>;

/// Reads kubectl's dialect: `KEY=VALUE` with the value taken as it stands, no quotes and no escapes.
///
/// Blank lines and lines whose first character is `#` are left out. `KEY` alone asks `environment`; kubectl
/// takes a variable that is not set for an empty one, which here is an error.
pub fn env_file(
    text: &str,
    environment: &dyn Fn(&str) -> Option<SecretValue>,
) -> Result<Entries, EnvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut entries = Vec::new();
    for (index, line) in text.lines().map(str::trim_start).enumerate() {
        if !line.is_empty() && !line.starts_with('#') {
            env_line(line, environment, &mut entries)
                .map_err(|problem| EnvError { line: index + 1, problem })?;
        }
    }
    Ok(entries)
}

fn env_line(
    line: &str,
    environment: &dyn Fn(&str) -> Option<SecretValue>,
    entries: &mut Entries,
) -> Result<(), &'static str> {
    if let Some((key, value)) = line.split_once('=') {
        return push(entries, key, SecretValue::from(value.as_bytes()));
    }
    let value = environment(line)
        .ok_or("a name without = takes the environment's value, and that is not set")?;
    push(entries, line, value)
}

/// Reads a `.env` file: `export` before a name, quotes around a value, `#` after a space begins a comment.
///
/// There is no standard: a value is taken where python-dotenv and godotenv take the same, else it is refused, also where
/// one of them replaces a `$NAME` by something else. In single quotes everything stands for itself; in double quotes `\n`,
/// `\r`, `\"`, `\'` and `\\` are escapes. A quoted value may go over several lines; a line break is a line feed.
pub fn dotenv(text: &str) -> Result<Entries, EnvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = lone_return(text) {
        let line = 1 + text[..at].matches('\n').count();
        return Err(EnvError { line, problem: "a carriage return stands alone in it" });
    }
    let mut reader = Dotenv { rest: text, line: 1 };
    let mut entries = Vec::new();
    while reader.skip_to_entry() {
        let line = reader.line;
        reader.entry(&mut entries).map_err(|problem| EnvError { line, problem })?;
    }
    Ok(entries)
}

fn push(entries: &mut Entries, key: &str, value: SecretValue) -> Result<(), &'static str> {
    if !is_key(key) {
        return Err("what stands before = cannot be a key of a Secret");
    }
    if entries.iter().any(|(other, _)| other == key) {
        return Err("its key stands twice in this file");
    }
    entries.push((key.to_owned(), value));
    Ok(())
}

/// A carriage return that ends no line: to some readers it does. One that ends the text is none to all.
fn lone_return(text: &str) -> Option<usize> {
    let mut returns = text.match_indices('\r').map(|(at, _)| at);
    returns.find(|at| !matches!(text[at + 1..].chars().next(), Some('\n') | None))
}

struct Dotenv<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Dotenv<'a> {
    /// Passes over blank lines and comments; false at the end.
    fn skip_to_entry(&mut self) -> bool {
        loop {
            self.take(
                self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\r', '\n']).len(),
            );
            if !self.rest.starts_with('#') {
                return !self.rest.is_empty();
            }
            self.take(self.line_len());
        }
    }

    fn line_len(&self) -> usize {
        self.rest.find(['\r', '\n']).unwrap_or(self.rest.len())
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn entry(&mut self, entries: &mut Entries) -> Result<(), &'static str> {
        let key = self.key()?;
        let value = self.value()?;
        push(entries, key, value)
    }

    fn key(&mut self) -> Result<&'a str, &'static str> {
        let equals = self.rest[..self.line_len()].find('=').ok_or("there is no = in it")?;
        let written = self.take(equals).trim_matches(BLANKS);
        self.take(1);
        let key = match written.strip_prefix("export") {
            Some(exported) if exported.starts_with(BLANKS) => exported.trim_start_matches(BLANKS),
            _ => written,
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if !key.is_empty() && key.chars().all(is_name) {
            Ok(key)
        } else {
            Err("its name is empty or has another character than letters, digits, _ and .")
        }
    }

    fn value(&mut self) -> Result<SecretValue, &'static str> {
        let blanks = self.rest.len() - self.rest.trim_start_matches(BLANKS).len();
        self.take(blanks);
        let value = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                self.take(1);
                self.quoted(quote)?
            }
            Some('`') => return Err("some readers take a backtick for a quote: use single quotes"),
            Some('#') if blanks > 0 => {
                return Err("some readers take # for the value, others for a comment: quote it");
            }
            _ => return self.unquoted(),
        };
        let rest = self.take(self.line_len()).trim_matches(BLANKS);
        if rest.is_empty() || rest.starts_with('#') {
            Ok(value)
        } else {
            Err("something stands behind the closing quote")
        }
    }

    fn unquoted(&mut self) -> Result<SecretValue, &'static str> {
        let line = self.take(self.line_len());
        let mut comments =
            line.match_indices('#').filter(|(at, _)| line[..*at].ends_with(char::is_whitespace));
        let end = comments.next().map_or(line.len(), |(at, _)| at);
        if comments.next().is_some() {
            return Err("which # begins the comment, readers do not agree on: quote the value");
        }
        let value = line[..end].trim_matches(BLANKS);
        if value.trim() != value {
            return Err("a white space other than blank and tab begins or ends it: quote it");
        }
        stands_for_itself(value, true)?;
        Ok(SecretValue::from(value.as_bytes()))
    }

    fn quoted(&mut self, quote: char) -> Result<SecretValue, &'static str> {
        let (inner, closes) = self.up_to(quote)?;
        stands_for_itself(inner, quote == '"')?;
        // As long as the text can be, so that growing leaves no copy behind.
        let mut value = Zeroizing::new(Vec::with_capacity(inner.len()));
        let mut rest = inner;
        while let Some(c) = rest.chars().next() {
            let (taken, c) = match c {
                '\\' if quote == '"' => (2, escape(&rest[1..])?),
                '\\' if rest[1..].starts_with(['\\', '\'']) || rest.len() == 1 => {
                    return Err("some readers take \\ for an escape in single quotes, too");
                }
                '\r' => (2, '\n'),
                c => (c.len_utf8(), c),
            };
            value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[taken..];
        }
        self.take(closes);
        Ok(SecretValue::from(std::mem::take(&mut *value)))
    }

    /// What stands before the closing quote, and where the text behind it begins.
    fn up_to(&self, quote: char) -> Result<(&'a str, usize), &'static str> {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices() {
            match c {
                '\\' => escaped = !escaped,
                c if c == quote && !escaped => return Ok((&self.rest[..at], at + 1)),
                _ => escaped = false,
            }
        }
        Err("a quote is open")
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

/// What a backslash and the beginning of `rest` mean in double quotes.
fn escape(rest: &str) -> Result<char, &'static str> {
    match rest.chars().next() {
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some(quote @ ('"' | '\'')) => Ok(quote),
        // One reader looks for the closing quote before it looks at escapes.
        Some('\\')
            if !rest[1..].is_empty()
                && !rest[1..].starts_with("\\\\")
                && !rest[1..].starts_with("\\\"") =>
        {
            Ok('\\')
        }
        _ => Err("readers do not agree on a backslash in it: use single quotes, or --from-file"),
    }
}

/// That no reader replaces a part of it by a variable's value. One does so in single quotes, too.
fn stands_for_itself(value: &str, unless_single_quoted: bool) -> Result<(), &'static str> {
    for (at, _) in value.match_indices('$') {
        let next = value[at + 1..].chars().next();
        if next == Some('{') {
            return Err(
                "some readers replace ${…}, in single quotes too: give it with --from-file",
            );
        }
        let is_name =
            next.is_some_and(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if unless_single_quoted && (is_name || value[..at].ends_with('\\')) {
            return Err("some readers replace a $ and what follows it: use single quotes");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_clear(entries: Entries) -> Vec<(String, String)> {
        let text = |value: SecretValue| String::from_utf8(value.expose().to_vec()).unwrap();
        entries.into_iter().map(|(key, value)| (key, text(value))).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn kubectls_dialect_takes_values_as_they_stand() {
        let text = "# no\n\n  A=\"b\" # c\r\nB=\n c.d=x=y \nHOME\n";
        let home = |key: &str| (key == "HOME").then(|| b"/root"[..].into());
        let read = in_clear(env_file(text, &home).unwrap());
        let want =
            [pair("A", "\"b\" # c"), pair("B", ""), pair("c.d", "x=y "), pair("HOME", "/root")];
        assert_eq!(read, want);
    }

    #[test]
    fn a_dotenv_file_has_quotes_comments_and_export() {
        let text = "export A = plain text # note\nB='it is $HOME \\n'\r\nC=\"two\\nlines\r\nand \\\"one\\\" \" # note\n#D=1\nE=a#b\nF=\nG=#c\r";
        let want = [
            pair("A", "plain text"),
            pair("B", "it is $HOME \\n"),
            pair("C", "two\nlines\nand \"one\" "),
            pair("E", "a#b"),
            pair("F", ""),
            pair("G", "#c"),
        ];
        assert_eq!(in_clear(dotenv(text).unwrap()), want);
    }

    #[test]
    fn what_readers_do_not_agree_on_is_refused() {
        for value in [
            " # c",
            "x #y #z",
            "`x`",
            "$HOME",
            "\"$HOME\"",
            "'${HOME}'",
            "\"\\$\"",
            "\"\\t\"",
            "\"a\\\\\"",
            "'a\\'b'",
            "x\u{2028}",
            "\"a\rb\"",
            "'x' y",
        ] {
            assert_eq!(dotenv(&format!("OK=1\nA={value}\n")).unwrap_err().line, 2, "{value:?}");
        }
        for line in ["a-b=x", "A: x", "'A'=x", "=x", "A", "export A"] {
            assert!(dotenv(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn an_error_names_the_line_and_nothing_in_it() {
        let none = |_: &str| None;
        for (text, line) in [("A=1\nA=2", 2), ("A=1\n\nb c=2", 3), ("UNSET", 1), ("=x", 1)] {
            assert_eq!(env_file(text, &none).unwrap_err().line, line, "{text:?}");
        }
        for (text, line) in
            [("A=1\nB", 2), ("A='x\n\n", 1), ("A='x' y", 1), ("A=\"x\n\"\nA=1", 3), ("A=\"\\", 1)]
        {
            assert_eq!(dotenv(text).unwrap_err().line, line, "{text:?}");
        }
    }
}
