//! `seal --for PLATFORM` over a thousand manifests, and what it made laid out where that platform reads it without a
//! cluster, else as a plain tree. `flyte-agent` is left out: all it makes is one Secret.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use seal_core::key::Identity;

use crate::child::{Cost, Run};
use crate::layouts::write_private;
use crate::table::{median, mib, ms, ratio, table};
use crate::{Result, ours, say};

const SECRETS: usize = 1000;
const TURNS: usize = 3;

/// What is measured: a platform's flags, the namespace that they lead to, and the layout.
struct Case {
    shown: &'static str,
    flags: &'static [&'static str],
    namespace: &'static str,
    layout: &'static str,
}

const CASES: [Case; 7] = [
    Case { shown: "no preset", flags: &["-n", "prod"], namespace: "prod", layout: "tree" },
    Case { shown: "openfaas", flags: &[], namespace: "openfaas-fn", layout: "faasd" },
    Case { shown: "pachyderm", flags: &["-n", "pach"], namespace: "pach", layout: "tree" },
    Case {
        shown: "flyte",
        flags: &["--project", "p", "--domain", "d"],
        namespace: "p-d",
        layout: "flyte",
    },
    Case {
        shown: "flyte2",
        flags: &["--project", "p", "--domain", "d"],
        namespace: "flyte",
        layout: "tree",
    },
    Case { shown: "kestra", flags: &["-n", "kestra"], namespace: "kestra", layout: "env" },
    Case {
        shown: "direktiv",
        flags: &["-n", "flows", "--direktiv-namespace", "team"],
        namespace: "flows",
        layout: "tree",
    },
];

/// Measures and returns the table.
pub(crate) fn run() -> Result<String> {
    let directory = tempfile::tempdir()?;
    let at = directory.path();
    let identity = Identity::generate();
    write_private(&at.join("key.txt"), identity.to_secret_text().expose())?;
    fs::write(at.join("many.yaml"), manifests()?)?;
    let (mut rows, mut of_none) = (Vec::new(), None);
    for case in CASES {
        say(&format!("{SECRETS} Secrets for {}, {TURNS} turns", case.shown));
        let (mut sealing, mut laying) = (Vec::new(), Vec::new());
        for turn in 0..TURNS {
            let folder = format!("{}-{turn}", case.shown.replace(' ', "-"));
            fs::create_dir(at.join(&folder))?;
            sealing.push(seal(&case, at, &folder, identity.recipient())?);
            laying.push(lay_out(&case, at, &folder)?);
        }
        let wall = |costs: &[Cost]| median(costs.iter().map(|cost| cost.wall)).unwrap_or_default();
        let peak = median(sealing.iter().map(|cost| cost.peak_kib)).unwrap_or_default();
        let none = *of_none.get_or_insert(wall(&sealing));
        rows.push(vec![
            format!("`{}`", case.shown),
            ms(wall(&sealing)),
            ratio(wall(&sealing), none),
            mib(peak),
            format!("`{}` {}", case.layout, ms(wall(&laying))),
            ms(wall(&sealing) + wall(&laying)),
        ]);
    }
    rows[0][0] = CASES[0].shown.to_owned();
    let head = [
        "1000 Secrets, a file each",
        "sealing",
        "÷ no preset",
        "peak memory",
        "laying out",
        "both",
    ];
    Ok(table(&head, &rows))
}

/// Secrets of one value each, which every platform takes.
fn manifests() -> Result<String> {
    let mut text = String::new();
    for n in 0..SECRETS {
        writeln!(
            text,
            "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: token-{n}\nstringData:\n  token_{n}: made-up-{n:05}"
        )?;
    }
    Ok(text)
}

fn seal(case: &Case, at: &Path, folder: &str, recipient: &str) -> Result<Cost> {
    let preset = ["--for", case.shown];
    let preset = if case.shown == CASES[0].shown { &[][..] } else { &preset };
    let sealed = format!("{folder}/sealed");
    let rest = ["-r", recipient, "--out", &sealed, "many.yaml"];
    let args = [preset, case.flags, &rest].concat();
    once(&ours("seal")?, &args, at)
}

fn lay_out(case: &Case, at: &Path, folder: &str) -> Result<Cost> {
    let (sealed, out) = (format!("{folder}/sealed"), format!("{folder}/out"));
    let whose = ["local", "--once", "--identity", "key.txt", "--namespaces", case.namespace];
    let what = ["--dir", &sealed, "--layout", case.layout, "--out", &out];
    once(&ours("seal-controller")?, &[&whose[..], &what].concat(), at)
}

fn once(program: &Path, args: &[&str], at: &Path) -> Result<Cost> {
    let args = args.iter().map(ToString::to_string).collect();
    Run { program, args, stdin: Path::new("/dev/null"), directory: at }.once(&at.join("said"))
}
