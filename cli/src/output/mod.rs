//! Where sealed objects go: standard output, beside the manifest, into a folder, or into one file. Nothing but a sealed
//! file or an empty one is replaced.

mod existing;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use seal_core::kind::file;
use seal_core::kind::sealed::SealedSecret;
use seal_core::place::Place;
use zeroize::Zeroizing;

use crate::console::{self, Console};
use crate::error::Failure;
use crate::files::{self, Output};
use crate::policy::Target;
use crate::recall::Recall;
use crate::sealing::{self, Sealed, again, check_size};
use existing::Existing;
use plan::{Plan, would_change};

/// The flags that say where the output goes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Write X.json, X.yaml or X.env to X.sealed.yaml beside it
    ///
    /// A file .env becomes .env.sealed.yaml.
    #[arg(short, long, conflicts_with_all = ["out", "output"])]
    pub(crate) write: bool,
    /// Write to DIR/<namespace>/<name>.sealed.yaml
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub(crate) out: Option<PathBuf>,
    /// Write to FILE; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The file that standard output will be, for the rules of .seal.yaml, where that cannot be seen: in a pipe
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) path: Option<PathBuf>,
    /// Replace a file that is no sealed file, or that holds more than the new one: objects, scope, annotations
    #[arg(long, hide_short_help = true)]
    pub(crate) force: bool,
    /// Write nothing, and exit with 3 if a file would change
    ///
    /// Sees scope, template, keys and recipients; whether a sealed value is still the same cannot be seen without a
    /// private key.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Where one sealed object goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Standard output.
    Stdout,
    /// A file, which need not exist yet.
    File(PathBuf),
}

/// Sealed objects and where each of them goes.
pub(crate) type Outputs = Vec<(Destination, Sealed)>;

impl OutputArgs {
    /// Refuses what makes no sense, before anything is read.
    pub(crate) fn check_use(&self) -> Result<(), Failure> {
        let has_file = self.write || self.out.is_some() || self.file().is_some();
        if self.check && !has_file {
            return Err(Failure::input("--check has no file to compare with")
                .hint("add -w, --out DIR or -o FILE"));
        }
        let format =
            self.file().filter(|it| ["yaml", "json"].iter().any(|name| it.as_os_str() == *name));
        if let Some(format) = format.filter(|it| !files::exists(it)) {
            let name = format.display();
            return Err(Failure::input(format!(
                "-o names the file that is written, and {name} looks like a format"
            ))
            .hint(format!("a sealed file is YAML; a file of that name is ./{name}")));
        }
        if self.path.is_some() && has_file {
            return Err(Failure::input("--path is for standard output, and a file is written")
                .hint("leave --path out: the rules go by the file that is written"));
        }
        if self.path.as_deref().is_some_and(files::names_a_folder) {
            return Err(Failure::input("--path names a folder").hint("name the file in it"));
        }
        if self.out.as_deref().is_some_and(files::is_stdout) {
            return Err(Failure::input("--out takes a folder, not standard output")
                .hint("leave it out to write to standard output"));
        }
        Ok(())
    }

    /// The one file of `-o`.
    fn file(&self) -> Option<&PathBuf> {
        self.output.as_ref().filter(|path| !files::is_stdout(path))
    }

    /// Where an object goes that was made of `input`; `file`, which goes by its place, counts for `--out` alone.
    pub(crate) fn destination(
        &self,
        input: &Path,
        file: impl FnOnce() -> Result<PathBuf, Failure>,
    ) -> Result<Destination, Failure> {
        if let Some(dir) = &self.out {
            return Ok(Destination::File(dir.join(file()?)));
        }
        if self.write {
            return beside(input).map(Destination::File);
        }
        Ok(self.file().cloned().map_or(Destination::Stdout, Destination::File))
    }

    /// Refuses where a rule for `destination` has given the object another place, and `--out` so another file.
    pub(crate) fn is_at(
        &self,
        destination: &Destination,
        input: &Path,
        place: &Place,
        file: PathBuf,
    ) -> Result<(), Failure> {
        if self.destination(input, || Ok(file))? == *destination {
            return Ok(());
        }
        let message = format!(
            "the rule of .seal.yaml for its path makes it {place}, which --out writes elsewhere"
        );
        Err(Failure::input(message).hint("name the platform itself: --for PLATFORM"))
    }

    /// The file that decides which rules count: the one that is written, whatever names it.
    pub(crate) fn target(&self, destination: &Destination, input: &Path) -> Target {
        match destination {
            Destination::File(file) => Target::Written(file.clone()),
            Destination::Stdout => match self.path.clone().or_else(files::stdout_file) {
                Some(file) => Target::Written(file),
                None if files::kind(input) == files::Kind::File => {
                    Target::Unseen(files::folder_of(input).to_owned())
                }
                None => Target::Unseen(PathBuf::from(".")),
            },
        }
    }

    /// Writes everything, or nothing; with `--check` only says whether it would.
    pub(crate) fn write(
        &self,
        outputs: Outputs,
        sources: &[PathBuf],
        recall: &Recall,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let mut stdout = Vec::new();
        let mut written: BTreeMap<PathBuf, Vec<Sealed>> = BTreeMap::new();
        for (destination, sealed) in outputs {
            match destination {
                Destination::Stdout => stdout.push(sealed),
                Destination::File(file) => written.entry(file).or_default().push(sealed),
            }
        }
        for objects in written.values().chain([&stdout]) {
            each_once(objects)?;
        }
        let plans = self.plan(written, sources)?;
        // Each object goes when its text is there: of many, only one of the two is in memory.
        let texts = stdout
            .into_iter()
            .map(|sealed| text_of_one(&sealed))
            .collect::<Result<Vec<_>, Failure>>()?;
        let behind = files::stdout_is_appended_to(); // of two documents in one, kubectl takes the last
        for (index, text) in texts.iter().enumerate() {
            console.write((if index > 0 || behind { "---\n" } else { "" }).as_bytes())?;
            console.write(text.as_bytes())?;
        }
        plans.iter().for_each(Plan::tell_lost_values);
        if self.check { would_change(&plans) } else { self.write_files(plans, recall) }
    }

    /// Looks at what is there, and lets each object keep what the file says for itself.
    fn plan(
        &self,
        written: BTreeMap<PathBuf, Vec<Sealed>>,
        sources: &[PathBuf],
    ) -> Result<Vec<Plan>, Failure> {
        let named = sources.iter().filter(|source| !files::is_stdin(source));
        let read: BTreeSet<PathBuf> =
            named.filter_map(|source| files::real_path(source).ok()).collect();
        let mut plans = Vec::new();
        for (path, mut objects) in written {
            files::stays_inside(&path)?;
            not_an_input(&path, &read)?;
            let existing = Existing::read(&path)?;
            if !self.force {
                let new: Vec<&SealedSecret> = objects.iter().map(|it| &it.object).collect();
                existing.refuse(&path, &new)?;
            }
            for sealed in &mut objects {
                if let Some(old) = existing.before(&sealed.object) {
                    again::keep_own(old, &mut sealed.object);
                    sealing::check_pull_secret(&sealed.object, &sealed.place)?;
                }
            }
            plans.push(Plan { path, objects, existing });
        }
        Ok(plans)
    }

    fn write_files(&self, plans: Vec<Plan>, recall: &Recall) -> Result<(), Failure> {
        let mut files = Vec::new();
        for plan in &plans {
            if !self.force {
                plan.refuse_loss()?;
            }
            let edited = plan.edited();
            if edited.is_none() {
                plan.tell_what_goes();
            }
            if self.out.is_some() {
                files::create_folder(files::folder_of(&plan.path))?;
            }
            let text = edited.map_or_else(|| text_of(&plan.objects), |text| plan.sized(text))?;
            let bytes = Zeroizing::new(text.into_bytes());
            let path = plan.path.clone();
            files.push(Output { path, bytes, mode: 0o644, over: files::Over::Anything });
        }
        let written: BTreeSet<PathBuf> = files::write_all(files)?.into_iter().collect();
        for Plan { path, .. } in &plans {
            let what = if written.contains(path) { "wrote" } else { "unchanged:" };
            console::say(&format!("{what} {}", path.display()));
        }
        let sealed = plans.iter().flat_map(|plan| &plan.objects);
        recall.remember(sealed.map(|sealed| (&sealed.object, &sealed.tags)));
        Ok(())
    }
}

/// The sealed objects of the file that something goes to; none where it is no sealed file.
pub(crate) fn objects_at(destination: &Destination) -> Result<Vec<SealedSecret>, Failure> {
    match destination {
        Destination::Stdout => Ok(Vec::new()),
        Destination::File(path) => Ok(Existing::read(path)?.objects()),
    }
}

fn each_once(objects: &[Sealed]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    let of = |sealed: &&Sealed| (sealed.object.spec.kind, sealed.object.full_name());
    match objects.iter().find(|sealed| !seen.insert(of(sealed))) {
        Some(twice) => {
            Err(Failure::input(format!("{} is sealed twice in this run", twice.object.full_name()))
                .hint("one of the two would be lost: leave one of them out"))
        }
        None => Ok(()),
    }
}

fn text_of(objects: &[Sealed]) -> Result<String, Failure> {
    let texts = objects.iter().map(text_of_one).collect::<Result<Vec<_>, Failure>>()?;
    Ok(texts.join("---\n"))
}

fn text_of_one(Sealed { object, place, .. }: &Sealed) -> Result<String, Failure> {
    let text = file::write(object);
    check_size(place, &text).map(|()| text)
}

fn beside(input: &Path) -> Result<PathBuf, Failure> {
    let name = input.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name == ".env" || name.starts_with(".env.") {
        return Ok(input.with_file_name(format!("{name}.sealed.yaml")));
    }
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
fn not_an_input(file: &Path, read: &BTreeSet<PathBuf>) -> Result<(), Failure> {
    if files::real_path(file).is_ok_and(|real| read.contains(&real)) {
        return Err(Failure::input(format!(
            "{} is also what is sealed, and would be gone",
            file.display()
        ))
        .hint("write to another file: -w makes X.sealed.yaml beside it"));
    }
    Ok(())
}
