//! Every value on its way in, whichever way it came: what can be no value is refused, what may be a slip is said. Names
//! keys, never a value.

use std::fmt::Display;
use std::path::Path;
use std::sync::OnceLock;

use seal_core::manifest::{dotenv, is_sops};
use seal_core::secret::SecretValue;

use super::Values;
use crate::console;
use crate::error::Failure;
use crate::files;

/// How text or bytes begin that another program has encrypted.
const CIPHERTEXT: [(&[u8], &str); 6] = [
    (b"age-encryption.org/v1\n", "age"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "age"),
    (b"-----BEGIN PGP MESSAGE-----", "PGP"),
    (b"\0GITCRYPT\0", "git-crypt"),
    (b"$ANSIBLE_VAULT;", "Ansible Vault"),
    (b"ENC[PKCS7,", "eyaml"),
];

/// How often a question is asked that nobody answers with yes or no.
const MOST_QUESTIONS: usize = 3;

/// What becomes of the line feed that `echo` puts behind a value of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineFeeds {
    /// Asked about at a terminal. Without one it is sealed, and said; where a platform passes it on to its programs, refused.
    Unsaid,
    /// Taken off.
    Trim,
    /// Sealed.
    Keep,
}

/// Takes line feeds off the ends of values, or refuses them where the platform is `strict` and nothing was said.
pub(crate) fn end_lines(
    place: &impl Display,
    values: &mut Values,
    line_feeds: LineFeeds,
    strict: bool,
) -> Result<(), Failure> {
    let Some(keys) = keys_with(values, ends_in_line_feed) else { return Ok(()) };
    let said = match line_feeds {
        LineFeeds::Unsaid => asked(place, &keys)?,
        said => said,
    };
    match said {
        LineFeeds::Trim => trim(values),
        LineFeeds::Unsaid if strict => {
            return Err(Failure::input(format!(
                "{place}: the value of {keys} ends in a line feed, which the platform passes on: a password with it fails"
            ))
            .hint("--trim takes it off, --keep-newline seals it"));
        }
        // Said with --quiet as well, where nobody has chosen it.
        LineFeeds::Unsaid => console::remark(&sealed_with_it(place, &keys)),
        LineFeeds::Keep => console::note(&sealed_with_it(place, &keys)),
    }
    Ok(())
}

fn sealed_with_it(place: &impl Display, keys: &str) -> String {
    format!(
        "{place}: the value of {keys} ends in a line feed, which is sealed with it; printf %s leaves it out"
    )
}

fn trim(values: &mut Values) {
    for value in values.values_mut() {
        let Some(line) = line_of(value.expose()).map(<[u8]>::len) else { continue };
        *value = SecretValue::from(&value.expose()[..line]);
    }
}

/// What a person at the terminal answered, for the whole run.
static ANSWER: OnceLock<LineFeeds> = OnceLock::new();

/// Asks what becomes of the line feeds; [`LineFeeds::Unsaid`] where nobody can be asked.
fn asked(place: &impl Display, keys: &str) -> Result<LineFeeds, Failure> {
    if let Some(answer) = ANSWER.get() {
        if *answer == LineFeeds::Trim {
            console::note(&format!(
                "{place}: the line feed behind the value of {keys} is taken off"
            ));
        }
        return Ok(*answer);
    }
    let question = format!(
        "{place}: the value of {keys} ends in a line feed, as echo and editors add it. Take it off, here and for the rest of this run? [y/n]"
    );
    for _ in 0..MOST_QUESTIONS {
        let Some(answer) = console::ask(&question) else { return Ok(LineFeeds::Unsaid) };
        let answer = match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => LineFeeds::Trim,
            "n" | "no" => LineFeeds::Keep,
            _ => continue,
        };
        return Ok(*ANSWER.get_or_init(|| answer));
    }
    Err(Failure::input(format!(
        "{place}: nobody said whether the line feed behind {keys} is sealed"
    ))
    .hint("--trim takes it off, --keep-newline seals it"))
}

/// Looks over the values that are about to be sealed for `place`.
pub(crate) fn look_over(place: &impl Display, values: &Values) -> Result<(), Failure> {
    if let Some((key, _)) = values.iter().find(|(_, value)| is_sops(value.expose())) {
        return Err(Failure::input(format!("{place}: the value of {key} is encrypted by sops"))
            .hint("decrypt it first: `sops -d FILE | seal …`"));
    }
    if let Some(keys) = keys_with(values, begins_with_byte_order_mark) {
        console::note(&format!(
            "{place}: the value of {keys} begins with a byte order mark, which is sealed with it; PowerShell's pipes and > add one, and may make UTF-16 of it"
        ));
    }
    if let Some(keys) = keys_with(values, is_template) {
        console::note(&format!(
            "{place}: the value of {keys} has a template, {{{{ … }}}}, which is sealed as it stands: nothing fills it in"
        ));
    }
    for (start, program) in CIPHERTEXT {
        if let Some(keys) = keys_with(values, |value| value.starts_with(start)) {
            console::warn(&format!(
                "{place}: the value of {keys} is encrypted already, by {program}, and is sealed as it stands"
            ));
        }
    }
    if let Some(keys) = keys_with(values, |value| contains(value, b"ENC[AES256_GCM,data:")) {
        console::warn(&format!(
            "{place}: the value of {keys} has text in it that sops has encrypted, and is sealed as it stands"
        ));
    }
    Ok(())
}

/// Says where quotes around a value are sealed with it, as kubectl takes them.
pub(super) fn tell_of_quotes(entries: &dotenv::Entries, path: &Path) {
    let is_quoted = |value: &[u8]| {
        value.len() > 1
            && [b'"', b'\'']
                .iter()
                .any(|quote| value.starts_with(&[*quote]) && value.ends_with(&[*quote]))
    };
    let quoted: Vec<&str> = entries
        .iter()
        .filter(|(_, value)| is_quoted(value.expose()))
        .map(|(key, _)| key.as_str())
        .collect();
    if !quoted.is_empty() {
        console::note(&format!(
            "{}: the value of {} is in quotes, which are sealed with it; --dotenv reads quotes",
            files::name_of(path),
            quoted.join(", ")
        ));
    }
}

/// Whether a file holds what another program has encrypted.
pub(crate) fn is_encrypted(bytes: &[u8]) -> bool {
    CIPHERTEXT.iter().any(|(start, _)| bytes.starts_with(start))
        || contains(bytes, b"ENC[AES256_GCM,data:")
}

/// The keys whose values are so, as a list.
fn keys_with(values: &Values, is_so: impl Fn(&[u8]) -> bool) -> Option<String> {
    let found = values.iter().filter(|(_, value)| is_so(value.expose()));
    let keys: Vec<&str> = found.map(|(key, _)| key.as_str()).collect();
    (!keys.is_empty()).then(|| keys.join(", "))
}

/// One line and its end, probably by accident: `echo` adds one, and a password with it fails.
fn ends_in_line_feed(value: &[u8]) -> bool {
    line_of(value).is_some()
}

/// The line of a value that is one line and its end, whichever system wrote that, and however often.
fn line_of(value: &[u8]) -> Option<&[u8]> {
    value.strip_suffix(b"\n")?;
    let end = value.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
    let line = &value[..end];
    (!line.is_empty() && !line.contains(&b'\n')).then_some(line)
}

fn begins_with_byte_order_mark(value: &[u8]) -> bool {
    [&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| value.starts_with(mark))
}

/// Only text is one: random bytes have its marks now and then.
fn is_template(value: &[u8]) -> bool {
    if std::str::from_utf8(value).is_err() {
        return false;
    }
    let begins = value.windows(2).position(|pair| pair == b"{{");
    begins.is_some_and(|at| contains(&value[at..], b"}}"))
}

fn contains(value: &[u8], part: &[u8]) -> bool {
    value.windows(part.len()).any(|window| window == part)
}
