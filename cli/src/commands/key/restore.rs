//! `seal key restore`: keys from a backup into a cluster.

use std::path::{Path, PathBuf};

use seal_core::backup::{self, BackupError, SavedKey};
use seal_core::escape::printable;
use seal_core::exit_code::ExitCode;
use seal_core::identity_file;
use seal_core::key::{Identity, fingerprints_of};
use seal_core::names::{CREATED, KEY_NAMESPACES};
use seal_core::place::{is_label, is_subdomain};
use zeroize::Zeroizing;

use crate::cluster::key_secrets::{Made, NewKey, short};
use crate::cluster::{self, ClusterArgs};
use crate::console;
use crate::error::Failure;
use crate::files;
use crate::identities;

/// Bring keys from a backup into a cluster
///
/// FILE is a backup of `seal key backup` (-i opens it), the manifest in it, or an age identity file. Each key gets its name, state, age
/// and namespaces back; one that the cluster has is left alone, and where another key has its name it gets one of its own. Into a new
/// cluster, restore before you install: the controller makes a key only where none is. Needs the rights to list and create Secrets in the
/// controller's namespace.
///
/// Example: seal key restore seal-keys.age -i ~/offline.key
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// The backup, or an identity file; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A file of age identities that opens it (can be repeated)
    #[arg(short, long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// Name of the Secret, where there is one key
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Let it open in these namespaces alone
    #[arg(long, value_name = "NS,…", value_delimiter = ',')]
    namespaces: Vec<String>,
    /// Let it open and never be sealed to
    #[arg(long)]
    retired: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(super) fn run(args: &RestoreArgs) -> Result<(), Failure> {
    check(args)?;
    let saved = saved(&args.file, &args.identity)?;
    if args.name.is_some() && saved.len() != 1 {
        return Err(Failure::input(format!(
            "--name is for one key, and there are {}",
            saved.len()
        ))
        .hint("leave it out: each has its name"));
    }
    let (keys, broken): (Vec<_>, Vec<_>) =
        saved.into_iter().partition(|key| !key.identities.is_empty());
    for name in broken.iter().filter_map(|key| key.name.as_deref()) {
        console::warn(&format!("{name} holds no key that reads, and is left out"));
    }
    let new = keys.into_iter().map(|key| new_key(args, key)).collect::<Result<Vec<_>, _>>()?;
    let fingerprints: Vec<String> = new.iter().map(|key| key.fingerprint.clone()).collect();
    let (made, ended) = cluster::keys::create(&args.cluster, new);
    for (made, fingerprint) in made.iter().zip(fingerprints) {
        match made {
            Made::As(name) => console::say(&format!("restored {name}: {fingerprint}")),
            Made::Before(key) => {
                console::say(&format!("{} is there: {fingerprint}", key.name));
                if args.retired || !args.namespaces.is_empty() || args.name.is_some() {
                    let namespaces = key.namespaces.as_deref().unwrap_or("all");
                    console::warn(&format!(
                        "it stays as it is, {} and for the namespaces {}: no flag changes a key that is there",
                        printable(&key.state),
                        printable(namespaces)
                    ));
                }
            }
        }
    }
    ended?;
    console::note(
        "the newest active key is sealed to: `seal key list` shows them, `seal key retire` leaves one to open alone",
    );
    Ok(())
}

fn check(args: &RestoreArgs) -> Result<(), Failure> {
    if args.name.as_deref().is_some_and(|name| !is_subdomain(name)) {
        return Err(Failure::input("--name cannot name a Secret").hint("a-z, 0-9, - and dots"));
    }
    if !args.namespaces.iter().all(|name| is_label(name)) {
        return Err(
            Failure::input("--namespaces has a name that no namespace has").hint("a-z, 0-9 and -")
        );
    }
    Ok(())
}

/// What is to be made of one. A key that was for some namespaces is never for more.
fn new_key(args: &RestoreArgs, key: SavedKey) -> Result<NewKey, Failure> {
    let SavedKey { name, mut state, mut annotations, identity, identities } = key;
    let first = identities.first().ok_or_else(|| Failure::input("there is no identity in it"))?;
    let (fingerprint, recipient) = (fingerprints_of(&identities), first.recipient().to_owned());
    let now = || jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    annotations.entry(CREATED.to_owned()).or_insert_with(now);
    if args.retired {
        "retired".clone_into(&mut state);
    }
    if !args.namespaces.is_empty() {
        let before = annotations.get(KEY_NAMESPACES);
        let is_within = |name: &String| {
            before.is_none_or(|before| before.split(',').any(|it| it.trim() == name))
        };
        if !args.namespaces.iter().all(is_within) {
            return Err(Failure::input("--namespaces names more than the key was for")
                .hint("a key is never for more namespaces than it was: make another one"));
        }
        annotations.insert(KEY_NAMESPACES.to_owned(), args.namespaces.join(","));
    }
    let name = args.name.clone().or(name);
    let name = name.unwrap_or_else(|| format!("seal-key-{}", short(&fingerprint)));
    Ok(NewKey { name, fingerprint, recipient, state, annotations, identity })
}

/// The keys of a backup, of its manifest, or of an identity file.
pub(super) fn saved(file: &Path, with: &[PathBuf]) -> Result<Vec<SavedKey>, Failure> {
    let bytes = files::read(file)?;
    let text = if identity_file::is_encrypted(&bytes) {
        decrypted(file, &bytes, with)?
    } else {
        let text = std::str::from_utf8(&bytes).map_err(|_| refused(file, BackupError::NotKeys))?;
        Zeroizing::new(text.to_owned())
    };
    if let Some(keys) = SavedKey::of_identity_file(&text) {
        return Ok(keys);
    }
    backup::read(&text).map_err(|error| refused(file, error))
}

fn decrypted(file: &Path, bytes: &[u8], with: &[PathBuf]) -> Result<Zeroizing<String>, Failure> {
    if with.is_empty() {
        return Err(Failure::new(ExitCode::Missing, format!("{} is encrypted", file.display()))
            .hint("-i FILE names the offline identity that opens it"));
    }
    let mut identities: Vec<Identity> = Vec::new();
    for path in with {
        identities.extend(identities::read_all(path)?);
    }
    backup::decrypt(bytes, &identities).map_err(|error| refused(file, error))
}

fn refused(file: &Path, error: BackupError) -> Failure {
    let code = match error {
        BackupError::NoKey => ExitCode::Missing,
        BackupError::Damaged => ExitCode::Failed,
        _ => ExitCode::Input,
    };
    let hint = match error {
        BackupError::NoKey => "`age -d` with the identity that it was made for opens it too",
        BackupError::Damaged => "take another copy of it",
        _ => "`seal key backup` makes one",
    };
    Failure::new(code, format!("{}: {error}", files::name_of(file))).hint(hint)
}
