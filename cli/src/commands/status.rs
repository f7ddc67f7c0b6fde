//! `seal status`: a table of the sealed objects of a cluster.

use seal_core::kind::Kind;
use serde_json::json;

use super::objects;
use super::table;
use crate::cluster::{self, ContextArgs, Row, Which};
use crate::console::{self, Console};
use crate::error::Failure;

/// Show how far the sealed objects of a cluster are
///
/// One line for each: whether its live Secret is as the file says, the reason and what to do. Needs the right to list
/// sealed objects; for NAME, the right to get it. No Secret is read.
///
/// Example: seal status -n prod
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// Names of SealedSecrets; csls/NAME is a ClusterSealedSecret (default: all of the namespace)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The namespace (default: the context's)
    #[arg(short, long, value_name = "NS")]
    namespace: Option<String>,
    /// All namespaces, and the ClusterSealedSecrets
    #[arg(short = 'A', long, conflicts_with_all = ["names", "namespace"])]
    all_namespaces: bool,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    context: ContextArgs,
}

/// Asks the cluster, and prints.
pub(crate) fn run(args: &StatusArgs, console: &mut Console) -> Result<(), Failure> {
    let named = objects::named(&args.names, args.namespace.as_deref())?;
    let which = match named {
        _ if args.all_namespaces => Which::All,
        named if named.is_empty() => Which::Namespace(args.namespace.clone()),
        named => Which::Named(named),
    };
    let rows = cluster::status(&args.context, &which)?;
    if args.json {
        let all: Vec<_> = rows.iter().map(as_json).collect();
        return console.write(format!("{:#}\n", serde_json::Value::from(all)).as_bytes());
    }
    if rows.is_empty() {
        console::say("there is no sealed object");
        return Ok(());
    }
    let head = ["NAMESPACE", "NAME", "READY", "REASON", "KEYS", "MESSAGE"];
    table::write(console, head, rows.iter().map(cells))?;
    console.finish()?; // the table stands above what is said of it
    let ready = rows.iter().filter(|row| row.ready == "True").count();
    console::say(&format!("{ready} of {} Ready", rows.len()));
    Ok(())
}

fn cells(row: &Row) -> [String; 6] {
    let name = match row.kind {
        Kind::SealedSecret => row.name.clone(),
        Kind::ClusterSealedSecret => format!("csls/{}", row.name),
    };
    let namespace = if row.namespace.is_empty() { "-" } else { &row.namespace };
    let keys = row.keys.map_or("-".to_owned(), |keys| keys.to_string());
    let said = [namespace, &name, &row.ready, &row.reason, &keys, &row.message];
    said.map(str::to_owned)
}

fn as_json(row: &Row) -> serde_json::Value {
    json!({
        "kind": row.kind.as_str(),
        "namespace": Some(&row.namespace).filter(|it| !it.is_empty()),
        "name": row.name,
        "ready": row.ready,
        "reason": row.reason,
        "message": row.message,
        "keys": row.keys,
        "openedWith": row.opened_with,
    })
}
