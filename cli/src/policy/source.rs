//! Where `.seal.yaml` and the files of recipients that it names are read: on disk, or as a commit or the index of Git has
//! them. What is committed was reviewed, so only what lies on disk is asked who may change it.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use seal_core::escape::escaped;
use seal_core::kind::locate;
use seal_core::policy_file::{self, PolicyFile};

use super::FILE_NAME;
use super::trust::{self, unreadable};
use crate::error::Failure;
use crate::files::{self, relative};
use crate::git::Git;

/// Where policies come from.
#[derive(Clone, Debug, Default)]
pub(crate) enum Source {
    /// The work tree, as it lies.
    #[default]
    Disk,
    /// The work tree, whoever owns it: for what seals nothing, and so gives nobody anything.
    Anybodys,
    /// A commit, or the index.
    Revision(Revision),
}

/// The mode of a link in Git's own words.
const LINK: &str = "120000";

/// What Git has at one time.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    git: Git,
    root: PathBuf,
    /// What stands before the colon of an object's name: nothing for the index.
    name: String,
    paths: BTreeSet<String>,
    links: BTreeSet<String>,
}

impl Revision {
    /// The index of the repository that the working directory lies in.
    pub(crate) fn index() -> Result<Self, Failure> {
        let git = Git::of(Path::new("."))?;
        let entries = git.fields(["ls-files", "--stage", "-z", "--full-name", ":(top)"])?;
        Self::with(git, String::new(), entries)
    }

    /// A commit of it.
    pub(crate) fn commit(name: &str) -> Result<Self, Failure> {
        let git = Git::of(Path::new("."))?;
        if !git.is_commit(name) {
            let message = format!("--policy-from: there is no commit {} here", escaped(name));
            return Err(Failure::input(message).hint("such as origin/main; `git fetch` brings it"));
        }
        let commit = format!("{name}^{{commit}}");
        let name = git.text(["rev-parse", "--verify", "--end-of-options", &commit])?;
        let entries = git.fields(["ls-tree", "-r", "-z", "--full-tree", &name])?;
        Self::with(git, name, entries)
    }

    /// `entries` are mode and more, and behind a tab the path.
    fn with(git: Git, name: String, entries: Vec<String>) -> Result<Self, Failure> {
        let root = files::real_path(&git.root()?)?;
        let (mut paths, mut links) = (BTreeSet::new(), BTreeSet::new());
        for (head, path) in entries.iter().filter_map(|entry| entry.split_once('\t')) {
            let of = if head.starts_with(LINK) { &mut links } else { &mut paths };
            of.insert(path.to_owned());
        }
        Ok(Self { git, root, name, paths, links })
    }

    /// Whether a link is on the way to a file, or is that file: where it leads no review of it sees.
    fn is_behind_a_link(&self, name: &str) -> bool {
        let ends = name.match_indices('/').map(|(at, _)| at).chain([name.len()]);
        ends.into_iter().any(|end| self.links.contains(&name[..end]))
    }

    /// Each `.seal.yaml` that it has.
    pub(crate) fn policies(&self) -> impl Iterator<Item = PathBuf> {
        let all = self.paths.iter().chain(&self.links);
        all.filter(|name| is_policy(name)).map(|name| self.root.join(name))
    }

    /// Whether it is the index, and no commit.
    pub(crate) fn is_index(&self) -> bool {
        self.name.is_empty()
    }

    /// The path of a file in the repository, as Git has it.
    fn within(&self, path: &Path) -> Option<String> {
        let mut names = Vec::new();
        for part in path.strip_prefix(&self.root).ok()?.components() {
            match part {
                Component::Normal(name) => names.push(name.to_str()?),
                Component::ParentDir => drop(names.pop()?),
                _ => {}
            }
        }
        Some(names.join("/"))
    }

    /// Whether a file lies in the work tree of this repository.
    pub(crate) fn is_of(&self, real: &Path) -> bool {
        match files::work_tree_root(real) {
            Some(root) => root == self.root,
            None => real.starts_with(&self.root), // Git's own variables may say where it is
        }
    }

    fn has(&self, path: &Path) -> bool {
        let name = self.within(path);
        name.is_some_and(|name| self.paths.contains(&name) || self.is_behind_a_link(&name))
    }

    /// The bytes of a file.
    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        let name = self.within(path);
        if name.as_deref().is_some_and(|name| self.is_behind_a_link(name)) {
            let message = format!("{} is a link in Git, or behind one", relative(path));
            return Err(Failure::input(message)
                .hint("name the file itself: who is in it is reviewed where it lies"));
        }
        let name = name.filter(|name| self.paths.contains(name));
        let Some(name) = name else {
            return Err(Failure::input(format!("{} is not in Git", relative(path))));
        };
        self.git.answer(["cat-file", "blob", &format!("{}:{name}", self.name)])
    }

    fn text(&self, path: &Path) -> Result<String, Failure> {
        String::from_utf8(self.read(path)?)
            .map_err(|_| Failure::input(format!("{} is not UTF-8 text", relative(path))))
    }
}

/// Whether a path, as Git has it, is that of a `.seal.yaml`.
pub(crate) fn is_policy(name: &str) -> bool {
    name.rsplit('/').next() == Some(FILE_NAME)
}

impl Source {
    /// Whether a policy file is there.
    pub(super) fn has(&self, path: &Path) -> bool {
        match self {
            Self::Disk | Self::Anybodys => files::exists(path),
            Self::Revision(revision) => revision.has(path),
        }
    }

    /// Reads a `.seal.yaml`.
    pub(crate) fn load(&self, path: &Path) -> Result<PolicyFile, Failure> {
        match self {
            Self::Disk => trust::load(path),
            Self::Anybodys => trust::load_of_anybody(path),
            Self::Revision(revision) => {
                policy_file::read(&revision.text(path)?).map_err(|error| unreadable(path, &error))
            }
        }
    }

    /// The text of the file of recipients that the `.seal.yaml` at `policy` names, and where it lies.
    pub(super) fn recipients(
        &self,
        policy: &Path,
        file: &str,
    ) -> Result<(PathBuf, String), Failure> {
        match self {
            Self::Disk => {
                let path = trust::recipients_file(policy, file)?;
                let text = files::read_text(&path)?.to_string();
                Ok((path, text))
            }
            Self::Anybodys => {
                let path = trust::within_reach(policy, file)?;
                trust::is_file(&path)?;
                let text = files::read_text(&path)?.to_string();
                Ok((path, text))
            }
            Self::Revision(revision) => {
                let path = files::folder_of(policy).join(file);
                let text = revision.text(&path)?;
                Ok((path, text))
            }
        }
    }
}

/// The line of a `.seal.yaml` that names a recipient; 1 where that cannot be told.
pub(crate) fn line_of(source: &Source, path: &Path, name: &str) -> usize {
    let text = match source {
        Source::Disk | Source::Anybodys => files::read_text(path).map(|text| text.to_string()),
        Source::Revision(revision) => revision.text(path),
    };
    // Somebody in a file of several is called `alice of team`.
    let name = name.rsplit_once(" of ").map_or(name, |(_, name)| name);
    text.map_or(1, |text| locate::line_of(&text, 0, &["recipients", name]))
}
