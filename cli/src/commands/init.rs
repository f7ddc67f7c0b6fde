//! `seal init`: a `.seal.yaml` whose first recipient is offline, so that losing the cluster loses no data.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use seal_core::key::{Fingerprint, Identity, Recipient};
use seal_core::policy_file::{self, Source};
use zeroize::Zeroizing;

use super::fetch::{self, FetchArgs};
use crate::calendar;
use crate::cluster::ClusterArgs;
use crate::console::{self, Console};
use crate::error::{Failure, bad_recipient};
use crate::files::{self, Output, Over, relative};
use crate::identities;
use crate::policy::{self, FILE_NAME};

/// Make a .seal.yaml with an offline recipient
///
/// Writes .seal.yaml at the root of the Git work tree, and an identity outside of it that opens everything sealed
/// here when the cluster is lost: move that file to a place that is offline. `seal fetch` adds the cluster. Where
/// there is a .seal.yaml it stays as it is.
///
/// Example: seal init --fetch
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// Where to write the offline identity (default: ~/.config/seal/<repository>-offline.key)
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    offline_key: Option<PathBuf>,
    /// Use this recipient, whose identity exists already
    #[arg(long, value_name = "RECIPIENT")]
    offline: Option<String>,
    /// Pin the cluster's recipient as well, as `seal fetch` does
    #[arg(long)]
    fetch: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Writes the identity first, so that no `.seal.yaml` names an offline recipient whose identity was never written; and
/// takes it back when there is no `.seal.yaml` to name it.
pub(crate) fn run(args: &InitArgs, console: &mut Console) -> Result<(), Failure> {
    make(args)?;
    if args.fetch {
        return fetch::run(&FetchArgs::of(args.cluster.clone()), console);
    }
    Ok(())
}

fn make(args: &InitArgs) -> Result<(), Failure> {
    let here = files::real_path(Path::new("."))?;
    if let Some(folder) = files::git_folder(&here) {
        return Err(no_work_tree(&folder));
    }
    let root = files::work_tree_root(&here).unwrap_or_else(|| here.clone());
    let path = root.join(FILE_NAME);
    if files::exists(&path) {
        return is_there(args, &path);
    }
    let (recipient, made) = match &args.offline {
        Some(text) => {
            (Recipient::from_str(text).map_err(|error| bad_recipient(text, error))?, None)
        }
        None => make_identity(args, &root).map(|(recipient, file)| (recipient, Some(file)))?,
    };
    let day = made.is_some().then(calendar::today);
    let bytes = Zeroizing::new(policy_text(&recipient, day.as_deref()).into_bytes());
    let output = Output { path: path.clone(), bytes, mode: 0o644, over: Over::Nothing };
    if let Err(failure) = files::write_all(vec![output]) {
        made.iter().for_each(|file| files::remove_own(file));
        return Err(failure);
    }
    if let Some(file) = &made {
        console::say(&format!("made the offline identity in {}", file.display()));
    }
    console::say(&format!("wrote {}: offline is {}", relative(&path), recipient.fingerprint()));
    if made.is_some() {
        console::say(
            "move the identity to a place that is offline, such as paper or a stick: it opens everything sealed here",
        );
    }
    if recipient.is_classic() {
        console::warn(CLASSIC);
    }
    if !args.fetch {
        console::say("next: `seal fetch` adds your cluster");
    }
    Ok(())
}

/// What is written into a Git folder is in no commit, and no run finds it.
fn no_work_tree(folder: &Path) -> Failure {
    let what = if folder.file_name().is_some_and(|name| name == ".git") {
        "Git's own folder"
    } else {
        "a bare repository"
    };
    let message = format!("this is {what}, {}", folder.display());
    Failure::input(message)
        .hint("run it in a work tree, which `git clone` or `git worktree add` makes")
}

const CLASSIC: &str = "offline is classic (age1 without pq): quantum computers will read what is sealed to it, and no \
                       post-quantum recipient, such as a cluster's, can stand beside it in a file. `seal key new -o FILE` \
                       makes a post-quantum one: write its recipient in the place of this one, and take out allowClassic";

/// A second `seal init` changes nothing: what it was to make is there.
fn is_there(args: &InitArgs, path: &Path) -> Result<(), Failure> {
    let policy = policy::load(path)?;
    if let Some(text) = &args.offline {
        let wanted =
            Recipient::from_str(text).map_err(|error| bad_recipient(text, error))?.fingerprint();
        let is_named = |source: &Source| matches!(source, Source::Text(text) if Fingerprint::of(text) == wanted);
        if !policy.recipients.values().any(is_named) {
            let message = format!("{} exists, and {wanted} is not in it", relative(path));
            return Err(Failure::input(message)
                .hint("write it under recipients yourself, and its name under `to` of the rules that it is for"));
        }
    }
    let next = if args.fetch { "" } else { ". `seal fetch` adds a cluster to it" };
    let path = relative(path);
    console::note(&format!("{path} is there already and stays as it is; no key was made{next}"));
    Ok(())
}

fn make_identity(args: &InitArgs, root: &Path) -> Result<(Recipient, PathBuf), Failure> {
    let path = match &args.offline_key {
        Some(path) => path.clone(),
        None => default_path(root)?,
    };
    if files::exists(&path) {
        let file = path.display();
        return Err(Failure::input(format!("{file} exists and is not overwritten")).hint(
            "another repository of this name may have made it: --offline-key FILE makes a key elsewhere; --offline \
             RECIPIENT uses the one that is there, whose recipient stands behind `# public key:` in it",
        ));
    }
    let identity = Identity::generate();
    identities::write(&identity, &path)?;
    Ok((identity.recipient().parse().expect("an identity's own recipient"), path))
}

fn default_path(root: &Path) -> Result<PathBuf, Failure> {
    let home = folder_in("HOME").or_else(|| folder_in("USERPROFILE")); // the second is Windows'
    let config = folder_in("XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join(".config")));
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

fn policy_text(recipient: &Recipient, day: Option<&str>) -> String {
    let classic = if recipient.is_classic() { "allowClassic: true\n" } else { "" };
    let text = format!(
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
    );
    let dated = day.and_then(|day| policy_file::date(&text, "offline", day).ok());
    dated.unwrap_or(text)
}
