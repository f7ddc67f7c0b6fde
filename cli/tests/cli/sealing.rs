//! `seal FILE…`: what goes in comes out again, and only that.

use crate::world::{World, recipient, testdata};

#[test]
fn every_shape_of_kubectl_opens_to_what_it_was() {
    let world = World::new();
    for name in [
        "opaque.json",
        "tls.yaml",
        "docker-registry.json",
        "ssh-auth.yaml",
        "basic-auth.yaml",
        "binary.yaml",
    ] {
        let manifest = std::fs::read_to_string(testdata(&format!("secrets/{name}"))).unwrap();
        let sealed = world.seal_with(&[], manifest.as_bytes()).exits(0);
        world.write("s.yaml", &sealed.stdout);
        let opened = world.seal(&["open", "s.yaml", "-i", "../offline.txt"]).exits(0).text();
        // The values are unique in base64, so each line of data stands in both.
        for line in manifest
            .lines()
            .map(|line| line.trim().trim_matches([',', '"']).replace("\": \"", ": "))
        {
            if line.contains("==") || line.contains("tls.") || line.starts_with("type") {
                assert!(opened.contains(&line), "{name}: {line}\n{opened}");
            }
        }
        assert!(!sealed.text().contains("aHVudGVyMg"), "{name}");
    }
}

#[test]
fn yaml_strings_keep_the_meaning_that_kubectl_gives_them() {
    let world = World::new();
    world.seal(&[world.copy("string-data.yaml"), "-o", "app.yaml"]).exits(0);
    assert_eq!(world.open("app.yaml", "enabled"), b"no");
    assert_eq!(world.open("app.yaml", "mode"), b"0777");
    assert_eq!(world.open("app.yaml", "config.toml"), b"[server]\npassword = \"hunter2\"\n");
    assert!(
        world.read("app.yaml").contains("      labels:\n        app.kubernetes.io/name: app\n")
    );
}

#[test]
fn documents_and_lists_become_documents() {
    let world = World::new();
    for (name, second) in [("multi.yaml", "staging/two"), ("list.json", "prod/two")] {
        let sealed = world.seal(&[world.copy(name)]).exits(0);
        assert_eq!(sealed.text().matches("\n---\n").count(), 1, "{name}");
        world.write("s.yaml", &sealed.stdout);
        world.seal(&["inspect", "s.yaml"]).exits(0).prints(&format!("SealedSecret {second}\n"));
        let opened = world.seal(&["open", "s.yaml", "-i", "../cluster.txt"]).exits(0).text();
        assert_eq!(opened.matches("kind: Secret\n").count(), 2, "{name}");
    }
    let several = world.seal(&["secret.json", world.copy("tls.yaml")]).exits(0);
    assert_eq!(several.text().matches("kind: SealedSecret\n").count(), 2);
}

#[test]
fn annotations_and_server_fields_stay_out_unless_named() {
    let world = World::new();
    let path = world.copy("last-applied.yaml");
    let last_applied = "kubectl.kubernetes.io/last-applied-configuration";
    let sealed = world
        .seal(&[path])
        .exits(0)
        .says(&format!("left out annotation example.com/owner, annotation {last_applied}"))
        .says("metadata.uid")
        .says("--annotation NAME keeps an annotation");
    assert!(!sealed.text().contains("annotations"));
    world
        .seal(&[path, "--annotation", "example.com/owner", "--annotation", "a=b=c"])
        .exits(0)
        .prints("        a: b=c\n        example.com/owner: team-a\n");
    world.seal(&[path, "--annotation", last_applied]).exits(2).says("[NotAllowed]");
}

#[test]
fn the_template_is_what_the_flags_say() {
    let world = World::new();
    let args = [
        "secret.json",
        "--label",
        "a=b",
        "--clear",
        "username",
        "--on-conflict",
        "Refuse",
        "--type",
        "example.com/db",
    ];
    let sealed = world.seal(&args).exits(0).says("in clear: username").text();
    for line in [
        "    type: example.com/db\n",
        "        a: b\n",
        "      username: admin\n",
        "  onConflict: Refuse\n",
    ] {
        assert!(sealed.contains(line), "{line}{sealed}");
    }
    world.write("s.yaml", &sealed);
    assert_eq!(world.open("s.yaml", "username"), b"admin");
}

#[test]
fn a_wider_scope_is_asked_for_and_explained() {
    let world = World::new();
    world
        .seal(&["secret.json", "--scope-namespaces", "staging,prod"])
        .exits(0)
        .prints("    namespaces:\n    - prod\n    - staging\n    name: db\n");
    world
        .seal(&["secret.json", "--scope-namespaces", "*", "--scope-name", "*"])
        .exits(0)
        .says("readable by anyone who may create a SealedSecret there")
        .prints("    namespaces:\n    - \"*\"\n    name: \"*\"\n");
    world
        .seal(&["secret.json", "--scope-namespaces", "staging"])
        .exits(2)
        .says("does not lie in the scope");
}

#[test]
fn values_need_no_manifest() {
    let world = World::new();
    world.write("folder/a.txt", "A");
    world.write("bytes", [0xff, 0x00, b'\n']);
    world.write("vars", "# kubectl's\nPLAIN=\"quoted\" # stays\n");
    world.write("x.env", "export DOT='it is' # goes\n");
    let args = [
        "-n",
        "prod",
        "--name",
        "app",
        "--from-file",
        "folder",
        "--from-file",
        "raw=bytes",
        "--from-file",
        "in=-",
        "--from-env-file",
        "vars",
        "--dotenv",
        "x.env",
        "-o",
        "app.yaml",
    ];
    world.seal_with(&args, b"typed").exits(0);
    for (key, value) in [
        ("a.txt", &b"A"[..]),
        ("raw", &[0xff, 0x00, b'\n']),
        ("in", b"typed"),
        ("PLAIN", b"\"quoted\" # stays"),
        ("DOT", b"it is"),
    ] {
        assert_eq!(world.open("app.yaml", key), value, "{key}");
    }
    world.seal(&["--dotenv", "x.env", "-w", "-n", "prod", "--name", "app"]).exits(0);
    assert_eq!(world.open("x.sealed.yaml", "DOT"), b"it is");
}

#[test]
fn values_are_added_to_a_manifest_and_never_replace_its_own() {
    let world = World::new();
    world.seal_with(&["secret.json", "--from-file", "token=-", "-o", "s.yaml"], b"t").exits(0);
    assert_eq!(world.open("s.yaml", "token"), b"t");
    assert_eq!(world.open("s.yaml", "password"), b"hunter2");
    world
        .seal_with(&["secret.json", "--from-file", "password=-"], b"t")
        .exits(2)
        .says("key password is given twice");
    world
        .seal_with(&["-", "--from-file", "a=-"], b"{}")
        .exits(2)
        .says("standard input is named twice");
}

#[test]
fn values_of_one_mebibyte_pass_and_larger_ones_name_the_limit() {
    let world = World::new();
    let args = ["-n", "prod", "--name", "app", "--from-file", "blob=-"];
    world.seal_with(&args, &vec![7; 1000 * 1000]).exits(0).says("256 KiB");
    let message = "larger than 1 MiB together, the API server's limit";
    world.seal_with(&args, &vec![7; 2 << 20]).exits(2).says(message).says("prod/app");
}

#[test]
fn a_recipient_given_twice_is_sealed_for_once() {
    let world = World::new();
    let cluster = recipient("cluster");
    let sealed = world.seal(&["secret.json", "-r", &cluster, "-r", &cluster]).exits(0).text();
    assert_eq!(sealed.matches("-> mlkem768x25519").count(), 1);
}
