//! `seal secret.json` beside `kubeseal`, `sops` and Go `age`: the whole process, from start to end.
//!
//! Each seals the same Secret with three values to a file; `sops` and `age` to the same post-quantum recipient.
//! In turns, so that what the machine does meanwhile meets all of them.

use std::fs;
use std::path::{Path, PathBuf};

use seal_core::key::Identity;
use seal_testing::tools;

use crate::child::{Cost, Run};
use crate::table::{median, mib, ms, ratio, table};
use crate::{Result, ours, say};

const TURNS: usize = 31;
/// Its private key was thrown away when it was made.
pub(crate) const CERTIFICATE: &str = include_str!("../kubeseal.pem");
const MANIFEST: &str = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod"},
 "type": "Opaque", "data": {"host": "ZGIucHJvZC5zdmM=", "password": "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==", "username": "YXBw"}}
"#;

struct Contestant<'a> {
    shown: &'static str,
    run: Run<'a>,
    costs: Vec<Cost>,
}

/// Measures and returns the table.
pub(crate) fn run() -> Result<String> {
    let directory = tempfile::tempdir()?;
    let repository = directory.path().join("repository");
    let recipient = Identity::generate().recipient().to_owned();
    prepare(directory.path(), &repository, &recipient)?;
    let manifest = directory.path().join("secret.json");
    let seal = ours("seal")?;
    let peers: Vec<(&str, Option<PathBuf>)> =
        ["kubeseal", "sops", "age"].map(|name| (name, peer(name))).into();

    let contestant = |shown, program, args: &[&str], at, stdin| {
        let args = args.iter().map(ToString::to_string).collect();
        let run = Run { program, args, stdin, directory: at };
        Contestant { shown, run, costs: vec![] }
    };
    let (here, null) = (directory.path(), Path::new("/dev/null"));
    let mut all = vec![
        contestant(
            "`seal -r RECIPIENT secret.json`",
            &seal,
            &["-r", &recipient, "secret.json"],
            here,
            null,
        ),
        contestant(
            "`seal secret.json`, with `.seal.yaml`",
            &seal,
            &["secret.json"],
            &repository,
            null,
        ),
    ];
    for (name, path) in &peers {
        let Some(path) = path else {
            say(&format!("{name} is neither built nor on PATH, and is left out"));
            continue;
        };
        all.push(match *name {
            "kubeseal" => {
                let args = ["--cert", "kubeseal.pem", "--format", "yaml"];
                contestant("`kubeseal --cert`", path, &args, here, &manifest)
            }
            "sops" => {
                let only = ["--encrypted-regex", "^(data|stringData)$", "secret.json"];
                let args = [&["encrypt", "--age", &recipient], &only[..]].concat();
                contestant("`sops encrypt --age`", path, &args, here, null)
            }
            _ => contestant("Go `age -r`", path, &["-r", &recipient, "secret.json"], here, null),
        });
    }
    measure(&mut all)?;
    Ok(render(&all))
}

fn prepare(directory: &Path, repository: &Path, recipient: &str) -> Result<()> {
    fs::create_dir_all(repository.join(".git"))?; // as far as `seal` looks at it
    fs::write(directory.join("secret.json"), MANIFEST)?;
    fs::write(repository.join("secret.json"), MANIFEST)?;
    fs::write(directory.join("kubeseal.pem"), CERTIFICATE)?;
    let policy = format!("recipients: {{prod: {recipient}}}\nrules:\n- {{to: [prod]}}\n");
    Ok(fs::write(repository.join(".seal.yaml"), policy)?)
}

pub(crate) fn peer(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = || std::env::split_paths(&path).map(|dir| dir.join(name)).find(|at| at.is_file());
    tools::find(name).or_else(on_path)
}

fn measure(all: &mut [Contestant<'_>]) -> Result<()> {
    say(&format!("sealing one Secret with {} commands, {TURNS} turns", all.len()));
    for turn in 0..=TURNS {
        for contestant in &mut *all {
            // In its own folder: rules of a repository count for output that stays in it.
            let output = contestant.run.directory.join("output");
            let cost = contestant.run.once(&output)?;
            if fs::metadata(&output)?.len() == 0 {
                return Err(format!("{} wrote nothing", contestant.shown).into());
            }
            if turn > 0 {
                contestant.costs.push(cost); // the first turn fills the file cache
            }
        }
    }
    Ok(())
}

fn render(all: &[Contestant<'_>]) -> String {
    let wall =
        |it: &Contestant<'_>| median(it.costs.iter().map(|cost| cost.wall)).unwrap_or_default();
    let row = |it: &Contestant<'_>| {
        let cpu = median(it.costs.iter().map(|cost| cost.cpu)).unwrap_or_default();
        let peak = median(it.costs.iter().map(|cost| cost.peak_kib)).unwrap_or_default();
        let seal = [0, 1].map(|ours| ratio(wall(&all[ours]), wall(it)));
        let name = it.shown.to_owned();
        let [first, second] = seal;
        vec![name, ms(wall(it)), ms(cpu), mib(peak), first, second]
    };
    let head = [
        "one Secret, 3 values",
        "wall",
        "processor",
        "peak memory",
        "`seal -r` ÷ it",
        "`seal` ÷ it",
    ];
    table(&head, &all.iter().map(row).collect::<Vec<_>>())
}
