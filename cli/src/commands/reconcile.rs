//! `seal reconcile`: asks the controller to look at sealed objects again.

use jiff::Timestamp;

use super::objects;
use crate::cluster::{self, Awaited, ContextArgs};
use crate::console::{self, Console};
use crate::error::Failure;

/// Ask the controller to look at sealed objects again
///
/// Nothing needs it for a change to take effect: it is for an object that waits for its next try. Sets the annotation
/// seal.dev/reconcile-at, for which the right to patch the object is enough; --wait needs the right to watch it, too.
///
/// Example: seal reconcile db -n prod --wait
#[derive(Debug, clap::Args)]
pub(crate) struct ReconcileArgs {
    /// Names of SealedSecrets; csls/NAME is a ClusterSealedSecret
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Namespace of NAME (default: the context's)
    #[arg(short, long, value_name = "NS")]
    namespace: Option<String>,
    /// Wait until the controller has looked, and each is Ready
    #[arg(long)]
    wait: bool,
    /// How long: seconds, or such as 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "wait")]
    timeout: String,
    #[command(flatten)]
    context: ContextArgs,
}

/// Asks, and waits for the answer where that is wanted.
pub(crate) fn run(args: &ReconcileArgs, _: &mut Console) -> Result<(), Failure> {
    let timeout = objects::timeout(&args.timeout)?;
    let named = objects::named(&args.names, args.namespace.as_deref())?;
    let at = Timestamp::now().to_string();
    cluster::reconcile(&args.context, &named, &at)?;
    if !args.wait {
        console::say("asked; `seal wait NAME` tells when it is Ready");
        return Ok(());
    }
    let asked = |object| Awaited { asked: Some(at.clone()), ..Awaited::from(object) };
    cluster::wait(&args.context, named.into_iter().map(asked).collect(), timeout)
}
