//! `seal unset`: takes values out of a file and leaves every other line as it is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use seal_core::escape::escaped;
use seal_core::kind::edit::Change;

use crate::console::{self, Console};
use crate::editing::{Editing, MOST_TRIES, changed_meanwhile};
use crate::error::Failure;
use crate::sealed::PickArgs;
use crate::suggest;

/// Take values out of a sealed file
///
/// Every other line of FILE stays as it is; a comment directly above a block goes with it. Needs no key. What was sealed stays in Git's history: change the
/// credential itself where it is valid.
///
/// Example: seal unset db.sealed.yaml old-password
#[derive(Debug, clap::Args)]
pub(crate) struct UnsetArgs {
    /// The sealed file to change
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The keys whose values go
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    pick: PickArgs,
    /// Write nothing, and exit with 3 if the file would change
    #[arg(long)]
    check: bool,
}

/// Replaces the file without the keys; the same for the file as it is now, where another run was first.
pub(crate) fn run(args: &UnsetArgs, _: &mut Console) -> Result<(), Failure> {
    let mut editing = Editing::read(&args.file, &args.pick)?;
    for _ in 0..MOST_TRIES {
        if unset(args, &editing)? {
            return Ok(());
        }
        editing = editing.anew(&args.pick)?;
    }
    Err(changed_meanwhile(&args.file))
}

/// A key that is not there is a mistake, and then nothing changes. `false` where the file was changed since it was read.
fn unset(args: &UnsetArgs, editing: &Editing<'_>) -> Result<bool, Failure> {
    let remove: BTreeSet<String> = args.keys.iter().cloned().collect();
    for key in &remove {
        if editing.is_clear(key) {
            let message =
                format!("{}: {key} stands in clear in spec.template.stringData", editing.place);
            return Err(
                editing.about(Failure::input(message).hint("take that line out with an editor"))
            );
        }
        if !editing.object.spec.values.contains_key(key) {
            let message = format!("{}: there is no key {}", editing.place, escaped(key));
            let hint = suggest::hint(key, editing.keys());
            return Err(editing.about(Failure::input(message).hint(hint)));
        }
    }
    if editing.keys().all(|key| remove.contains(key)) {
        console::note(&format!("{}: no sealed value is left", editing.place));
    }
    let keys: Vec<&str> = remove.iter().map(String::as_str).collect();
    let what = format!("without {}", keys.join(", "));
    editing.try_replace(&Change { remove, ..Change::default() }, args.check, &what)
}
