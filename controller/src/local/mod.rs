//! `seal-controller local`: sealed files from a Git commit or a folder, opened onto disk without a cluster.
//!
//! The same open as in a cluster; `seal-disk` decides over files and writes them. Arguments and start-up are
//! here, the loop is in [`run`], one pass in [`round`]. Deliberately absent: the network, but in [`direktiv`], and any
//! write that does not go through `seal-disk`.

mod direktiv;
mod folding;
mod hook;
mod identity;
mod laying;
mod refusal;
mod remote;
mod round;
mod run;
mod stop;
mod target;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process;
use std::sync::LazyLock;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use seal_core::exit_code::ExitCode;
use seal_core::layout::Layout;
use seal_core::place::is_label;

use crate::texts::{Source, is_url, plain};
use direktiv::DirektivArgs;
use hook::HookArgs;
use refusal::Failure;
use remote::{Remote, RemoteArgs};
use target::Target;

/// Open sealed files onto disk, without a cluster
///
/// Watches a Git repository or a folder and keeps the values of its sealed files under OUT, as LAYOUT has them. Reads
/// `.yaml`, `.yml` and `.json`; other manifests are ignored, plaintext Secrets are warned of. With `--git`
/// it reads the commit that `--ref` names, never the working tree, and uses nothing of that repository's
/// configuration, hooks or filters; symbolic links, submodules and LFS content are ignored. Of the repository only
/// regular files within it are opened: pipes, devices, links and borrowed objects are refused.
///
/// `--ref` takes a branch, a tag, a whole commit hash or a full name such as refs/remotes/origin/main; a name that is both a
/// branch and a tag is refused. It may be left out for a bare repository, whose HEAD does not move with a checkout.
///
/// Layouts, each named for what reads it: `tree` is OUT/<namespace>/<name>/<key>, 0600. `faasd` is OUT/<namespace>/<name>, 0644,
/// one key a secret, and a file that is there is written over in place. `flyte` is OUT/<name>/<key> in lower case, 0600. For
/// `env` OUT is a file of KEY=value lines, 0600. For `docker-config` OUT is a docker config, 0600, in which the logins and
/// fields of others stay.
///
/// `direktiv-api` writes no values: it sends them to a Direktiv whose release keeps secrets in a database, up to 0.10, and OUT is
/// a folder that remembers what was sent. Only what was not sent yet is: `--url`, `--direktiv-version`, `--api-key-file`.
///
/// An object is opened whole or not at all, and one that is refused keeps its last good values. Files, and logins of a
/// docker config, that are not in the inventory (its name begins with `.seal-`) are never overwritten and never removed. An
/// object that left the source has its files removed, but nothing is removed when no object is left in the source, when
/// more than half of four or more objects are gone at once, or when more than one of fewer than four is: then
/// `PruneBlocked` is logged until `--allow-prune`.
///
/// Limits: 20,000 manifests of 2 MiB each and 256 MiB together, 20,000 folders, 64 deep, 500,000 entries, paths of 1 KiB,
/// objects that take 256 MiB. A source beyond them is not applied at all.
///
/// Example: seal-controller local --git . --ref main --identity key.txt --namespaces prod --out /run/secrets-out --layout tree
///
/// With `--once`, exits 0 when everything of these namespaces was applied, else with the code of the first refusal by
/// path: 1 failed or damaged, 2 wrong use, malformed or not allowed, 4 no key for it, 5 sealed for another place.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["git", "dir"]))]
pub(crate) struct LocalArgs {
    /// Git repository: https:// or ssh://, or its folder on this machine, bare or not
    #[arg(long, value_name = "URL|DIR")]
    git: Option<PathBuf>,
    /// Folder of sealed files
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Branch, tag or whole commit hash that is read [default: HEAD, of a bare repository only]
    #[arg(long = "ref", value_name = "REF", conflicts_with = "dir")]
    reference: Option<String>,
    /// Read only this folder of the source
    #[arg(long, value_name = "SUBDIR")]
    path: Option<PathBuf>,
    /// age identity file that nobody else can read (repeatable)
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// Namespaces that are opened; objects of any other are counted and left alone
    #[arg(long, value_name = "NS,…", value_delimiter = ',', required = true, value_parser = namespace)]
    namespaces: Vec<String>,
    /// Output folder, or file where LAYOUT is one: in a folder that is yours and not writable by others
    #[arg(long, value_name = "OUT")]
    out: PathBuf,
    /// How values are laid out under OUT
    #[arg(long, value_parser = PossibleValuesParser::new(LAYOUTS.iter().copied()).map(Chosen::of))]
    layout: Chosen,
    #[command(flatten)]
    direktiv: DirektivArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    hook: HookArgs,
    /// How often to look for a change, such as 500ms, 1s or 5m [default: 1s, of a URL 60s]
    #[arg(long, value_name = "TIME", value_parser = interval)]
    interval: Option<Duration>,
    /// Apply once, then exit
    #[arg(long)]
    once: bool,
    /// Remove what was made of every object that left the source, however many
    #[arg(long)]
    allow_prune: bool,
}

/// The word for what is no layout of files.
const DIREKTIV_API: &str = "direktiv-api";

/// Every word that `--layout` takes.
static LAYOUTS: LazyLock<Vec<&str>> =
    LazyLock::new(|| Layout::ALL.map(Layout::as_str).into_iter().chain([DIREKTIV_API]).collect());

/// What `--layout` named.
#[derive(Clone, Copy, Debug)]
enum Chosen {
    Files(Layout),
    DirektivApi,
}

impl Chosen {
    fn of(word: String) -> Self {
        word.parse().map_or(Self::DirektivApi, Self::Files)
    }
}

/// What a run needs to know besides where files come from and go to.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) namespaces: BTreeSet<String>,
    pub(crate) interval: Duration,
    pub(crate) once: bool,
    pub(crate) allow_prune: bool,
}

/// Runs until SIGTERM or SIGINT, or once.
pub(crate) fn main(args: LocalArgs) -> Result<process::ExitCode, Box<dyn std::error::Error>> {
    let stop = stop::Stop::on_signals()?;
    match start(args, &stop) {
        Ok((mut run, settings)) => Ok(run.until_stopped(&settings, &stop)),
        Err(failure) => {
            tracing::error!(reason = %failure.reason, hint = failure.hint, "{}", failure.message);
            Ok(process::ExitCode::from(u8::from(ExitCode::from(failure.reason))))
        }
    }
}

/// How often a folder is looked at, and a server asked.
const LOOK: Duration = Duration::from_secs(1);
const FETCH: Duration = Duration::from_secs(60);

fn start(mut args: LocalArgs, stop: &stop::Stop) -> Result<(run::Run, Settings), Failure> {
    let (source, remote) = source(&mut args)?;
    if remote.is_none() && args.hook.are_there() {
        return Err(Failure::usage(
            "--webhook is for a URL",
            "a folder on this machine is looked at every second",
        ));
    }
    let out = std::path::absolute(&args.out).unwrap_or_else(|_| args.out.clone());
    if remote.as_ref().is_some_and(|remote| remote.store().starts_with(&out)) {
        return Err(Failure::usage(
            "--git-cache is inside of --out",
            "give what is fetched a folder of its own",
        ));
    }
    let identities = identity::Identities::read(args.identity)?;
    source.refuse_inside(&args.out)?;
    let target = match args.layout {
        Chosen::DirektivApi => Target::Direktiv(args.direktiv.open(&args.out)?),
        Chosen::Files(_) if args.direktiv.are_there() => {
            let message =
                "--url, --api-key-file and --direktiv-version are for --layout direktiv-api";
            return Err(Failure::usage(message, "leave them out"));
        }
        Chosen::Files(layout) => {
            Target::open(&args.out, layout).map_err(|error| Failure::disk(&error))?
        }
    };
    let settings = Settings {
        namespaces: args.namespaces.into_iter().collect(),
        // What was fetched is put right as often as what lies here.
        interval: if remote.is_some() { LOOK } else { args.interval.unwrap_or(LOOK) },
        once: args.once,
        allow_prune: args.allow_prune,
    };
    args.hook.listen(stop)?;
    Ok((run::Run::new(source, remote, identities, target), settings))
}

fn source(args: &mut LocalArgs) -> Result<(Source, Option<Remote>), Failure> {
    let (remote, path, reference) =
        (std::mem::take(&mut args.remote), args.path.take(), args.reference.take());
    let url = args.git.as_ref().filter(|it| is_url(it)).map(|it| it.to_string_lossy().into_owned());
    if url.is_none() && remote.are_there() {
        return Err(Failure::usage("the --git-… flags are for a URL", "leave them out"));
    }
    let source = match (url, args.git.take(), args.dir.take()) {
        (Some(url), ..) => {
            let interval = args.interval.unwrap_or(FETCH);
            let remote =
                remote.remote(&url, reference.as_deref(), plain(path.clone())?, interval)?;
            return Ok((Source::fetched(remote.store().to_owned(), path)?, Some(remote)));
        }
        (None, Some(repository), _) => Source::git(repository, reference, path)?,
        (None, None, Some(folder)) => Source::folder(folder, path)?,
        (None, None, None) => {
            return Err(Failure::usage("no source", "name one with --git or --dir"));
        }
    };
    Ok((source, None))
}

fn namespace(text: &str) -> Result<String, &'static str> {
    if is_label(text) { Ok(text.to_owned()) } else { Err("that cannot name a namespace") }
}

fn interval(text: &str) -> Result<Duration, &'static str> {
    let wrong = "a number and ms, s or m, at least 10ms, such as 1s";
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u64 = text[..text.len() - unit.len()].parse().map_err(|_| wrong)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return Err(wrong),
    };
    let time = Duration::from_millis(number.checked_mul(millis).ok_or(wrong)?);
    if time < Duration::from_millis(10) { Err(wrong) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_number_and_a_unit() {
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(interval("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(interval("5m"), Ok(Duration::from_secs(300)));
        for wrong in ["", "s", "1", "1h", "-1s", "0s", "5ms", "99999999999999999999m"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }
}
