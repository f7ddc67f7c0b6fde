//! `seal init`: a `.seal.yaml` whose first recipient is offline, so that losing the cluster loses no data.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use seal_core::key::{Identity, Recipient};
use zeroize::Zeroizing;

use crate::console::{self, Console};
use crate::error::{Failure, bad_recipient};
use crate::files::{self, Output, relative};
use crate::identities;
use crate::policy::FILE_NAME;

/// Make a .seal.yaml with an offline recipient
///
/// Writes .seal.yaml at the root of the Git work tree, and an identity outside of it that opens everything sealed
/// here when the cluster is lost: move that file to a place that is offline. `seal fetch` adds the cluster.
///
/// Example: seal init && seal fetch
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// Where to write the offline identity (default: ~/.config/seal/<repository>-offline.key)
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    offline_key: Option<PathBuf>,
    /// Use this recipient, whose identity exists already
    #[arg(long, value_name = "RECIPIENT")]
    offline: Option<String>,
}

/// Writes the identity first, so that no `.seal.yaml` names an offline recipient whose identity was never written.
pub(crate) fn run(args: &InitArgs, _: &mut Console) -> Result<(), Failure> {
    let here = files::real_path(Path::new("."))?;
    let root = files::work_tree_root(&here).unwrap_or_else(|| here.clone());
    let path = root.join(FILE_NAME);
    if files::exists(&path) {
        return Err(Failure::input(format!("{} exists and is not overwritten", relative(&path)))
            .hint("`seal fetch` adds the cluster to it; everything else is an editor's work"));
    }
    let recipient = match &args.offline {
        Some(text) => Recipient::from_str(text).map_err(|error| bad_recipient(text, error))?,
        None => make_identity(args, &root)?,
    };
    let bytes = Zeroizing::new(policy_text(&recipient).into_bytes());
    files::write_all(vec![Output { path: path.clone(), bytes, mode: 0o644 }])?;
    console::say(&format!("wrote {}: offline is {}", relative(&path), recipient.fingerprint()));
    if args.offline.is_none() {
        console::say(
            "move the identity to a place that is offline, such as paper or a stick: it opens everything sealed here",
        );
    }
    console::say("next: `seal fetch` adds your cluster");
    Ok(())
}

fn make_identity(args: &InitArgs, root: &Path) -> Result<Recipient, Failure> {
    let path = match &args.offline_key {
        Some(path) => path.clone(),
        None => default_path(root)?,
    };
    let identity = Identity::generate();
    identities::write(&identity, &path)?;
    console::say(&format!("made the offline identity in {}", path.display()));
    Ok(identity.recipient().parse().expect("an identity's own recipient"))
}

fn default_path(root: &Path) -> Result<PathBuf, Failure> {
    let config =
        folder_in("XDG_CONFIG_HOME").or_else(|| folder_in("HOME").map(|home| home.join(".config")));
    let folder = config.map(|config| config.join("seal")).ok_or_else(|| {
        Failure::input("there is no home folder for the offline identity")
            .hint("--offline-key FILE names its place")
    })?;
    files::create_folder(&folder)?;
    let repository = root.file_name().and_then(|name| name.to_str()).unwrap_or("seal");
    Ok(folder.join(format!("{repository}-offline.key")))
}

fn folder_in(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn policy_text(recipient: &Recipient) -> String {
    let classic = if recipient.is_classic() { "allowClassic: true\n" } else { "" };
    format!(
        "# For whom `seal` seals in this repository. Whoever changes this file decides who can read what is sealed
# from then on: review it as you would a key.
recipients:
  # Its identity is kept offline, and opens everything when the cluster is lost.
  offline: {recipient}
# The first rule that matches a path counts; a rule without a path matches all.
rules:
- to: [offline]
{classic}",
        recipient = recipient.as_str()
    )
}
