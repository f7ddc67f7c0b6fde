//! `seal key backup`: the cluster's keys in a file for whoever keeps them.

use std::path::PathBuf;

use seal_core::backup;
use seal_core::exit_code::ExitCode;

use crate::cluster::{ClusterArgs, keys};
use crate::console;
use crate::error::Failure;
use crate::files;
use crate::policy::{self, RecipientArgs};

/// Back the keys of a cluster up, encrypted
///
/// Writes every key Secret, with its state, age and namespaces, into one age file that the recipients can open: by default the
/// recipient `offline` of .seal.yaml, whose identity is on no machine of the cluster. `age -d` opens it as well, into a manifest that
/// `kubectl create -f` takes. Needs the right to list Secrets in the controller's namespace. Back up again after each rotation, and
/// see with `seal key verify-backup` that it is the backup you need.
///
/// Example: seal key backup -o seal-keys.age
#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    /// The file to make; never over an existing one
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    recipients: RecipientArgs,
}

pub(super) fn run(args: &BackupArgs) -> Result<(), Failure> {
    let (recipients, who) = policy::for_backup(&args.recipients)?;
    if files::exists(&args.output) {
        return Err(Failure::input(format!(
            "{} exists and is not overwritten",
            args.output.display()
        ))
        .hint("it may be the only copy of a key: choose another name"));
    }
    let manifest = keys::read_all(&args.cluster)?;
    let saved = backup::read(&manifest).map_err(|_| {
        Failure::new(ExitCode::Failed, "no key Secret of the cluster holds a key")
            .hint("its Events say why: `kubectl get events -A --field-selector reason=KeyRejected`")
    })?;
    for broken in saved.iter().filter(|key| key.identities.is_empty()) {
        let name = broken.name.as_deref().unwrap_or_default();
        console::warn(&format!("{name} holds no key that reads: it is backed up as it is"));
    }
    let own = saved.iter().flat_map(|key| &key.identities).any(|identity| {
        recipients.iter().all(|recipient| recipient.as_str() == identity.recipient())
    });
    if own {
        return Err(Failure::input("the backup would open with the keys that are in it, and with nothing else")
            .hint("-r names a recipient whose identity is kept elsewhere: `seal key recipient ~/offline.key`"));
    }
    let bytes = backup::encrypt(&manifest, &recipients).map_err(|error| {
        Failure::input(format!("the backup: {error}")).hint("name recipients of one kind")
    })?;
    files::create_private(&args.output, &bytes)?;
    let count = if saved.len() == 1 { "1 key".to_owned() } else { format!("{} keys", saved.len()) };
    console::say(&format!("wrote {count} to {}, {who}", args.output.display()));
    console::note("`seal key verify-backup` opens it, as the day will come when it must");
    Ok(())
}
