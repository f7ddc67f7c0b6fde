//! `seal unset`: takes values out of a file and leaves every other line as it is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use seal_core::kind::edit;
use seal_core::open::check::check;

use crate::commands::set::replace;
use crate::console::{self, Console};
use crate::error::Failure;
use crate::files;
use crate::sealed::{self, PickArgs};

/// Take values out of a sealed file
///
/// Every other line of FILE stays as it is; an envelope left empty goes with its header. Needs no key. What was
/// sealed stays in Git's history: change the credential itself where it is valid.
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
    let text = files::read_text(&args.file)?;
    let (index, object) = args.pick.pick(&args.file, sealed::read(&args.file, &text)?)?;
    let about = |failure: Failure| failure.about_file(&args.file);
    check(&object).map_err(|error| about(error.into()))?;
    let mut gone = BTreeSet::new();
    for key in &args.keys {
        let clear = object
            .spec
            .template
            .as_ref()
            .is_some_and(|template| template.string_data.contains_key(key));
        if clear {
            let message =
                format!("{}: {key} stands in clear in spec.template.stringData", object.label());
            return Err(about(Failure::input(message).hint("take that line out with an editor")));
        }
        if object.spec.envelopes.iter().any(|envelope| envelope.values.contains_key(key)) {
            gone.insert(key.clone());
        } else {
            console::note(&format!("{}: there is no {key}", object.label()));
        }
    }
    if gone.is_empty() {
        return Ok(());
    }
    let written = edit::edit(&text, index, &gone, None).map_err(|error| about(error.into()))?;
    replace(&args.file, written, args.check)
}
