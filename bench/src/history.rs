//! `seal exposed` over a repository of twenty thousand commits, beside what Git alone takes to read the same objects.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use seal_core::key::{Identity, Recipient};

use crate::child::{Cost, Run};
use crate::commands::peer;
use crate::rounds::VALUES;
use crate::table::{median, mib, ms, ratio, table};
use crate::trees::sealed;
use crate::{Result, ours, say};

const COMMITS: usize = 20_000;
const FILES: usize = 500;
const FOLDERS: usize = 50;
const TURNS: usize = 3;

/// Measures and returns the table.
pub(crate) fn run() -> Result<String> {
    let directory = tempfile::tempdir()?;
    let here = directory.path();
    let recipient: Recipient = Identity::generate().recipient().parse()?;
    say(&format!("making a repository of {COMMITS} commits"));
    make(here, &recipient)?;
    let (seal, git) = (ours("seal")?, peer("git").ok_or("there is no git")?);
    let fingerprint = recipient.fingerprint().to_string();
    let all = [
        ("`seal exposed FINGERPRINT`", &seal, vec!["exposed", &fingerprint]),
        (
            "`git cat-file --batch-all-objects --batch`",
            &git,
            vec!["cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer"],
        ),
        ("`git rev-list --objects --all`", &git, vec!["rev-list", "--objects", "--all"]),
    ];
    say(&format!("looking through it with {} commands, {TURNS} turns", all.len()));
    let output = here.join("output");
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); all.len()];
    for turn in 0..=TURNS {
        for ((_, program, args), costs) in all.iter().zip(&mut costs) {
            let args = args.iter().map(ToString::to_string).collect();
            let run = Run { program, args, stdin: Path::new("/dev/null"), directory: here };
            let cost = run.once(&output)?;
            if turn > 0 {
                costs.push(cost); // the first turn fills the file cache
            }
        }
    }
    let wall = |costs: &[Cost]| median(costs.iter().map(|cost| cost.wall)).unwrap_or_default();
    let first = wall(&costs[0]);
    let row = |((shown, ..), costs): (&(&str, _, _), &Vec<Cost>)| {
        let peak = median(costs.iter().map(|cost| cost.peak_kib)).unwrap_or_default();
        vec![(*shown).to_owned(), ms(wall(costs)), mib(peak), ratio(first, wall(costs))]
    };
    let rows: Vec<Vec<String>> = all.iter().zip(&costs).map(row).collect();
    let head = format!("{COMMITS} commits, {} objects in one pack", objects(here)?);
    Ok(table(&[&head, "wall", "peak memory", "`seal exposed` ÷ it"], &rows))
}

/// Each commit changes one of the files.
fn make(here: &Path, recipient: &Recipient) -> Result<()> {
    let mut stream = String::new();
    for number in 0..COMMITS {
        let file = number % FILES;
        let pairs = VALUES.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let text = sealed(&format!("db-{file}"), pairs.into(), std::slice::from_ref(recipient))?;
        let path = format!("f{}/db-{file}.sealed.yaml", file % FOLDERS);
        write!(
            stream,
            "commit refs/heads/main\ncommitter bench <bench@example.invalid> {} +0000\ndata 1\nx\nM 100644 inline {path}\ndata {}\n{text}\n",
            1_700_000_000 + number,
            text.len()
        )?;
    }
    let commands = here.join("commands");
    fs::write(&commands, stream)?;
    git(here, &["init", "--quiet", "--initial-branch=main"], Path::new("/dev/null"))?;
    git(here, &["fast-import", "--quiet"], &commands)?;
    fs::remove_file(commands)?;
    git(here, &["repack", "-adq"], Path::new("/dev/null"))
}

fn git(here: &Path, args: &[&str], stdin: &Path) -> Result<()> {
    let mut command = Command::new("git");
    command.args(args).current_dir(here).stdin(File::open(stdin)?);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    if !command.status()?.success() {
        return Err(format!("git {} failed", args[0]).into());
    }
    Ok(())
}

fn objects(here: &Path) -> Result<String> {
    let mut command = Command::new("git");
    let output = command.args(["count-objects", "-v"]).current_dir(here).output()?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().find_map(|line| line.strip_prefix("in-pack: "));
    Ok(line.unwrap_or_default().to_owned())
}
