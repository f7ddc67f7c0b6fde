//! Where sealed objects go: standard output, beside the manifest, into a folder, or into one file.

use std::path::{Path, PathBuf};

use seal_core::exit_code::ExitCode;
use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::SealedSecret;
use zeroize::Zeroizing;

use crate::console::{self, Console};
use crate::error::Failure;
use crate::files::{self, Output};
use crate::sealing::{Sealed, differs};

/// The flags that say where the output goes.
#[derive(Debug, clap::Args)]
pub(crate) struct OutputArgs {
    /// Write X.json, X.yaml or X.env to X.sealed.yaml beside it
    #[arg(short, long, conflicts_with_all = ["out", "output"])]
    pub(crate) write: bool,
    /// Write to DIR/<namespace>/<name>.sealed.yaml
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub(crate) out: Option<PathBuf>,
    /// Write to FILE
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write nothing, and exit with 3 if a file would change. Sees scope, template, keys and recipients; whether
    /// a sealed value is still the same cannot be seen without a private key
    #[arg(long)]
    pub(crate) check: bool,
}

impl OutputArgs {
    /// Refuses what makes no sense, before anything is read.
    pub(crate) fn check_use(&self) -> Result<(), Failure> {
        let has_file = self.write || self.out.is_some() || self.output.is_some();
        if self.check && !has_file {
            return Err(Failure::input("--check has no file to compare with")
                .hint("add -w, --out DIR or -o FILE"));
        }
        Ok(())
    }

    /// The file that decides which rule of `.seal.yaml` counts: the one that is written, else the one read.
    pub(crate) fn target(&self, input: &Path) -> Result<PathBuf, Failure> {
        match (&self.output, &self.out) {
            (Some(file), _) => Ok(file.clone()),
            (_, Some(dir)) => Ok(dir.join("-")),
            _ if self.write => beside(input),
            _ => Ok(input.to_path_buf()),
        }
    }

    fn file_of(&self, input: &Path, sealed: &Sealed) -> Result<Option<PathBuf>, Failure> {
        if let Some(dir) = &self.out {
            let place = &sealed.place;
            return Ok(Some(
                dir.join(&place.namespace).join(format!("{}.sealed.yaml", place.name)),
            ));
        }
        if self.write { beside(input).map(Some) } else { Ok(self.output.clone()) }
    }

    /// Writes everything, or nothing; with `--check` only says whether it would.
    pub(crate) fn write(
        &self,
        inputs: Vec<(PathBuf, Vec<Sealed>)>,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let mut stdout = Vec::new();
        let mut outputs: Vec<(PathBuf, Vec<Sealed>)> = Vec::new();
        let sources: Vec<PathBuf> = inputs.iter().map(|(input, _)| input.clone()).collect();
        for (input, objects) in inputs {
            for sealed in objects {
                let Some(file) = self.file_of(&input, &sealed)? else {
                    stdout.push(sealed);
                    continue;
                };
                not_an_input(&file, &sources)?;
                match outputs.iter_mut().find(|(path, _)| *path == file) {
                    Some(_) if self.out.is_some() => {
                        return Err(Failure::input(format!(
                            "{} is sealed twice in this run",
                            sealed.place
                        ))
                        .hint(
                            "--out gives every Secret a file of its own: leave one of them out",
                        ));
                    }
                    Some((_, others)) => others.push(sealed),
                    None => outputs.push((file, vec![sealed])),
                }
            }
        }
        if !stdout.is_empty() {
            console.write(text_of(&stdout).as_bytes())?;
        }
        if self.check { would_change(&outputs) } else { self.write_files(outputs) }
    }

    fn write_files(&self, outputs: Vec<(PathBuf, Vec<Sealed>)>) -> Result<(), Failure> {
        let mut files = Vec::new();
        for (path, objects) in outputs {
            if self.out.is_some() {
                files::create_folder(files::folder_of(&path))?;
            }
            let bytes = Zeroizing::new(text_of(&objects).into_bytes());
            files.push(Output { path, bytes, mode: 0o644 });
        }
        for path in files::write_all(files)? {
            console::say(&format!("wrote {}", path.display()));
        }
        Ok(())
    }
}

fn text_of(objects: &[Sealed]) -> String {
    let texts: Vec<&str> = objects.iter().map(|sealed| sealed.text.as_str()).collect();
    texts.join("---\n")
}

fn beside(input: &Path) -> Result<PathBuf, Failure> {
    let extension = input.extension().and_then(|extension| extension.to_str());
    if !matches!(extension, Some("json" | "yaml" | "yml" | "env")) {
        return Err(Failure::input(format!(
            "-w: {} is not named X.json, X.yaml or X.env",
            files::name_of(input)
        ))
        .hint("-o FILE names the output"));
    }
    Ok(input.with_extension("sealed.yaml"))
}

/// A manifest is often the only copy of its values: it is never written over.
fn not_an_input(file: &Path, sources: &[PathBuf]) -> Result<(), Failure> {
    let Ok(real) = files::real_path(file) else { return Ok(()) };
    let mut real_sources = sources.iter().filter_map(|source| files::real_path(source).ok());
    if files::exists(file) && real_sources.any(|source| source == real) {
        return Err(Failure::input(format!(
            "{} is also what is sealed, and would be gone",
            file.display()
        ))
        .hint("write to another file: -w makes X.sealed.yaml beside it"));
    }
    Ok(())
}

fn would_change(outputs: &[(PathBuf, Vec<Sealed>)]) -> Result<(), Failure> {
    let mut changed = Vec::new();
    for (path, objects) in outputs {
        if !files::exists(path) || !same(path, objects)? {
            changed.push(path.display().to_string());
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let message = format!("{} would change", changed.join(", "));
    Err(Failure::new(ExitCode::WouldChange, message)
        .hint("run it again without --check, and commit"))
}

fn same(path: &Path, objects: &[Sealed]) -> Result<bool, Failure> {
    let text = files::read_text(path)?;
    let documents =
        file::read(&text).map_err(|error| Failure::from(error).about(path.display()))?;
    let old: Vec<SealedSecret> = documents.into_iter().filter_map(sealed_object).collect();
    let pairs = old.iter().zip(objects);
    Ok(old.len() == objects.len() && !pairs.into_iter().any(|(old, new)| differs(old, &new.object)))
}

fn sealed_object(document: Document) -> Option<SealedSecret> {
    match document {
        Document::Sealed(object) => Some(*object),
        _ => None,
    }
}
