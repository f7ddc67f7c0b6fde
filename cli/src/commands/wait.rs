//! `seal wait`: until sealed objects are Ready in a cluster.

use std::path::PathBuf;
use std::time::Duration;

use seal_core::kind::Kind;
use seal_core::place::{is_label, is_subdomain};

use crate::cluster::{self, Awaited, ContextArgs};
use crate::console::Console;
use crate::error::Failure;
use crate::files;
use crate::sealed;

/// Wait until sealed objects are Ready in a cluster
///
/// For a pipeline that deploys what needs a Secret. Waits also for an object that is not there yet, and ends at once, with
/// the exit code of the reason, when one is stalled: only a change would get it further. With -f the cluster's object must
/// be that of the file, too, and not the one before it.
///
/// Example: kubectl apply -f db.sealed.yaml && seal wait -f db.sealed.yaml
#[derive(Debug, clap::Args)]
pub(crate) struct WaitArgs {
    /// Names of SealedSecrets; csls/NAME is a ClusterSealedSecret
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Every sealed object of FILE; - is standard input (can be repeated)
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Namespace of NAME (default: the context's)
    #[arg(short, long, value_name = "NS", requires = "names")]
    namespace: Option<String>,
    /// How long: seconds, or such as 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: String,
    #[command(flatten)]
    context: ContextArgs,
}

/// Reads the files, then asks the cluster until all is Ready.
pub(crate) fn run(args: &WaitArgs, _: &mut Console) -> Result<(), Failure> {
    let Some(timeout) = duration(&args.timeout) else {
        return Err(Failure::input("--timeout is no time").hint("such as 30s, 5m or 90"));
    };
    let mut awaited = named(args)?;
    for path in &args.files {
        let text = files::read_text(path)?;
        for (_, object) in sealed::read(path, &text)? {
            let place = object.place().map_err(|problem| {
                Failure::input(format!("{}: {problem}", object.full_name())).about_file(path)
            })?;
            awaited.push(Awaited {
                kind: object.spec.kind,
                namespace: Some(place.namespace),
                name: place.name,
                spec: Some(object.spec),
            });
        }
    }
    if awaited.is_empty() {
        return Err(
            Failure::input("nothing to wait for is named").hint("seal wait NAME -n NS, or -f FILE")
        );
    }
    cluster::wait(&args.context, awaited, timeout)
}

fn named(args: &WaitArgs) -> Result<Vec<Awaited>, Failure> {
    if args.namespace.as_deref().is_some_and(|namespace| !is_label(namespace)) {
        return Err(Failure::input("-n cannot name a namespace").hint("a-z, 0-9 and -"));
    }
    if let Some(name) = args.names.iter().find(|name| !is_subdomain(kind_and_name(name).1)) {
        let file = if files::exists(name.as_ref()) { "; a file is named with -f" } else { "" };
        return Err(Failure::input("what stands where NAME belongs cannot name a sealed object")
            .hint(format!("a-z, 0-9, - and dots{file}")));
    }
    let awaited = |text: &String| {
        let (kind, name) = kind_and_name(text);
        let namespace = args.namespace.clone();
        Awaited { kind, namespace, name: name.to_owned(), spec: None }
    };
    Ok(args.names.iter().map(awaited).collect())
}

/// As kubectl has it: `NAME`, `sls/NAME`, `csls/NAME`.
fn kind_and_name(text: &str) -> (Kind, &str) {
    match text.split_once('/') {
        Some(("csls", name)) => (Kind::ClusterSealedSecret, name),
        Some(("sls", name)) => (Kind::SealedSecret, name),
        _ => (Kind::SealedSecret, text),
    }
}

/// `90`, `90s`, `1m30s`, `2h`; nothing is no time, and neither is none.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next();
        let factor = match unit {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some(_) => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(factor)?)?;
        rest = &rest[digits + usize::from(unit.is_some())..];
    }
    // Longer than a year is a slip, and more than a clock can add.
    (1..=31_536_000).contains(&seconds).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_kubectl_has_it() {
        for (text, seconds) in [("90", 90), ("30s", 30), ("5m", 300), ("1m30s", 90), ("1h", 3600)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in
            ["", "0", "0s", "s", "-1", "1d", "1.5s", "99999999999999999999", "1é", "400000h"]
        {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
