//! `seal git-setup`: has Git show and merge sealed files with `seal`.

use std::path::Path;

use seal_core::kind::file::{self, Document};
use seal_core::tree::survey::{MOST_BYTES, concerns};
use zeroize::Zeroizing;

use super::merge;
use crate::console::{self, Console};
use crate::error::Failure;
use crate::files::{self, Output, Over};
use crate::git::{Git, fields};
use crate::suggest;

const ATTRIBUTES: &str = ".gitattributes";

/// Have `git diff` and `git merge` understand sealed files
///
/// Writes two drivers into the configuration of this clone, which nobody else gets by cloning, and the files that they
/// are for into .gitattributes, which is committed. Without the drivers Git does what it always does. Everybody who wants
/// them runs this once.
///
/// Example: seal git-setup
#[derive(Debug, clap::Args)]
pub(crate) struct SetupArgs {
    /// Which files they are for, as .gitattributes has it (can be repeated)
    #[arg(long, value_name = "PATTERN", default_value = "*sealed.yaml")]
    pattern: Vec<String>,
    /// Take the drivers out of the configuration; .gitattributes stays
    #[arg(long, conflicts_with = "pattern")]
    remove: bool,
}

/// Writes the configuration and the attributes.
pub(crate) fn run(args: &SetupArgs, _: &mut Console) -> Result<(), Failure> {
    let git = Git::of_bare_too(Path::new("."))?;
    if args.remove {
        return remove(&git);
    }
    if let Some(pattern) = args.pattern.iter().find(|it| !is_pattern(it)) {
        return Err(Failure::input(format!("{pattern} is no pattern of .gitattributes"))
            .hint("such as *.sealed.yaml; one with a space stands in quotes there, and is written by hand"));
    }
    let is_bare = git.text(["rev-parse", "--is-bare-repository"])? == "true";
    let root = if is_bare { None } else { Some(git.root()?) };
    if root.as_ref().is_some_and(|root| files::is_link(&root.join(ATTRIBUTES))) {
        return Err(Failure::input(format!("{ATTRIBUTES} is a link")).hint(
            "Git reads none that is a link, and it may lead to a file that is not to be written: make it a file",
        ));
    }
    let program = program();
    for (name, value) in settings(&program) {
        git.answer(["config", "--local", name, &value])?;
    }
    console::say(&format!("`git diff` and `git merge` of this clone run {program}"));
    let Some(root) = root else { return Ok(()) };
    attributes(&root.join(ATTRIBUTES), &args.pattern)?;
    tell_of_others(&git, &root)
}

/// What stands in the configuration. Where the program fails, or is no longer there, Git does what it always does: a driver
/// that only fails would leave our side without a mark, or end every `git diff`.
fn settings(program: &str) -> [(&'static str, String); 4] {
    let textconv =
        format!("f() {{ {program} git-textconv -- \"$1\" 2>/dev/null || cat -- \"$1\"; }}; f");
    let driver = format!(
        "l=%L; [ $l -le {most} ] || l={most}; {program} git-merge --marker-size=$l --path=%P %O %A %B; s=$?; [ $s -le 1 ] && exit $s; git merge-file --marker-size=$l %A %O %B",
        most = merge::MOST_OF_A_MARK,
    );
    [
        ("diff.seal.textconv", textconv),
        ("diff.seal.cachetextconv", "false".to_owned()),
        ("merge.seal.name", "sealed files, block by block".to_owned()),
        ("merge.seal.driver", driver),
    ]
}

fn remove(git: &Git) -> Result<(), Failure> {
    for section in ["diff.seal", "merge.seal"] {
        if git.is(["config", "--local", "--get-regexp", &format!("^{section}\\.")]) {
            git.answer(["config", "--local", "--remove-section", section])?;
        }
    }
    console::say("the drivers are out of this clone's configuration");
    Ok(())
}

/// This very program, as a shell reads it: Git may run without this PATH.
fn program() -> String {
    let Ok(this) = std::env::current_exe() else { return "seal".to_owned() };
    let path = this.display().to_string().replace('\\', "/");
    format!("'{}'", path.replace('\'', "'\\''"))
}

fn is_pattern(text: &str) -> bool {
    !text.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || c == '"')
        && !text.starts_with(['#', '!', '-'])
}

/// Adds a line for each pattern that has none.
fn attributes(path: &Path, patterns: &[String]) -> Result<(), Failure> {
    let text = if files::exists(path) { files::read_utf8(path)? } else { Zeroizing::default() };
    let is_there = |line: &String| text.lines().any(|it| it.trim_end() == line);
    let lines = patterns.iter().map(|pattern| format!("{pattern} diff=seal merge=seal"));
    let missing: Vec<String> = lines.filter(|line| !is_there(line)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut written = text.to_string();
    if !written.is_empty() && !written.ends_with('\n') {
        written.push('\n');
    }
    missing.iter().for_each(|line| written.extend([line.as_str(), "\n"]));
    let bytes = Zeroizing::new(written.into_bytes());
    files::write_all(vec![Output {
        path: path.to_owned(),
        bytes,
        mode: 0o644,
        over: Over::Anything,
    }])?;
    console::say(&format!("wrote {}: commit it", files::relative(path)));
    Ok(())
}

/// Names sealed files that Git keeps and that no pattern is for.
fn tell_of_others(git: &Git, root: &Path) -> Result<(), Failure> {
    let mut names = git.fields(["ls-files", "-z", "--full-name", "--", ":(top)"])?;
    names.retain(|name| is_sealed(&root.join(name)));
    let paths: Vec<String> =
        names.iter().map(|name| root.join(name).display().to_string()).collect();
    let said = git.answer_to(["check-attr", "-z", "--stdin", "merge"], paths.join("\0"), 0)?;
    let said = fields(&said); // path, attribute and value of each
    let others = names
        .iter()
        .zip(said.chunks(3))
        .filter(|(_, said)| said.last().is_none_or(|it| it != "seal"));
    let others: Vec<&str> = others.map(|(name, _)| name.as_str()).collect();
    if !others.is_empty() {
        console::note(&format!(
            "sealed files that no pattern is for: {}; --pattern adds one",
            suggest::some_of(&others)
        ));
    }
    Ok(())
}

fn is_sealed(path: &Path) -> bool {
    let Ok(Some(bytes)) = files::read_small(path, MOST_BYTES) else { return false };
    if !concerns(&bytes) {
        return false;
    }
    let documents = std::str::from_utf8(&bytes).ok().and_then(|text| file::read(text).ok());
    documents.is_some_and(|all| all.iter().any(|it| matches!(it, Document::Sealed(_))))
}
