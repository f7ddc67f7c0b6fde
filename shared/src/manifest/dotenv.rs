//! Text of an env file → keys and values, in two dialects: kubectl's `--from-env-file` and a `.env` file.
//!
//! Nothing is ever expanded: a `$` in a value is a dollar sign. Errors name a line, never what stands in it.

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
/// In single quotes everything stands for itself; in double quotes `\n`, `\r`, `\t`, `\"`, `\$` and `\\` are
/// escapes, any other backslash stands for itself. A quoted value may go over several lines.
pub fn dotenv(text: &str) -> Result<Entries, EnvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
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

struct Dotenv<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Dotenv<'a> {
    /// Passes over blank lines and comments; false at the end.
    fn skip_to_entry(&mut self) -> bool {
        loop {
            self.take(self.rest.len() - self.rest.trim_start().len());
            if !self.rest.starts_with('#') {
                return !self.rest.is_empty();
            }
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn key(&mut self) -> Result<&'a str, &'static str> {
        let line = self.rest.find('\n').unwrap_or(self.rest.len());
        let equals = self.rest[..line].find('=').ok_or("there is no = in it")?;
        let key = self.take(equals).trim();
        self.take(1);
        Ok(key.strip_prefix("export ").unwrap_or(key).trim_start())
    }

    fn value(&mut self) -> Result<SecretValue, &'static str> {
        self.take(self.rest.len() - self.rest.trim_start_matches([' ', '\t']).len());
        let value = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                self.take(1);
                self.quoted(quote)?
            }
            _ => return Ok(self.unquoted()),
        };
        let rest = self.take(self.rest.find('\n').unwrap_or(self.rest.len())).trim();
        if rest.is_empty() || rest.starts_with('#') {
            Ok(value)
        } else {
            Err("something stands behind the closing quote")
        }
    }

    fn quoted(&mut self, quote: char) -> Result<SecretValue, &'static str> {
        // As long as the text can be, so that growing leaves no copy behind.
        let mut value = Vec::with_capacity(self.rest.len());
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            let c = match c {
                c if c == quote => {
                    self.take(at + 1);
                    return Ok(value.into());
                }
                '\\' if quote == '"' => match chars.next().map(|(_, c)| c) {
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some(c @ ('"' | '\\' | '$')) => c,
                    Some(other) => {
                        value.push(b'\\');
                        other
                    }
                    None => break,
                },
                c => c,
            };
            value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        drop(SecretValue::from(value));
        Err("a quote is open")
    }

    fn entry(&mut self, entries: &mut Entries) -> Result<(), &'static str> {
        let key = self.key()?;
        let value = self.value()?;
        push(entries, key, value)
    }

    fn unquoted(&mut self) -> SecretValue {
        let line = self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        let mut hashes = line.match_indices('#').map(|(at, _)| at);
        let comment = hashes.find(|at| *at == 0 || line[..*at].ends_with([' ', '\t']));
        SecretValue::from(line[..comment.unwrap_or(line.len())].trim().as_bytes())
    }
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
        let text = "export A = plain text # note\nB='it is $HOME \\n'\nC=\"two\\nlines\nand \\\"one\\\" \\x\" # note\n#D=1\nE=a#b\nF=\nG=#c\n";
        let want = [
            pair("A", "plain text"),
            pair("B", "it is $HOME \\n"),
            pair("C", "two\nlines\nand \"one\" \\x"),
            pair("E", "a#b"),
            pair("F", ""),
            pair("G", ""),
        ];
        assert_eq!(in_clear(dotenv(text).unwrap()), want);
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
