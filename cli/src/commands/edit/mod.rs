//! `seal edit`: the values of a sealed file in an editor, and only what changed sealed anew.
//!
//! `folder` is where the text lies meanwhile, `editor` the program, `changes` what the edited text means.

mod changes;
mod editor;
mod folder;

use std::collections::BTreeSet;
use std::path::PathBuf;

use seal_core::escape::printable;
use seal_core::exit_code::ExitCode;
use seal_core::kind::Kind;
use seal_core::kind::edit::Change;
use seal_core::manifest::editable;
use seal_core::place::Scope;
use zeroize::Zeroizing;

use crate::console::{self, Console};
use crate::editing::Editing;
use crate::error::Failure;
use crate::files;
use crate::identities::IdentityArgs;
use crate::policy::{Chosen, RecipientArgs};
use crate::preset::Platform;
use crate::scope::ScopeArgs;
use crate::sealed::PickArgs;
use crate::values::{LineFeeds, Values};
use changes::Changes;
use folder::Folder;

/// Edit the values of a sealed file in an editor
///
/// Opens $VISUAL, $EDITOR or vi with the keys of FILE, each `<sealed>`, or with -i as its value. What changed is sealed
/// anew, a line that was added is a new key, and one that was taken out goes; everything else of FILE stays as it is.
/// The text lies in memory, where only you can read it, and is gone when the editor has ended. One that does not read, or
/// cannot be sealed, is kept there and offered again.
///
/// Example: seal edit db.sealed.yaml
#[derive(Debug, clap::Args)]
pub(crate) struct EditArgs {
    /// The sealed file to change
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Throw away the text that an earlier run has kept, and begin anew
    #[arg(long)]
    discard: bool,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    pick: PickArgs,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// Opens the editor, and seals what its text has changed.
pub(crate) fn run(args: &EditArgs, _: &mut Console) -> Result<(), Failure> {
    let folder = Folder::of(&files::real_path(&args.file)?)?;
    if args.discard {
        folder.clear(); // before anything else can fail
    }
    let result = edit_file(args, &folder);
    if !folder.has_text() {
        folder.discard();
    }
    result
}

fn edit_file(args: &EditArgs, folder: &Folder) -> Result<(), Failure> {
    let editing = Editing::read(&args.file, &args.pick)?;
    let (chosen, scope) = editing.choose(&args.recipients, &args.scope)?;
    editing.can_be_changed()?;
    let is_kept = folder.has_text();
    if is_kept {
        console::note("this is the text that an earlier run has kept; --discard begins anew");
    } else {
        let opened = opened(args, &editing)?;
        folder.begin(&first_text(&editing, &opened, &chosen), editing.text())?;
    }
    let ended = editor::run(folder, is_kept);
    let sealed = folder.sealed()?;
    let (began, edited) = (folder.began()?, folder.text().map_err(|failure| folder.kept(failure))?);
    if edited.trim().is_empty() || edited.trim() == began.trim() {
        folder.clear();
        return ended.map(|()| {
            console::say("nothing was changed; an editor with a window needs to be told to wait, as `code --wait` is")
        });
    }
    changes::tell_of_comments(&began, &edited);
    let result = ended
        .and_then(|()| changes::of(&editing, &began, &edited))
        .inspect(|changes| changes.tell_of_others(&editing, &sealed))
        .and_then(|changes| seal_changes(editing, changes, &chosen, &scope));
    match result {
        Ok(()) => {
            folder.clear();
            Ok(())
        }
        Err(failure) => Err(folder.kept(failure)),
    }
}

/// All values, where an identity is named; none without.
fn opened(args: &EditArgs, editing: &Editing<'_>) -> Result<Values, Failure> {
    if args.identity.identity.is_empty() {
        return Ok(Values::new());
    }
    if let Some(platform) = Platform::noted(&editing.object).filter(Platform::encodes) {
        return Err(Failure::input(format!(
            "{}: its values are sealed as {} reads them, encoded",
            editing.place, platform.preset
        ))
        .hint("leave -i out: a value that is typed is encoded when it is sealed"));
    }
    let keyring = args.identity.keyring()?;
    let keys: BTreeSet<&str> = editing.keys().collect();
    editing.open(&keys, &keyring)
}

/// The text that the editor begins with.
fn first_text(editing: &Editing<'_>, opened: &Values, chosen: &Chosen) -> Zeroizing<String> {
    let how = if opened.is_empty() {
        "A value that stays <sealed> is left as it is; write another in its place to change it."
    } else {
        "These are the values. What you leave as it is is not sealed anew."
    };
    let keys: BTreeSet<&str> = editing.keys().collect();
    let place = match editing.object.spec.kind {
        Kind::SealedSecret => editing.place.to_string(),
        Kind::ClusterSealedSecret => editing.object.full_name(),
    };
    let manifest = editable(&editing.place, editing.type_(), &keys, opened);
    Zeroizing::new(format!(
        "# {}: {}\n# {how}\n# A line that you add is a new key; one that you take out is gone. An empty text changes nothing.\n{}",
        printable(&place),
        printable(&chosen.sentence),
        *manifest
    ))
}

/// Seals what changed into the file.
fn seal_changes(
    editing: Editing<'_>,
    Changes { put, remove }: Changes,
    chosen: &Chosen,
    scope: &Scope,
) -> Result<(), Failure> {
    if put.is_empty() && remove.is_empty() {
        console::say("nothing was changed");
        return Ok(());
    }
    let put = editing.as_read(put, LineFeeds::Unsaid)?;
    editing.check_values(&put)?;
    let what = editing.in_words(&put, &remove);
    let mut change =
        if put.is_empty() { Change::default() } else { editing.seal(&put, scope, chosen)? };
    change.remove = remove;
    let place = editing.place.clone();
    editing.tell_of_comments(&change.remove);
    editing.replace_remembered(&change, &what, &put)?;
    console::say(&format!("{place}: {what}"));
    Ok(())
}

/// A failure that is the machine's.
fn failed(message: impl Into<String>) -> Failure {
    Failure::new(ExitCode::Failed, message)
}
