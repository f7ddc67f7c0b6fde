//! One file sealed anew, complete on disk; and all of them given their names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use seal_core::seal;
use zeroize::Zeroizing;

use super::look::Looked;
use super::values::Values;
use crate::editing::Editing;
use crate::error::Failure;
use crate::files::{self, Complete, Output, Over};
use crate::policy::{Choices, Target};

/// Seals all that is due in a file. `None` where nothing changed.
pub(super) fn sealed_anew(
    looked: &Looked,
    values: &Values,
    choices: &mut Choices<'_>,
) -> Result<Option<Complete>, Failure> {
    let path = looked.path.as_path();
    let chosen = choices.of(Target::Edited(path.to_path_buf()))?;
    let mut text = looked.text()?;
    for (index, object) in looked.objects(&text)? {
        let editing = Editing::of(path, text, index, object)?;
        let values = values.all(path, index, &editing)?;
        let change = seal::reseal(&editing.object, &values, &chosen.recipients)
            .map_err(|error| editing.about(Failure::from(error).about(&editing.place)))?;
        text = Zeroizing::new(editing.written(&change)?);
    }
    let bytes = Zeroizing::new(std::mem::take(&mut *text).into_bytes());
    let path = path.to_path_buf();
    files::complete_beside(Output { path, bytes, mode: 0o644, over: Over::Anything })
}

/// Gives all files their names, if they are still what was read; folder by folder, each held while it is written to.
pub(super) fn name_all(complete: Vec<(&Looked, Complete)>) -> Result<Vec<PathBuf>, Failure> {
    complete.iter().try_for_each(|(looked, _)| looked.text().map(drop))?;
    let mut folders: BTreeMap<&Path, Vec<(&Looked, Complete)>> = BTreeMap::new();
    for (looked, file) in complete {
        folders.entry(files::folder_of(&looked.path)).or_default().push((looked, file));
    }
    let mut written = Vec::new();
    for of_folder in folders.into_values() {
        let (looked, complete): (Vec<&Looked>, Vec<Complete>) = of_folder.into_iter().unzip();
        let _lock = looked.first().and_then(|looked| files::lock_folder(&looked.path));
        let named = looked.iter().try_for_each(|looked| looked.text().map(drop));
        let named = named.and_then(|()| files::name_all(complete));
        written.extend(named.map_err(|failure| half_done(failure, written.len()))?);
    }
    Ok(written)
}

fn half_done(failure: Failure, written: usize) -> Failure {
    match written {
        0 => failure,
        _ => failure.hint(format!("run it again: {written} files were written before, whole")),
    }
}
