//! `seal wait`: until sealed objects are Ready in a cluster.

use std::path::PathBuf;

use super::objects;
use crate::cluster::{self, Awaited, ContextArgs, Named};
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
    let timeout = objects::timeout(&args.timeout)?;
    let named = objects::named(&args.names, args.namespace.as_deref())?;
    let mut awaited: Vec<Awaited> = named.into_iter().map(Awaited::from).collect();
    for path in &args.files {
        let text = files::read_text(path)?;
        for (_, object) in sealed::read(path, &text)? {
            let place = object.place().map_err(|problem| {
                Failure::input(format!("{}: {problem}", object.full_name())).about_file(path)
            })?;
            let namespace = Some(place.namespace);
            let object_of = Named { kind: object.spec.kind, namespace, name: place.name };
            awaited.push(Awaited { spec: Some(object.spec), ..Awaited::from(object_of) });
        }
    }
    if awaited.is_empty() {
        return Err(
            Failure::input("nothing to wait for is named").hint("seal wait NAME -n NS, or -f FILE")
        );
    }
    cluster::wait(&args.context, awaited, timeout)
}
