//! Whose word a `.seal.yaml` is. Who names recipients decides who can read what is sealed, so a file that somebody else
//! could change, or that no review of the repository sees, is refused.

use std::path::{Path, PathBuf};

use seal_core::policy_file::{self, PolicyError, PolicyFile};

use crate::error::Failure;
use crate::files::{self, Distrust, relative};
use crate::git::Git;

/// Reads a `.seal.yaml` that is trusted.
pub(crate) fn load(path: &Path) -> Result<PolicyFile, Failure> {
    check(path, path)?;
    let text = files::read_text(path)?;
    policy_file::read(&text).map_err(|error| unreadable(path, &error))
}

/// Reads a `.seal.yaml` that lies where a review sees it, whoever owns it.
pub(super) fn load_of_anybody(path: &Path) -> Result<PolicyFile, Failure> {
    within(&root_of(path)?, path)?;
    is_file(path)?;
    let text = files::read_text(path)?;
    policy_file::read(&text).map_err(|error| unreadable(path, &error))
}

/// Refuses a pipe or a device, which may have no end.
pub(super) fn is_file(path: &Path) -> Result<(), Failure> {
    match files::kind(path) {
        files::Kind::File => Ok(()),
        _ => Err(not_a_file(&relative(path))),
    }
}

fn not_a_file(name: &str) -> Failure {
    Failure::input(format!("{name} is not a file"))
        .hint("restore it from Git, or change what names it")
}

/// Why a `.seal.yaml` does not read.
pub(super) fn unreadable(path: &Path, error: &PolicyError) -> Failure {
    let hint = match error {
        PolicyError::BadPath { .. } => {
            "a path is a glob relative to the .seal.yaml: clusters/prod/**, *.yaml, **/*.yaml"
        }
        _ => "it has recipients, rules (path, to, namespace, for, clear), allowClassic and created",
    };
    Failure::input(format!("{}: {error}", relative(path))).hint(hint)
}

/// Where the file of recipients lies that the `.seal.yaml` at `policy` names; trusted as itself.
pub(super) fn recipients_file(policy: &Path, file: &str) -> Result<PathBuf, Failure> {
    let path = files::folder_of(policy).join(file);
    check(policy, &path)?;
    Ok(path)
}

/// The same for a file that need not be there yet.
pub(super) fn within_reach(policy: &Path, file: &str) -> Result<PathBuf, Failure> {
    let path = files::folder_of(policy).join(file);
    within(&root_of(policy)?, &path)?;
    Ok(path)
}

fn check(policy: &Path, path: &Path) -> Result<(), Failure> {
    let root = root_of(policy)?;
    within(&root, path)?;
    let distrust = match files::distrust(path, &root, None) {
        Some(Distrust::NotOurs(_)) => files::distrust(path, &root, whom_git_trusts(&root)),
        other => other,
    };
    let Some(distrust) = distrust else { return Ok(()) };
    let name = relative(path);
    Err(match distrust {
        Distrust::NotAFile => not_a_file(&name),
        Distrust::NotOurs(what) => Failure::input(of(&name, path, "belongs to another user", &what))
            .hint("whoever owns it decides who can read what you seal: make it yours; if all of the work tree is theirs and you trust them, `git config --global --add safe.directory FOLDER`; or name recipients with -r"),
        Distrust::OpenToOthers(what) => {
            Failure::input(of(&name, path, "can be written by others", &what)).hint(format!(
                "whoever can change it decides who can read what you seal: `chmod go-w {}`, or name recipients with -r",
                relative(&what)
            ))
        }
    })
}

/// Somebody else who owns a whole work tree, where the user has told Git that it is safe: `safe.directory`, of which a repository
/// itself cannot say anything.
fn whom_git_trusts(root: &Path) -> Option<files::Owner> {
    let owner = files::owner_of(root)?;
    let is_whole = files::owner_of(&root.join(".git")) == Some(owner);
    (is_whole && Git::trusts(root)).then_some(owner)
}

/// The root of the work tree that a `.seal.yaml` lies in; outside of one its own folder.
fn root_of(policy: &Path) -> Result<PathBuf, Failure> {
    let folder = files::real_path(files::folder_of(policy))?;
    Ok(files::work_tree_root(&folder).unwrap_or(folder))
}

/// What no commit holds, no review sees: outside of the work tree, also by a link, and Git's own folder.
fn within(root: &Path, path: &Path) -> Result<(), Failure> {
    let real = files::real_path(path)?;
    let below = real.strip_prefix(root).ok();
    let seen = below.is_some_and(|below| !files::is_of_git(below));
    if seen {
        return Ok(());
    }
    Err(Failure::input(format!(
        "{} lies outside of {}, where no review sees who is in it",
        relative(path),
        relative(root)
    ))
    .hint("keep the file in the repository, or name it yourself with -R"))
}

fn of(name: &str, path: &Path, is: &str, what: &Path) -> String {
    let same = files::real_path(path).is_ok_and(|real| real == what);
    if same {
        format!("{name} {is}")
    } else {
        format!("{name}: its folder {} {is}", relative(what))
    }
}
