//! `seal set`: seals values anew in a file and leaves every other line as it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use seal_core::place::{Scope, is_key};

use crate::console::{self, Console};
use crate::editing::{Editing, MOST_TRIES, changed_meanwhile};
use crate::error::Failure;
use crate::files;
use crate::policy::{Chosen, RecipientArgs};
use crate::scope::ScopeArgs;
use crate::sealed::PickArgs;
use crate::suggest;
use crate::values::{self, ValueArgs, Values};

/// Seal one value anew in a sealed file
///
/// Reads the value of KEY from standard input, byte for byte, or asks for it. Only the block of KEY changes; every
/// other line of FILE stays as it is, so that changes of different keys merge. Needs no private key; the recipients
/// come from .seal.yaml or -r, never from FILE.
///
/// Example: printf %s "$PASSWORD" | seal set db.sealed.yaml password
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    /// The sealed file to change
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key whose value is read from standard input; with --prompt several
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    /// Ask for the value of each KEY without showing it
    #[arg(long)]
    prompt: bool,
    #[command(flatten)]
    values: ValueArgs,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    pick: PickArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Write nothing, and exit with 3: sealing a value always changes the file
    #[arg(long)]
    check: bool,
}

/// Reads and checks everything, seals, and replaces the file; the same for the file as it is now, where another run was first.
pub(crate) fn run(args: &SetArgs, _: &mut Console) -> Result<(), Failure> {
    args.values.check()?;
    let mut editing = Editing::read(&args.file, &args.pick)?;
    let mut chosen = editing.choose(&args.recipients, &args.scope)?;
    let values = read_values(args)?;
    for _ in 0..MOST_TRIES {
        if set(args, &editing, &chosen, values.clone())? {
            return Ok(());
        }
        editing = editing.anew(&args.pick)?;
        chosen = editing.choose(&args.recipients, &args.scope)?;
    }
    Err(changed_meanwhile(&args.file))
}

/// `false` where the file was changed since it was read.
fn set(
    args: &SetArgs,
    editing: &Editing<'_>,
    (chosen, scope): &(Rc<Chosen>, Scope),
    values: Values,
) -> Result<bool, Failure> {
    let values = editing.as_read(values, args.values.line_feeds())?;
    editing.check_values(&values)?;
    let change = editing.seal(&values, scope, chosen)?;
    tell_of_new(editing, &values);
    let what = editing.in_words(&values, &BTreeSet::new());
    editing.try_replace_remembered(&change, args.check, &what, &values)
}

/// A new key may be a slip, so the keys that are there are said with it.
fn tell_of_new(editing: &Editing<'_>, values: &Values) {
    let there: Vec<&str> = editing.keys().collect();
    let new: Vec<&str> =
        values.keys().map(String::as_str).filter(|key| !editing.has(key)).collect();
    if let [key] = new.as_slice() {
        let hint = suggest::hint(key, there.iter().copied());
        console::note(&format!("{}: {key} is a new key of this file: {hint}", editing.place));
    } else if !new.is_empty() {
        let (new, there) = (suggest::some_of(&new), suggest::some_of(&there));
        console::note(&format!("{}: new keys of this file: {new}; it has {there}", editing.place));
    }
}

fn read_values(args: &SetArgs) -> Result<Values, Failure> {
    let mut values = args.values.under(None, args.values.read()?)?;
    if !args.keys.iter().all(|key| is_key(key)) {
        return Err(Failure::input("what stands where KEY belongs cannot be a key of a Secret")
            .hint(FROM_STDIN));
    }
    let ask = args.prompt || (args.keys.len() == 1 && files::stdin_is_terminal());
    match args.keys.as_slice() {
        keys if ask => {
            for key in keys {
                values::insert(key.clone(), args.values.prompt(key)?, &mut values)?;
            }
        }
        [] => {}
        [key] => {
            let value = args.values.value_of(key, Path::new("-"))?;
            values::insert(key.clone(), value, &mut values)?;
        }
        _ => {
            let message = "standard input holds one value, and more than one KEY is named";
            return Err(Failure::input(message).hint(FROM_STDIN));
        }
    }
    if values.is_empty() {
        return Err(Failure::input("no value to seal: name a KEY").hint(FROM_STDIN));
    }
    Ok(values)
}

const FROM_STDIN: &str =
    "a value is never an argument: printf %s \"$VALUE\" | seal set FILE KEY, or --prompt";
