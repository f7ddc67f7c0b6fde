//! One text of a source → what is wrong with it as far as no key is needed, each with its line: for whoever checks a tree
//! before it is merged.
//!
//! A [`Survey`] keeps of a sealed object no more than what is needed to tell of two that are for one place.

use std::collections::BTreeSet;

use super::clear::may_be_spelled_otherwise;
pub use super::clear::{concerns, may_concern};
use super::ruled::Ruled;
pub use super::word::Word;
use crate::escape::escaped;
use crate::kind::Kind;
use crate::kind::file::{Document, FileError};
use crate::kind::kustomization::GeneratorFile;
use crate::kind::locate::{Located, line_of, read_each};
pub use crate::kind::plaintext::is_value;
use crate::kind::plaintext::names_a_secret;
use crate::kind::sealed::SealedSecret;
use crate::metadata;
use crate::names::{EXPIRES, GROUP_PREFIX, ON_DELETE, PRESET};
use crate::open::OpenError;
use crate::open::allowed::Grants;
use crate::open::check::check;
use crate::place::Place;
use crate::preset::{Options, Preset, PresetError};
use crate::pull_secret;
use crate::reason::Reason;
use crate::secret_type;
use crate::yaml::Copies;

/// Larger texts are not read: the API server takes none of that size.
pub const MOST_BYTES: usize = 2 * 1024 * 1024;
/// Findings of one text whose fields are looked for; the others are named by their documents.
const MOST_LOCATED: usize = 20;
/// Larger sealed objects do not fit into etcd.
const TOO_LARGE_BYTES: usize = 1_400_000;
const NOT_SPELLED_OUT: &str = "it does not read as YAML or JSON, and its escapes or tags may spell what nobody sees: write plain text";
const NOT_READ: &str = "it says `kind: Secret` and does not read as YAML or JSON, so that nobody can see whether values are in clear";

/// What is wrong with a text, and which sealed objects it has.
#[derive(Debug, Default)]
pub struct Survey {
    /// In the order of their lines.
    pub findings: Vec<Finding>,
    /// Each sealed object with names of its own.
    pub objects: Vec<Seen>,
    /// Files of which kustomizations make Secrets.
    pub generators: Vec<GeneratorFile>,
    /// The line of a template that other programs fill in: nobody can check it before.
    pub template: Option<usize>,
}

/// Something that must not be merged. Never quotes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where, from 1.
    pub line: usize,
    /// The one word for it.
    pub word: Word,
    /// What is so.
    pub sentence: String,
}

/// A sealed object of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where it begins, from 1.
    pub line: usize,
    /// What messages call it.
    pub name: String,
    /// Which of the two kinds it is.
    pub kind: Kind,
    /// Where it would be opened: of a ClusterSealedSecret in each namespace that it lists.
    pub places: Vec<Place>,
    /// Its keys where they are merged into a Secret of others; none where the Secret is its own.
    pub merged: Option<BTreeSet<String>>,
    /// The fingerprints of everybody who opens a value of it, sorted.
    pub sealed_to: Vec<String>,
    /// What its annotation says of the day on which its credentials end.
    pub expires: Option<String>,
}

/// What is known of sealed objects besides their text.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The platform of those that note none.
    pub platform: Option<Preset>,
    /// The rule for their path.
    pub rule: Option<Ruled>,
}

/// Looks at one text. With `must_read`, a text that says
/// `seal.dev/` and cannot be read is wrong; without, it may be prose.
pub fn survey(text: &str, known: &Known, must_read: bool) -> Survey {
    let mut survey = Survey::default();
    survey.private_keys(text);
    let is_ours = text.contains(GROUP_PREFIX);
    for (index, Located { line, document }) in
        read_each(text, &mut Copies::default()).into_iter().enumerate()
    {
        match document {
            Ok(Document::Sealed(sealed)) => survey.sealed(text, (index, line), &sealed, known),
            Ok(Document::Plaintext { object, has_values: true }) => {
                let sentence = format!(
                    "Secret {object} is in clear; seal it, and change its values if they are in the history"
                );
                survey.find(line, Word::Plaintext, sentence);
            }
            Ok(Document::Kustomization(it)) => survey.kustomization(text, (index, line), it),
            Ok(Document::Plaintext { .. } | Document::Other { .. }) => {}
            Err(error) if error.is_template() && (is_ours || text.contains("Secret")) => {
                survey.template = Some(error.at().0.max(1));
            }
            Err(error) if must_read && is_ours => survey.unreadable(text, (index, line), &error),
            Err(error) if must_read && names_a_secret(text) => {
                survey.find(error.at().0.max(line), Word::Unread, NOT_READ.to_owned());
            }
            Err(error) if must_read && may_be_spelled_otherwise(text.as_bytes()) => {
                survey.find(error.at().0.max(line), Word::Unread, NOT_SPELLED_OUT.to_owned());
            }
            Err(_) => {}
        }
    }
    survey
}

/// The number of a document, and its first line.
pub(super) type At = (usize, usize);

impl Survey {
    pub(super) fn find(&mut self, line: usize, word: Word, sentence: String) {
        self.findings.push(Finding { line, word, sentence });
    }

    /// The line of a field; that of its document once much was found in the text, which is read anew each time.
    pub(super) fn line_of(&self, text: &str, (index, line): At, path: &[&str]) -> usize {
        if self.findings.len() < MOST_LOCATED { line_of(text, index, path) } else { line }
    }

    fn unreadable(&mut self, text: &str, (index, line): At, error: &FileError) {
        let (known, path) = error.at();
        let line = match (known, path.as_slice()) {
            (0, []) => line,
            (0, path) => self.line_of(text, (index, line), path),
            (known, _) => known,
        };
        let message = error.to_string();
        let numbered = format!("line {line}: ");
        let sentence = message.strip_prefix(&numbered).unwrap_or(&message);
        self.find(line, Word::Reason(Reason::Malformed), sentence.to_owned());
    }

    fn sealed(&mut self, text: &str, at: At, object: &SealedSecret, known: &Known) {
        if let Some(field) = template_in(object) {
            // The first is named.
            self.template =
                self.template.or_else(|| Some(self.line_of(text, at, &["metadata", field])));
            // Whatever its name will be, for whom it is sealed is known.
            if let Some((path, sentence)) =
                known.rule.as_ref().and_then(|rule| rule.other_recipients(object))
            {
                let sentence = format!("{}: {sentence}", object.full_name());
                self.find(self.line_of(text, at, path), Word::NotByPolicy, sentence);
            }
            return;
        }
        let place = match object.place() {
            Ok(place) => place,
            Err(problem) => {
                let line = self.line_of(text, at, &["metadata"]);
                let sentence = format!("{}: {problem}", object.full_name());
                return self.find(line, Word::Reason(Reason::Malformed), sentence);
            }
        };
        if let Some((path, word, sentence)) = wrong(object, &place, text, known) {
            self.find(self.line_of(text, at, path), word, sentence);
        }
        let sealed_to: Vec<String> = object.sealed_to().into_iter().map(str::to_owned).collect();
        let annotations = object.metadata.annotations.as_ref();
        let expires = annotations.and_then(|it| it.get(EXPIRES).cloned());
        let places = object.places();
        self.objects.push(Seen {
            line: at.1,
            name: object.full_name(),
            kind: object.spec.kind,
            places,
            merged: merged(object),
            sealed_to,
            expires,
        });
    }
}

fn merged(object: &SealedSecret) -> Option<BTreeSet<String>> {
    let merges = object.spec.on_conflict.as_deref() == Some("Merge");
    merges.then(|| object.spec.values.keys().cloned().collect())
}

/// The field of a name that a chart will fill in.
fn template_in(object: &SealedSecret) -> Option<&'static str> {
    let names = [("name", &object.metadata.name), ("namespace", &object.metadata.namespace)];
    let is_template = |name: &Option<String>| name.as_ref().is_some_and(|it| it.contains("{{"));
    names.into_iter().find(|(_, name)| is_template(name)).map(|(field, _)| field)
}

/// The first thing that is wrong with a sealed object of its own, and the field where it is put right.
fn wrong(
    object: &SealedSecret,
    place: &Place,
    text: &str,
    known: &Known,
) -> Option<(&'static [&'static str], Word, String)> {
    if let Some((path, reason, sentence)) = refused(object, text) {
        return Some((path, Word::Reason(reason), sentence));
    }
    if let Some((path, sentence)) = known.rule.as_ref().and_then(|rule| rule.refuses(object)) {
        return Some((path, Word::NotByPolicy, format!("{place}: {sentence}")));
    }
    if let Some(noted) = Preset::unknown(object) {
        let noted = escaped(noted);
        let sentence =
            format!("{place}: {PRESET} says {noted}, which is no platform that this version knows");
        return Some((&["metadata", "annotations"], Word::WrongShape, sentence));
    }
    let (platform, wrong) = misread(object, place, known.platform)?;
    let sentence = format!("{place}: for {platform}: {wrong}; {}", wrong.hint);
    Some((&["metadata"], Word::WrongShape, sentence))
}

type Refused = (&'static [&'static str], Reason, String);

/// What a controller, or the API server in front of it, would refuse.
fn refused(object: &SealedSecret, text: &str) -> Option<Refused> {
    let malformed =
        |path: &'static [&'static str], sentence| Some((path, Reason::Malformed, sentence));
    let name = object.full_name();
    if let Err(error) = check(object).and_then(|checked| checked.allowed(&Grants::most()).map(drop))
    {
        return Some((field_of(&error), error.reason(), error.to_string()));
    }
    let template = object.spec.template.as_ref();
    if let Some(Err(error)) = template.map(|template| metadata::check(&template.metadata)) {
        return malformed(&["spec", "template", "metadata"], format!("{name}: {error}"));
    }
    if object.unknown_on_delete() {
        let sentence = format!("{name}: the annotation {ON_DELETE} takes keep or delete");
        return malformed(&["metadata", "annotations"], sentence);
    }
    if let Some(problem) = pull_secret::problem(object) {
        return malformed(&["spec", "serviceAccounts"], format!("{name}: {problem}"));
    }
    let in_clear = template.iter().flat_map(|template| template.string_data.keys());
    let keys: Vec<&str> = object.spec.values.keys().chain(in_clear).map(String::as_str).collect();
    let type_ = template.and_then(|template| template.type_.as_deref()).unwrap_or_default();
    if let Some(error) = secret_type::lacks(type_, &keys) {
        return malformed(&["spec", "template", "type"], format!("{name}: {error}"));
    }
    let too_large = text.len() > TOO_LARGE_BYTES;
    if too_large {
        return malformed(&[], format!("{name}: larger than 1.4 MB, and etcd takes 1.5 MiB"));
    }
    None
}

/// Where the cause of an error is most likely to be put right.
fn field_of(error: &OpenError) -> &'static [&'static str] {
    match error {
        OpenError::WrongPlace { .. } => &["spec", "scope"],
        OpenError::NotAllowed { .. } => &["spec", "template"],
        _ => &[],
    }
}

fn misread(
    object: &SealedSecret,
    place: &Place,
    preset: Option<Preset>,
) -> Option<(Preset, PresetError)> {
    let given = preset.map(|preset| (preset, Options::default()));
    let (platform, options) = Preset::noted(object).or(given)?;
    platform.check(&options, object, place).err().map(|wrong| (platform, wrong))
}
