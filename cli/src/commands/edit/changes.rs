//! An edited text → the values to be sealed and the keys to be taken out.

use std::collections::{BTreeMap, BTreeSet};

use seal_core::escape::escaped;
use seal_core::kind::file::{self, Document};
use seal_core::manifest::{self, Manifest, SEALED};
use seal_core::secret::SecretValue;

use crate::console;
use crate::editing::Editing;
use crate::error::Failure;
use crate::values::Values;

/// What an edit means.
pub(super) struct Changes {
    pub(super) put: Values,
    pub(super) remove: BTreeSet<String>,
}

impl Changes {
    /// Warns where somebody else changed a key in the file since the text began: what was typed here replaces that.
    pub(super) fn tell_of_others(&self, editing: &Editing<'_>, sealed: &str) {
        let began = file::read(sealed).unwrap_or_default().into_iter().find_map(|it| match it {
            Document::Sealed(object) if object.place().is_ok_and(|it| it == editing.place) => {
                Some(object.spec.values)
            }
            _ => None,
        });
        let (began, now) = (began.unwrap_or_default(), &editing.object.spec.values);
        let typed = self.put.keys().chain(&self.remove);
        let twice: Vec<String> =
            typed.filter(|key| began.get(*key) != now.get(*key)).map(|key| escaped(key)).collect();
        if !twice.is_empty() {
            console::warn(&format!(
                "{}: the file has changed since this text began, also at {}; your text replaces that",
                editing.place,
                twice.join(", ")
            ));
        }
    }
}

/// What differs between the text that an editor began with and what it left.
///
/// Held against the text and not against the file, which may have changed meanwhile: what was not edited is not sealed.
pub(super) fn of(editing: &Editing<'_>, began: &str, edited: &str) -> Result<Changes, Failure> {
    let before = one(began)?.values;
    let manifest = one(edited)?;
    is_only_values(editing, &manifest)?;
    let is_gone = |key: &&String| !manifest.values.contains_key(*key) && editing.has(key);
    let remove = before.keys().filter(is_gone).cloned().collect();
    let mut put = BTreeMap::new();
    for (key, value) in manifest.values {
        let is_same = before.get(&key).is_some_and(|it| it.expose() == value.expose());
        if is_same {
            continue;
        }
        if value.expose() == SEALED.as_bytes() {
            return Err(no_value(&key));
        }
        if before.get(&key).is_some_and(is_placeholder) && is_damaged_placeholder(&value) {
            return Err(not_replaced(&key));
        }
        put.insert(key, value);
    }
    Ok(Changes { put, remove })
}

/// Says that comments which were typed are kept nowhere: the text is made anew each time.
pub(super) fn tell_of_comments(began: &str, edited: &str) {
    // Further to the right stand the lines of a value.
    let is_comment = |line: &&str| ["#", " #", "  #"].iter().any(|it| line.starts_with(it));
    let known: BTreeSet<&str> = began.lines().filter(is_comment).collect();
    if edited.lines().filter(is_comment).any(|line| !known.contains(line)) {
        console::note("comments in this text are not kept: those in the sealed file are, in clear");
    }
}

fn one(text: &str) -> Result<Manifest, Failure> {
    let mut manifests = manifest::read(text, &BTreeSet::new())
        .map_err(|error| Failure::from(error).about("the text"))?;
    if manifests.len() != 1 {
        return Err(Failure::input("the text has more than one Secret")
            .hint("keep the one that it began with"));
    }
    Ok(manifests.remove(0))
}

/// Refuses an edit of anything but values: what else there is stands in the sealed file, in clear.
fn is_only_values(editing: &Editing<'_>, manifest: &Manifest) -> Result<(), Failure> {
    let place = &editing.place;
    let is_here = manifest.name.as_deref() == Some(place.name.as_str())
        && manifest.namespace.as_deref() == Some(place.namespace.as_str());
    let type_ = manifest.template.type_.as_deref();
    let is_bare = manifest.template.metadata.labels.is_empty()
        && manifest.template.metadata.annotations.is_empty()
        && manifest.template.immutable.is_none()
        && manifest.dropped.is_empty();
    if is_here && is_bare && type_ == editing.type_() {
        return Ok(());
    }
    Err(Failure::input(format!("{place}: only values can be changed here, and of this object"))
        .hint("type, labels and annotations stand in the sealed file itself, in clear; another name or namespace is sealed from the manifest"))
}

fn is_placeholder(value: &SecretValue) -> bool {
    value.expose() == SEALED.as_bytes()
}

/// Whether a part of the word that stood there is still in a value.
fn is_damaged_placeholder(value: &SecretValue) -> bool {
    let parts = [SEALED.trim_end_matches('>'), SEALED.trim_start_matches('<')];
    parts
        .iter()
        .any(|part| value.expose().windows(part.len()).any(|window| window == part.as_bytes()))
}

fn not_replaced(key: &str) -> Failure {
    Failure::input(format!("{}: its placeholder was changed and not replaced", escaped(key))).hint(
        format!("write the value in place of all of {SEALED}, or put {SEALED} back; `seal set` seals a value that has such a word in it"),
    )
}

fn no_value(key: &str) -> Failure {
    Failure::input(format!("{} is a new key, and {SEALED} is no value of it", escaped(key)))
        .hint("write its value; `seal rename-key` gives a sealed value another key")
}
