//! The `.seal.yaml` files above a file, and what the rules that match it say together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use globset::{GlobBuilder, GlobMatcher};
use seal_core::exit_code::ExitCode;
use seal_core::key::Fingerprint;
use seal_core::policy_file::{PolicyFile, Rule};
use seal_core::preset::Preset;

use super::source::Source;
use super::{Chosen, FILE_NAME, Named, load, recipients};
use crate::error::Failure;
use crate::files::{self, relative};

/// The `.seal.yaml` files that count for `target`, nearest first.
pub(crate) fn files_above(target: &Path) -> Vec<PathBuf> {
    files_above_in(&Source::Disk, target)
}

fn files_above_in(source: &Source, target: &Path) -> Vec<PathBuf> {
    let folder = files::folder_of(target);
    let root = files::work_tree_root(folder).unwrap_or_else(|| folder.to_path_buf());
    let within = folder.ancestors().take_while(|ancestor| ancestor.starts_with(&root));
    within.map(|folder| folder.join(FILE_NAME)).filter(|path| source.has(path)).collect()
}

/// The `.seal.yaml` files of one run: each is read once, and files that the same rules are for share one choice.
#[derive(Default)]
pub(super) struct Policies {
    source: Source,
    read: BTreeMap<PathBuf, Rc<PolicyFile>>,
    /// The globs of each, made once; none for a rule without a path.
    globs: BTreeMap<PathBuf, Vec<Option<GlobMatcher>>>,
    chosen: BTreeMap<Vec<Matched>, Rc<Chosen>>,
}

/// A `.seal.yaml` and the number of the rule in it that counts.
type Matched = (PathBuf, usize);

impl Policies {
    /// Those of `source`.
    pub(super) fn of(source: Source) -> Self {
        Self { source, ..Self::default() }
    }

    /// Whether a commit has them, and not the work tree or the index.
    pub(super) fn are_of_a_commit(&self) -> bool {
        matches!(&self.source, Source::Revision(revision) if !revision.is_index())
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        self.source.has(path)
    }

    /// The files that count for `target`, nearest first.
    pub(super) fn above(&self, target: &Path) -> Vec<PathBuf> {
        files_above_in(&self.source, target)
    }

    pub(super) fn load(&mut self, path: &Path) -> Result<Rc<PolicyFile>, Failure> {
        if let Some(policy) = self.read.get(path) {
            return Ok(Rc::clone(policy));
        }
        let policy = Rc::new(self.source.load(path)?);
        self.read.insert(path.to_owned(), Rc::clone(&policy));
        Ok(policy)
    }

    /// Refuses where the path of the file would decide, for output whose path nobody can see.
    pub(super) fn hold_for_every_path(&mut self, above: &[PathBuf]) -> Result<(), Failure> {
        for path in above {
            if self.load(path)?.goes_by_path() {
                let message = format!(
                    "standard output is no file, and the rules of {} go by the path of the file that is written",
                    relative(path)
                );
                return Err(Failure::input(message)
                    .hint("-o FILE writes it; --path FILE says which file it will be"));
            }
        }
        Ok(())
    }

    /// What the files at `above`, nearest first, say about the file at `real`.
    pub(super) fn choose(&mut self, above: &[PathBuf], real: &Path) -> Result<Rc<Chosen>, Failure> {
        let mut rules = Vec::new();
        for path in above {
            let policy = self.load(path)?;
            let globs = self.globs(path, &policy);
            rules.push((path.clone(), matching(&policy, globs, path, real)?));
        }
        if let Some(chosen) = self.chosen.get(&rules) {
            return Ok(Rc::clone(chosen));
        }
        let chosen = Rc::new(self.together(&rules)?);
        self.chosen.insert(rules, Rc::clone(&chosen));
        Ok(chosen)
    }

    fn globs(&mut self, path: &Path, policy: &PolicyFile) -> &[Option<GlobMatcher>] {
        self.globs.entry(path.to_owned()).or_insert_with(|| globs(policy))
    }

    /// The numbers of the rules of the `.seal.yaml` at `path` that are for none of these files, whose paths begin at its folder;
    /// nothing of one that does not read.
    pub(super) fn idle_rules(&mut self, path: &Path, files: &[&Path]) -> Vec<usize> {
        let Ok(policy) = self.load(path) else { return Vec::new() };
        let globs = self.globs(path, &policy).iter().enumerate();
        let is_idle = |glob: &Option<GlobMatcher>| {
            glob.as_ref().is_some_and(|glob| !files.iter().any(|file| glob.is_match(file)))
        };
        globs.filter(|(_, glob)| is_idle(glob)).map(|(number, _)| number).collect()
    }

    fn together(&mut self, rules: &[Matched]) -> Result<Chosen, Failure> {
        let mut chain = Vec::new();
        for (path, index) in rules {
            let policy = self.load(path)?;
            chain.push(effective(&self.source, &policy, path, *index)?);
        }
        for pair in chain.windows(2) {
            only_takes_away(&pair[0], &pair[1])?;
        }
        let namespace = chain.iter().find_map(|policy| policy.namespace.clone());
        let platform = chain.iter().find_map(|policy| policy.platform);
        let nearest = chain.into_iter().next().expect("the caller has looked that there is one");
        let name_of =
            |(name, recipient): &Named| (recipient.fingerprint().to_string(), name.clone());
        Ok(Chosen {
            rule: nearest.number,
            names: nearest.recipients.iter().map(name_of).collect(),
            created: nearest.created,
            sentence: recipients::sentence(&nearest.recipients, &nearest.path),
            warning: recipients::warning(&nearest.recipients),
            recipients: nearest.recipients.into_iter().map(|(_, recipient)| recipient).collect(),
            namespace,
            platform,
            clear: nearest.clear,
        })
    }
}

/// What one rule of one `.seal.yaml` says.
struct Effective {
    /// Its path, as messages write it.
    path: String,
    number: usize,
    recipients: Vec<Named>,
    created: BTreeMap<String, String>,
    namespace: Option<String>,
    platform: Option<Preset>,
    clear: BTreeSet<String>,
}

fn effective(
    source: &Source,
    policy: &PolicyFile,
    path: &Path,
    index: usize,
) -> Result<Effective, Failure> {
    let rule = &policy.rules[index];
    Ok(Effective {
        path: relative(path),
        number: index,
        recipients: recipients::for_rule(source, policy, path, rule)?,
        created: created(source, policy, path, rule)?,
        namespace: rule.namespace.clone(),
        platform: rule.platform,
        clear: rule.clear.clone(),
    })
}

/// When the keys of those whom a rule names were made, by fingerprint. What one name stands for has one day.
fn created(
    source: &Source,
    policy: &PolicyFile,
    path: &Path,
    rule: &Rule,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut days = BTreeMap::new();
    for name in &rule.to {
        let Some(day) = policy.created.get(name) else { continue };
        for (_, recipient) in recipients::resolve(source, policy, path, name)? {
            days.insert(recipient.fingerprint().to_string(), day.clone());
        }
    }
    Ok(days)
}

/// The number of the first rule of the `.seal.yaml` at `path` that matches the file at `real`.
fn matching(
    policy: &PolicyFile,
    globs: &[Option<GlobMatcher>],
    path: &Path,
    real: &Path,
) -> Result<usize, Failure> {
    let below = real.strip_prefix(files::folder_of(path)).unwrap_or(real);
    for (index, (rule, glob)) in policy.rules.iter().zip(globs).enumerate() {
        let about = |failure: Failure| failure.about(relative(path));
        if matches(index, rule, glob.as_ref(), below).map_err(about)? {
            return Ok(index);
        }
    }
    let message = format!("no rule of {} matches {}", relative(path), below.display());
    Err(Failure::new(ExitCode::Missing, message)
        .hint("add a rule for that path, or one without a path; or name recipients with -r"))
}

fn matches(
    index: usize,
    rule: &Rule,
    glob: Option<&GlobMatcher>,
    below: &Path,
) -> Result<bool, Failure> {
    let Some(path) = &rule.path else { return Ok(true) };
    let Some(glob) = glob else {
        return Err(Failure::input(format!("rules[{index}].path is not a glob"))
            .hint("such as clusters/prod/** or *.yaml"));
    };
    if below.to_str().is_some_and(|below| rule.names_a_folder_of(below)) {
        return Err(Failure::input(format!(
            "rules[{index}].path is {path}, a folder, and matches no file in it"
        ))
        .hint(format!("{path}/** matches every file in there")));
    }
    Ok(glob.is_match(below))
}

fn globs(policy: &PolicyFile) -> Vec<Option<GlobMatcher>> {
    policy.rules.iter().map(|rule| rule.path.as_deref().and_then(glob)).collect()
}

fn glob(path: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(path).literal_separator(true).build().ok()?;
    Some(glob.compile_matcher())
}

/// A nested file may remove recipients. Anything that it could add would be added by whoever may change it,
/// and they are not those who may change the file above.
fn only_takes_away(nested: &Effective, above: &Effective) -> Result<(), Failure> {
    let refuse = |what: String| {
        let message =
            format!("{} {what}, which {} does not give for this file", nested.path, above.path);
        Err(Failure::input(message)
            .hint("a nested .seal.yaml may only take recipients away: change the upper one"))
    };
    let allowed: BTreeSet<Fingerprint> =
        above.recipients.iter().map(|(_, r)| r.fingerprint()).collect();
    let added = nested.recipients.iter().find(|(_, r)| !allowed.contains(&r.fingerprint()));
    if let Some((name, recipient)) = added {
        return refuse(format!("adds {name} ({})", recipient.fingerprint()));
    }
    if let Some(key) = nested.clear.difference(&above.clear).next() {
        return refuse(format!("leaves {key} in clear"));
    }
    match (nested.platform, above.platform) {
        (Some(here), Some(there)) if here != there => {
            return refuse(format!("states `for: {here}`"));
        }
        _ => {}
    }
    match (&nested.namespace, &above.namespace) {
        (Some(here), Some(there)) if here != there => {
            refuse(format!("states the namespace {here}"))
        }
        _ => Ok(()),
    }
}

/// Names for fingerprints, from the `.seal.yaml` files that count for `target`. For display only: a file or recipient
/// that cannot be read is left out.
pub(crate) fn names(target: &Path) -> BTreeMap<Fingerprint, String> {
    let mut names = BTreeMap::new();
    let real = files::real_path(target).unwrap_or_default();
    for path in files_above(&real) {
        let Ok(mut policy) = load(&path) else { continue };
        policy.allow_classic = true;
        for name in policy.recipients.keys() {
            for (who, recipient) in
                recipients::resolve(&Source::Disk, &policy, &path, name).unwrap_or_default()
            {
                names.entry(recipient.fingerprint()).or_insert(who);
            }
        }
    }
    names
}

/// A fingerprint behind the name that one of [`names`] has for it.
pub(crate) fn with_name(fingerprint: &str, names: &BTreeMap<Fingerprint, String>) -> String {
    let name = Fingerprint::parse(fingerprint).and_then(|fingerprint| names.get(&fingerprint));
    name.map_or_else(|| fingerprint.to_owned(), |name| format!("{name} ({fingerprint})"))
}

#[cfg(test)]
mod tests {
    use seal_core::policy_file;

    use super::*;

    /// Every text of at most `longest` of these characters.
    fn texts(characters: &str, longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            let longer = |text: &String| characters.chars().map(|c| format!("{text}{c}")).collect();
            last = last.iter().flat_map(|text| -> Vec<String> { longer(text) }).collect();
            all.extend_from_slice(&last);
        }
        all
    }

    #[test]
    fn each_path_that_a_policy_takes_matches_some_file() {
        let is_file = |path: &String| path.split('/').all(|name| !matches!(name, "" | "." | ".."));
        let files: Vec<String> = texts("a,/", 5).into_iter().filter(is_file).collect();
        let mut taken = 0;
        for path in texts("a*?[]{},/", 4) {
            let text = format!("rules: [{{path: \"{path}\", to: []}}]");
            if policy_file::read(&text).is_ok() {
                let glob = glob(&path).expect("what the grammar takes is a glob");
                assert!(files.iter().any(|file| glob.is_match(file)), "{path} matches nothing");
                taken += 1;
            }
        }
        assert!(taken > 300, "{taken}");
    }
}
