//! `seal reseal`: sealed files of a tree → the same values, sealed anew for today's recipients.
//!
//! Looks at all files, opens what is due, and writes when everything is complete on disk: `look` says what is due,
//! `values` where the values come from, `copies` refuses ciphertext that was carried to other recipients, `told` says
//! what became of it.

mod copies;
mod look;
mod signals;
mod told;
mod values;
mod write;

use std::path::PathBuf;

use seal_core::exit_code::ExitCode;

use super::tree::Tree;
use crate::cluster::ContextArgs;
use crate::console::{self, Console, Progress};
use crate::error::Failure;
use crate::identities::IdentityArgs;
use crate::parallel;
use crate::policy::{Choices, RecipientArgs};
use look::{Looked, Seen};
use signals::Stopped;
use told::Told;
use values::Values;

/// Seal files anew for today's recipients
///
/// Every sealed file beneath PATH whose recipients are not those that .seal.yaml names for it, or whose values do not
/// stand under one header, gets one new header and new payloads of the same values. Values come from an identity, or of
/// the live Secrets in a cluster. Other lines stay as they are. If one file fails, none is written.
///
/// What was sealed for somebody who goes stays in Git's history, and they can open it: change the credentials themselves.
///
/// Example: seal reseal . -i ~/.config/seal/offline.key
#[derive(Debug, clap::Args)]
pub(crate) struct ResealArgs {
    /// Files and folders
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Take the values from the live Secrets of a cluster, where the controller made them of these very files
    #[arg(long, conflicts_with = "identity")]
    from_cluster: bool,
    /// Write what can be sealed anew, and fail at the end because of the rest
    #[arg(long)]
    keep_going: bool,
    /// Write nothing and open nothing, and exit with 3 if a file would change
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    context: ContextArgs,
}

/// Looks at all files, opens what is due, and replaces those files.
pub(crate) fn run(args: &ResealArgs, console: &mut Console) -> Result<(), Failure> {
    let stopped = Stopped::watch();
    stopped.end(reseal(args, &stopped), console)
}

fn reseal(args: &ResealArgs, stopped: &Stopped) -> Result<(), Failure> {
    let mut told = Told::new(args.keep_going);
    let due = due(args, &mut told)?;
    if args.check {
        return told.would_change(&due);
    }
    told.stop_at_failures()?;
    if due.is_empty() {
        return told.end(&[]);
    }
    let values = Values::of(args, &due)?;
    let progress = Progress::of(due.len());
    let sealed = parallel::each(
        &due,
        || Choices::new(&args.recipients),
        |looked, choices| {
            stopped.is_not()?;
            progress.one();
            write::sealed_anew(looked, &values, choices)
        },
    );
    drop(progress);
    let mut complete = Vec::new();
    for (looked, sealed) in due.iter().zip(sealed.ok_or_else(not_done)?) {
        match sealed {
            Ok(Some(file)) => complete.push((looked, file)),
            Ok(None) => {}
            Err(failure) => told.failed(failure),
        }
    }
    stopped.is_not()?;
    told.stop_at_failures()?;
    let written = write::name_all(complete)?;
    told.end(&written)
}

/// The files that are to be sealed anew, without those that are refused.
fn due(args: &ResealArgs, told: &mut Told) -> Result<Vec<Looked>, Failure> {
    let all = look_at_all(args, told)?;
    let is_due = |looked: &Looked| !looked.due.is_empty();
    let beside =
        if all.iter().any(is_due) { copies::beside(&all, &args.recipients) } else { Vec::new() };
    let mut refused = copies::refused(&all, &beside);
    let due = all.into_iter().filter(is_due).filter(|looked| !refused.contains_key(&looked.path));
    let due: Vec<Looked> = due.collect();
    while let Some((_, failure)) = refused.pop_first() {
        told.failed(failure);
    }
    told.counts(&due);
    Ok(due)
}

/// What each file holds; those without a sealed object are left out.
fn look_at_all(args: &ResealArgs, told: &mut Told) -> Result<Vec<Looked>, Failure> {
    let Tree { sources, closed, repositories } = Tree::of(&args.paths)?;
    for path in repositories {
        let path = path.display();
        console::note(&format!("{path} is a repository of its own, and was not looked into"));
    }
    told.files = sources.len();
    for (path, why) in closed {
        told.failed(Failure::input(why).about(path.display()));
    }
    let looked = parallel::each(&sources, || Choices::new(&args.recipients), look::look);
    let mut all = Vec::new();
    for looked in looked.ok_or_else(not_done)? {
        match looked {
            Ok(Seen::Sealed(looked)) => all.push(looked),
            Ok(Seen::Template(sentence)) => console::note(&sentence),
            Ok(Seen::Other) => {}
            Err(failure) => told.failed(failure),
        }
    }
    told.done(&all);
    Ok(all)
}

fn not_done() -> Failure {
    Failure::new(ExitCode::Failed, "a file was not looked at")
}
