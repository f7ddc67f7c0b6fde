//! What people do with platforms' Secrets and never meant: each is refused or said, and names the next step.

use crate::world::{Ran, World};

fn seal(world: &World, args: &[&str], value: &str) -> Ran {
    world.seal_with(&[args, &["-o", "out.yaml", "--force"]].concat(), value.as_bytes())
}

fn manifest(type_: &str, keys: &[&str]) -> String {
    let values: Vec<String> = keys.iter().map(|key| format!("\"{key}\": \"e30=\"")).collect();
    let values = values.join(", ");
    format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {{\"name\": \"app\"}}, \"type\": \"{type_}\", \"data\": {{{values}}}}}"
    )
}

#[test]
fn two_names_that_are_one_to_kestra_lose_no_value_in_set() {
    let world = World::new();
    let kestra = ["--for", "kestra", "-n", "k", "--name", "s", "--from-file", "FOO=-"];
    seal(&world, &kestra, "first").exits(0);
    world.write("a", "A");
    world.write("b", "B");
    let before = world.read("out.yaml");
    for (one, other) in [("FOO=a", "SECRET_FOO=b"), ("foo=a", "FOO=b")] {
        let args = ["set", "out.yaml", "--from-file", one, "--from-file", other];
        world.seal(&args).exits(2).says("are one key to kestra, SECRET_FOO");
    }
    assert_eq!(world.read("out.yaml"), before);
}

#[test]
fn keys_of_a_manifest_that_get_other_names_are_said() {
    let world = World::new();
    let with = |args: &[&str], keys: &[&str]| {
        world.write("in.json", manifest("Opaque", keys));
        seal(&world, &[args, &["in.json"]].concat(), "").exits(0)
    };
    with(&["--for", "openfaas"], &["app.txt"])
        .says("note: openfaas-fn/app: for openfaas the manifest's app.txt is sealed as app");
    with(&["--for", "kestra", "-n", "k"], &["A", "SECRET_B"])
        .says("for kestra the manifest's A is sealed as SECRET_A");
    let same = with(&["--for", "kestra", "-n", "k"], &["SECRET_B"]);
    assert!(!same.stderr.contains("is sealed as"), "{}", same.stderr);
}

#[test]
fn a_type_with_keys_of_its_own_is_refused_where_a_platform_names_keys() {
    let world = World::new();
    let direktiv = ["--for", "direktiv", "-n", "f", "--direktiv-namespace", "t"];
    for (type_, keys) in [
        ("kubernetes.io/dockerconfigjson", vec![".dockerconfigjson"]),
        ("kubernetes.io/tls", vec!["tls.crt", "tls.key"]),
        ("kubernetes.io/ssh-auth", vec!["ssh-privatekey"]),
    ] {
        world.write("in.json", manifest(type_, &keys));
        for platform in [&["--for", "kestra", "-n", "k"][..], &direktiv, &["--for", "flyte2"]] {
            let ran = seal(&world, &[platform, &["in.json"]].concat(), "").exits(2);
            let ran = ran.says(&format!("its type is {type_}, whose keys have names of their own"));
            assert!(!ran.stderr.contains("pods that start"), "{}", ran.stderr);
        }
    }
}

#[test]
fn credentials_of_a_registry_under_a_rule_stay_what_pods_pull_with() {
    let world = World::new();
    let policy = world.read(".seal.yaml").replace("- to:", "- for: kestra\n  to:");
    world.write(".seal.yaml", policy);
    world.write("in.json", manifest("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]));
    seal(&world, &["-n", "k", "in.json"], "").exits(0);
    assert!(!world.read("out.yaml").contains("seal.dev/for"));
    std::fs::remove_file(world.path("secret.json")).unwrap();
    std::fs::remove_file(world.path("in.json")).unwrap();
    world.seal(&["check"]).exits(0);
}

#[test]
fn a_file_that_is_sealed_for_a_platform_stays_for_it() {
    let world = World::new();
    let kestra = ["--for", "kestra", "-n", "k", "--name", "s", "--from-file", "A=-"];
    let again = |args: &[&str]| world.seal_with(&[args, &["-o", "out.yaml"]].concat(), b"v");
    again(&[&kestra[..], &["--kestra-encoding", "raw"]].concat()).exits(0);
    again(&kestra)
        .exits(2)
        .says("was sealed for kestra/raw")
        .says("--for kestra --kestra-encoding raw makes it as it is");
    let plain = ["-n", "k", "--name", "s", "--from-file", "A=-"];
    again(&plain).exits(2).says("was sealed for kestra/raw");
    again(&[&plain[..], &["--force"]].concat()).exits(0);
    assert!(!world.read("out.yaml").contains("seal.dev/for"));
}

#[test]
fn a_platform_that_this_version_does_not_know_is_neither_checked_nor_changed() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    let kestra = ["--for", "kestra", "-n", "k", "--name", "s", "--from-file", "A=-"];
    for noted in ["later", "kestra/later", "pachyderm/raw", "kestra/"] {
        seal(&world, &kestra, "v").exits(0);
        let text = world.read("out.yaml").replace("/for: kestra", &format!("/for: {noted}"));
        world.write("out.yaml", text);
        let said = format!("seal.dev/for says {noted}, which is no platform");
        world.seal(&["check"]).exits(7).prints(": WrongShape: ").prints(&said);
        world
            .seal_with(&["set", "out.yaml", "A"], b"w")
            .exits(2)
            .says("this version does not know");
    }
}

#[test]
fn a_release_of_direktiv_is_one() {
    let world = World::new();
    let flags = ["--for", "direktiv", "-n", "f", "--direktiv-namespace", "t", "--name", "s"];
    let value = ["--from-file", "-", "--direktiv-version"];
    for wrong in ["O.10", "9", "latest", ""] {
        let args = [&flags[..], &value, &[wrong]].concat();
        seal(&world, &args, "v").exits(2).says("is no release of Direktiv");
    }
    seal(&world, &[&flags[..], &value, &["0.11"]].concat(), "v").exits(0);
}

#[test]
fn a_line_feed_that_faas_cli_would_take_off_is_not_sealed_unasked() {
    let world = World::new();
    let openfaas = ["--for", "openfaas", "--name", "s", "--from-file", "-"];
    seal(&world, &openfaas, "pw\n").exits(2).says("--trim takes it off");
    seal(&world, &[&openfaas[..], &["--trim"]].concat(), "pw\n").exits(0);
    assert_eq!(world.open("out.yaml", "s"), b"pw");
    for ended in ["pw\r\n", "pw\n\n"] {
        seal(&world, &openfaas, ended).exits(2).says("--trim takes it off");
        seal(&world, &[&openfaas[..], &["--trim"]].concat(), ended).exits(0);
        assert_eq!(world.open("out.yaml", "s"), b"pw");
    }
    seal(&world, &openfaas, "two\nlines\n").exits(0);
}

#[test]
fn hints_lead_to_what_is_taken() {
    let world = World::new();
    let flyte = ["--for", "flyte", "--project", "p", "--domain", "d"];
    let long = "a".repeat(64);
    let openfaas = ["--for", "openfaas", "--name", "s"];
    for (args, said) in [
        ([&flyte[..], &["--group", "User_Info"]].concat(), "call it user-info"),
        (vec!["--for", "pachyderm", "-n", "p", "--name", "Abc"], "a name of a-z, 0-9 and -"),
        (vec!["--for", "pachyderm", "-n", "p", "--name", &long], "a shorter name"),
        (vec!["--for", "pachyderm", "-n", "p", "--name", "a.b"], "a name without dots"),
        ([&openfaas[..], &["--key", "../x"]].concat(), "--key: what was named cannot be a key"),
        ([&openfaas[..], &["-n", "prod"]].concat(), "the flags and the rule of .seal.yaml"),
    ] {
        seal(&world, &[&args[..], &["--from-file", "k=-"]].concat(), "v").exits(2).says(said);
    }
    seal(&world, &[&openfaas[..], &["--from-file", "-"]].concat(), "v").exits(0);
    world
        .seal_with(&["set", "out.yaml", "other"], b"w")
        .exits(2)
        .says("`seal set` changes the one that is there");
    world.seal(&["unset", "out.yaml", "s"]).exits(2).says("goes with its file");
}

#[test]
fn a_password_in_the_name_of_a_registry_is_not_repeated() {
    let world = World::new();
    let place = ["--username", "me", "-n", "prod", "--name", "pull", "-o", "out.yaml"];
    for host in ["https://me:CANARYpw@r.io/v2", "me:CANARYpw@r.io", "r.io?token=CANARYpw"] {
        let ran = world.seal_with(&[&["registry", host], &place[..]].concat(), b"pw").exits(2);
        assert!(!ran.stderr.to_lowercase().contains("canary"), "{}", ran.stderr);
    }
    let merge = [&["registry", "r.io"], &place[..], &["--on-conflict", "Merge"]].concat();
    world.seal_with(&merge, b"pw").exits(2).says("no pod pulls with keys of a Secret of others");
}

#[test]
fn a_secret_that_is_to_stay_is_written_down_and_a_slip_of_it_is_found() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    let args = ["-n", "prod", "--name", "db", "--from-file", "k=-"];
    seal(&world, &[&args[..], &["--on-delete", "keep"]].concat(), "v").exits(0);
    assert!(world.read("out.yaml").contains("    seal.dev/on-delete: keep\n"));
    seal(&world, &args, "w").exits(0);
    assert!(world.read("out.yaml").contains("    seal.dev/on-delete: keep\n"), "sealed again");
    world.seal(&["check"]).exits(0);
    seal(&world, &[&args[..], &["--on-delete", "kep"]].concat(), "v").exits(2);
    world.write("out.yaml", world.read("out.yaml").replace("on-delete: keep", "on-delete: kep"));
    let said = ": Malformed: prod/db: the annotation seal.dev/on-delete takes keep or delete";
    world.seal(&["check"]).exits(7).prints(said);
}

#[test]
fn what_two_files_merge_into_one_secret_is_no_duplicate_and_a_shared_key_is() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    let merge = |file: &str, key: &str, more: &[&str]| {
        let args = ["--name", "mm", "--on-conflict", "Merge", "--from-file", key, "-o", file];
        world.seal_with(&[&args[..], more].concat(), b"v").exits(0);
    };
    merge("one.yaml", "k1=-", &["-n", "a"]);
    merge("two.yaml", "k2=-", &["--cluster", "--scope-namespaces", "a,b"]);
    world.seal(&["check"]).exits(0);
    merge("three.yaml", "k2=-", &["-n", "a"]);
    world
        .seal(&["check"])
        .exits(7)
        .prints("Duplicate: a/mm is sealed here and in two.yaml:1; both merge the key k2");
}

#[test]
fn of_an_object_for_labels_it_is_said_who_hands_them_out() {
    let world = World::new();
    let cluster = ["--cluster", "--scope-namespaces", "*", "--namespace-selector", "team=a"];
    let ran = seal(&world, &[&cluster[..], &["--name", "db", "--from-file", "k=-"]].concat(), "v");
    let ran = ran.exits(0).says("db: whoever may label a namespace");
    assert!(!ran.stderr.contains("readable by anyone"), "{}", ran.stderr);
}
