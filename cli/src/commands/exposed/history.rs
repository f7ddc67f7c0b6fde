//! Every version of every file in a repository, each read once: what of it was sealed to one key.

use std::collections::{BTreeMap, BTreeSet};

use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::SealedSecret;
use seal_core::names::GROUP_PREFIX;
use seal_core::text::{self, mentions};
use zeroize::Zeroizing;

use crate::console::Progress;
use crate::error::Failure;
use crate::git::Git;

/// Larger versions are not read: no file of sealed objects is.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// What was looked at.
pub(super) struct History {
    /// Versions of files.
    pub(super) blobs: usize,
    /// Those that were too large to be read.
    pub(super) large: usize,
    /// Paths of versions that name the fingerprint beside what looks sealed, and do not read.
    pub(super) unread: BTreeSet<String>,
    /// Whether HEAD has submodules, whose history is their own.
    pub(super) has_submodules: bool,
    /// Why it is not all of the history.
    pub(super) cut: Option<&'static str>,
}

/// Something that was sealed to the key.
pub(super) struct Found {
    /// Empty where no commit has it.
    pub(super) path: String,
    pub(super) kind: &'static str,
    pub(super) object: String,
    pub(super) keys: BTreeSet<String>,
    pub(super) is_in_head: bool,
}

/// A blob that has something, before its path is known.
struct Version {
    name: String,
    objects: Vec<(&'static str, String, BTreeSet<String>)>,
}

impl History {
    /// Reads all blobs of the repository, as they lie in its packs, and hands over what was sealed to `fingerprint`.
    pub(super) fn read(
        git: &Git,
        fingerprint: &str,
        take: impl FnMut(Found),
    ) -> Result<Self, Failure> {
        let (names, large) = blobs(git)?;
        let blobs = names.len();
        let mut versions = Vec::new();
        let progress = Progress::of(blobs);
        git.each_object(&names, |number, bytes| {
            progress.one();
            if mentions(&bytes, fingerprint) {
                let looks_sealed = mentions(&bytes, GROUP_PREFIX) && mentions(&bytes, "payload");
                let objects = sealed_to(bytes, fingerprint);
                if looks_sealed || !objects.is_empty() {
                    versions.push(Version { name: names[number].clone(), objects });
                }
            }
            Ok(())
        })?;
        drop(progress);
        let head = Head::read(git)?;
        let unread = named(git, &head, versions, take)?;
        let has_submodules = head.has_submodules;
        Ok(Self { blobs, large, unread, has_submodules, cut: cut(git) })
    }
}

/// Hands over what is in each version, under its path, and returns those in which nothing reads.
fn named(
    git: &Git,
    head: &Head,
    versions: Vec<Version>,
    mut take: impl FnMut(Found),
) -> Result<BTreeSet<String>, Failure> {
    let mut unread = BTreeSet::new();
    if versions.is_empty() {
        return Ok(unread);
    }
    let paths = paths(git, &versions)?;
    for Version { name, objects } in versions {
        // Where it lies now says more than where it lay first.
        let path = head.blobs.get(&name).or_else(|| paths.get(&name)).cloned();
        if objects.is_empty() {
            let nowhere = || format!("{name} (in no commit: `git cat-file -p {name}` shows it)");
            unread.insert(path.clone().unwrap_or_else(nowhere));
        }
        for (kind, object, keys) in objects {
            let path = path.clone().unwrap_or_default();
            let is_in_head = head.blobs.contains_key(&name);
            take(Found { path, kind, object, keys, is_in_head });
        }
    }
    Ok(unread)
}

/// The names of all blobs that may be read, in the order in which they lie in packs, and how many are too large.
fn blobs(git: &Git) -> Result<(Vec<String>, usize), Failure> {
    let listed = git.answer([
        "cat-file",
        "--batch-all-objects",
        "--unordered",
        "--buffer",
        "--batch-check=%(objecttype) %(objectsize) %(objectname)",
    ])?;
    let (mut names, mut large) = (Vec::new(), 0);
    for line in String::from_utf8_lossy(&listed).lines() {
        let Some(rest) = line.strip_prefix("blob ") else { continue };
        let Some((size, name)) = rest.split_once(' ') else { continue };
        match size.parse::<usize>() {
            Ok(size) if size <= MOST_BYTES => names.push(name.to_owned()),
            _ => large += 1,
        }
    }
    Ok((names, large))
}

/// What of one file was sealed to the key: kind and name of each object, and its keys.
fn sealed_to(bytes: Vec<u8>, fingerprint: &str) -> Vec<(&'static str, String, BTreeSet<String>)> {
    let Ok(text) = text::decode(Zeroizing::new(bytes)) else { return Vec::new() };
    // A file with a conflict, or one that was cut, does not read as a whole: each document by itself.
    let documents = file::read(&text).unwrap_or_else(|_| each_by_itself(&text));
    let objects = documents.into_iter().filter_map(|document| match document {
        Document::Sealed(object) => Some(object),
        _ => None,
    });
    objects
        .map(|object| (object.spec.kind.as_str(), object.full_name(), keys(&object, fingerprint)))
        .filter(|(_, _, keys)| !keys.is_empty())
        .collect()
}

fn each_by_itself(text: &str) -> Vec<Document> {
    let sides = [Side::Ours, Side::Theirs].map(|side| side_of(text, side));
    let texts = if sides[0] == sides[1] { &sides[..1] } else { &sides[..] };
    let documents = texts.iter().flat_map(|text| text.split("\n---"));
    documents.filter_map(|document| file::read(document).ok()).flatten().collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Theirs,
}

/// A text with conflicts as one side has it: Git keeps such files of a merge that was not finished yet.
fn side_of(text: &str, side: Side) -> String {
    let mut within = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.get(..7) {
            Some("<<<<<<<") => within = Some(Some(Side::Ours)),
            Some("|||||||") if within.is_some() => within = Some(None),
            Some("=======") if within.is_some() => within = Some(Some(Side::Theirs)),
            Some(">>>>>>>") => within = None,
            _ if within.is_none_or(|of| of == Some(side)) => lines.push(line),
            _ => {}
        }
    }
    lines.join("\n") + "\n"
}

/// The keys whose header names the fingerprint.
fn keys(object: &SealedSecret, fingerprint: &str) -> BTreeSet<String> {
    let names = |hints: &[String]| hints.iter().any(|hint| hint == fingerprint);
    let values = object.spec.values.iter();
    let values = values.filter(|(_, block)| names(object.sealed_to_of(block)));
    values.map(|(key, _)| key.clone()).collect()
}

/// Under which path some commit has each of these blobs; one path of each.
fn paths(git: &Git, versions: &[Version]) -> Result<BTreeMap<String, String>, Failure> {
    let wanted: BTreeSet<&str> = versions.iter().map(|version| version.name.as_str()).collect();
    let listed = git.answer([
        "rev-list",
        "--objects",
        "--all",
        "--reflog",
        "--indexed-objects",
        "--missing=allow-any", // a partial clone, which is said
    ])?;
    let mut paths = BTreeMap::new();
    for line in String::from_utf8_lossy(&listed).lines() {
        if let Some((name, path)) = line.split_once(' ').filter(|(name, _)| wanted.contains(name)) {
            paths.entry(name.to_owned()).or_insert_with(|| path.to_owned());
        }
    }
    Ok(paths)
}

/// What HEAD has; nothing where there is no commit yet.
#[derive(Default)]
struct Head {
    /// Their paths, whole.
    blobs: BTreeMap<String, String>,
    has_submodules: bool,
}

impl Head {
    fn read(git: &Git) -> Result<Self, Failure> {
        if !git.is(["rev-parse", "--verify", "--quiet", "HEAD"]) {
            return Ok(Self::default());
        }
        let listed = git.answer(["ls-tree", "-r", "-z", "--full-tree", "HEAD"])?;
        let mut head = Self::default();
        for entry in listed.split(|byte| *byte == 0).map(String::from_utf8_lossy) {
            let Some((object, path)) = entry.split_once('\t') else { continue };
            let mut words = object.split(' ');
            match (words.next(), words.nth(1)) {
                (Some("160000"), _) => head.has_submodules = true,
                (_, Some(name)) => drop(head.blobs.insert(name.to_owned(), path.to_owned())),
                _ => {}
            }
        }
        Ok(head)
    }
}

/// Why a repository does not hold all of its history.
fn cut(git: &Git) -> Option<&'static str> {
    if git.text(["rev-parse", "--is-shallow-repository"]).is_ok_and(|text| text == "true") {
        return Some("this clone is shallow: what is older than it was not looked at");
    }
    let is_partial = git.is(["config", "--get-regexp", "^remote\\..*\\.promisor$"]);
    is_partial.then_some("this clone is partial: files that it has not fetched were not looked at")
}
