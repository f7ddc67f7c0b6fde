//! `seal key verify-backup`: whether a backup would bring the cluster back.

use std::path::PathBuf;

use seal_core::exit_code::ExitCode;
use seal_core::names::KEY_NAMESPACES;

use super::restore::saved;
use crate::cluster::key_secrets::KeySecret;
use crate::cluster::{ClusterArgs, keys};
use crate::console::{self, Console};
use crate::error::Failure;

/// Open a backup of a cluster's keys, and compare it with the cluster
///
/// The drill: decrypts the file, reads every key in it, and fails unless each key that the cluster has is there, for the same
/// namespaces. Prints the fingerprints. Nothing of a key is written or shown. Needs the right to list Secrets in the controller's
/// namespace; none of them is read.
///
/// Example: seal key verify-backup seal-keys.age -i ~/offline.key
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A file of age identities that opens it (can be repeated)
    #[arg(short, long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// Ask no cluster: only open the backup
    #[arg(long)]
    no_cluster: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// The label of a key that is sealed to.
const ACTIVE: &str = "active";

/// One key of the backup.
struct Held<'a> {
    fingerprint: String,
    name: &'a str,
    namespaces: Option<&'a String>,
    is_active: bool,
}

pub(super) fn run(args: &VerifyArgs, console: &mut Console) -> Result<(), Failure> {
    let saved = saved(&args.file, &args.identity)?;
    let mut held = Vec::new();
    for key in &saved {
        for identity in &key.identities {
            let name = key.name.as_deref().unwrap_or_default();
            console
                .write(format!("{}  {}  {name}\n", identity.fingerprint(), key.state).as_bytes())?;
            let namespaces = key.annotations.get(KEY_NAMESPACES);
            held.push(Held {
                fingerprint: identity.fingerprint().to_string(),
                name,
                namespaces,
                is_active: key.state == ACTIVE,
            });
        }
    }
    if args.no_cluster {
        return Ok(());
    }
    let missing = missing(&keys::list(&args.cluster, false)?, &held);
    if missing.is_empty() {
        console::say("every key of the cluster is in the backup");
        return Ok(());
    }
    let message = format!("not in the backup as the cluster has it: {}", missing.join(", "));
    Err(Failure::new(ExitCode::Failed, message).hint("back up again: `seal key backup -o FILE`"))
}

/// Which keys of the cluster the backup has not, or otherwise than they are there.
fn missing(there: &[KeySecret], held: &[Held<'_>]) -> Vec<String> {
    let mut missing = Vec::new();
    for key in there {
        if key.fingerprint.is_none() {
            console::warn(&format!("{} holds no key that reads", key.name));
        }
        for fingerprint in key.fingerprints() {
            let same = held.iter().filter(|it| it.fingerprint == fingerprint);
            // A key may be in several Secrets: the one of the same name counts.
            let here = same.clone().find(|it| it.name == key.name).or_else(|| same.clone().next());
            match here {
                None => missing.push(key.name.clone()),
                Some(it) if it.namespaces != key.namespaces.as_ref() => {
                    missing.push(format!("{} (for other namespaces)", key.name));
                }
                Some(it) if it.is_active != (key.state == ACTIVE) => {
                    let state = if it.is_active { "no longer active" } else { ACTIVE };
                    missing.push(format!("{} (it is {state} there)", key.name));
                }
                Some(_) => {}
            }
        }
    }
    missing
}
