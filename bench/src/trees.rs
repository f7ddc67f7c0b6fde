//! The command line over a tree of ten thousand sealed files, and one value changed in a file of a hundred keys, beside
//! `kubeseal --merge-into` and `sops set`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use seal_core::key::{Identity, Recipient};
use seal_core::kind::file;
use seal_core::kind::sealed::Template;
use seal_core::manifest::Manifest;
use seal_core::place::{Place, Scope};
use seal_core::seal::seal;
use seal_core::secret::SecretValue;

use crate::child::{Cost, Run};
use crate::commands::{CERTIFICATE, peer};
use crate::rounds::VALUES;
use crate::table::{median, mib, ms, ratio, table};
use crate::{Result, ours, say};

const FILES: usize = 10_000;
const FOLDERS: usize = 100;
const KEYS: usize = 100;
const TURNS: usize = 3;
const SETS: usize = 21;

/// Measures and returns the tables.
pub(crate) fn run() -> Result<String> {
    Ok(format!("{}\n{}", trees()?, one_value()?))
}

fn trees() -> Result<String> {
    let directory = tempfile::tempdir()?;
    let (here, first) = (&directory.path().join("tree"), Identity::generate());
    fs::create_dir_all(here.join(".git"))?; // as far as `seal` looks at it
    let key = directory.path().join("first.key");
    fs::write(&key, first.to_secret_text().expose())?;
    seal_disk::system::set_mode(&fs::File::open(&key)?, 0o600)?;
    let second = Identity::generate();
    let named =
        format!("recipients: {{first: {}, second: {}}}\n", first.recipient(), second.recipient());
    let rule =
        |to: &str| fs::write(here.join(".seal.yaml"), format!("{named}rules: [{{to: [{to}]}}]\n"));
    rule("first")?;
    say(&format!("making a tree of {FILES} sealed files"));
    make(here, &[first.recipient().parse()?])?;
    let seal = ours("seal")?;
    let command = |args: &[&str]| {
        let args = args.iter().map(ToString::to_string).collect();
        Run { program: &seal, args, stdin: Path::new("/dev/null"), directory: here }
    };
    let output = std::env::temp_dir().join(format!("seal-bench-{}", std::process::id()));
    let mut rows = Vec::new();
    say(&format!("`seal check` and `seal reseal` over them, {TURNS} turns"));
    let check: Vec<Cost> =
        (0..TURNS).map(|_| command(&["check", "."]).once(&output)).collect::<Result<_>>()?;
    rows.push(row("`seal check .`", &check));
    let mut reseal = Vec::new();
    for to in ["first, second", "first"].into_iter().cycle().take(TURNS) {
        rule(to)?;
        reseal.push(command(&["reseal", ".", "-i", "../first.key"]).once(&output)?);
    }
    rows.push(row("`seal reseal . -i KEY`, for 2 recipients or 1", &reseal));
    let _ = fs::remove_file(&output);
    Ok(table(
        &["a tree of 10000 sealed files × 3 values", "wall", "processor", "peak memory"],
        &rows,
    ))
}

fn make(root: &Path, recipients: &[Recipient]) -> Result<()> {
    for number in 0..FILES {
        let folder = root.join(format!("f{}", number % FOLDERS));
        fs::create_dir_all(&folder)?;
        let pairs = VALUES.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let text = sealed(&format!("db-{number}"), pairs.into(), recipients)?;
        fs::write(folder.join(format!("db-{number}.sealed.yaml")), text)?;
    }
    Ok(())
}

pub(crate) fn sealed(
    name: &str,
    values: BTreeMap<String, String>,
    to: &[Recipient],
) -> Result<String> {
    let values: BTreeMap<String, SecretValue> =
        values.into_iter().map(|(key, value)| (key, value.into_bytes().into())).collect();
    let manifest = Manifest {
        namespace: None,
        name: None,
        template: Template::default(),
        values,
        dropped: Vec::new(),
        empty: Vec::new(),
    };
    let place = Place::new("prod", name)?;
    let object = seal(manifest, &place, Scope::of(&place), &BTreeSet::new(), to)?;
    Ok(file::write(&object))
}

fn row(shown: &str, costs: &[Cost]) -> Vec<String> {
    let wall = median(costs.iter().map(|cost| cost.wall)).unwrap_or_default();
    let cpu = median(costs.iter().map(|cost| cost.cpu)).unwrap_or_default();
    let peak = median(costs.iter().map(|cost| cost.peak_kib)).unwrap_or_default();
    vec![shown.to_owned(), ms(wall), ms(cpu), mib(peak)]
}

/// Who changes one value, in which file.
struct Contestant<'a> {
    shown: &'static str,
    run: Run<'a>,
    file: PathBuf,
    costs: Vec<Cost>,
    /// Lines of the file that the last change took away and put there.
    changed: usize,
}

fn one_value() -> Result<String> {
    let directory = tempfile::tempdir()?;
    let here = directory.path();
    let identity = Identity::generate();
    let values: BTreeMap<String, String> =
        (0..KEYS).map(|number| (format!("key-{number:03}"), format!("value-{number}"))).collect();
    prepare(here, &identity, &values)?;
    let (seal, value, null) = (ours("seal")?, here.join("value"), Path::new("/dev/null"));
    let programs = [("kubeseal", peer("kubeseal")), ("sops", peer("sops"))];
    let mut all = vec![contestant(
        here,
        "`seal set FILE KEY`",
        &seal,
        &["set", "seal.yaml", "key-050"],
        &value,
        "seal.yaml",
    )];
    let (one, manifest) = (here.join("one.yaml"), here.join("all.yaml"));
    for (name, path) in &programs {
        let Some(path) = path else {
            say(&format!("{name} is neither built nor on PATH, and is left out"));
            continue;
        };
        if *name == "kubeseal" {
            let made = contestant(
                here,
                "",
                path,
                &["--cert", "kubeseal.pem", "--format", "yaml"],
                &manifest,
                "kubeseal.yaml",
            );
            made.run.once(&made.file)?;
            let args =
                ["--cert", "kubeseal.pem", "--format", "yaml", "--merge-into", "kubeseal.yaml"];
            all.push(contestant(
                here,
                "`kubeseal --merge-into`",
                path,
                &args,
                &one,
                "kubeseal.yaml",
            ));
        } else {
            let args = [
                "encrypt",
                "--age",
                identity.recipient(),
                "--encrypted-regex",
                "^stringData$",
                "all.yaml",
            ];
            let made = contestant(here, "", path, &args, null, "sops.yaml");
            made.run.once(&made.file)?;
            let args = ["set", "sops.yaml", "[\"stringData\"][\"key-050\"]", "\"changed\""];
            all.push(contestant(
                here,
                "`sops set`, which needs the private key",
                path,
                &args,
                null,
                "sops.yaml",
            ));
        }
    }
    say(&format!("changing one of {KEYS} values with {} commands, {SETS} turns", all.len()));
    for turn in 0..=SETS {
        for it in &mut all {
            let before = fs::read_to_string(&it.file)?;
            let cost = it.run.once(&here.join("output"))?;
            // A tool that leaves a value which is the same as it is changes nothing from the second turn on.
            it.changed = it.changed.max(changed(&before, &fs::read_to_string(&it.file)?));
            if turn > 0 {
                it.costs.push(cost);
            }
        }
    }
    Ok(render(&all))
}

/// What each of them changes, and what it needs for that.
fn prepare(here: &Path, identity: &Identity, values: &BTreeMap<String, String>) -> Result<()> {
    let recipient: Recipient = identity.recipient().parse()?;
    fs::create_dir(here.join(".git"))?;
    let policy =
        format!("recipients: {{prod: {}}}\nrules: [{{to: [prod]}}]\n", identity.recipient());
    fs::write(here.join(".seal.yaml"), policy)?;
    fs::write(here.join("seal.yaml"), sealed("db", values.clone(), &[recipient])?)?;
    fs::write(here.join("value"), "changed")?;
    fs::write(here.join("kubeseal.pem"), CERTIFICATE)?;
    fs::write(here.join("all.yaml"), secret(values))?;
    fs::write(
        here.join("one.yaml"),
        secret(&BTreeMap::from([("key-050".to_owned(), "changed".to_owned())])),
    )?;
    fs::create_dir_all(here.join(".config/sops/age"))?;
    fs::write(here.join(".config/sops/age/keys.txt"), identity.to_secret_text().expose())?;
    Ok(())
}

fn contestant<'a>(
    directory: &'a Path,
    shown: &'static str,
    program: &'a Path,
    args: &[&str],
    stdin: &'a Path,
    file: &str,
) -> Contestant<'a> {
    let args = args.iter().map(ToString::to_string).collect();
    let run = Run { program, args, stdin, directory };
    Contestant { shown, run, file: directory.join(file), costs: Vec::new(), changed: 0 }
}

fn secret(values: &BTreeMap<String, String>) -> String {
    let lines: String = values.iter().map(|(key, value)| format!("  {key}: {value}\n")).collect();
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: prod\nstringData:\n{lines}"
    )
}

/// Lines that are in one of the two texts alone.
fn changed(before: &str, after: &str) -> usize {
    let [before, after]: [BTreeSet<&str>; 2] = [before, after].map(|text| text.lines().collect());
    before.symmetric_difference(&after).count()
}

fn render(all: &[Contestant<'_>]) -> String {
    let wall =
        |it: &Contestant<'_>| median(it.costs.iter().map(|cost| cost.wall)).unwrap_or_default();
    let row = |it: &Contestant<'_>| {
        let mut row = row(it.shown, &it.costs);
        row.extend([ratio(wall(&all[0]), wall(it)), it.changed.to_string()]);
        row
    };
    let head = [
        "one value of 100 changed",
        "wall",
        "processor",
        "peak memory",
        "`seal set` ÷ it",
        "lines of the diff",
    ];
    table(&head, &all.iter().map(row).collect::<Vec<_>>())
}
