//! `seal rename-key`: one value under another key, and every other line of the file as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use seal_core::escape::escaped;
use seal_core::place::is_key;

use crate::console::Console;
use crate::editing::Editing;
use crate::error::Failure;
use crate::identities::IdentityArgs;
use crate::policy::RecipientArgs;
use crate::scope::ScopeArgs;
use crate::sealed::PickArgs;
use crate::suggest;

/// Give a value of a sealed file another key
///
/// A value opens only under the key that it was sealed for, so it is opened with an identity and sealed anew, for the
/// recipients of .seal.yaml or -r. Its block goes to the place of the new key; every other line of FILE stays as it
/// is. Comments of the old block go, and are said.
///
/// Example: seal rename-key db.sealed.yaml pasword password -i ~/.config/seal/offline.key
#[derive(Debug, clap::Args)]
pub(crate) struct RenameKeyArgs {
    /// The sealed file to change
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key that is there
    #[arg(value_name = "OLD")]
    old: String,
    /// The key that it is to have
    #[arg(value_name = "NEW")]
    new: String,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    pick: PickArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Write nothing, and exit with 3: another key always changes the file
    #[arg(long)]
    check: bool,
}

/// Opens the one value, seals it under its new key, and replaces the file.
pub(crate) fn run(args: &RenameKeyArgs, _: &mut Console) -> Result<(), Failure> {
    let editing = Editing::read(&args.file, &args.pick)?;
    can_be_renamed(&editing, args).map_err(|failure| editing.about(failure))?;
    let (chosen, scope) = editing.choose(&args.recipients, &args.scope)?;
    let keyring = args.identity.keyring()?;
    let mut opened = editing.open(&BTreeSet::from([args.old.as_str()]), &keyring)?;
    let value =
        opened.remove(&args.old).expect("what was asked for is opened, or the opening fails");
    let values = BTreeMap::from([(args.new.clone(), value)]);
    editing.check_values(&values)?;
    let mut change = editing.seal(&values, &scope, &chosen)?;
    change.remove.insert(args.old.clone());
    editing.tell_of_comments(&change.remove);
    editing.replace(&change, args.check, &format!("{} is {}", args.old, args.new))
}

fn can_be_renamed(editing: &Editing<'_>, args: &RenameKeyArgs) -> Result<(), Failure> {
    let place = &editing.place;
    if !is_key(&args.new) {
        return Err(Failure::input("what stands where NEW belongs cannot be a key of a Secret")
            .hint("letters, digits, `-`, `_` and `.`, at most 253"));
    }
    if editing.is_clear(&args.old) {
        let message = format!("{place}: {} stands in clear in spec.template.stringData", args.old);
        return Err(Failure::input(message).hint("rename it in that line with an editor"));
    }
    if !editing.object.spec.values.contains_key(&args.old) {
        let message = format!("{place}: there is no key {}", escaped(&args.old));
        return Err(Failure::input(message).hint(suggest::hint(&args.old, editing.keys())));
    }
    if editing.is_clear(&args.new) || editing.object.spec.values.contains_key(&args.new) {
        return Err(Failure::input(format!("{place}: there is a key {} already", args.new))
            .hint("`seal unset` takes it out first, if it is not needed"));
    }
    Ok(())
}
