//! One file that is to be written beside what stands there: what would go, what would change, and what is refused.

use std::path::PathBuf;

use seal_core::escape::escaped;
use seal_core::exit_code::ExitCode;
use seal_core::kind::edit::edit;
use seal_core::kind::file;
use seal_core::preset::Preset;

use super::existing::Existing;
use crate::console;
use crate::error::Failure;
use crate::scope;
use crate::sealing::{Sealed, again, check_size};

/// One file that is to be written, and what stands there.
pub(super) struct Plan {
    pub(super) path: PathBuf,
    pub(super) objects: Vec<Sealed>,
    pub(super) existing: Existing,
}

impl Plan {
    /// Refuses to seal an object for fewer places or another platform than the file is for, and to leave out an annotation of
    /// its Secret: what relied on it would fail later and elsewhere. Neither is taken from the file, which anybody may have edited.
    pub(super) fn refuse_loss(&self) -> Result<(), Failure> {
        for Sealed { object, place, .. } in &self.objects {
            let Some(old) = self.existing.before(object) else { continue };
            let file = self.path.display();
            if !again::covers(&object.spec.scope, &old.spec.scope) {
                let (old, new) = (&old.spec.scope, &object.spec.scope);
                let message =
                    format!("{place}: {file} is for the scope {old}, and would be for {new}");
                let flags = scope::flags(old);
                return Err(Failure::input(message)
                    .hint(format!("{flags} keeps the scope; --force lets go of it")));
            }
            if let Some(platform) = again::lost_platform(old, object) {
                let message = format!(
                    "{place}: {file} was sealed for {}, and would be for another platform or encoding, or none",
                    escaped(platform)
                );
                let flags = escaped(&Preset::flags(platform));
                return Err(Failure::input(message)
                    .hint(format!("{flags} makes it as it is; --force lets go of that")));
            }
            if let Some(name) = again::lost_annotation(old, object) {
                let message = format!(
                    "{place}: {file} gives the Secret the annotation {name}, which would be gone"
                );
                return Err(Failure::input(message).hint(format!(
                    "--annotation {name} keeps that of the manifest; --force lets go of it"
                )));
            }
        }
        Ok(())
    }

    /// The text that is there with the blocks of other values in it, where nothing else of its objects differs.
    pub(super) fn edited(&self) -> Option<String> {
        let Existing::Sealed(old, text) = &self.existing else { return None };
        if old.len() != self.objects.len() {
            return None;
        }
        let mut text = text.to_string();
        for Sealed { object, .. } in &self.objects {
            let before = self.existing.before(object)?;
            let index = old.iter().position(|it| std::ptr::eq(it, before))?;
            let change = again::change(before, object)?;
            text = edit(&text, index, &change).ok()?;
        }
        Some(text)
    }

    /// The text, if each of its objects is not too large.
    pub(super) fn sized(&self, text: String) -> Result<String, Failure> {
        for Sealed { object, place, .. } in &self.objects {
            check_size(place, &file::write(object))?;
        }
        Ok(text)
    }

    /// Says which values of the old file are not in the new one: who wanted to add one has lost the others.
    pub(super) fn tell_lost_values(&self) {
        for Sealed { object, place, .. } in &self.objects {
            let lost = self.existing.before(object).map(|old| again::lost_values(old, object));
            if let Some(lost) = lost.filter(|lost| !lost.is_empty()) {
                let (keys, are) = (some_of(&lost), if lost.len() > 1 { "are" } else { "is" });
                console::note(&format!(
                    "{place}: {keys} {are} no longer in it; `seal set FILE KEY` adds to what is there"
                ));
            }
        }
    }

    /// Says what else of the old file is not in the new one.
    pub(super) fn tell_what_goes(&self) {
        for Sealed { object, place, .. } in &self.objects {
            let lost = self.existing.before(object).map(|old| again::lost(old, object));
            if let Some(lost) = lost.filter(|lost| !lost.is_empty()) {
                console::note(&format!("{place}: no longer in the file: {}", some_of(&lost)));
            }
        }
        let comments: Vec<String> =
            self.existing.comments().iter().map(|line| format!("line {line}")).collect();
        if !comments.is_empty() {
            console::note(&format!(
                "{}: its comments are left out: {}; `seal set` keeps them",
                self.path.display(),
                some_of(&comments)
            ));
        }
    }

    fn would_change(&self) -> Option<String> {
        let name = self.path.display();
        let Existing::Sealed(..) = &self.existing else { return Some(name.to_string()) };
        let mut changes = Vec::new();
        for Sealed { object, place, .. } in &self.objects {
            match self.existing.before(object) {
                Some(old) => changes.extend(again::changes(old, object)),
                None => changes.push(format!("{place}, which is new")),
            }
        }
        (!changes.is_empty()).then(|| format!("{name} ({})", some_of(&changes)))
    }
}

/// A list as a person reads one, however long it is.
fn some_of(names: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 12;
    let shown = names.iter().take(SHOWN);
    let list: Vec<String> = shown.map(|name| name.as_ref().chars().take(120).collect()).collect();
    let list = list.join(", ");
    if names.len() > SHOWN { format!("{list} and {} more", names.len() - SHOWN) } else { list }
}

/// Says which files would change, if any.
pub(super) fn would_change(plans: &[Plan]) -> Result<(), Failure> {
    let changed: Vec<String> = plans.iter().filter_map(Plan::would_change).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let message = format!("{} would change", changed.join(", "));
    Err(Failure::new(ExitCode::WouldChange, message)
        .hint("run it again without --check, and commit"))
}
