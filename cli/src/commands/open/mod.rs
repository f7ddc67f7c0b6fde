//! `seal open`: sealed objects → plaintext, for whoever holds an identity.

mod laying;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use seal_core::escape::escaped;
use seal_core::key::Keyring;
use seal_core::kind::Kind;
use seal_core::kind::sealed::SealedSecret;
use seal_core::layout::Layout;
use seal_core::open::allowed::Grants;
use seal_core::open::check::{check, check_at};
use seal_core::open::{self, Opened};
use seal_core::place::Place;
use zeroize::Zeroizing;

use crate::console::{self, Console};
use crate::error::Failure;
use crate::files::{self, Output, Over};
use crate::identities::IdentityArgs;
use crate::sealed::{self, PickArgs};
use crate::suggest;

/// Open a sealed file with a private key
///
/// Writes the Secrets that FILE seals as YAML, or with --key one value as it is. All of them open, or nothing is
/// written.
///
/// Example: seal open db.sealed.yaml -i ~/.config/seal/offline.key --key password
#[derive(Debug, clap::Args)]
pub(crate) struct OpenArgs {
    /// The sealed file; - is standard input, which is also read when it is a pipe and nothing is named
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Write only the value of KEY, byte for byte
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    pick: PickArgs,
    /// Write to a new FILE that only you can read (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the FILE of -o, whatever it holds
    #[arg(long, requires = "output")]
    force: bool,
    /// Write to --out as LAYOUT has it: tree (OUT/<namespace>/<name>/<key>), faasd, flyte, env, docker-config
    #[arg(
        long,
        value_name = "LAYOUT",
        requires = "out",
        conflicts_with_all = ["key", "output"],
        value_parser = PossibleValuesParser::new(Layout::ALL.map(Layout::as_str)).try_map(|word| word.parse::<Layout>()),
        hide_possible_values = true
    )]
    layout: Option<Layout>,
    /// Folder that --layout writes to, or the file for env and docker-config; the folder yours, and not writable by others
    #[arg(long, value_name = "OUT", requires = "layout")]
    out: Option<PathBuf>,
}

/// Opens everything that was named, then writes everything.
pub(crate) fn run(args: &OpenArgs, console: &mut Console) -> Result<(), Failure> {
    let file = sealed::input(args.file.as_ref())?;
    if files::is_stdin(&file) && args.identity.identity.iter().any(|path| files::is_stdin(path)) {
        return Err(Failure::input("standard input is named twice: for FILE and for -i")
            .hint("name the sealed file: seal open FILE -i -"));
    }
    let output = args.output.as_deref().filter(|path| !files::is_stdout(path));
    output.map_or(Ok(()), |path| not_an_input(path, &file, args))?;
    let keyring = args.identity.keyring()?;
    let text = files::read_text(&file)?;
    let mut objects = sealed::read(&file, &text)?;
    if args.key.is_some() || args.pick.name.is_some() || args.pick.namespace.is_some() {
        objects = vec![args.pick.pick(&file, objects)?];
    }
    if let (Some(key), [(_, object)]) = (&args.key, objects.as_mut_slice()) {
        only_key(object, key).map_err(|failure| failure.about_file(&file))?;
    }
    let mut opened = Vec::new();
    for (_, object) in &objects {
        let places = places(object, args).map_err(|failure| failure.about_file(&file))?;
        for place in places {
            let one = open_one(object, place, &keyring);
            opened.push(one.map_err(|failure| failure.about_file(&file))?);
        }
    }
    if let (Some(layout), Some(folder)) = (args.layout, &args.out) {
        return laying::lay_out(&objects, opened, layout, folder, &file);
    }
    let bytes = match &args.key {
        Some(key) => Zeroizing::new(opened[0].values[key].expose().to_vec()),
        None => manifests(&opened),
    };
    let Some(path) = output else { return console.write(&bytes) };
    warn_of_work_tree(path);
    let over = if args.force { Over::Anything } else { Over::Nothing };
    files::write_all(vec![Output { path: path.to_owned(), bytes, mode: 0o600, over }])?;
    Ok(())
}

/// The identity, and the sealed file itself, are never written over.
fn not_an_input(path: &Path, file: &Path, args: &OpenArgs) -> Result<(), Failure> {
    let mut inputs = args.identity.identity.iter().map(PathBuf::as_path).chain([file]);
    if inputs.any(|input| files::is_same_file(path, input)) {
        let message = format!("{} is also what is read, and would be gone", path.display());
        return Err(Failure::input(message).hint("write to another file"));
    }
    Ok(())
}

fn warn_of_work_tree(path: &Path) {
    if files::real_path(path).is_ok_and(|path| files::work_tree_root(&path).is_some()) {
        console::warn(&format!(
            "{} is plaintext in a Git work tree: take care not to commit it",
            path.display()
        ));
    }
}

fn open_one(object: &SealedSecret, place: Place, keyring: &Keyring) -> Result<Opened, Failure> {
    Ok(open::open(&check_at(object, place)?.allowed(&Grants::most())?, keyring)?)
}

/// Where it is opened: a ClusterSealedSecret in each of its namespaces, or in the one of -n; one value only once.
fn places(object: &SealedSecret, args: &OpenArgs) -> Result<Vec<Place>, Failure> {
    let first = check(object)?.place().clone();
    if object.spec.kind == Kind::SealedSecret {
        return Ok(vec![first]);
    }
    if let Some(namespace) = &args.pick.namespace {
        let place = object.place_in(namespace).map_err(Failure::input);
        return place.map(|place| vec![place]);
    }
    match object.places() {
        _ if args.key.is_some() => Ok(vec![first]),
        none if none.is_empty() => {
            let message = format!("{} may be opened in any namespace", object.full_name());
            Err(Failure::input(message).hint("-n NS says for which"))
        }
        places => Ok(places),
    }
}

/// Leaves one value in a well-formed object: the others may be sealed to somebody else, or damaged.
fn only_key(object: &mut SealedSecret, key: &str) -> Result<(), Failure> {
    check(object)?;
    let mut no_clear = BTreeMap::new();
    let template = object.spec.template.as_mut();
    let clear = template.map_or(&mut no_clear, |template| &mut template.string_data);
    if !object.spec.values.contains_key(key) && !clear.contains_key(key) {
        let there = object.spec.values.keys().chain(clear.keys()).map(String::as_str);
        let hint = suggest::hint(key, there);
        let message = format!("{} has no key {}", object.full_name(), escaped(key));
        return Err(Failure::input(message).hint(hint));
    }
    object.spec.values.retain(|name, _| name == key);
    clear.retain(|name, _| name == key);
    Ok(())
}

fn manifests(opened: &[Opened]) -> Zeroizing<Vec<u8>> {
    let texts: Vec<Zeroizing<String>> = opened.iter().map(Opened::to_manifest).collect();
    let separator = b"---\n";
    let size = texts.iter().map(|text| text.len() + separator.len()).sum();
    // As large as it will be, so that growing leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            bytes.extend_from_slice(separator);
        }
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}
