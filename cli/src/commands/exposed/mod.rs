//! `seal exposed`: everything that was ever sealed to a key, over the whole history of a Git repository.

mod history;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use seal_core::escape::printable;
use seal_core::exit_code::ExitCode;
use seal_core::key::{Fingerprint, Recipient};
use serde_json::json;

use super::table;
use crate::console::{self, Console};
use crate::error::Failure;
use crate::git::Git;
use crate::suggest;
use history::History;

/// List everything that was ever sealed to a key
///
/// After a private key has leaked: every file and key of a Secret that was sealed to it, in any commit of any branch, tag,
/// stash or the reflog, and in what no commit has any more. Whoever has the key and the repository has these values:
/// change the credentials themselves where they are valid. Goes by the fingerprints in the files. The work tree counts
/// once it is staged.
///
/// Example: seal exposed sha256:a4d903b0e2476aad0e6ddd5f412ab371
#[derive(Debug, clap::Args)]
pub(crate) struct ExposedArgs {
    /// The key's fingerprint, or its recipient
    #[arg(value_name = "FINGERPRINT")]
    fingerprint: String,
    /// A folder of the repository (default: the working directory)
    #[arg(long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// What was sealed to the key in one file, over all of its versions.
#[derive(Default)]
struct Exposed {
    keys: BTreeSet<String>,
    /// Whether a version of HEAD has one of them.
    is_in_head: bool,
}

/// A path, and the kind, namespace and name of an object in it.
type Where = (String, &'static str, String);

/// Looks through the history and prints what was found; a history that is cut is a failure, after what was found.
pub(crate) fn run(args: &ExposedArgs, console: &mut Console) -> Result<(), Failure> {
    let fingerprint = fingerprint(&args.fingerprint)?;
    let git = Git::of_bare_too(&args.repository)?;
    let mut exposed: BTreeMap<Where, Exposed> = BTreeMap::new();
    let history = History::read(&git, fingerprint.as_str(), |found| {
        let at = exposed.entry((found.path, found.kind, found.object)).or_default();
        at.keys.extend(found.keys);
        at.is_in_head |= found.is_in_head;
    })?;
    if args.json {
        let all: Vec<_> = exposed.iter().map(as_json).collect();
        console.json(&serde_json::Value::from(all))?;
    } else if !exposed.is_empty() {
        table::write(console, ["PATH", "OBJECT", "IN HEAD", "KEYS"], exposed.iter().map(cells))?;
    }
    console.finish()?; // what was found stands above what is said of it
    tell(&exposed, &fingerprint, &history);
    is_all(&history)
}

/// Refuses to call it all where something was not looked at.
fn is_all(history: &History) -> Result<(), Failure> {
    if let Some(cut) = history.cut {
        return Err(Failure::new(ExitCode::Failed, cut).hint("there may be more than was found: `git fetch --unshallow`, or a clone without --filter, has all of it"));
    }
    let unread: Vec<&str> = history.unread.iter().map(String::as_str).collect();
    if !unread.is_empty() {
        let message = format!(
            "versions of these name the key and cannot be read: {}",
            suggest::some_of(&unread)
        );
        return Err(Failure::new(ExitCode::Failed, message)
            .hint("`git log -p -- PATH` shows them: what was sealed in them is exposed as well"));
    }
    Ok(())
}

fn fingerprint(text: &str) -> Result<Fingerprint, Failure> {
    let of_recipient = || text.parse::<Recipient>().ok().map(|recipient| recipient.fingerprint());
    Fingerprint::parse(text).or_else(of_recipient).ok_or_else(|| {
        Failure::input(
            "what stands where FINGERPRINT belongs is neither a fingerprint nor a recipient",
        )
        .hint("sha256: and 32 digits, as `seal inspect` and `seal key list` show it")
    })
}

fn tell(exposed: &BTreeMap<Where, Exposed>, fingerprint: &Fingerprint, history: &History) {
    let looked = format!("{} versions of files looked at", history.blobs);
    if history.large > 0 {
        console::note(&format!("{} larger than 32 MiB, and not read", history.large));
    }
    if history.has_submodules {
        console::note("submodules have a history of their own: --repository looks at it");
    }
    if exposed.is_empty() {
        console::say(&format!("nothing was ever sealed to {fingerprint}; {looked}"));
        return;
    }
    let keys: usize = exposed.values().map(|it| it.keys.len()).sum();
    console::say(&format!(
        "{keys} values were sealed to {fingerprint}; {looked}. Change each where it is valid: sealing it anew undoes nothing"
    ));
}

fn cells(((path, _, object), exposed): (&Where, &Exposed)) -> [String; 4] {
    let path = if path.is_empty() { "(in no commit)".to_owned() } else { printable(path) };
    let keys: Vec<String> = exposed.keys.iter().map(|key| printable(key)).collect();
    let is_in_head = if exposed.is_in_head { "yes" } else { "no" };
    [path, printable(object), is_in_head.to_owned(), keys.join(", ")]
}

fn as_json(((path, kind, object), exposed): (&Where, &Exposed)) -> serde_json::Value {
    json!({
        "path": Some(path).filter(|path| !path.is_empty()),
        "kind": kind,
        "object": printable(object),
        "inHead": exposed.is_in_head,
        "keys": exposed.keys.iter().map(|key| printable(key)).collect::<Vec<_>>(),
    })
}
