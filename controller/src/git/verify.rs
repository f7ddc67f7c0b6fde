//! Whose commit it is: SSH signatures, verified in process against OpenSSH's allowed_signers.
//!
//! Of a line the key counts, with its options `namespaces`, `valid-after` and `valid-before` (UTC, compared with the
//! committer's date); the principals are not compared with the committer, whose name anybody can write. Certificates are
//! not supported: a line with `cert-authority` matches nothing. Deliberately absent: PGP, and RSA, of which ssh-keygen says
//! more in one line than is worth its crate.

use gix::objs::CommitRefIter;
use k8s_openapi::jiff::civil::DateTime;
use k8s_openapi::jiff::tz::TimeZone;
use russh::keys::PublicKey;
use russh::keys::ssh_key::SshSig;

/// What git signs in the name of.
const NAMESPACE: &str = "git";
const MAX_SIGNERS: usize = 1024;
const HASH: gix::hash::Kind = gix::hash::Kind::Sha1;

/// One key that may sign.
#[derive(Debug)]
struct Signer {
    key: PublicKey,
    valid_after: Option<i64>,
    valid_before: Option<i64>,
}

/// The keys that may sign.
#[derive(Debug)]
pub(super) struct Signers(Vec<Signer>);

impl Signers {
    /// Those of a text. A line that is none is an error, by its number: a typo must not let anybody in or out silently.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut signers = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| format!("line {} of allowedSigners {what}", number + 1);
            signers.extend(signer(line).map_err(wrong)?);
            if signers.len() > MAX_SIGNERS {
                return Err(format!("allowedSigners has more than {MAX_SIGNERS} lines"));
            }
        }
        if signers.is_empty() {
            return Err("allowedSigners has no key".to_owned());
        }
        Ok(Self(signers))
    }

    /// Why this commit is not one of theirs, if it is not.
    pub(super) fn problem(&self, commit: &[u8]) -> Option<&'static str> {
        let Ok(Some((signature, signed))) = CommitRefIter::signature(commit, HASH) else {
            return Some("it is not signed");
        };
        let committed = CommitRefIter::from_bytes(commit, HASH).committer();
        let Some(time) = committed.ok().and_then(|it| it.time().ok()).map(|it| it.seconds) else {
            return Some("it has no date");
        };
        let Ok(signature) = SshSig::from_pem(signature.as_ref()) else {
            return Some("its signature is none of SSH");
        };
        let text = signed.to_bstring();
        let signed_by = |signer: &&Signer| {
            signer.key.key_data() == signature.public_key()
                && signer.key.verify(NAMESPACE, &text, &signature).is_ok()
        };
        let Some(signer) = self.0.iter().find(signed_by) else {
            return Some("it is signed by none of the allowed keys");
        };
        let is_early = signer.valid_after.is_some_and(|after| time < after);
        let is_late = signer.valid_before.is_some_and(|before| time >= before);
        (is_early || is_late).then_some("the key that signed it was not valid on its date")
    }
}

/// The key of a line; none where the line allows something else.
fn signer(line: &str) -> Result<Option<Signer>, &'static str> {
    let (_principals, rest) = word(line).ok_or("has no key")?;
    let (options, key) = match rest.parse::<PublicKey>() {
        Ok(key) => ("", key),
        Err(_) => {
            let (options, rest) = word(rest).ok_or("has no key")?;
            (options, rest.parse().map_err(|_| "has no key that is known here")?)
        }
    };
    let mut signer = Signer { key, valid_after: None, valid_before: None };
    for option in split(options, ',') {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "cert-authority" => return Ok(None),
            "namespaces" if !value.split(',').any(|it| it == NAMESPACE) => return Ok(None),
            "namespaces" => {}
            "valid-after" => {
                signer.valid_after = Some(time(value).ok_or("has a time that is none")?)
            }
            "valid-before" => {
                signer.valid_before = Some(time(value).ok_or("has a time that is none")?)
            }
            _ => return Err("has an option that is not known"),
        }
    }
    Ok(Some(signer))
}

/// The first word, in which quotes hide blanks, and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        !quoted && c.is_whitespace()
    })?;
    Some((&text[..end], text[end..].trim_start()))
}

fn split(text: &str, at: char) -> Vec<&str> {
    let mut quoted = false;
    let parts = text.split(move |c: char| {
        quoted ^= c == '"';
        !quoted && c == at
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with or without a `Z`; Unix time.
fn time(text: &str) -> Option<i64> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if !digits.is_ascii() || !matches!(digits.len(), 8 | 12 | 14) {
        return None;
    }
    let number =
        |from: usize, to: usize| digits.get(from..to).map_or(Some(0), |it| it.parse().ok());
    let date = DateTime::new(
        i16::try_from(number(0, 4)?).ok()?,
        i8::try_from(number(4, 6)?).ok()?,
        i8::try_from(number(6, 8)?).ok()?,
        i8::try_from(number(8, 10)?).ok()?,
        i8::try_from(number(10, 12)?).ok()?,
        i8::try_from(number(12, 14)?).ok()?,
        0,
    );
    Some(date.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";

    #[test]
    fn lines_are_read_as_openssh_writes_them() {
        for line in [
            format!("me@example.com {KEY}"),
            format!("*@example.com namespaces=\"git\" {KEY} comment"),
            format!("\"me, too\" namespaces=\"file,git\",valid-after=\"20250101\" {KEY}"),
        ] {
            assert_eq!(Signers::parse(&format!("# x\n\n{line}\n")).unwrap().0.len(), 1, "{line}");
        }
        for (line, words) in [
            ("me@example.com ssh-ed25519 AAAA", "line 1"),
            ("me@example.com", "line 1"),
            ("", "no key"),
        ] {
            assert!(Signers::parse(line).unwrap_err().contains(words), "{line}");
        }
        for line in [format!("* cert-authority {KEY}"), format!("* namespaces=\"file\" {KEY}")] {
            assert!(Signers::parse(&line).unwrap_err().contains("no key"), "{line}");
        }
        assert!(Signers::parse(&format!("* never-heard-of={KEY} {KEY}")).is_err());
    }

    #[test]
    fn times_are_those_of_openssh_in_utc() {
        assert_eq!(time("19700102"), Some(86_400));
        assert_eq!(time("197001020001Z"), Some(86_460));
        assert_eq!(time("19700102000101"), Some(86_461));
        for wrong in ["", "1970", "19701301", "1970010200", "x9700101"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_git_signed_is_its_signers_and_only_as_it_was_signed() {
        let text = include_str!("../../../testdata/git/signed-commit");
        let (signers, commit) = text.split_once("---\n").unwrap();
        let problem = |signers: &str, commit: &str| {
            Signers::parse(signers).unwrap().problem(commit.as_bytes())
        };
        assert_eq!(problem(signers, commit), None);
        let foreign = Some("it is signed by none of the allowed keys");
        assert_eq!(problem(signers, &commit.replace("a change", "b change")), foreign);
        assert_eq!(problem(&format!("me {KEY}"), commit), foreign);
        let late = signers.replace("valid-after=\"20250101\"", "valid-before=\"20250101\"");
        let untimely = Some("the key that signed it was not valid on its date");
        assert_eq!(problem(&late, commit), untimely);
    }

    #[test]
    fn a_commit_without_a_signature_is_nobodys() {
        let signers = Signers::parse(&format!("me {KEY}")).unwrap();
        let commit = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n";
        assert_eq!(signers.problem(commit), Some("it is not signed"));
        assert_eq!(signers.problem(b"nothing"), Some("it is not signed"));
    }
}
