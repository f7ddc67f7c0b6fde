//! `seal unset`: takes values out of a file and leaves every other line as it is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use seal_core::kind::edit::Change;

use crate::console::{self, Console};
use crate::editing::Editing;
use crate::error::Failure;
use crate::sealed::PickArgs;

/// Take values out of a sealed file
///
/// Every other line of FILE stays as it is. Needs no key. What was sealed stays in Git's history: change the
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

/// Replaces the file without the keys; a key that is not there is named and changes nothing.
pub(crate) fn run(args: &UnsetArgs, _: &mut Console) -> Result<(), Failure> {
    let editing = Editing::read(&args.file, &args.pick)?;
    let mut remove = BTreeSet::new();
    for key in &args.keys {
        if editing.is_clear(key) {
            let message =
                format!("{}: {key} stands in clear in spec.template.stringData", editing.place);
            return Err(
                editing.about(Failure::input(message).hint("take that line out with an editor"))
            );
        }
        if editing.object.spec.values.contains_key(key) {
            remove.insert(key.clone());
        } else {
            console::note(&format!("{}: there is no {key}", editing.place));
        }
    }
    if remove.is_empty() {
        return Ok(());
    }
    editing.replace(&Change { remove, ..Change::default() }, args.check)
}
