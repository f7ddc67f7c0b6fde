//! `seal key verify-backup`: whether a backup would bring the cluster back.

use std::path::PathBuf;

use seal_core::exit_code::ExitCode;
use seal_core::names::KEY_NAMESPACES;

use super::restore::saved;
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

pub(super) fn run(args: &VerifyArgs, console: &mut Console) -> Result<(), Failure> {
    let saved = saved(&args.file, &args.identity)?;
    let mut held = Vec::new();
    for key in &saved {
        for identity in &key.identities {
            let name = key.name.as_deref().unwrap_or_default();
            console
                .write(format!("{}  {}  {name}\n", identity.fingerprint(), key.state).as_bytes())?;
            let namespaces = key.annotations.get(KEY_NAMESPACES);
            held.push((identity.fingerprint().to_string(), namespaces, &key.state));
        }
    }
    if args.no_cluster {
        return Ok(());
    }
    let mut missing = Vec::new();
    for key in keys::list(&args.cluster, false)? {
        if key.fingerprint.is_none() {
            console::warn(&format!("{} holds no key that reads", key.name));
        }
        for fingerprint in key.fingerprints() {
            match held.iter().find(|(it, ..)| it == fingerprint) {
                None => missing.push(key.name.clone()),
                Some((_, namespaces, _)) if *namespaces != key.namespaces.as_ref() => {
                    missing.push(format!("{} (for other namespaces)", key.name));
                }
                Some((_, _, state)) if **state != key.state => {
                    missing.push(format!("{} (it is {} there)", key.name, key.state));
                }
                Some(_) => {}
            }
        }
    }
    if missing.is_empty() {
        console::say("every key of the cluster is in the backup");
        return Ok(());
    }
    let message = format!("not in the backup as the cluster has it: {}", missing.join(", "));
    Err(Failure::new(ExitCode::Failed, message).hint("back up again: `seal key backup -o FILE`"))
}
