//! One sealed file being edited: read, pick the object, check it, choose recipients and scope, change, replace.
//!
//! `seal set` and `seal unset` are these steps with another change between them. The file is replaced whole or not at
//! all, and only by a text that was parsed and checked again.

mod replacing;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::rc::Rc;

use seal_core::escape::escaped;
use seal_core::key::{Fingerprint, Recipient};
use seal_core::kind::edit::{Change, edit};
use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::{MAX_OWN_HEADERS, MAX_VALUES, SealedSecret};
use seal_core::names::PRESET;
use seal_core::open::allowed::Grants;
use seal_core::open::check::check;
use seal_core::place::{Place, Scope};
use seal_core::preset::Preset;
use seal_core::seal::SealError;
use zeroize::Zeroizing;

use crate::console;
use crate::error::{Failure, SPLIT};
use crate::files;
use crate::policy::{self, Chosen, RecipientArgs, Target};
use crate::preset::Platform;
use crate::scope::ScopeArgs;
use crate::sealed::{self, PickArgs};
use crate::sealing::check_size;
pub(crate) use replacing::{MOST_TRIES, changed_meanwhile, replace_read};

/// A sealed file that was read, and the one object in it that is meant.
pub(crate) struct Editing<'a> {
    path: &'a Path,
    text: Zeroizing<String>,
    /// Which of the file's documents.
    index: usize,
    pub(crate) object: SealedSecret,
    pub(crate) place: Place,
    /// While it is held, other runs that change the file wait.
    lock: Option<File>,
}

impl<'a> Editing<'a> {
    /// Reads the file at `path`; its object must be well formed and lie in its scope.
    pub(crate) fn read(path: &'a Path, pick: &PickArgs) -> Result<Self, Failure> {
        let text = files::read_utf8(path)?;
        let (index, object) = pick.pick(path, sealed::read(path, &text)?)?;
        Self::of(path, text, index, object)
    }

    /// For a file that was read: `object` is the one at `index` among the documents of its `text`.
    pub(crate) fn of(
        path: &'a Path,
        text: Zeroizing<String>,
        index: usize,
        object: SealedSecret,
    ) -> Result<Self, Failure> {
        let place = match check(&object) {
            Ok(checked) => checked.place().clone(),
            Err(error) => return Err(Failure::from(error).about_file(path)),
        };
        Ok(Self { path, text, index, object, place, lock: None })
    }

    /// For whom and for which scope to seal into it: never what the file says, unless the rules or flags say it too.
    pub(crate) fn choose(
        &self,
        recipients: &RecipientArgs,
        scope: &ScopeArgs,
    ) -> Result<(Rc<Chosen>, Scope), Failure> {
        let chosen = policy::choose(recipients, &Target::Edited(self.path.to_path_buf()))?;
        self.may_be_sealed(&chosen)?;
        let scope = self.scope(scope).map_err(|failure| self.about(failure))?;
        Ok((chosen, scope))
    }

    /// Refuses what no controller would take, and what the rule for its path is not for.
    ///
    /// Enough for who opens all values first: they open in the scope that they were sealed for, so nobody has widened it.
    pub(crate) fn may_be_sealed(&self, chosen: &Chosen) -> Result<(), Failure> {
        let allowed = check(&self.object).and_then(|checked| checked.allowed(&Grants::most()));
        allowed
            .map_err(Failure::from)
            .and_then(|_| self.is_for(chosen))
            .and_then(|()| self.is_ruled(chosen))
            .map_err(|failure| self.about(failure))
    }

    /// Refuses a file that was not sealed for the platform of its rule: its values may be encoded otherwise.
    fn is_for(&self, chosen: &Chosen) -> Result<(), Failure> {
        if let Some(noted) = Preset::unknown(&self.object) {
            return Err(Failure::input(format!(
                "{}: {PRESET} says {}, and how that platform reads values this version does not know",
                self.place,
                escaped(noted)
            ))
            .hint("use the version that sealed it; or correct the annotation"));
        }
        let noted = Platform::noted(&self.object).map(|platform| platform.preset);
        let type_ = self.type_();
        let is_other =
            |ruled: &Preset| noted != Some(*ruled) && (noted.is_some() || ruled.rules_over(type_));
        match chosen.platform.filter(is_other) {
            None => Ok(()),
            Some(ruled) => Err(Failure::input(format!(
                "{}: the rule of .seal.yaml for this path is for {ruled}, and the file was not sealed so",
                self.place
            ))
            .hint("seal it again from its manifest, or change the rule")),
        }
    }

    fn is_ruled(&self, chosen: &Chosen) -> Result<(), Failure> {
        let place = &self.place;
        if let Some(ruled) = chosen.namespace.as_deref().filter(|ruled| *ruled != place.namespace) {
            let message = format!(
                "{place}: the rule of .seal.yaml for this path is for the namespace {ruled}"
            );
            return Err(Failure::input(message).hint("move the file, or change the rule"));
        }
        chosen.holds(&self.object.spec.scope).map_err(|failure| failure.about(place))
    }

    /// The file's scope, when this run may seal for it.
    ///
    /// A file is as trusted as whoever sent the last change of it: so the scope is the place, as the rule has it, or
    /// what the flags repeat.
    fn scope(&self, flags: &ScopeArgs) -> Result<Scope, Failure> {
        let (scope, place) = (&self.object.spec.scope, &self.place);
        if flags.scope(place)? == *scope {
            return Ok(scope.clone());
        }
        let message = if flags.given() {
            format!("{place}: the file's scope is {scope}, which the --scope flags do not say")
        } else {
            format!("{place}: the file's scope is {scope}, wider than its place")
        };
        let namespaces = scope.namespaces.join(",");
        Err(Failure::input(message).hint(format!(
            "if that is meant, repeat it: --scope-namespaces '{namespaces}' --scope-name '{}'",
            scope.name
        )))
    }

    /// The file, as it was read.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The type of its Secret, where the file says one.
    pub(crate) fn type_(&self) -> Option<&str> {
        self.object.spec.template.as_ref().and_then(|template| template.type_.as_deref())
    }

    /// Warns when the other values are sealed to other recipients than `chosen`.
    fn warn_of_others(&self, chosen: &Chosen) {
        let now = Recipient::fingerprints(&chosen.recipients);
        let before: BTreeSet<String> =
            self.object.sealed_to().into_iter().map(str::to_owned).collect();
        if now != before && !before.is_empty() {
            let names = policy::names(self.path);
            console::warn(&format!(
                "{}: its other values are sealed to {}; this is for {}",
                self.place,
                list(&before, &names),
                list(&now, &names)
            ));
        }
    }

    /// Whether `key` stands readable in the file's template.
    pub(crate) fn is_clear(&self, key: &str) -> bool {
        let template = self.object.spec.template.as_ref();
        template.is_some_and(|template| template.string_data.contains_key(key))
    }

    /// Whether `key` has a sealed value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.object.spec.values.contains_key(key)
    }

    /// Refuses a layout in which nothing could be changed, before somebody types for it.
    pub(crate) fn can_be_changed(&self) -> Result<(), Failure> {
        let nothing = Change::default();
        edit(&self.text, self.index, &nothing).map(drop).map_err(|error| self.about(error.into()))
    }

    /// The keys of the file's sealed values.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.object.spec.values.keys().map(String::as_str)
    }

    /// The file's text with the change in it, read back and checked.
    pub(crate) fn written(&self, change: &Change) -> Result<String, Failure> {
        let written =
            edit(&self.text, self.index, change).map_err(|error| self.about(error.into()))?;
        self.check_written(&written)?;
        Ok(written)
    }

    /// What was written must be a sealed file that readers take, limits included.
    fn check_written(&self, written: &str) -> Result<(), Failure> {
        let documents = file::read(written).map_err(|error| self.about(error.into()))?;
        let Some(Document::Sealed(object)) = documents.get(self.index) else { return Ok(()) };
        self.check_counts(object).map_err(|failure| self.about(failure))?;
        check(object).map_err(|error| self.about(error.into()))?;
        self.check_platform(object).map_err(|failure| self.about(failure))?;
        // The limits are those of one object: a file may have many.
        check_size(&self.place, &file::write(object))
    }

    /// A change may be one too many although nothing is wrong with the file.
    fn check_counts(&self, written: &SealedSecret) -> Result<(), Failure> {
        let (place, spec) = (&self.place, &written.spec);
        let clear = spec.template.as_ref().map_or(0, |template| template.string_data.len());
        if spec.values.len() + clear > MAX_VALUES {
            let error = SealError::TooManyValues.to_string();
            return Err(Failure::input(error).hint(SPLIT).about(place));
        }
        let own = spec.values.values().filter(|block| block.header.is_some()).count();
        if own <= MAX_OWN_HEADERS {
            return Ok(());
        }
        let message = format!(
            "{place}: {own} values would have a header of their own, and {MAX_OWN_HEADERS} may"
        );
        Err(Failure::input(message).hint(format!(
            "`seal reseal {} -i KEY` puts all values under one header; then run it again",
            self.path.display()
        )))
    }

    /// What the platform reads must be what it will read.
    fn check_platform(&self, written: &SealedSecret) -> Result<(), Failure> {
        let Some(platform) = Platform::noted(&self.object) else { return Ok(()) };
        match platform.look_over(&self.object, &self.place) {
            Ok(()) => platform.look_over(written, &self.place),
            Err(_) => Ok(()), // it was not before either
        }
    }

    /// Puts the file in front of a failure.
    pub(crate) fn about(&self, failure: Failure) -> Failure {
        failure.about_file(self.path)
    }
}

/// Fingerprints, each behind the name that a `.seal.yaml` has for it.
fn list(fingerprints: &BTreeSet<String>, names: &BTreeMap<Fingerprint, String>) -> String {
    let named = fingerprints.iter().map(|fingerprint| policy::with_name(fingerprint, names));
    named.collect::<Vec<_>>().join(", ")
}
