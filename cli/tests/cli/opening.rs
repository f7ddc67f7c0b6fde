//! `seal open`: all of it or nothing, and a code for each reason.

use crate::world::World;

#[test]
fn either_recipient_opens_and_nobody_else() {
    let world = World::sealed();
    for identity in ["../cluster.txt", "../offline.txt"] {
        let ran =
            world.seal(&["open", "db.sealed.yaml", "-i", identity, "--key", "password"]).exits(0);
        assert_eq!(ran.stdout, b"hunter2");
    }
    world
        .seal(&["open", "db.sealed.yaml", "-i", "../stranger.txt"])
        .exits(4)
        .says("[NoMatchingKey]");
    world.seal(&["open", "db.sealed.yaml"]).exits(4).says("no identity");
}

#[test]
fn what_is_opened_is_the_manifest_that_was_sealed() {
    let world = World::sealed();
    let opened = world.seal(&["open", "db.sealed.yaml", "-i", "../cluster.txt"]).exits(0).text();
    let want = "apiVersion: v1\ndata:\n  password: aHVudGVyMg==\n  username: YWRtaW4=\nkind: Secret\nmetadata:\n  name: db\n  namespace: prod\ntype: Opaque\n";
    assert_eq!(opened, want);
    world.seal(&["open", "db.sealed.yaml", "-i", "../cluster.txt", "-o", "../plain.yaml"]).exits(0);
    assert_eq!(world.read("../plain.yaml"), want);
    assert_eq!(world.mode("../plain.yaml"), 0o600);
}

#[test]
fn an_identity_comes_from_standard_input_too() {
    let world = World::sealed();
    let identity = world.read("../cluster.txt");
    let args = ["open", "db.sealed.yaml", "-i", "-", "--key", "password"];
    assert_eq!(world.seal_with(&args, identity.as_bytes()).exits(0).stdout, b"hunter2");
}

#[test]
fn a_sealed_file_comes_from_a_pipe_too() {
    let world = World::sealed();
    let sealed = world.read("db.sealed.yaml");
    let open = ["open", "-i", "../cluster.txt", "--key", "password"];
    assert_eq!(world.seal_with(&open, sealed.as_bytes()).exits(0).stdout, b"hunter2");
    world.seal_with(&["inspect"], sealed.as_bytes()).exits(0).prints("SealedSecret prod/db");
    world.seal_with(&["open", "-i", "-"], sealed.as_bytes()).exits(2).says("named twice");
}

#[test]
fn the_backup_of_the_clusters_keys_opens_as_kubectl_writes_it() {
    use base64::Engine;
    let world = World::sealed();
    let identity = base64::engine::general_purpose::STANDARD.encode(world.read("../cluster.txt"));
    let secret = format!(
        "---\n{{apiVersion: v1, kind: Secret, type: seal.dev/key, metadata: {{name: k, uid: u, labels: {{seal.dev/key: active}}}}, \
         data: {{identity: {identity}, recipient: YWdl}}}}"
    );
    let list = format!(
        "apiVersion: v1\nkind: List\nmetadata: {{resourceVersion: ''}}\nitems: [{}]\n",
        secret.trim_start_matches("---\n")
    );
    for backup in [secret, list] {
        world.write("../backup.yaml", &backup);
        world.set_mode("../backup.yaml", 0o600);
        let open = ["open", "db.sealed.yaml", "-i", "../backup.yaml", "--key", "password"];
        assert_eq!(world.seal(&open).exits(0).stdout, b"hunter2");
    }
}

#[test]
fn what_is_no_identity_is_called_by_its_name_with_the_way_on() {
    let world = World::sealed();
    let public = crate::world::recipient("cluster");
    for (text, code, words, hint) in [
        (&b"-----BEGIN AGE ENCRYPTED FILE-----\nYQ==\n"[..], 2, "it is encrypted", "age -d"),
        (b"age-encryption.org/v1\n-> scrypt x 18\n\xff", 2, "is encrypted", "age -d"),
        (public.as_bytes(), 2, "the public half", "AGE-SECRET-KEY-"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", 2, "an SSH key", "seal key new"),
        (b"apiVersion: v1\nkind: Secret\n", 4, "without a Secret of type seal.dev/key", "kubectl"),
        (b"# nothing\n", 4, "no identity in it", "AGE-SECRET-KEY-"),
        (b"canary", 2, "line 1 is not an age identity", "AGE-SECRET-KEY-"),
    ] {
        world.write("../key", text);
        world.set_mode("../key", 0o600);
        let ran = world.seal(&["open", "db.sealed.yaml", "-i", "../key"]).exits(code);
        assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
        ran.says(words).says(hint);
    }
}

#[test]
fn a_public_key_or_an_encrypted_file_is_called_that_whoever_can_read_it() {
    let world = World::sealed();
    for (text, words) in [
        (crate::world::recipient("cluster"), "the public half"),
        ("-----BEGIN AGE ENCRYPTED FILE-----\nYQ==\n".to_owned(), "it is encrypted"),
    ] {
        world.write("../key", text);
        world.set_mode("../key", 0o644);
        let ran = world.seal(&["open", "db.sealed.yaml", "-i", "../key"]).exits(2).says(words);
        assert!(!ran.stderr.contains("chmod"), "{}", ran.stderr);
    }
}

#[test]
fn one_value_opens_whatever_is_wrong_with_the_others() {
    let world = World::sealed();
    let stranger = crate::world::recipient("stranger");
    world.seal_with(&["set", "db.sealed.yaml", "username", "-r", &stranger], b"x").exits(0);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"hunter2");
    let open = |key| world.seal(&["open", "db.sealed.yaml", "-i", "../cluster.txt", "--key", key]);
    open("username").exits(4).says("[NoMatchingKey]");
    open("pasword").exits(2).says("no key pasword").says("did you mean password? it has password");
}

#[test]
fn a_header_without_its_recipients_is_named_as_that() {
    let world = World::sealed();
    let text = world.read("db.sealed.yaml");
    let without: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("sealedTo:") && !line.trim().starts_with("- sha256:"))
        .collect();
    world.write("db.sealed.yaml", without.join("\n"));
    let refused = world.seal(&["open", "db.sealed.yaml", "-i", "../cluster.txt"]).exits(4);
    refused
        .says("the shared header has no sealedTo beside it")
        .says("put the sealedTo of that header back");
}

#[test]
fn an_identity_file_that_others_can_read_is_refused() {
    let world = World::sealed();
    for mode in [0o640, 0o604, 0o610] {
        world.set_mode("../cluster.txt", mode);
        let ran = world.seal(&["open", "db.sealed.yaml", "-i", "../cluster.txt"]).exits(2);
        assert!(ran.stdout.is_empty());
        ran.says("can be read or written by others").says("chmod 600");
    }
}

#[test]
fn a_moved_or_changed_file_does_not_open() {
    let world = World::sealed();
    let sealed = world.read("db.sealed.yaml");
    let (password, username) = (payload(&sealed, "password"), payload(&sealed, "username"));
    let swapped = sealed
        .replace(password, "X")
        .replace(username, password)
        .replace(": X\n", &format!(": {username}\n"));
    let mac = sealed.lines().find(|line| line.trim().starts_with("--- ")).expect("a MAC");
    for (name, text, code, words) in [
        ("renamed", sealed.replacen("name: db", "name: db2", 1), 5, "[WrongPlace]"),
        ("moved", sealed.replacen("namespace: prod", "namespace: dev", 1), 5, "[WrongPlace]"),
        ("scope and name", sealed.replace("name: db", "name: db2"), 5, "[NotSealedForThis]"),
        ("swapped keys", swapped, 5, "[NotSealedForThis]"),
        ("payload", sealed.replace(password, &flipped(password, 100)), 1, "[Damaged]"),
        ("mac", sealed.replace(mac, &flipped(mac, 20)), 1, "[Damaged]"),
        ("base64", sealed.replace(password, &password[1..]), 2, "[Malformed]"),
        (
            "key both sealed and clear",
            sealed.replace("  sealedTo:", "  template: {stringData: {password: x}}\n  sealedTo:"),
            2,
            "[Malformed]",
        ),
        ("unknown field", sealed.replace("  values:", "  valuse:"), 2, "unknown field spec.valuse"),
        ("cut", sealed.replacen("  scope:", "  scope: [", 1), 2, "[Malformed]"),
        (
            "merge conflict",
            sealed.replace("  values:", "<<<<<<< HEAD\n  values:"),
            2,
            "[Malformed]",
        ),
        (
            "key twice",
            sealed.clone() + &format!("    password:\n      payload: {password}\n"),
            2,
            "[Malformed]",
        ),
        ("foreign hint", foreign(&sealed), 4, "[NoMatchingKey]"),
        (
            "reserved type",
            sealed.replace("  sealedTo:", "  template: {type: seal.dev/key}\n  sealedTo:"),
            2,
            "[NotAllowed]",
        ),
    ] {
        world.write("s.yaml", text);
        let ran = world.seal(&["open", "s.yaml", "-i", "../cluster.txt"]);
        assert!(
            ran.stdout.is_empty() && ran.code == code && ran.stderr.contains(words),
            "{name}: {ran:?}"
        );
        assert!(ran.stderr.contains("seal: hint: "), "{name}");
    }
}

/// The same file with fingerprints of keys that nobody holds.
fn foreign(sealed: &str) -> String {
    let mut text = String::new();
    for line in sealed.lines() {
        match line.split_once("sha256:") {
            Some((before, _)) => text += &format!("{before}sha256:{}\n", "0".repeat(32)),
            None => text += &format!("{line}\n"),
        }
    }
    text
}

/// The payload of a key, as it stands in the file.
fn payload<'t>(sealed: &'t str, key: &str) -> &'t str {
    let (_, block) = sealed.split_once(&format!("    {key}:\n")).expect("a block");
    let (_, payload) = block.split_once("payload: ").expect("a payload");
    payload.lines().next().expect("a line")
}

/// The same text with another letter at `at`.
fn flipped(text: &str, at: usize) -> String {
    let other = if &text[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

#[test]
fn one_object_that_does_not_open_keeps_all_of_them_shut() {
    let world = World::sealed();
    let sealed = world.read("db.sealed.yaml");
    world
        .write("two.yaml", format!("{sealed}---\n{}", sealed.replacen("name: db", "name: db2", 1)));
    let ran =
        world.seal(&["open", "two.yaml", "-i", "../cluster.txt", "-o", "../plain.yaml"]).exits(5);
    assert!(ran.stdout.is_empty() && !world.path("../plain.yaml").exists());
}

#[test]
fn inspecting_shows_a_moved_file_and_says_that_it_is() {
    let world = World::sealed();
    world.write("s.yaml", world.read("db.sealed.yaml").replacen("name: db", "name: db2", 1));
    let ran = world.seal(&["inspect", "s.yaml"]).exits(5).says("[WrongPlace]");
    ran.prints("opens          in the namespace prod, under the name db\n")
        .prints("sealed to    offline (sha256:");
    let text = world.seal(&["inspect", "s.yaml", "--json"]).exits(5).text();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json[0]["problem"]["reason"], "WrongPlace");
    assert_eq!(json[0]["headers"][0]["keys"], serde_json::json!(["password", "username"]));
}

#[test]
fn a_layout_writes_files_that_only_the_owner_reads_and_overwrites_nobody_elses() {
    let world = World::sealed();
    let args = ["open", "db.sealed.yaml", "-i", "../cluster.txt", "--layout", "tree", "--out"];
    let to = |out| args.iter().copied().chain([out]).collect::<Vec<_>>();
    world.seal(&to("../values")).exits(0);
    assert_eq!(world.read("../values/prod/db/password"), "hunter2");
    assert_eq!(world.mode("../values/prod/db/password"), 0o600);
    world.seal(&to("../values")).exits(0); // again: nothing to do

    world.write("../others/prod/db/password", "theirs");
    world.set_mode("../others", 0o700);
    world.seal(&to("../others")).exits(1).says("[NotOurs]");
    assert_eq!(world.read("../others/prod/db/password"), "theirs");
}
