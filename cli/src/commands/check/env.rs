//! Files in clear that are no manifests: env files beside the sealed files that were made of them, and what kustomizations make
//! Secrets of.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use seal_core::kind::kustomization::GeneratorFile;
use seal_core::tree::survey::{Finding, Survey, Word};

use super::super::tree::Source;
use super::report::Surveyed;
use crate::files;
use crate::values::is_encrypted;

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
        found.push(plaintext(source.path.clone(), line, sentence));
    }
    found
}

/// A finding for each file in clear of which one of the kustomizations makes a Secret. What is not among `sources` is read where it
/// lies, unless only these count.
pub(super) fn of_generators(
    surveyed: &[Surveyed],
    sources: &[Source],
    only_these: bool,
) -> Vec<Surveyed> {
    let known: BTreeMap<PathBuf, &Source> =
        sources.iter().map(|source| (plain(&source.path), source)).collect();
    let mut found = BTreeMap::new();
    for kustomization in surveyed {
        for file in &kustomization.survey.generators {
            let path = plain(&kustomization.path.with_file_name(&file.path));
            let line = match known.get(&path) {
                Some(source) => line_in_clear(source, file),
                None if only_these || files::kind(&path) != files::Kind::File => None,
                None => {
                    line_in_clear(&Source { path: path.clone(), is_named: false, held: None }, file)
                }
            };
            let Some(line) = line else { continue };
            let sentence = format!(
                "secretGenerator of {} in {} makes a Secret of this file, which is in clear; seal it with --name and --from-file or --from-env-file, and change its values if they are in the history",
                file.secret, kustomization.name
            );
            found.entry(path.clone()).or_insert_with(|| plaintext(path, line, sentence));
        }
    }
    found.into_values().collect()
}

fn plaintext(path: PathBuf, line: usize, sentence: String) -> Surveyed {
    let finding = Finding { line, word: Word::Plaintext, sentence };
    Surveyed::new(path, Survey { findings: vec![finding], ..Survey::default() })
}

/// Where a generator's file has something in clear.
fn line_in_clear(source: &Source, file: &GeneratorFile) -> Option<usize> {
    let bytes = source.bytes().ok()??;
    if is_encrypted(&bytes) || is_public(&bytes) {
        return None;
    }
    if file.is_env { line_of_value(&bytes) } else { (!bytes.trim_ascii().is_empty()).then_some(1) }
}

/// Certificates and public keys as PEM, and nothing else.
fn is_public(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut kinds = text.lines().filter_map(|line| line.strip_prefix("-----BEGIN ")).peekable();
    kinds.peek().is_some()
        && kinds.all(|kind| kind.starts_with("CERTIFICATE-") || kind.starts_with("PUBLIC KEY-"))
}

/// The same path without `.` and `..`, as far as its text tells.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
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
