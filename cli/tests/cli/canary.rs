//! No failure repeats a value: a known word stands where a value may be, and no message has it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::world::{Ran, World};

const CANARY: &str = "canary-7f3a-value";

fn silent(name: &str, ran: &Ran) {
    let encoded = STANDARD.encode(CANARY);
    let said = format!("{}{}", ran.stderr, String::from_utf8_lossy(&ran.stdout));
    for secret in [CANARY, encoded.trim_end_matches('='), "canary"] {
        assert!(!said.contains(secret), "{name}: {said}");
    }
    assert!(
        ran.stderr.contains("seal: error: ") && ran.stderr.contains("seal: hint: "),
        "{name}: {}",
        ran.stderr
    );
    assert_ne!(ran.code, 0, "{name}");
}

fn secret(rest: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: prod}}\n{rest}")
}

/// Manifests that are refused, each with the canary as a value somewhere near the fault.
fn manifests() -> Vec<(&'static str, String)> {
    let encoded = STANDARD.encode(CANARY);
    vec![
        ("empty", String::new()),
        ("comment", format!("# {CANARY}\n")),
        ("no manifest", CANARY.to_owned()),
        ("cut", secret(&format!("stringData:\n  a: \"{CANARY}"))),
        (
            "cut json",
            format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"stringData\":{{\"a\":\"{CANARY}"
            ),
        ),
        (
            "merge conflict",
            secret(&format!("stringData:\n<<<<<<< {CANARY}\n  a: {CANARY}\n=======\n")),
        ),
        ("tab", secret(&format!("stringData:\n\ta: {CANARY}\n"))),
        ("not base64", secret(&format!("data:\n  a: {CANARY}!\n"))),
        (
            "base64 without padding",
            secret(&format!("data:\n  a: {}\n", &encoded[..encoded.len() - 1])),
        ),
        ("key twice", secret(&format!("stringData:\n  a: {CANARY}\n  a: {CANARY}\n"))),
        ("bad key", secret(&format!("stringData:\n  '../{CANARY}': {CANARY}\n"))),
        ("a number", secret(&format!("stringData:\n  b: {CANARY}\n  a: 1\n"))),
        ("a list", secret(&format!("stringData: [{CANARY}]\n"))),
        ("a map", secret(&format!("stringData: {{a: {{b: {CANARY}}}}}\n"))),
        ("string for a map", secret(&format!("stringData: {CANARY}\n"))),
        ("unknown field", secret(&format!("stringdata: {{a: {CANARY}}}\n"))),
        ("tag", secret(&format!("stringData: {{a: !secret {CANARY}}}\n"))),
        ("unknown alias", secret(&format!("stringData: {{a: *{CANARY}}}\n"))),
        ("no values", secret("stringData: {}\n")),
        (
            "other kind",
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: db}}\ndata: {{a: {CANARY}}}\n"
            ),
        ),
        ("no kind", format!("a: {CANARY}\n")),
        ("no name", format!("apiVersion: v1\nkind: Secret\nstringData: {{a: {CANARY}}}\n")),
        (
            "bad name",
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: .., namespace: prod}}\nstringData: {{a: {CANARY}}}\n"
            ),
        ),
        (
            "bad namespace",
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: a, namespace: ..}}\nstringData: {{a: {CANARY}}}\n"
            ),
        ),
        (
            "no namespace",
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{a: {CANARY}}}\n"
            ),
        ),
        (
            "tls without key",
            secret(&format!("type: kubernetes.io/tls\nstringData: {{tls.crt: {CANARY}}}\n")),
        ),
        (
            "docker without json",
            secret(&format!(
                "type: kubernetes.io/dockerconfigjson\nstringData: {{.dockerconfigjson: {CANARY}}}\n"
            )),
        ),
        ("ssh", secret(&format!("type: kubernetes.io/ssh-auth\nstringData: {{a: {CANARY}}}\n"))),
        (
            "basic",
            secret(&format!("type: kubernetes.io/basic-auth\nstringData: {{a: {CANARY}}}\n")),
        ),
        (
            "token",
            secret(&format!(
                "type: kubernetes.io/service-account-token\nstringData: {{a: {CANARY}}}\n"
            )),
        ),
        (
            "helm",
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: sh.helm.release.v1.a, namespace: prod}}\nstringData: {{a: {CANARY}}}\n"
            ),
        ),
        ("too large", secret(&format!("stringData:\n  a: {}\n", CANARY.repeat(130_000)))),
    ]
}

#[test]
fn a_refused_manifest_never_says_its_values() {
    let world = World::new();
    for (name, manifest) in manifests() {
        silent(name, &world.seal_with(&["-"], manifest.as_bytes()));
        world.write("m.yaml", &manifest);
        silent(name, &world.seal(&["m.yaml", "-o", "s.yaml"]));
        assert!(!world.path("s.yaml").exists(), "{name}");
    }
    world.write("m.yaml", [CANARY.as_bytes(), &[0xff]].concat());
    silent("not UTF-8", &world.seal(&["m.yaml"]));
}

#[test]
fn a_refused_env_file_never_says_its_values() {
    let world = World::new();
    for (name, flag, text) in [
        ("no key", "--from-env-file", format!("={CANARY}")),
        ("bad key", "--from-env-file", format!("{CANARY} {CANARY}={CANARY}")),
        ("unset", "--from-env-file", CANARY.to_owned()),
        ("twice", "--from-env-file", format!("A={CANARY}\nA={CANARY}")),
        ("open quote", "--dotenv", format!("A='{CANARY}")),
        ("behind a quote", "--dotenv", format!("A='x' {CANARY}")),
        ("no equals", "--dotenv", CANARY.to_owned()),
    ] {
        world.write("vars", text);
        silent(name, &world.seal(&["-n", "prod", "--name", "app", flag, "vars"]));
    }
}

fn equals(flag: &str) -> String {
    format!("{flag}={CANARY}")
}

#[test]
fn a_value_typed_as_an_argument_is_refused_and_not_repeated() {
    let world = World::sealed();
    let key_value = format!("password={CANARY}");
    for args in [
        vec!["--from-literal", &key_value],
        vec![&format!("--from-literal={key_value}")[..], "--name", "a", "-n", "b"],
        vec!["secret.json", &equals("--from-litral")],
        vec!["set", "db.sealed.yaml", "password", CANARY],
        vec!["set", "db.sealed.yaml", &key_value],
        vec!["set", "db.sealed.yaml", "password", &equals("--value")],
        vec!["open", "db.sealed.yaml", CANARY],
        vec!["inspect", "db.sealed.yaml", &equals("--json")],
        vec!["key", CANARY],
        vec!["secret.json", "--label", CANARY],
        vec!["secret.json", "-r", CANARY],
        vec!["secret.json", "--on-conflict", CANARY],
        vec!["--prompt", &key_value, "--name", "a", "-n", "b"],
        vec!["-n", "b", "--name", "a", "--from-file", &format!("a b={CANARY}")],
    ] {
        silent(&format!("{args:?}"), &world.seal(&args));
    }
}

#[test]
fn a_refused_change_never_says_the_value() {
    let world = World::sealed();
    let stdin = CANARY.as_bytes();
    world.write(".seal.yaml", "recipients: {}\nrules: []\n");
    silent("no recipient", &world.seal_with(&["set", "db.sealed.yaml", "a"], stdin));
    world.write("moved.yaml", world.read("db.sealed.yaml").replacen("name: db", "name: db2", 1));
    silent("moved", &world.seal_with(&["set", "moved.yaml", "a"], stdin));
    silent("no file", &world.seal_with(&["set", "none.yaml", "a"], stdin));
    silent("plaintext", &world.seal_with(&["set", "secret.json", "a"], stdin));
    world.write("m.yaml", format!("apiVersion: v1\nkind: Secret\nstringData: {{a: {CANARY}}}\n"));
    for command in ["set", "unset"] {
        silent(command, &world.seal_with(&[command, "m.yaml", "a"], stdin));
    }
    silent("open", &world.seal(&["open", "m.yaml", "-i", "../cluster.txt"]));
    silent("inspect", &world.seal(&["inspect", "m.yaml"]));
}

#[test]
fn a_refused_identity_is_not_repeated() {
    let world = World::sealed();
    for (name, text) in [
        ("garbage", CANARY.to_owned()),
        ("cut", format!("AGE-SECRET-KEY-1{CANARY}")),
        ("none", "#\n".to_owned()),
    ] {
        world.write("../bad.key", text);
        world.set_mode("../bad.key", 0o600);
        silent(name, &world.seal(&["open", "db.sealed.yaml", "-i", "../bad.key"]));
    }
}
