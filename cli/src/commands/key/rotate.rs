//! `seal key rotate`: a new key in the place of another one.

use std::time::Duration;

use crate::cluster::key_secrets::Rotated;
use crate::cluster::{ClusterArgs, keys};
use crate::console;
use crate::error::Failure;

/// Have the controller make a new key, and retire the one before
///
/// The controller makes the key in the cluster, so its private half is never on this machine. The one before goes on opening and is
/// sealed to no more. Without NAME it is the key for every namespace; a key for some namespaces is named. Run again after a failure,
/// it goes on where it was. Needs the rights to list and patch Secrets in the controller's namespace, and to read its ConfigMap.
///
/// Example: seal key rotate && seal key backup -o keys-2027.age
#[derive(Debug, clap::Args)]
pub(crate) struct RotateArgs {
    /// The Secret of the key to replace (default: the one that is sealed to)
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Seconds to wait for the new key
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u16,
}

pub(super) fn run(args: &RotateArgs) -> Result<(), Failure> {
    let timeout = Duration::from_secs(args.timeout.into());
    let Rotated { old, new, fingerprint } =
        keys::rotate(&args.cluster, args.name.as_deref(), timeout)?;
    console::say(&format!("{new} is the key to seal to now: {fingerprint}"));
    console::say(&format!("{old} is retired: it goes on opening what is sealed to it"));
    console::note("back the new key up: `seal key backup -o FILE`");
    console::note(&format!("pin it where files are sealed: `seal fetch --accept {fingerprint}`"));
    Ok(())
}
