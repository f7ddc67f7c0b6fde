//! `seal open`: sealed objects → plaintext, for whoever holds an identity.

use std::path::{Path, PathBuf};

use seal_core::key::Keyring;
use seal_core::kind::sealed::SealedSecret;
use seal_core::layout::{self, Layout};
use seal_core::open::allowed::Grants;
use seal_core::open::check::check;
use seal_core::open::{self, Opened};
use seal_disk::Out;
use seal_disk::plan::Plan;
use zeroize::Zeroizing;

use crate::console::{self, Console};
use crate::error::Failure;
use crate::files::{self, Output, Over};
use crate::identities::IdentityArgs;
use crate::sealed::{self, PickArgs};

/// Open a sealed file with a private key
///
/// Writes the Secrets that FILE seals as YAML, or with --key one value as it is. All of them open, or nothing is
/// written.
///
/// Example: seal open db.sealed.yaml -i ~/.config/seal/offline.key --key password
#[derive(Debug, clap::Args)]
pub(crate) struct OpenArgs {
    /// The sealed file; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
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
    /// Write files under the folder of --out, named as LAYOUT names them: tree is OUT/<namespace>/<name>/<key>
    #[arg(long, value_name = "LAYOUT", requires = "out", conflicts_with_all = ["key", "output"])]
    layout: Option<Layout>,
    /// Folder that --layout writes to: yours, and not writable by others
    #[arg(long, value_name = "OUT", requires = "layout")]
    out: Option<PathBuf>,
}

/// Opens everything that was named, then writes everything.
pub(crate) fn run(args: &OpenArgs, console: &mut Console) -> Result<(), Failure> {
    let output = args.output.as_deref().filter(|path| !files::is_stdout(path));
    output.map_or(Ok(()), |path| not_an_input(path, args))?;
    let keyring = args.identity.keyring()?;
    let text = files::read_text(&args.file)?;
    let mut objects = sealed::read(&args.file, &text)?;
    if args.key.is_some() || args.pick.name.is_some() || args.pick.namespace.is_some() {
        objects = vec![args.pick.pick(&args.file, objects)?];
    }
    let opened = objects
        .iter()
        .map(|(_, object)| open_one(object, &keyring))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|failure| failure.about_file(&args.file))?;
    if let (Some(layout), Some(folder)) = (args.layout, &args.out) {
        return lay_out(opened, layout, folder, &args.file);
    }
    let bytes = match &args.key {
        Some(key) => value(&opened[0], key)?,
        None => manifests(&opened),
    };
    let Some(path) = output else { return console.write(&bytes) };
    warn_of_work_tree(path);
    let over = if args.force { Over::Anything } else { Over::Nothing };
    files::write_all(vec![Output { path: path.to_owned(), bytes, mode: 0o600, over }])?;
    Ok(())
}

/// The identity, and the sealed file itself, are never written over.
fn not_an_input(path: &Path, args: &OpenArgs) -> Result<(), Failure> {
    let mut inputs = args.identity.identity.iter().chain([&args.file]);
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

/// Writes files through seal-disk, the one writer of opened values. A file that is not ours stays, and ends the command
/// before any value is written.
fn lay_out(opened: Vec<Opened>, layout: Layout, folder: &Path, from: &Path) -> Result<(), Failure> {
    warn_of_work_tree(folder);
    let mut out = Out::open(folder, layout)?;
    out.begin();
    let mut writes = Vec::new();
    for object in opened {
        match out.plan(layout::lay_out(layout, object), &from.display().to_string())? {
            Plan::Leave => {}
            Plan::Write(write) => writes.push(write),
            Plan::Refuse(error) => return Err(error.into()),
        }
    }
    for (_, result) in out.write(writes)? {
        result?;
    }
    Ok(out.finish()?)
}

fn open_one(object: &SealedSecret, keyring: &Keyring) -> Result<Opened, Failure> {
    Ok(open::open(&check(object)?.allowed(&Grants::most())?, keyring)?)
}

fn value(opened: &Opened, key: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let Some(value) = opened.values.get(key) else {
        let keys: Vec<&str> = opened.values.keys().map(String::as_str).collect();
        return Err(Failure::input(format!("{} has no key {key}", opened.place))
            .hint(format!("it has {}", keys.join(", "))));
    };
    Ok(Zeroizing::new(value.expose().to_vec()))
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
