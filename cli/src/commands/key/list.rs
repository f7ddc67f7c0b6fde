//! `seal key list`: the keys of a cluster.

use seal_core::escape::printable;
use serde_json::json;

use super::super::table;
use crate::cluster::key_secrets::KeySecret;
use crate::cluster::{ClusterArgs, keys};
use crate::console::Console;
use crate::error::Failure;

/// Show the keys of a cluster
///
/// One line for each key Secret of the controller, the newest first: whether it is sealed to or only opens, its fingerprint, since
/// when, in which namespaces it opens, and how many sealed objects of this cluster were opened with it. That count knows this
/// cluster, and not Git. Needs the right to list Secrets in the controller's namespace; none of them is read. The count needs the
/// right to list sealed objects everywhere.
///
/// Example: seal key list
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ListArgs, console: &mut Console) -> Result<(), Failure> {
    let keys = keys::list(&args.cluster, true)?;
    if args.json {
        let all: Vec<_> = keys.iter().map(as_json).collect();
        return console.write(format!("{:#}\n", serde_json::Value::from(all)).as_bytes());
    }
    let head = ["NAME", "STATE", "FINGERPRINT", "CREATED", "NAMESPACES", "OBJECTS"];
    table::write(console, head, keys.iter().map(row))
}

fn row(key: &KeySecret) -> [String; 6] {
    let text = |text: &Option<String>| printable(text.as_deref().unwrap_or("?"));
    [
        printable(&key.name),
        if key.state.is_empty() { "no label".to_owned() } else { printable(&key.state) },
        text(&key.fingerprint),
        text(&key.created),
        key.namespaces.as_deref().map_or("all".to_owned(), printable),
        key.objects.map_or("?".to_owned(), |count| count.to_string()),
    ]
}

fn as_json(key: &KeySecret) -> serde_json::Value {
    let namespaces = key
        .namespaces
        .as_ref()
        .map(|text| text.split(',').map(|name| printable(name.trim())).collect::<Vec<_>>());
    json!({
        "name": printable(&key.name),
        "state": printable(&key.state),
        "fingerprint": key.fingerprint.as_deref().map(printable),
        "created": key.created.as_deref().map(printable),
        "namespaces": namespaces,
        "objects": key.objects,
        "follows": key.follows.as_deref().map(printable),
    })
}
