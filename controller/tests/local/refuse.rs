//! Refusals: the reason, the path, the next step, the exit code; and the other objects go on.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use seal_core::key::Identity;
use seal_core::place::Scope;

use super::rig::{CANARY, Rig, altered, seal_for};

#[test]
fn each_refusal_names_its_reason_and_path_and_the_other_objects_are_applied() {
    let rig = Rig::new();
    let good = rig.seal("prod/db", &[("password", CANARY), ("user", "u")]);
    let any_name = Scope { namespaces: vec!["prod".into()], name: "*".into() };
    let everywhere = Scope { namespaces: vec!["*".into()], name: "db".into() };
    let values = [("password", CANARY)];
    let swap = |text: &str| {
        altered(text, |sealed| {
            let values = &mut sealed.spec.values;
            let (user, password) = (values["user"].clone(), values["password"].clone());
            values.extend([("user".to_owned(), password), ("password".to_owned(), user)]);
        })
    };
    let with_type = |type_: &str| {
        altered(&good, |sealed| {
            sealed.spec.template.get_or_insert_default().type_ = Some(type_.into());
        })
    };
    let moved = altered(&good, |sealed| sealed.metadata.name = Some("db2".into()));
    let helm = altered(&rig.seal_wide(any_name, "prod/x", &values), |sealed| {
        sealed.metadata.name = Some("sh.helm.release.v1.x.v1".into());
    });
    let damaged = altered(&good, |sealed| {
        let value = &mut sealed.spec.values.get_mut("password").unwrap().payload;
        let last = value.len() - 12;
        let other = if value.as_bytes()[last] == b'A' { "B" } else { "A" };
        value.replace_range(last..=last, other);
    });
    for (text, code, reason) in [
        (seal_for(&Identity::generate(), None, "prod/db", &values), 4, "NoMatchingKey"),
        (moved, 5, "WrongPlace"),
        (swap(&good), 5, "NotSealedForThis"),
        (damaged, 1, "Damaged"),
        (good.replacen("  scope:", "  scoop: 1\n  scope:", 1), 2, "Malformed"),
        (rig.seal_wide(everywhere, "prod/db", &values), 2, "NotAllowed"),
        (with_type("kubernetes.io/service-account-token"), 2, "NotAllowed"),
        (with_type("seal.dev/key"), 2, "NotAllowed"),
        (helm, 2, "NotAllowed"),
    ] {
        let rig = &rig;
        rig.write("repo/web.yaml", &rig.seal("prod/web", &[("k", "fine")]));
        rig.commit("apps/db.yaml", &text);
        let run = rig.once();
        run.assert(code, &[reason, "apps/db.yaml", "hint", "refused 1"]);
        assert_eq!(rig.value("prod/web/k"), "fine", "{reason}");
        let mut made =
            fs::read_dir(rig.out("prod")).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(made.all(|name| name == "web"), "{reason}: nothing of the refused object is there");
    }
}

#[test]
fn names_and_keys_that_lead_out_of_their_folder_are_malformed() {
    let rig = Rig::new();
    let good = rig.seal("prod/db", &[("k", CANARY)]);
    let with_key = |key: &str| {
        altered(&good, |sealed| {
            let values = &mut sealed.spec.values;
            let value = values.remove("k").unwrap();
            values.insert(key.into(), value);
        })
    };
    let clear = |key: &str| {
        altered(&good, |sealed| {
            let template = sealed.spec.template.get_or_insert_default();
            template.string_data.insert(key.into(), "x".into());
        })
    };
    let named = |namespace: &str, name: &str| {
        altered(&good, |sealed| {
            sealed.metadata.namespace = Some(namespace.into());
            sealed.metadata.name = Some(name.into());
        })
    };
    for text in [
        named("prod", ".."),
        named("..", "db"),
        named("prod", "../../etc"),
        named("prod/x", "db"),
        named("prod", ""),
        with_key(".."),
        with_key("../../k"),
        with_key("/etc/passwd"),
        with_key("."),
        clear("..x"),
        clear("a/b"),
    ] {
        rig.commit("db.yaml", &text);
        rig.once().assert(2, &["Malformed", "db.yaml"]);
        let beside: Vec<_> =
            fs::read_dir(rig.at(".")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(beside.len(), 3, "only key.txt, repo and out: {beside:?}");
        assert_eq!(rig.snapshot().len(), 1, "the output folder is empty");
    }
}

#[test]
fn two_files_for_one_object_are_both_refused() {
    let rig = Rig::new();
    rig.write("repo/a.yaml", &rig.seal("prod/db", &[("k", "one")]));
    rig.write("repo/b.yaml", &rig.seal("prod/db", &[("k", "two")]));
    rig.commit_all();
    rig.once().assert(2, &["Duplicate", "a.yaml", "b.yaml", "refused 2"]);
    assert!(!rig.out("prod").exists());
    rig.delete(&["b.yaml"]);
    rig.once().assert(0, &["applied 1"]);
    assert_eq!(rig.value("prod/db/k"), "one");
}

#[test]
fn the_exit_code_is_that_of_the_first_refusal_by_path() {
    let rig = Rig::new();
    let foreign = seal_for(&Identity::generate(), None, "prod/b", &[("k", CANARY)]);
    rig.write("repo/b.yaml", &foreign);
    rig.write("repo/c.yaml", "apiVersion: seal.dev/v1\nkind: Sealed\n");
    rig.commit_all();
    rig.once().assert(4, &["NoMatchingKey", "Malformed", "refused 2"]);
}

#[test]
fn an_identity_file_that_others_can_read_is_refused() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    for mode in [0o640, 0o604, 0o666] {
        fs::set_permissions(rig.at("key.txt"), PermissionsExt::from_mode(mode)).unwrap();
        rig.once().assert(2, &["can be read or written by others", "chmod 600"]);
        assert!(!rig.at("out").exists());
    }
}

#[test]
fn a_file_that_is_no_identity_is_refused_without_quoting_it() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    fs::write(rig.at("key.txt"), format!("{CANARY}\n")).unwrap();
    rig.once().assert(2, &["line 1 is not an age identity"]);
    fs::remove_file(rig.at("key.txt")).unwrap();
    rig.once().assert(4, &["the identity file key.txt is not there"]);
}

#[test]
fn without_an_identity_it_ends_as_where_the_key_is_not_there() {
    let rig = Rig::new();
    let args = [
        "local",
        "--git=repo",
        "--ref=main",
        "--namespaces=prod",
        "--out=out",
        "--layout=tree",
        "--once",
    ];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_seal-controller"));
    let output = command.args(args).current_dir(rig.at(".")).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_backup_of_key_secrets_opens_as_the_identities_in_it() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    let identity = fs::read_to_string(rig.at("key.txt")).unwrap();
    let secret = serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "type": "seal.dev/key", "metadata": { "name": "k" },
        "stringData": { "identity": identity },
    });
    let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": [secret] });
    fs::write(rig.at("key.txt"), list.to_string()).unwrap();
    rig.once().assert(0, &["applied 1"]);
}

#[test]
fn several_identity_files_make_one_keyring() {
    let rig = Rig::new();
    let other = Identity::generate();
    rig.write_identity("other.txt", &other);
    rig.write("repo/a.yaml", &rig.seal("prod/a", &[("k", "1")]));
    rig.commit("b.yaml", &seal_for(&other, None, "prod/b", &[("k", "2")]));
    rig.once_with(&["--git=repo", "--ref=main"], &["--identity=other.txt"])
        .assert(0, &["applied 2"]);
}

#[test]
fn wrong_use_is_said_before_anything_is_made() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    for (source, words) in [
        (&["--git=http://example.com/x.git"][..], "is neither https:// nor ssh://"),
        (&["--git=git@example.com:x.git"], "needs --git-ssh-key and --git-known-hosts"),
        (&["--git=out-there"], "is not a Git repository"),
        (&["--git=."], "is not a Git repository"),
        (&["--dir=out-there"], "there is no folder"),
        (&["--git=repo", "--dir=repo"], "cannot be used with"),
        (&["--git=repo"], "has a work tree"),
        (&["--git=repo/.git"], "has a work tree"),
        (&["--git=repo", "--interval=0s"], "such as 1s"),
        (&[], "--git"),
    ] {
        rig.once_with(source, &[]).assert(2, &[words]);
        assert!(!rig.at("out").exists(), "{source:?}");
    }
}

#[test]
fn an_output_folder_inside_the_source_is_refused() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    rig.write_identity("repo/key.txt", &Identity::generate());
    rig.write("repo/apps/db.yaml", &rig.seal("prod/db", &[("k", CANARY)]));
    seal_testing::git(&rig.at("."), &["clone", "--quiet", "--bare", "repo", "bare.git"]);
    for (source, out) in [
        (&["--git=.", "--ref=main"][..], "out"),
        (&["--git=.git", "--ref=main"], "out"),
        (&["--git=.git", "--ref=main"], ".git/out"),
        (&["--git=.", "--ref=main"], "new/folders/out"),
        (&["--dir=."], "out"),
        (&["--dir=apps"], "out"),
        (&["--git=../bare.git"], "../bare.git/out"),
    ] {
        let mut command = rig.command(source, &["--once", &format!("--out={out}")]);
        let output = command.current_dir(rig.at("repo")).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{source:?} {out}: {log}");
        assert!(log.contains("where the sealed files are"), "{source:?} {out}: {log}");
        assert!(!rig.at("repo").join(out).exists());
    }
}

#[test]
fn objects_of_other_namespaces_are_counted_and_left_alone() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    rig.write("repo/other.yaml", &rig.seal("other/db", &[("k", CANARY)]));
    rig.write("repo/twice.yaml", &rig.seal("other/db", &[("k", CANARY)]));
    rig.commit("theirs.yaml", &seal_for(&Identity::generate(), None, "third/x", &[("k", CANARY)]));
    rig.once().assert(0, &["applied 1", "refused 0", "left alone in other namespaces 3"]);
    assert!(!rig.out("other").exists());
    let narrower = ["--git=repo", "--ref=main"];
    rig.delete(&["db.yaml"]);
    rig.commit("web.yaml", &rig.seal("staging/web", &[("k", CANARY)]));
    rig.once_with(&narrower, &["--allow-prune"]).assert(0, &["applied 1", "pruned 1"]);
}

#[test]
fn a_name_of_two_things_is_refused_and_each_can_be_said() {
    let rig = Rig::new();
    rig.commit("db.yaml", &rig.seal("prod/db", &[("k", "tag")]));
    rig.git(&["tag", "release"]);
    rig.commit("db.yaml", &rig.seal("prod/db", &[("k", "branch")]));
    rig.git(&["branch", "release"]);
    let hash = rig.git(&["rev-parse", "HEAD"]);
    let at = |reference: &str| rig.once_with(&["--git=repo", "--ref", reference], &[]);
    for packed in [false, true] {
        if packed {
            rig.git(&["pack-refs", "--all"]);
        }
        at("release").assert(2, &["release is the name of a branch and of something else"]);
        at("refs/tags/release").assert(0, &["applied 1"]);
        assert_eq!(rig.value("prod/db/k"), "tag");
        at("refs/heads/release").assert(0, &["applied 1"]);
        assert_eq!(rig.value("prod/db/k"), "branch");
        for no_name in [&hash[..10], "HEAD~1", "main^", "@", "heads/main", "main:", "", "../x", "-"]
        {
            let run = rig.once_with(&["--git=repo", &format!("--ref={no_name}")], &[]);
            run.assert(1, &["names no commit in"]);
        }
    }
    at(&hash).assert(0, &["unchanged 1"]);
    // What a person may have made of a hash: it would move.
    rig.git(&["update-ref", &format!("refs/heads/{hash}"), "refs/tags/release"]);
    at(&hash).assert(2, &["is the name of a branch"]);
}

#[test]
fn a_sealed_file_in_utf_16_is_read() {
    let rig = Rig::new();
    let text = format!("\u{feff}{}", rig.seal("prod/db", &[("k", CANARY)]));
    for (name, bytes) in [
        ("a.yaml", text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        (
            "b.yaml",
            text.replace("name: db", "name: web")
                .encode_utf16()
                .flat_map(u16::to_be_bytes)
                .collect(),
        ),
    ] {
        fs::write(rig.at("repo").join(name), bytes).unwrap();
    }
    rig.commit_all();
    // The second one's names were changed after sealing: it was read, too.
    rig.once().assert(5, &["applied 1", "NotSealedForThis", "b.yaml"]);
    assert_eq!(rig.value("prod/db/k"), CANARY);
}
