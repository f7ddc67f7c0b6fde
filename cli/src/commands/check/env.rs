//! Files in clear that are no manifests: env files beside the sealed files that were made of them, and what kustomizations make
//! Secrets of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use seal_core::kind::kustomization::{GeneratorFile, Holds, patch_in_clear};
use seal_core::tree::survey::{Finding, Survey, Word, is_value};

use super::super::tree::Source;
use super::report::Surveyed;
use crate::files;
use crate::values::is_encrypted;

/// What PEM calls what is public, and how lines of SSH begin that are.
const PUBLIC_BLOCKS: [&str; 2] = ["CERTIFICATE", "PUBLIC KEY"];
const PUBLIC_LINES: [&str; 4] = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];

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
    if surveyed.iter().all(|file| file.survey.generators.is_empty()) {
        return Vec::new(); // most trees
    }
    let known: BTreeMap<PathBuf, &Source> =
        sources.iter().map(|source| (files::without_dots(&source.path), source)).collect();
    let mut found = BTreeMap::new();
    for kustomization in surveyed {
        for file in &kustomization.survey.generators {
            let path = files::without_dots(&kustomization.path.with_file_name(&file.path));
            let line = match known.get(&path) {
                Some(source) => line_in_clear(source, file),
                None if only_these || !is_of_the_repository(&kustomization.path, &path) => None,
                None if files::kind(&path) != files::Kind::File => None,
                None => {
                    line_in_clear(&Source { path: path.clone(), is_named: false, held: None }, file)
                }
            };
            let Some(line) = line else { continue };
            let sentence = format!(
                "Secret {} of {} is made of this file, which is in clear; seal it with --name and --from-file or --from-env-file, and change its values if they are in the history",
                file.secret, kustomization.name
            );
            found.entry(path.clone()).or_insert_with(|| plaintext(path, line, sentence));
        }
    }
    found.into_values().collect()
}

/// The files of which these kustomizations make Secrets.
pub(super) fn named_by(surveyed: &[Surveyed]) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for kustomization in surveyed {
        let files = kustomization.survey.generators.iter();
        paths.extend(
            files.map(|file| files::without_dots(&kustomization.path.with_file_name(&file.path))),
        );
    }
    paths
}

fn plaintext(path: PathBuf, line: usize, sentence: String) -> Surveyed {
    let finding = Finding { line, word: Word::Plaintext, sentence };
    Surveyed::new(path, Survey { findings: vec![finding], ..Survey::default() })
}

/// Where a generator's file has something in clear.
fn line_in_clear(source: &Source, file: &GeneratorFile) -> Option<usize> {
    let bytes = source.bytes().ok()??;
    match file.holds {
        Holds::Lines => line_of_value(&bytes),
        _ if is_encrypted(&bytes) || is_public(&bytes) => None,
        Holds::Value => (!bytes.trim_ascii().is_empty()).then_some(1),
        Holds::Patch => patch_in_clear(&String::from_utf8_lossy(&bytes)).then_some(1),
    }
}

/// Certificates and public keys as PEM or as SSH has them, and nothing else.
fn is_public(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let (mut within, mut has_any) = (false, false);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let is_mark = |word: &str| {
            PUBLIC_BLOCKS.iter().any(|kind| line == format!("-----{word} {kind}-----"))
        };
        match within {
            false if is_mark("BEGIN") => within = true,
            false if PUBLIC_LINES.iter().any(|start| line.starts_with(start)) => {}
            true if is_mark("END") => within = false,
            true if line
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) => {}
            _ => return false,
        }
        has_any = true;
    }
    has_any && !within
}

/// Whether a file that a kustomization names is one of its repository, as kustomize itself wants it: nothing else is opened.
fn is_of_the_repository(kustomization: &Path, file: &Path) -> bool {
    let (Ok(from), Ok(real)) = (files::real_path(kustomization), files::real_path(file)) else {
        return false;
    };
    let folder = files::folder_of(&from);
    let root = files::work_tree_root(folder).unwrap_or_else(|| folder.to_path_buf());
    let below = real.strip_prefix(&root).ok();
    below.is_some_and(|below| !files::is_of_git(below))
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
    let is_clear = |line: &str| {
        line.split_once('=').is_some_and(|(key, value)| {
            // What sops itself writes beside what it encrypts.
            let is_sops = key.trim_start().starts_with("sops_");
            !is_sops && is_value(value.trim().trim_matches(['"', '\'']))
        })
    };
    lines.find(|(line, _)| is_clear(line)).map(|(_, number)| number)
}
