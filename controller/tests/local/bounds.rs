//! What a repository may cost: memory under a limit of the system's, and never a wait that only a kill ends.
//!
//! Each run has a limit on its address space that is far below what the source would take if it were read at its word, and
//! the other objects are served.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::hostile_git::{object, set_head, tree};
use super::rig::{CANARY, Rig, Run};

/// Address space of a run: some threads' stacks and arenas are in it, which nobody uses.
const LIMIT_KIB: u32 = 640 * 1024;

/// Runs once within the limit; ends it long after a person would have given up.
fn bounded(rig: &Rig, source: &[&str]) -> Run {
    let command = rig.command(source, &["--once"]);
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {LIMIT_KIB}; exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(rig.at("."))
        .stdout(Stdio::null())
        .stderr(fs::File::create(rig.at("log")).unwrap())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(300);
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                child.kill().unwrap();
                break child.wait().unwrap();
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let log = fs::read_to_string(rig.at("log")).unwrap();
    let code =
        status.code().unwrap_or_else(|| panic!("it did not end by itself ({status}): {log}"));
    Run { code, log }
}

fn blob(rig: &Rig, text: &str) -> String {
    object(rig, "blob", text.as_bytes())
}

fn in_one_tree(rig: &Rig, blobs: &[String]) {
    let names: Vec<String> = (0..blobs.len()).map(|n| format!("f{n:05}.yaml")).collect();
    let entries: Vec<(&str, &[u8], &str)> = names
        .iter()
        .zip(blobs)
        .map(|(name, id)| ("100644", name.as_bytes(), id.as_str()))
        .collect();
    let tree = tree(rig, &entries);
    set_head(rig, &tree);
}

/// A sealed file with so many small values that it takes many times its size in memory.
fn dense(rig: &Rig, place: &str, values: usize) -> String {
    let sealed = rig.seal(place, &[("k", CANARY)]);
    let many: String = (0..values).map(|n| format!("    k{n}: {{payload: AAAA}}\n")).collect();
    sealed.replacen("  values:\n", &format!("  values:\n{many}"), 1)
}

#[test]
fn a_large_blob_of_many_names_is_read_once_and_the_others_are_served() {
    let rig = Rig::new();
    let large = blob(&rig, &dense(&rig, "prod/large", 60_000));
    let good = blob(&rig, &rig.seal("prod/db", &[("k", CANARY)]));
    let mut blobs = vec![large; 127];
    blobs.push(good);
    in_one_tree(&rig, &blobs);
    let run = bounded(&rig, &["--git=repo", "--ref=main"]);
    run.assert(2, &["applied 1", "refused 127", "Duplicate"]);
    assert_eq!(rig.value("prod/db/k"), CANARY);
}

#[test]
fn many_large_files_do_not_add_up() {
    let rig = Rig::new();
    // Each is refused for its many values, and nothing of it is kept.
    let mut blobs: Vec<String> =
        (0..8).map(|n| blob(&rig, &dense(&rig, &format!("prod/large{n}"), 60_000))).collect();
    blobs.push(blob(&rig, &rig.seal("prod/db", &[("k", CANARY)])));
    in_one_tree(&rig, &blobs);
    let run = bounded(&rig, &["--git=repo", "--ref=main"]);
    run.assert(2, &["applied 1", "refused 8", "more than 1,024 values"]);
}

#[test]
fn alias_bombs_and_long_scalars_are_refused_and_the_others_are_served() {
    let rig = Rig::new();
    let head = "apiVersion: seal.dev/v1\nkind: SealedSecret\n";
    let nodes = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))
    });
    let scalar = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), "*a,".repeat(400_000));
    let keys =
        format!("a: &a\n  ? {}\n  : x\nb: [{}]\n", "x".repeat(500_000), "*a,".repeat(400_000));
    let dense = format!("a: [{}]\n", "{a},".repeat(400_000));
    for (name, text) in [("a", &nodes), ("b", &scalar), ("c", &keys), ("d", &dense)] {
        rig.write(&format!("repo/{name}.yaml"), &format!("{head}{text}"));
    }
    for n in 0..500 {
        rig.write(&format!("repo/many/{n}.yaml"), &format!("{head}# {n}\n{nodes}"));
    }
    rig.commit_objects(&["db"]);
    for source in [&["--git=repo", "--ref=main"][..], &["--dir=repo"]] {
        let run = bounded(&rig, source);
        run.assert(2, &["refused 504", "aliases or nesting expand too far"]);
        assert_eq!(rig.value("prod/db/password"), "CANARY db");
    }
}

#[test]
fn names_longer_than_a_path_and_wide_trees_are_beyond_a_limit() {
    let rig = Rig::new();
    let good = blob(&rig, &rig.seal("prod/db", &[("k", CANARY)]));
    let long = [b"x".repeat(1_000_000), b".yaml".to_vec()].concat();
    let inner = tree(&rig, &[("100644", &long, &good)]);
    set_head(&rig, &inner);
    bounded(&rig, &["--git=repo", "--ref=main"]).assert(1, &["beyond a limit: bytes of a path"]);
}

/// Puts something else in the place of a file of the repository.
type Swap = fn(&std::path::Path);

const SWAPS: [(&str, Swap); 3] = [
    ("a pipe", |path| {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }),
    ("a device", |path| symlink("/dev/zero", path).unwrap()),
    ("a file elsewhere", |path| {
        let elsewhere = path.ancestors().find(|folder| folder.join("key.txt").exists()).unwrap();
        fs::write(elsewhere.join("elsewhere"), fs::read(path).unwrap_or_default()).unwrap();
        symlink(elsewhere.join("elsewhere"), path).unwrap();
    }),
];

#[test]
fn nothing_but_a_regular_file_of_the_repository_is_opened_and_nothing_is_waited_for() {
    for packed in [false, true] {
        let rig = Rig::new();
        rig.commit_objects(&["db"]);
        if packed {
            rig.git(&["gc", "--quiet"]);
        }
        rig.once().assert(0, &["applied 1"]);
        let git = rig.at("repo/.git");
        let blob = rig.git(&["rev-parse", "HEAD:db.yaml"]);
        let mut files = vec![git.join("HEAD"), git.join("config")];
        if packed {
            files.push(git.join("packed-refs"));
            files.extend(
                fs::read_dir(git.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path()),
            );
        } else {
            files.push(git.join("refs/heads/main"));
            files.push(git.join("objects").join(&blob[..2]).join(&blob[2..]));
            files.push(git.join("objects/info/alternates"));
        }
        for file in files {
            for (what, swap) in SWAPS {
                let kept = fs::read(&file).ok();
                let _ = fs::remove_file(&file);
                swap(&file);
                let run = bounded(&rig, &["--git=repo", "--ref=main"]);
                let name = file.file_name().unwrap().to_string_lossy();
                assert_eq!(run.code, 2, "{what} as {name}: {}", run.log);
                let said = format!("{name} is not a regular file or folder of the repository");
                assert!(run.log.contains(&said), "{what} as {name}: {}", run.log);
                assert_eq!(rig.value("prod/db/password"), "CANARY db");
                fs::remove_file(&file).unwrap();
                if let Some(kept) = kept {
                    fs::write(&file, kept).unwrap();
                }
            }
        }
        rig.once().assert(0, &["unchanged 1"]);
    }
}

#[test]
fn folders_that_lead_elsewhere_and_borrowed_objects_are_refused() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    for folder in ["objects", "refs", "refs/heads", "objects/pack"] {
        let path = rig.at("repo/.git").join(folder);
        fs::rename(&path, rig.at("moved")).unwrap();
        symlink(rig.at("moved"), &path).unwrap();
        let run = bounded(&rig, &["--git=repo", "--ref=main"]);
        assert_eq!(run.code, 2, "{folder}: {}", run.log);
        fs::remove_file(&path).unwrap();
        fs::rename(rig.at("moved"), &path).unwrap();
    }
    rig.write("repo/.git/objects/info/alternates", "/elsewhere/objects\n");
    bounded(&rig, &["--git=repo", "--ref=main"])
        .assert(2, &["borrows objects of another repository", "git repack -a -d"]);
    fs::remove_file(rig.at("repo/.git/objects/info/alternates")).unwrap();
    rig.write("linked/.git", "gitdir: ../repo/.git\n");
    bounded(&rig, &["--git=linked", "--ref=main"])
        .assert(2, &["is a work tree of a repository elsewhere"]);
    bounded(&rig, &["--git=repo", "--ref=main"]).assert(0, &["applied 1"]);
}
