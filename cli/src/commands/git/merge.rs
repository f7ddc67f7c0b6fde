//! `seal git-merge`: three versions of a sealed file → one, for Git.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use seal_core::exit_code::ExitCode;
use seal_core::kind::edit::{Change, edit, is_json};
use seal_core::kind::resealed::marks;
use seal_core::kind::sealed::SealedSecret;
use seal_core::merge::{Version, merge};
use seal_core::names::GROUP_PREFIX;
use seal_core::open::check::check;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::conflicts::{Conflicts, ObjectName, objects};
use crate::console::{self, Console};
use crate::error::Failure;
use crate::files::{self, Output, Over};
use crate::git;

/// What stands behind the marks of a conflict.
const LABELS: [&str; 3] = ["before", "ours", "theirs"];

/// Merge two versions of a sealed file, for `git merge`
///
/// Where one side sealed everything anew with `seal reseal` and the other set a value, both are kept; so they are where
/// both sealed everything anew for the same recipients. A key is a conflict where each side gave it a value, or one side took it out and the other
/// set it. Everything else is merged line by line. `seal git-setup` has Git run this; the result is written to OURS, and
/// the exit status is 0, 1 where there are conflicts, and more where nothing was merged.
///
/// Example: seal git-merge base.yaml ours.yaml theirs.yaml
#[derive(Debug, clap::Args)]
pub(crate) struct MergeArgs {
    /// The version that both sides began with
    #[arg(value_name = "BASE")]
    base: PathBuf,
    /// Our version, which the result replaces
    #[arg(value_name = "OURS")]
    ours: PathBuf,
    /// Their version
    #[arg(value_name = "THEIRS")]
    theirs: PathBuf,
    /// How long the marks of a conflict are
    #[arg(long, value_name = "N", default_value_t = 7)]
    marker_size: usize,
    /// The file that is merged, for messages
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
}

/// Merges what lines do not see, then the lines.
pub(crate) fn run(args: &MergeArgs, _: &mut Console) -> Result<(), Failure> {
    let texts = [&args.base, &args.ours, &args.theirs].map(|path| files::read_utf8(path));
    let [base, ours, theirs] = texts;
    let texts = [base?, ours?, theirs?];
    let name = args.path.clone().unwrap_or_else(|| args.ours.display().to_string());
    let merged = merged(&texts, args)?;
    let bytes = Zeroizing::new(merged.text);
    files::write_all(vec![Output {
        path: args.ours.clone(),
        bytes,
        mode: 0o644,
        over: Over::Anything,
    }])?;
    for conflict in &merged.names {
        console::warn(&format!("{name}: {conflict} was changed on both sides"));
    }
    let (message, hint) = match (merged.has_conflicts, merged.is_sound) {
        (false, true) => return Ok(()),
        (true, _) => (
            "conflicts are marked in it",
            "of each keep one side's lines, all of them, and take the marks out",
        ),
        (false, false) => (
            "its lines merge, and what they make is not what either side meant",
            "look at it, seal it anew where it is for another scope, and `git add` it",
        ),
    };
    Err(Failure::new(ExitCode::Failed, format!("{name}: {message}")).hint(hint))
}

/// What three texts make together.
struct Merged {
    text: Vec<u8>,
    /// Keys that each side changed in its own way, as a person calls them.
    names: Vec<String>,
    has_conflicts: bool,
    /// Whether it has the values that were meant, as far as that can be seen.
    is_sound: bool,
}

fn merged(texts: &[Zeroizing<String>; 3], args: &MergeArgs) -> Result<Merged, Failure> {
    let Some(structured) = Structured::of(texts) else {
        let (text, has_conflicts) = lines(texts, args)?;
        let is_sound = !texts.iter().any(|text| text.contains(GROUP_PREFIX));
        return Ok(Merged { text, names: Vec::new(), has_conflicts, is_sound });
    };
    let (text, has_conflicts) = lines(&structured.texts, args)?;
    let conflicts = &structured.conflicts;
    Ok(Merged {
        is_sound: structured.is_what_was_meant(&text),
        text: conflicts.mark(&text, args.marker_size),
        names: conflicts.names().collect(),
        has_conflicts: has_conflicts || !conflicts.is_empty(),
    })
}

/// Three texts that agree in the values that both sides mean.
struct Structured {
    texts: [Zeroizing<String>; 3],
    /// Keys that each side changed in its own way.
    conflicts: Conflicts,
    /// The values of each object as they are to be; nothing where one has a conflict.
    values: BTreeMap<ObjectName, SealedSecret>,
}

impl Structured {
    /// `None` where that cannot be known: then the texts are merged as they are, and the result is not trusted.
    fn of(texts: &[Zeroizing<String>; 3]) -> Option<Self> {
        if texts.iter().any(|text| is_json(text)) {
            return None; // whose blocks have no lines of their own
        }
        let mut these =
            Self { texts: texts.clone(), conflicts: Conflicts::default(), values: BTreeMap::new() };
        let names = texts.each_ref().map(|text| objects(text));
        let [base, ours, theirs] = names;
        let (base, ours, theirs) = (base?, ours?, theirs?);
        let marks = texts.each_ref().map(|text| marks(text));
        let all: BTreeSet<&ObjectName> =
            base.keys().chain(ours.keys()).chain(theirs.keys()).collect();
        for name in all {
            match (base.get(name), ours.get(name), theirs.get(name)) {
                (Some((_, before)), Some((_, a)), Some((_, b))) => {
                    let version = |object, side: usize| Version { object, marks: &marks[side] };
                    let merged = merge(version(before, 0), version(a, 1), version(b, 2))?;
                    these.change(name, &merged.changes)?;
                    these.conflicts.take_out(&mut these.texts, name, &merged.conflicts)?;
                }
                // One side took it out or gave it another name, and the other changed it.
                (Some((_, before)), Some((_, other)), None)
                | (Some((_, before)), None, Some((_, other)))
                    if before != other =>
                {
                    return None;
                }
                (None, Some((_, a)), Some((_, b))) if a != b => return None,
                _ => {}
            }
        }
        these.values =
            objects(&these.texts[1])?.into_iter().map(|(name, (_, it))| (name, it)).collect();
        Some(these)
    }

    /// Makes the changes in the three texts.
    fn change(&mut self, name: &ObjectName, changes: &[Change; 3]) -> Option<()> {
        for (text, change) in self.texts.iter_mut().zip(changes) {
            let index = objects(text)?.get(name)?.0;
            *text = Zeroizing::new(edit(text, index, change).ok()?);
        }
        Some(())
    }

    /// Whether a merged text has the values that were meant, each object sound.
    fn is_what_was_meant(&self, merged: &[u8]) -> bool {
        let Some(merged) = std::str::from_utf8(merged).ok().and_then(objects) else { return false };
        merged.iter().all(|(name, (_, object))| {
            let meant = self.values.get(name);
            check(object).is_ok()
                && meant.is_none_or(|meant| meant.spec.values == object.spec.values)
        })
    }
}

/// Merges three texts line by line.
fn lines(texts: &[Zeroizing<String>; 3], args: &MergeArgs) -> Result<(Vec<u8>, bool), Failure> {
    let mut files = Vec::new();
    for text in texts {
        let written = NamedTempFile::new()
            .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file));
        files.push(
            written.map_err(|error| Failure::io("write", Path::new("a temporary file"), &error))?,
        );
    }
    let [base, ours, theirs] = [0, 1, 2].map(|index| files[index].path());
    git::merge_file([base, ours, theirs], LABELS, args.marker_size)
}
