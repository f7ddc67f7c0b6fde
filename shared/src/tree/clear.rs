//! What must not be in clear, in whatever spelling: which texts are worth a parser, private keys, and what kustomizations make
//! Secrets of.

use super::survey::{At, Survey, Word};
use crate::key::Identity;
use crate::kind::kustomization::{Kustomization, Patched};
use crate::names::GROUP_PREFIX;
use crate::text;

/// How each line of an age identity file begins that holds a private key.
const IDENTITY: &str = "AGE-SECRET-KEY-";
/// Whether a text may hold what is judged here: most files of most trees need no parser to see them.
pub fn concerns(bytes: &[u8]) -> bool {
    [GROUP_PREFIX, "Secret", "secretGenerator", IDENTITY]
        .iter()
        .any(|word| text::mentions(bytes, word))
}

/// The same of a manifest: its escapes and tags may spell one of these words.
pub fn may_concern(bytes: &[u8]) -> bool {
    concerns(bytes) || may_be_spelled_otherwise(bytes)
}

/// Whether a text has what stands for other characters: escapes of YAML and JSON, a folded line in quotes, `!!binary`, a tag by
/// another name.
pub(super) fn may_be_spelled_otherwise(bytes: &[u8]) -> bool {
    const SPELLINGS: [&str; 8] = ["\\x", "\\u", "\\U", "\\\n", "\\\r", "!!binary", "%TAG", "!<"];
    SPELLINGS.iter().any(|it| text::mentions(bytes, it))
}

impl Survey {
    /// Private keys that are whole: a word that only begins as one is somebody's example.
    pub(super) fn private_keys(&mut self, text: &str) {
        for (line, number) in text.lines().zip(1..).filter(|(line, _)| line.contains(IDENTITY)) {
            let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
            let mut words = line.split(|c| !is_part(c)).filter(|word| word.starts_with(IDENTITY));
            if words.any(Identity::is_one) {
                let sentence = "a private key of age is in clear: whoever reads it opens what is sealed to it; keep it out of Git, and replace it if it is in the history".to_owned();
                self.find(number, Word::PrivateKey, sentence);
            }
        }
    }

    pub(super) fn kustomization(&mut self, text: &str, at: At, found: Kustomization) {
        if !found.literals.is_empty() {
            let names = found.literals.join(", ");
            let sentence = format!(
                "secretGenerator of {names} has literals in clear: seal them with --name and --from-env-file, and list the sealed file under resources"
            );
            let line = self.line_of(text, at, &["secretGenerator"]);
            self.find(line, Word::Plaintext, sentence);
        }
        for Patched { field, object } in found.patched {
            let sentence = format!(
                "a patch gives Secret {object} values in clear; seal it, and change its values if they are in the history"
            );
            let line = self.line_of(text, at, &[field]);
            self.find(line, Word::Plaintext, sentence);
        }
        self.generators.extend(found.files);
    }
}
