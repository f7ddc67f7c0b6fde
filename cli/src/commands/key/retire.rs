//! `seal key retire`: a key that is sealed to no more.

use crate::cluster::{ClusterArgs, keys};
use crate::console;
use crate::error::Failure;

/// Retire a key, or delete it
///
/// A retired key opens what is sealed to it and is published no more. With --delete it goes: that is refused while a sealed object
/// of this cluster was opened with it. The count knows this cluster and not Git: an old commit that is sealed to this key alone opens
/// nowhere any more. Needs the rights to list and patch Secrets in the controller's namespace; --delete also to delete them, and to
/// list sealed objects everywhere.
///
/// Example: seal key retire seal-key-first --delete
#[derive(Debug, clap::Args)]
pub(crate) struct RetireArgs {
    /// The Secret of the key
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Delete the key
    #[arg(long)]
    delete: bool,
    /// Even if it is the last active one, or something was opened with it
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &RetireArgs) -> Result<(), Failure> {
    keys::retire(&args.cluster, &args.name, args.delete, args.force)?;
    if args.delete {
        console::say(&format!("{} is deleted", args.name));
        console::note(
            "this cluster was looked at, and not Git: what is sealed to it alone in an old commit opens with its backup only",
        );
    } else {
        console::say(&format!("{} is retired: it goes on opening what is sealed to it", args.name));
    }
    Ok(())
}
