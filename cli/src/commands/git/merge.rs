//! `seal git-merge`: three versions of a sealed file → one, for Git.

use std::io::Write;
use std::path::{Path, PathBuf};

use seal_core::exit_code::ExitCode;
use seal_core::kind::edit::is_json;
use seal_core::names::GROUP_PREFIX;
use seal_core::tree::survey::MOST_BYTES;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::conflicts::Conflicts;
use super::meaning::{Meaning, Texts};
use crate::console::{self, Console};
use crate::error::Failure;
use crate::files::{self, Output, Over};
use crate::git;

/// How long the marks of a conflict may be: files of a repository ask for a length, and this one is read anywhere.
pub(super) const MOST_OF_A_MARK: usize = 200;
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
    /// How long the marks of a conflict are, up to 200
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
    let merged = merged(&texts, args.marker_size.clamp(1, MOST_OF_A_MARK))?;
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
    merged.end.failure(&name).map_or(Ok(()), Err)
}

/// What three texts make together.
struct Merged {
    text: Vec<u8>,
    /// Keys that each side changed in its own way, as a person calls them.
    names: Vec<String>,
    end: End,
}

/// How a merge ends.
#[derive(Clone, Copy)]
enum End {
    /// With what was meant, as far as that can be seen.
    Meant,
    /// With conflicts between marks.
    Conflicts,
    /// With lines that merge, and values that neither side has.
    NotMeant,
    /// With lines that merge, and sealed objects that are not known to be what was meant.
    Unknown,
}

impl End {
    fn failure(self, name: &str) -> Option<Failure> {
        let (message, hint) = match self {
            Self::Meant => return None,
            Self::Conflicts => (
                "conflicts are marked in it",
                "of each keep one side's lines, all of them, and take the marks out",
            ),
            Self::NotMeant => (
                "its lines merge, and what they make is not what either side meant",
                "look at it, seal it anew where it is for another scope, and `git add` it",
            ),
            Self::Unknown => (
                "its lines merge, and whether what they make was meant is not known",
                "look at it, seal it anew where it is for another scope, and `git add` it",
            ),
        };
        Some(Failure::new(ExitCode::Failed, format!("{name}: {message}")).hint(hint))
    }
}

fn merged(texts: &Texts, marker_size: usize) -> Result<Merged, Failure> {
    let (text, has_conflicts) = lines(texts, LABELS, marker_size)?;
    let is_small = texts.iter().all(|text| text.len() <= MOST_BYTES);
    let Some(meaning) = is_small.then(|| Meaning::of(texts)).flatten() else {
        let is_ours = texts.iter().any(|text| text.contains(GROUP_PREFIX));
        let end = match (has_conflicts, is_ours) {
            (true, _) => End::Conflicts,
            (false, true) => End::Unknown,
            (false, false) => End::Meant,
        };
        return Ok(Merged { text, names: Vec::new(), end });
    };
    if !has_conflicts && meaning.is(&text) {
        return Ok(Merged { text, names: Vec::new(), end: End::Meant });
    }
    if let Some(merged) = by_block(texts, &meaning, marker_size)? {
        return Ok(merged);
    }
    let end = if has_conflicts { End::Conflicts } else { End::NotMeant };
    Ok(Merged { text, names: meaning.names(), end })
}

/// Merges the lines of three texts that agree in the values that are meant; `None` where they cannot be made to.
fn by_block(
    texts: &Texts,
    meaning: &Meaning,
    marker_size: usize,
) -> Result<Option<Merged>, Failure> {
    if !meaning.conflicts.is_empty() && texts.iter().any(|text| is_json(text)) {
        return Ok(None); // whose blocks have no lines of their own
    }
    let Some(mut texts) = meaning.applied_to(texts) else { return Ok(None) };
    let Some(conflicts) = Conflicts::taken_out(&mut texts, meaning) else { return Ok(None) };
    let labels = conflicts.labels(LABELS);
    let (text, has_conflicts) = lines(&texts, labels.each_ref().map(String::as_str), marker_size)?;
    let end = match has_conflicts || !meaning.conflicts.is_empty() {
        true => End::Conflicts,
        false if meaning.is(&text) => End::Meant,
        false => End::NotMeant,
    };
    let text = conflicts.mark(&String::from_utf8_lossy(&text), marker_size).into_bytes();
    Ok(Some(Merged { text, names: meaning.names(), end }))
}

/// Merges three texts line by line.
fn lines(texts: &Texts, labels: [&str; 3], marker_size: usize) -> Result<(Vec<u8>, bool), Failure> {
    let mut files = Vec::new();
    for text in texts {
        let written = NamedTempFile::new()
            .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file));
        files.push(
            written.map_err(|error| Failure::io("write", Path::new("a temporary file"), &error))?,
        );
    }
    let [base, ours, theirs] = [0, 1, 2].map(|index| files[index].path());
    git::merge_file([base, ours, theirs], labels, marker_size)
}
