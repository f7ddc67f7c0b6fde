//! The end of an edit: the file is replaced if it is still what was read. What another run has made of it meanwhile is never
//! written over; an edit that needs nobody's eyes begins anew with it.

use std::fs::File;
use std::path::Path;

use seal_core::escape::escaped;
use seal_core::exit_code::ExitCode;
use seal_core::kind::edit::{Change, comments_of_block};
use zeroize::Zeroizing;

use super::Editing;
use crate::console;
use crate::error::Failure;
use crate::files::{self, Output, Over};
use crate::recall::Recall;
use crate::sealed::PickArgs;
use crate::values::Values;

/// How often an edit is made, at most. From the second time on others wait, where the file system has locks.
pub(crate) const MOST_TRIES: usize = 50;

impl Editing<'_> {
    /// The file as it is now, which others do not change until this is dropped. What is noted of it was said of the first.
    pub(crate) fn anew(self, pick: &PickArgs) -> Result<Self, Failure> {
        console::be_quiet();
        let path = self.path;
        drop(self); // with its lock, for which the next one would wait
        let lock = files::lock_folder(path);
        Ok(Self { lock, ..Self::read(path, pick)? })
    }

    /// Says which comments go with the blocks of `keys`, as they are numbered in the file that is there.
    pub(crate) fn tell_of_comments<'k>(&self, keys: impl IntoIterator<Item = &'k String>) {
        for key in keys {
            let lines: Vec<String> = comments_of_block(&self.text, self.index, key)
                .iter()
                .map(ToString::to_string)
                .collect();
            if let Some((first, more)) = lines.split_first() {
                let (s, lines) =
                    if more.is_empty() { ("", first.clone()) } else { ("s", lines.join(", ")) };
                console::note(&format!(
                    "{}: the comments of {} go with its block: line{s} {lines} as it was",
                    self.path.display(),
                    escaped(key)
                ));
            }
        }
    }

    /// Makes the change and replaces the file; with `only_check` says what it would be, in the words of `what`.
    pub(crate) fn replace(
        &self,
        change: &Change,
        only_check: bool,
        what: &str,
    ) -> Result<(), Failure> {
        or_changed(self.path, self.try_replace(change, only_check, what)?)
    }

    /// The same; `false` where the file is not what was read any more.
    pub(crate) fn try_replace(
        &self,
        change: &Change,
        only_check: bool,
        what: &str,
    ) -> Result<bool, Failure> {
        let written = self.written(change)?;
        if only_check {
            let message = format!("{} would change: {}: {what}", self.path.display(), self.place);
            return Err(Failure::new(ExitCode::WouldChange, message)
                .hint("run it again without --check, and commit"));
        }
        try_replace_read(self.path, &self.text, written, self.lock.as_ref())
    }

    /// The same, and what was sealed is remembered by this machine.
    pub(crate) fn try_replace_remembered(
        &self,
        change: &Change,
        only_check: bool,
        what: &str,
        values: &Values,
    ) -> Result<bool, Failure> {
        let is_replaced = self.try_replace(change, only_check, what)?;
        if is_replaced {
            let object = change.applied_to(&self.object);
            let recall = Recall::open(None);
            let tags = recall.tags(&object.spec.scope, values);
            recall.remember([(&object, &tags)]);
        }
        Ok(is_replaced)
    }

    /// The same, where a file that is not what was read is a failure.
    pub(crate) fn replace_remembered(
        &self,
        change: &Change,
        what: &str,
        values: &Values,
    ) -> Result<(), Failure> {
        or_changed(self.path, self.try_replace_remembered(change, false, what, values)?)
    }
}

/// Writes over a file that was read, if it is still what was read: another run may have changed it meanwhile.
pub(crate) fn replace_read(path: &Path, read: &str, written: String) -> Result<(), Failure> {
    or_changed(path, try_replace_read(path, read, written, None)?)
}

fn try_replace_read(
    path: &Path,
    read: &str,
    written: String,
    held: Option<&File>,
) -> Result<bool, Failure> {
    let _lock = if held.is_none() { files::lock_folder(path) } else { None };
    if *files::read_utf8(path)? != *read {
        return Ok(false);
    }
    let bytes = Zeroizing::new(written.into_bytes());
    let path = path.to_path_buf();
    files::write_all(vec![Output { path, bytes, mode: 0o644, over: Over::Anything }])?;
    Ok(true)
}

fn or_changed(path: &Path, is_as_read: bool) -> Result<(), Failure> {
    if is_as_read { Ok(()) } else { Err(changed_meanwhile(path)) }
}

/// Says that a file is not what was read any more.
pub(crate) fn changed_meanwhile(path: &Path) -> Failure {
    let message = format!("{} was changed since it was read", path.display());
    Failure::new(ExitCode::Failed, message)
        .hint("nothing was written: run it again, and it changes the file as it is now")
}
