//! `seal set`: seals values anew in a file and leaves every other line as it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use seal_core::kind::sealed::SealedSecret;
use seal_core::kind::{edit, file};
use seal_core::open::check::check;
use seal_core::place::{Place, is_key};
use seal_core::{seal, secret_type};
use zeroize::Zeroizing;

use crate::console::{self, Console};
use crate::error::{Failure, Kind};
use crate::files::{self, Output};
use crate::policy::{self, Chosen, RecipientArgs};
use crate::scope::ScopeArgs;
use crate::sealed::{self, PickArgs};
use crate::sealing;
use crate::values::{self, ValueArgs, Values};

/// Seal one value anew in a sealed file
///
/// Reads the value of KEY from standard input, byte for byte, or asks for it. Every other line of FILE stays as
/// it is. Several values in one command share one envelope. Needs no private key; the recipients come from
/// .seal.yaml or -r, never from FILE.
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

/// Reads and checks everything, seals, and replaces the file.
pub(crate) fn run(args: &SetArgs, _: &mut Console) -> Result<(), Failure> {
    args.values.check()?;
    let text = files::read_text(&args.file)?;
    let (index, object) = args.pick.pick(&args.file, sealed::read(&args.file, &text)?)?;
    let about = |failure: Failure| failure.about_file(&args.file);
    let place = check(&object).map_err(|error| about(error.into()))?.place().clone();
    sealing::check_allowed(&object, &place).map_err(about)?;
    let chosen = policy::choose(&args.recipients, &args.file)?;
    let scope = sealing::scope_to_edit(&object, &place, &chosen, &args.scope).map_err(about)?;
    let values = read_values(args)?;
    check_values(&object, &place, &values).map_err(about)?;
    console::say(&chosen.sentence);
    chosen.warning.iter().for_each(|warning| console::warn(warning));
    warn_of_others(&object, &place, &chosen);
    let envelope = seal::seal_values(&values, &scope, &chosen.recipients)
        .map_err(|error| about(Failure::from(error).about(&place)))?;
    let written = edit::edit(&text, index, &BTreeSet::new(), Some(&envelope))
        .map_err(|error| about(error.into()))?;
    check_written(&args.file, index, &place, &written)?;
    replace(&args.file, written, args.check)
}

fn read_values(args: &SetArgs) -> Result<Values, Failure> {
    let mut values = args.values.read()?;
    if !args.keys.iter().all(|key| is_key(key)) {
        return Err(Failure::input("what stands where KEY belongs cannot be a key of a Secret")
            .hint(FROM_STDIN));
    }
    let ask = args.prompt || (args.keys.len() == 1 && files::stdin_is_terminal());
    match args.keys.as_slice() {
        keys if ask => {
            for key in keys {
                values::insert(key.clone(), values::prompt(key)?, &mut values)?;
            }
        }
        [] => {}
        [key] => {
            let mut bytes: Zeroizing<Vec<u8>> = files::read(Path::new("-"))?;
            values::insert(key.clone(), std::mem::take(&mut *bytes).into(), &mut values)?;
            if values.get(key).is_some_and(values::ends_in_line_feed) {
                console::note(&format!(
                    "the value of {key} ends in a line feed; printf %s leaves it out"
                ));
            }
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

fn check_values(object: &SealedSecret, place: &Place, values: &Values) -> Result<(), Failure> {
    let Some(template) = &object.spec.template else { return Ok(()) };
    if let Some(key) = values.keys().find(|key| template.string_data.contains_key(*key)) {
        return Err(Failure::input(format!(
            "{place}: {key} stands in clear in spec.template.stringData"
        ))
        .hint("take that line out first: a key is sealed or clear, never both"));
    }
    let type_ = template.type_.as_deref().unwrap_or_default();
    secret_type::check_values(type_, values).map_err(|error| {
        Failure::input(format!("{place}: {error}")).hint("the API server refuses such a Secret")
    })
}

fn warn_of_others(object: &SealedSecret, place: &Place, chosen: &Chosen) {
    let now: BTreeSet<String> =
        chosen.recipients.iter().map(|recipient| recipient.fingerprint().to_string()).collect();
    let before: BTreeSet<String> = object
        .spec
        .envelopes
        .iter()
        .flat_map(|envelope| envelope.sealed_to.iter().cloned())
        .collect();
    let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    if now != before && !before.is_empty() {
        console::warn(&format!(
            "{place}: its other values are sealed to {}; this is for {}",
            list(&before),
            list(&now)
        ));
    }
}

fn check_written(path: &Path, index: usize, place: &Place, written: &str) -> Result<(), Failure> {
    let about = |failure: Failure| failure.about_file(path);
    let documents = file::read(written).map_err(|error| about(error.into()))?;
    if let Some(file::Document::Sealed(object)) = documents.get(index) {
        check(object).map_err(|error| about(error.into()))?;
    }
    sealing::check_size(place, written)
}

/// Replaces the file, or only says that it would.
pub(crate) fn replace(path: &Path, written: String, check: bool) -> Result<(), Failure> {
    if check {
        return Err(Failure::new(Kind::WouldChange, format!("{} would change", path.display()))
            .hint("run it again without --check, and commit"));
    }
    let bytes = Zeroizing::new(written.into_bytes());
    files::write_all(vec![Output { path: path.to_path_buf(), bytes, mode: 0o644 }])?;
    Ok(())
}
