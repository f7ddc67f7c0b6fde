//! `seal` over one file of ten thousand manifests: what one document costs when there are many.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use seal_core::key::Identity;

use crate::child::Run;
use crate::table::{median, mib, ms, table};
use crate::{Result, ours, say};

const MANIFESTS: usize = 10_000;
const TURNS: usize = 3;

/// Measures and returns the table.
pub(crate) fn run() -> Result<String> {
    let directory = tempfile::tempdir()?;
    let mut text = String::new();
    for n in 0..MANIFESTS {
        writeln!(
            text,
            "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: db-{n}\n  namespace: prod\nstringData:\n  password: made-up-{n:05}\n  user: app"
        )?;
    }
    fs::write(directory.path().join("many.yaml"), text)?;
    let recipient = Identity::generate().recipient().to_owned();
    let (seal, output) = (ours("seal")?, directory.path().join("sealed.yaml"));
    let inspect = vec!["inspect".to_owned(), "sealed.yaml".to_owned()];
    let sealing = vec!["-r".to_owned(), recipient, "many.yaml".to_owned()];
    let inspected = directory.path().join("inspected");
    let mut rows = Vec::new();
    for (shown, args, into) in
        [("`seal FILE`", sealing, &output), ("`seal inspect`", inspect, &inspected)]
    {
        say(&format!("{shown} over {MANIFESTS} objects, {TURNS} turns"));
        let run = Run {
            program: &seal,
            args,
            stdin: Path::new("/dev/null"),
            directory: directory.path(),
        };
        let costs = (0..TURNS).map(|_| run.once(into)).collect::<Result<Vec<_>>>()?;
        let wall = median(costs.iter().map(|cost| cost.wall)).unwrap_or_default();
        let peak = median(costs.iter().map(|cost| cost.peak_kib)).unwrap_or_default();
        rows.push(vec![shown.to_owned(), ms(wall), mib(peak)]);
    }
    Ok(table(&["one file of 10,000 objects", "wall", "peak memory"], &rows))
}
