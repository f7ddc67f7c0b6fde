//! Env files in clear beside the sealed files that were made of them.

use std::path::{Path, PathBuf};

use seal_core::tree::survey::{Finding, Survey, Word};

use super::super::tree::Source;
use super::report::Surveyed;
use crate::files;

/// A finding for each env file that has values and lies beside its sealed file.
pub(super) fn files_in_clear(sources: &[Source]) -> Vec<Surveyed> {
    let mut found = Vec::new();
    for source in sources {
        let Some(sealed) = sealed_beside(&source.path).filter(|path| files::exists(path)) else {
            continue;
        };
        let Ok(Some(bytes)) = source.bytes() else { continue };
        let Some(line) = line_of_value(&bytes) else { continue };
        let sentence = format!(
            "{} is in clear beside {}; keep it out of Git, and change its values if they are in the history",
            source.path.display(),
            sealed.display()
        );
        let finding = Finding { line, word: Word::Plaintext, sentence };
        let survey = Survey { findings: vec![finding], ..Survey::default() };
        found.push(Surveyed::new(source.path.clone(), survey));
    }
    found
}

/// The name that `seal -w` gives the sealed file of an env file.
fn sealed_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    if name == ".env" || name.starts_with(".env.") && !name.ends_with(".yaml") {
        return Some(path.with_file_name(format!("{name}.sealed.yaml")));
    }
    let is_env = path.extension().is_some_and(|extension| extension == "env");
    is_env.then(|| path.with_extension("sealed.yaml"))
}

/// The first line that gives a key a value.
fn line_of_value(bytes: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim_start().starts_with('#'));
    let is_value =
        |line: &str| line.split_once('=').is_some_and(|(_, value)| !value.trim().is_empty());
    lines.find(|(line, _)| is_value(line)).map(|(_, number)| number)
}
