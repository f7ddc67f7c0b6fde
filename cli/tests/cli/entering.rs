//! Every value that enters goes by one place, whichever way it came: what can be no value is refused, a slip is said.

use crate::world::World;

/// The ways in which a value enters: the arguments, what standard input holds, and the name of a file with it.
const WAYS: [(&[&str], bool); 7] = [
    (&["set", "db.sealed.yaml", "password"], true),
    (&["set", "db.sealed.yaml", "--from-file", "password=-"], true),
    (&["set", "db.sealed.yaml", "--from-file", "password=value"], false),
    (&["--name", "a", "-n", "prod", "--from-file", "password=-"], true),
    (&["--name", "a", "-n", "prod", "--from-file", "password=value"], false),
    (&["--name", "a", "-n", "prod", "--from-file", "folder"], false),
    (&["manifest.yaml"], false),
];

fn enter(world: &World, way: &(&[&str], bool), value: &[u8]) -> crate::world::Ran {
    let (args, from_stdin) = way;
    world.write("value", value);
    world.write("folder/password", value);
    let data: String = value.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    world.write(
        "manifest.yaml",
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a, namespace: prod}}\nstringData: {{password: \"{data}\"}}\n"),
    );
    world.seal_with(args, if *from_stdin { value } else { b"" })
}

#[test]
fn a_final_line_feed_is_mentioned_whichever_way_a_value_came() {
    let world = World::sealed();
    for way in &WAYS {
        let ran = enter(&world, way, b"made-up\n").exits(0);
        assert_eq!(ran.stderr.matches("line feed").count(), 1, "{way:?}\n{}", ran.stderr);
        ran.says("the value of password ends in a line feed");
        for silent in [&b"made-up"[..], b"a\nb\n", b"\n"] {
            let ran = enter(&world, way, silent).exits(0);
            assert!(!ran.stderr.contains("line feed"), "{way:?}\n{}", ran.stderr);
        }
    }
}

#[test]
fn ciphertext_of_sops_is_never_sealed_as_the_value() {
    let world = World::sealed();
    let cipher = b"ENC[AES256_GCM,data:aGk=,iv:aXY=,tag:dGFn,type:str]";
    for way in &WAYS {
        let before = world.read("db.sealed.yaml");
        enter(&world, way, cipher).exits(2).says("encrypted by sops").says("sops -d FILE");
        assert_eq!(world.read("db.sealed.yaml"), before);
    }
    world.write("t.env", [b"TOKEN=", &cipher[..], b"\nsops_version=3.9.0\n"].concat());
    for flag in ["--from-env-file", "--dotenv"] {
        world.seal(&["--name", "t", "-n", "prod", flag, "t.env"]).exits(2).says("by sops");
    }
}

#[test]
fn what_another_program_has_encrypted_and_templates_are_mentioned() {
    let world = World::sealed();
    for (value, words) in [
        (&b"-----BEGIN AGE ENCRYPTED FILE-----\nYQ==\n"[..], "encrypted already, by age"),
        (b"\0GITCRYPT\0abc", "encrypted already, by git-crypt"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n00\n", "encrypted already, by Ansible Vault"),
        (b"a: ENC[AES256_GCM,data:aGk=]\nsops: {}\n", "text in it that sops has encrypted"),
        (b"{{ .Values.password }}", "has a template"),
    ] {
        for way in &WAYS {
            enter(&world, way, value).exits(0).says(words);
        }
    }
}

#[test]
fn nothing_on_standard_input_is_no_value_unless_that_is_said() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml");
    for way in WAYS.iter().filter(|(_, from_stdin)| *from_stdin) {
        let refused = enter(&world, way, b"").exits(2);
        refused.says("standard input holds nothing").says("--allow-empty");
        assert_eq!(world.read("db.sealed.yaml"), before);
        let args = [way.0, &["--allow-empty"]].concat();
        world.seal_with(&args, b"").exits(0);
        world.write("db.sealed.yaml", &before);
    }
    let file = world.seal(&["set", "db.sealed.yaml", "--from-file", "password=/dev/null"]);
    file.exits(2).says("/dev/null holds nothing");
    world.write("nothing", "");
    let file = world.seal(&["set", "db.sealed.yaml", "--from-file", "password=nothing"]);
    file.exits(0).says("nothing is empty, and so is the value of password");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"");
}

#[test]
fn a_folder_without_a_usable_file_is_refused_and_what_is_left_out_is_named() {
    let world = World::new();
    let seal = |folder: &str| {
        world.seal(&["--name", "x", "-n", "y", "--from-file", folder, "-r", &recipient()])
    };
    world.write("mount/..2026_01/password", "made-up");
    for (to, link) in [("..2026_01", "mount/..data"), ("..data/password", "mount/password")] {
        std::os::unix::fs::symlink(to, world.path(link)).unwrap();
    }
    let refused = seal("mount").exits(2);
    refused.says("there is no file in it, only links and folders: ..2026_01, ..data, password");
    world.write("mount/user", "admin");
    seal("mount").exits(0).says("left out what is a link or a folder: ..2026_01, ..data, password");
    world.write("odd/db password.txt", "made-up");
    world.write("odd/user", "x");
    seal("odd").exits(2).says("the name of odd/db password.txt cannot be a key");
    std::fs::create_dir(world.path("empty")).unwrap();
    seal("empty").exits(2).says("there is no file in it");
}

fn recipient() -> String {
    crate::world::recipient("cluster")
}

#[test]
fn a_manifest_without_values_takes_them_from_flags() {
    let world = World::new();
    let skeleton =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod, labels: {app: db}}\n";
    world.write("skeleton.yaml", skeleton);
    let args = ["skeleton.yaml", "--from-file", "password=-", "-o", "s.yaml"];
    world.seal_with(&args, b"made-up").exits(0);
    assert_eq!(world.open("s.yaml", "password"), b"made-up");
    world.seal(&["skeleton.yaml"]).exits(2).says("Secret prod/db has no values");
}

#[test]
fn labels_and_annotations_that_the_api_server_refuses_are_refused_before_sealing() {
    let world = World::new();
    world.write(
        "label.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod, labels: {team a: x}}\nstringData: {a: b}\n",
    );
    world.seal(&["label.yaml"]).exits(2).says("prod/db: the label \"team a\" has a name");
    for (flag, pair, words) in [
        ("--label", "app=x y", "the label app has a value"),
        ("--label", "-app=x", "the label \"-app\" has a name"),
        ("--annotation", "bad key=x", "the annotation \"bad key\" has a name"),
    ] {
        world.seal(&["secret.json", &format!("{flag}={pair}")]).exits(2).says(words);
    }
    world
        .seal(&["secret.json", "--label", "example.com/app=x_y", "--annotation", "a=x y"])
        .exits(0);
}
