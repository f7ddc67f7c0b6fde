//! `seal-controller local` into each layout: a thousand objects of one value, opened and laid out, and once more unchanged.
//!
//! All layouts open the same number of values, so what differs is how they are written: a file each, or one file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use seal_core::key::{Identity, Recipient};
use seal_core::kind::file;
use seal_core::kind::sealed::Template;
use seal_core::layout::Layout;
use seal_core::manifest::Manifest;
use seal_core::place::{Place, Scope};
use seal_core::seal::seal;

use crate::child::{Cost, Run};
use crate::table::{median, mib, ms, ratio, table};
use crate::{Result, ours, say};

const OBJECTS: usize = 1000;
const TURNS: usize = 3;

/// Measures and returns the table.
pub(crate) fn run() -> Result<String> {
    let directory = tempfile::tempdir()?;
    let identity = Identity::generate();
    write_private(&directory.path().join("key.txt"), identity.to_secret_text().expose())?;
    let recipients = [identity.recipient().parse()?];
    let controller = ours("seal-controller")?;
    let mut rows = Vec::new();
    let mut of_tree = None;
    for layout in Layout::ALL.map(Layout::as_str) {
        say(&format!("{OBJECTS} objects into the layout {layout}, {TURNS} turns"));
        let source = directory.path().join(layout);
        fs::create_dir(&source)?;
        for number in 0..OBJECTS {
            let text = sealed(layout, number, &recipients)?;
            fs::write(source.join(format!("{number}.yaml")), text)?;
        }
        let (mut first, mut again) = (Vec::new(), Vec::new());
        for turn in 0..TURNS {
            let out = format!("out-{layout}-{turn}/out");
            fs::create_dir(directory.path().join(format!("out-{layout}-{turn}")))?;
            let once = || once(&controller, directory.path(), layout, &out);
            first.push(once()?);
            again.push(once()?);
        }
        let wall = |costs: &[Cost]| median(costs.iter().map(|cost| cost.wall)).unwrap_or_default();
        let peak = median(first.iter().map(|cost| cost.peak_kib)).unwrap_or_default();
        let tree = *of_tree.get_or_insert(wall(&first));
        let row = [
            format!("`{layout}`"),
            ms(wall(&first)),
            ratio(wall(&first), tree),
            ms(wall(&again)),
            mib(peak),
        ];
        rows.push(row.to_vec());
    }
    let head =
        ["1000 objects into the layout", "wall", "÷ `tree`", "again, unchanged", "peak memory"];
    Ok(table(&head, &rows))
}

fn once(controller: &Path, directory: &Path, layout: &str, out: &str) -> Result<Cost> {
    let args = ["local", "--once", "--identity", "key.txt", "--namespaces", "prod"];
    let rest = ["--dir", layout, "--layout", layout, "--out", out];
    let args = args.iter().chain(&rest).map(ToString::to_string).collect();
    let run = Run { program: controller, args, stdin: Path::new("/dev/null"), directory };
    run.once(&directory.join("said"))
}

/// A sealed file that the layout takes.
fn sealed(layout: &str, number: usize, recipients: &[Recipient]) -> Result<String> {
    let place = Place::new("prod", &format!("sealed-{number:04}"))?;
    let mut template = Template::default();
    let (key, value) = match layout {
        "docker-config" => {
            template.type_ = Some("kubernetes.io/dockerconfigjson".to_owned());
            let auth = "dXNlcjptYWRlLXVw";
            let config =
                format!("{{\"auths\": {{\"r{number}.example\": {{\"auth\": \"{auth}\"}}}}}}");
            (".dockerconfigjson".to_owned(), config)
        }
        _ => (format!("SECRET_{number}"), format!("bWFkZS11cA{number:04}==")),
    };
    let manifest = Manifest {
        namespace: None,
        name: None,
        template,
        values: [(key, value.into_bytes().into())].into(),
        dropped: vec![],
        empty: vec![],
    };
    let sealed = seal(manifest, &place, Scope::of(&place), &BTreeSet::new(), recipients)?;
    Ok(file::write(&sealed))
}

/// A file that only its owner reads: an identity is taken from no other.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    Ok(writeln!(file?, "{text}")?)
}
