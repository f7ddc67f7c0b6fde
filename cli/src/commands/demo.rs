//! `seal demo`: the story of the README in a folder of its own, with nothing but this program.

use std::env;
use std::fs;
use std::path::Path;

use seal_core::exit_code::ExitCode;
use seal_core::kind::brief::brief;
use tempfile::TempDir;

use super::CommandLine;
use crate::console::Console;
use crate::error::{Failure, words};
use crate::files;

/// Show in a temporary folder what sealing is
///
/// Makes a throw-away key, seals a Secret, changes one value with the public key alone, and opens it again. Runs the commands
/// that it prints, asks no cluster, and leaves nothing behind.
///
/// Example: seal demo
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {}

const SECRET: &str = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod"},
 "stringData": {"user": "app", "password": "hunter2"}}
"#;

/// Plays it from start to end; the folder goes when it ends.
pub(crate) fn run(_: &DemoArgs, line: &CommandLine, console: &mut Console) -> Result<(), Failure> {
    let folder =
        TempDir::new().map_err(|error| Failure::io("make", Path::new("a folder"), &error))?;
    if files::work_tree_root(&files::real_path(folder.path())?).is_some() {
        let message =
            "the folder for temporary files lies in a Git work tree, where no key is made";
        return Err(Failure::input(message).hint("TMPDIR names another: TMPDIR=/tmp seal demo"));
    }
    let before = env::current_dir();
    let played = play(folder.path(), line, console);
    // So that the folder can go on Windows as well.
    let _ = before.map(env::set_current_dir);
    played
}

/// A work tree, as far as a command looks at it, with a Secret in clear.
fn prepare(folder: &Path) -> Result<(), Failure> {
    let repository = folder.join("repository");
    made(fs::create_dir_all(repository.join(".git")))?;
    made(env::set_current_dir(&repository))?;
    made(fs::write("secret.json", SECRET))
}

fn play(folder: &Path, line: &CommandLine, console: &mut Console) -> Result<(), Failure> {
    prepare(folder)?;
    tell(console, "A Secret, as it must not lie in Git:")?;
    shell(console, "cat secret.json", SECRET)?;
    tell(
        console,
        "Once for a repository: a key, which you keep offline, and .seal.yaml, which says for whom is sealed.",
    )?;
    seal(line, console, &["init", "--offline-key", "../offline.key"])?;
    tell(
        console,
        "Seal it. What comes out may lie in public Git for ever; only the key opens it.",
    )?;
    seal(line, console, &["secret.json", "-o", "db.sealed.yaml"])?;
    made(fs::remove_file("secret.json"))?;
    shell(
        console,
        "cat db.sealed.yaml        # here with digests in the place of ciphertext",
        &text("db.sealed.yaml")?,
    )?;

    tell(
        console,
        "Anybody can change one value, and needs no key for it. Every other line stays as it is.",
    )?;
    made(fs::copy("db.sealed.yaml", "../before.yaml").map(drop))?;
    made(fs::write("../new", "correct horse"))?;
    seal(line, console, &["set", "db.sealed.yaml", "--from-file", "password=../new"])?;
    seal(line, console, &["diff", "../before.yaml", "db.sealed.yaml"])?;
    tell(console, "Whoever has the key opens it:")?;
    seal(line, console, &["open", "db.sealed.yaml", "-i", "../offline.key", "--key", "password"])?;
    console.write(b"\n\n")?;
    tell(
        console,
        "A cluster has a key of its own: `seal install` prints its controller, `seal fetch` pins the key, and what is merged is\nlive. This folder is gone now. Next, in a repository of yours: seal init",
    )
}

/// Prints a command and runs it.
fn seal(line: &CommandLine, console: &mut Console, words: &[&str]) -> Result<(), Failure> {
    console.write(format!("$ seal {}\n", words.join(" ")).as_bytes())?;
    console.finish()?;
    (line.run)(words, console)?;
    console.finish()
}

fn shell(console: &mut Console, command: &str, output: &str) -> Result<(), Failure> {
    console.write(format!("$ {command}\n{output}\n").as_bytes())?;
    console.finish()
}

fn tell(console: &mut Console, text: &str) -> Result<(), Failure> {
    console.write(format!("\n# {text}\n").as_bytes())?;
    console.finish()
}

fn text(path: &str) -> Result<String, Failure> {
    let text =
        fs::read_to_string(path).map_err(|error| Failure::io("read", Path::new(path), &error))?;
    Ok(brief(&text).unwrap_or(text))
}

fn made(result: std::io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| {
        Failure::new(
            ExitCode::Failed,
            format!("the folder of the demo cannot be used: {}", words(&error)),
        )
    })
}
