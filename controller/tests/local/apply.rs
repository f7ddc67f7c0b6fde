//! What becomes of files that are as they should be.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use seal_core::place::Scope;

use super::rig::{CANARY, Rig};

#[test]
fn each_value_becomes_a_file_that_only_its_owner_reads() {
    let rig = Rig::new();
    let text =
        rig.seal("prod/db", &[("password", CANARY), ("tls.crt", "two\nlines\n"), ("empty", "")]);
    rig.commit("apps/db.sealed.yaml", &text);
    rig.once().assert(0, &["applied 1, unchanged 0, refused 0, pruned 0"]);
    assert_eq!(rig.value("prod/db/password"), CANARY);
    assert_eq!(rig.value("prod/db/tls.crt"), "two\nlines\n");
    assert_eq!(rig.value("prod/db/empty"), "");
    for (path, mode) in [
        ("", 0o40700),
        ("prod", 0o40700),
        ("prod/db", 0o40700),
        ("prod/db/password", 0o100600),
        (".seal-inventory.json", 0o100600),
    ] {
        assert_eq!(fs::metadata(rig.out(path)).unwrap().mode(), mode, "{path}");
    }
}

#[test]
fn values_that_two_branches_changed_are_both_live_after_a_plain_merge() {
    let rig = Rig::new();
    rig.commit("db.yaml", &rig.seal("prod/db", &[("password", "old"), ("user", "old")]));
    let text = fs::read_to_string(rig.at("repo/db.yaml")).unwrap();
    rig.once().assert(0, &["applied 1"]);
    rig.git(&["switch", "-qc", "theirs"]);
    rig.commit("db.yaml", &rig.set(&text, "password", "theirs"));
    rig.git(&["switch", "-q", "-"]);
    rig.commit("db.yaml", &rig.set(&text, "user", "ours"));
    rig.git(&["merge", "-q", "--no-edit", "theirs"]);
    rig.once().assert(0, &["applied 1, unchanged 0, refused 0, pruned 0"]);
    assert_eq!(rig.value("prod/db/password"), "theirs");
    assert_eq!(rig.value("prod/db/user"), "ours");
}

#[test]
fn a_run_over_unchanged_files_writes_nothing() {
    let rig = Rig::new();
    rig.commit_objects(&["a", "b"]);
    rig.once().assert(0, &["applied 2"]);
    let before = rig.snapshot();
    rig.once().assert(0, &["applied 0, unchanged 2, refused 0, pruned 0"]);
    assert_eq!(rig.snapshot(), before);
}

#[test]
fn only_what_changed_is_written_and_a_key_that_went_is_removed() {
    let rig = Rig::new();
    rig.commit("db.yaml", &rig.seal("prod/db", &[("a", "1"), ("b", "2"), ("c", "3")]));
    rig.once().assert(0, &["applied 1"]);
    let inode = |path| fs::metadata(rig.out(path)).unwrap().ino();
    let (a, b) = (inode("prod/db/a"), inode("prod/db/b"));
    rig.commit("db.yaml", &rig.seal("prod/db", &[("a", "1"), ("b", "new")]));
    rig.once().assert(0, &["applied 1"]);
    assert_eq!(inode("prod/db/a"), a, "an equal value is not written");
    assert_ne!(inode("prod/db/b"), b, "a changed one is a new file under the old name");
    assert_eq!(rig.value("prod/db/b"), "new");
    assert!(!rig.out("prod/db/c").exists());
}

#[test]
fn a_bare_repository_a_branch_a_tag_and_a_commit_are_read() {
    let rig = Rig::new();
    for (value, tag) in [("one", "v1"), ("two", "v2"), ("three", "v3")] {
        rig.commit("db.yaml", &rig.seal("prod/db", &[("k", value)]));
        rig.git(&["tag", "--annotate", "--message=a tag", tag]);
    }
    rig.git(&["branch", "old", "v1"]);
    let second = rig.git(&["rev-parse", "v2^{commit}"]);
    seal_testing::git(&rig.at("."), &["clone", "--quiet", "--bare", "repo", "bare.git"]);
    for (reference, value) in [
        ("HEAD", "three"),
        ("old", "one"),
        ("refs/heads/main", "three"),
        ("v2", "two"),
        (&second, "two"),
    ] {
        for source in ["--git=repo", "--git=bare.git"] {
            let run = rig.once_with(&[source, "--ref", reference], &[]);
            assert_eq!(run.code, 0, "{source} {reference}: {}", run.log);
            assert_eq!(rig.value("prod/db/k"), value, "{source} {reference}");
        }
    }
    assert_eq!(rig.once_with(&["--git=bare.git"], &[]).code, 0, "HEAD of a bare repository");
    rig.once_with(&["--git=repo", "--ref=v2"], &[]).assert(0, &["applied 1"]);
    rig.once_with(&["--git=repo", "--ref=nowhere"], &[]).assert(1, &["nowhere names no commit"]);
    assert_eq!(rig.value("prod/db/k"), "two", "the last good file stays");
}

#[test]
fn only_the_named_folder_is_read() {
    let rig = Rig::new();
    rig.write("repo/clusters/prod/db.yaml", &rig.seal("prod/db", &[("k", "in")]));
    rig.write("repo/other/web.yaml", &rig.seal("prod/web", &[("k", "out")]));
    rig.commit_all();
    rig.once_with(&["--git=repo", "--ref=main", "--path=clusters/prod"], &[])
        .assert(0, &["applied 1"]);
    assert!(rig.out("prod/db/k").exists() && !rig.out("prod/web").exists());
    rig.once_with(&["--git=repo", "--ref=main", "--path=gone"], &[])
        .assert(1, &["there is no folder gone"]);
    rig.once_with(&["--git=repo", "--ref=main", "--path=../x"], &[])
        .assert(2, &["leads out of the source"]);
    assert!(rig.out("prod/db/k").exists());
}

#[test]
fn what_is_only_in_the_working_tree_or_the_index_is_not_seen() {
    let rig = Rig::new();
    rig.commit("db.yaml", &rig.seal("prod/db", &[("k", "committed")]));
    rig.write("repo/db.yaml", &rig.seal("prod/db", &[("k", "staged")]));
    rig.git(&["add", "--all"]);
    rig.write("repo/db.yaml", &rig.seal("prod/db", &[("k", "edited")]));
    rig.write("repo/new.yaml", &rig.seal("prod/new", &[("k", "untracked")]));
    rig.once().assert(0, &["applied 1"]);
    assert_eq!(rig.value("prod/db/k"), "committed");
    assert!(!rig.out("prod/new").exists());
}

#[test]
fn a_folder_is_read_without_following_links() {
    let rig = Rig::new();
    rig.write("files/a/db.yaml", &rig.seal("prod/db", &[("k", "here")]));
    rig.write("elsewhere/web.yaml", &rig.seal("prod/web", &[("k", "there")]));
    symlink(rig.at("elsewhere"), rig.at("files/linked")).unwrap();
    symlink(rig.at("elsewhere/web.yaml"), rig.at("files/web.yaml")).unwrap();
    rig.once_with(&["--dir=files"], &[]).assert(0, &["applied 1"]);
    assert_eq!(rig.value("prod/db/k"), "here");
    assert!(!rig.out("prod/web").exists());
}

#[test]
fn several_objects_in_one_file_and_other_manifests_beside_them_are_no_trouble() {
    let rig = Rig::new();
    let both = [rig.seal("prod/a", &[("k", "1")]), rig.seal("staging/b", &[("k", "2")])];
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {about: Secret}\n";
    rig.write("repo/all.yml", &format!("{}---\n{other}---\n{}", both[0], both[1]));
    rig.write("repo/chart/templates/x.yaml", "{{ if .Values.x }}\nkind: Secret\n{{ end }}");
    rig.write("repo/README.md", "```yaml\napiVersion: seal.dev/v1\n kind: [SealedSecret\n```\n");
    rig.commit_all();
    rig.once().assert(0, &["applied 2, unchanged 0, refused 0"]);
    assert_eq!((rig.value("prod/a/k"), rig.value("staging/b/k")), ("1".into(), "2".into()));
}

#[test]
fn a_plaintext_secret_is_warned_of_by_its_path() {
    let rig = Rig::new();
    let plain = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: x, namespace: prod}}\nstringData: {{k: {CANARY}}}\n"
    );
    rig.commit("oops/plain.yaml", &plain);
    rig.once().assert(0, &["oops/plain.yaml", "Secret prod/x is in clear"]);
    assert!(!rig.out("prod").exists());
}

#[test]
fn the_log_can_be_json() {
    let rig = Rig::new();
    let everywhere = Scope { namespaces: vec!["*".into()], name: "db".into() };
    rig.commit("db.yaml", &rig.seal_wide(everywhere, "prod/db", &[("k", CANARY)]));
    let run = rig.once_with(&["--git=repo", "--ref=main"], &["--log-format=json"]);
    assert_eq!(run.code, 2);
    let lines: Vec<serde_json::Value> =
        run.log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refusal = lines.iter().find(|line| line["reason"] == "NotAllowed").unwrap();
    assert_eq!(refusal["path"], "db.yaml");
}

#[test]
fn a_cluster_sealed_secret_is_opened_in_each_of_its_namespaces_that_are_named() {
    let rig = Rig::new();
    let scope = Scope {
        namespaces: vec!["elsewhere".into(), "prod".into(), "staging".into()],
        name: "db".into(),
    };
    let text = rig.seal_wide(scope, "prod/db", &[("password", CANARY)]);
    let text = text.replacen("kind: SealedSecret", "kind: ClusterSealedSecret", 1);
    let text = text.replacen("  namespace: prod\n", "", 1);
    rig.commit("all.yaml", &text);
    rig.once().assert(0, &["applied 2, unchanged 0, refused 0, pruned 0"]);
    assert_eq!(rig.value("prod/db/password"), CANARY);
    assert_eq!(rig.value("staging/db/password"), CANARY);
    assert!(!rig.out("elsewhere").exists());
    // Beside a file for one of its places neither counts there; the other place is served.
    rig.commit("db.yaml", &rig.seal("staging/db", &[("password", "other")]));
    rig.once().assert(2, &["Duplicate", "staging/db is sealed here and in"]);
    // What labels would choose is nobody's place here.
    rig.delete(&["db.yaml"]);
    let everywhere = Scope { namespaces: vec!["*".into()], name: "chosen".into() };
    let chosen = rig.seal_wide(everywhere, "prod/chosen", &[("password", CANARY)]);
    let chosen = chosen.replacen("kind: SealedSecret", "kind: ClusterSealedSecret", 1);
    let chosen = chosen.replacen("  namespace: prod\n", "", 1);
    let selector = "  namespaceSelector: {matchLabels: {a: b}}\n  scope:";
    rig.commit("chosen.yaml", &chosen.replacen("  scope:", selector, 1));
    rig.once().assert(2, &["NotAllowed", "which only a cluster has"]);
}
