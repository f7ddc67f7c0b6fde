//! The mistakes that the platforms' own documents warn of or cause, and what keeps each from being made. Those that concern
//! how a platform reads one value are in `presets.rs`, those of registries in `registry.rs`.

use crate::world::World;

const KESTRA: [&str; 6] = ["--for", "kestra", "--name", "a", "-n", "k"];

/// Kestra's page has such lines beside a shell loop that encodes the rest.
#[test]
fn a_template_of_kestra_s_page_in_an_env_file_stops_and_says_the_plain_line() {
    let world = World::new();
    world.write(".env", "GOOD=hunter2\nX={{ \"password\" | base64encode }}\n");
    let args = [&KESTRA[..], &["--dotenv", ".env", "-o", "out.yaml"]].concat();
    let ran = world.seal(&args).exits(2);
    let ran = ran.says("the value of X is a template, which Kestra never fills in");
    let ran = ran.says("write the plain line X=… with the value itself");
    assert!(!ran.stderr.contains("password"), "no value is repeated: {}", ran.stderr);
    for line in
        ["SECRET_X={{ 'hunter2' | base64encode }}", "SECRET_X=\"{{'hunter2'|base64encode}}\""]
    {
        world.write(".env", line);
        let ran = world.seal(&args).exits(2).says("write the plain line SECRET_X=…");
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
    assert!(!world.path("out.yaml").exists());
}

#[test]
fn a_plain_secret_beside_the_sealed_one_is_found() {
    let world = World::sealed();
    world.seal(&["check"]).exits(7).prints("secret.json:1: Plaintext: Secret prod/db is in clear");
    std::fs::remove_file(world.path("secret.json")).unwrap();
    world.seal(&["check"]).exits(0);
}

#[test]
fn a_namespace_that_a_platform_does_not_read_is_found_also_where_an_editor_put_it() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    let args = ["--for", "openfaas", "--name", "tok", "--from-file", "-", "-o", "a.yaml"];
    world.seal_with(&args, b"v").exits(0);
    let moved = world.read("a.yaml").replace("openfaas-fn", "functions");
    world.write("a.yaml", moved);
    world
        .seal(&["check"])
        .exits(7)
        .prints("OpenFaaS reads the secrets of one namespace: openfaas-fn");
}

#[test]
fn a_secret_that_is_deployed_against_before_it_is_there_is_waited_for() {
    let world = World::sealed();
    world.seal(&["wait"]).exits(2).says("nothing to wait for is named");
    world.seal(&["wait", "db.sealed.yaml"]).exits(4).says("no cluster");
    world
        .seal(&["wait", "-f", "db.sealed.yaml", "--timeout", "x"])
        .exits(2)
        .says("--timeout is no time");
    world.seal(&["wait", "../db", "-n", "prod"]).exits(2).says("cannot name a sealed object");
    world.seal(&["wait", "-f", "secret.json"]).exits(2);
}

#[test]
fn a_password_with_quotes_backslashes_or_a_colon_reaches_the_registry_as_it_is() {
    let world = World::new();
    for password in ["8QwFLg%D$qg*", "q\"q", "b\\n", "a:b:c", "'", "ü€"] {
        let args = [
            "registry",
            "ghcr.io",
            "--username",
            "u",
            "-n",
            "n",
            "--name",
            "r",
            "-o",
            "r.yaml",
            "--force",
        ];
        world.seal_with(&args, password.as_bytes()).exits(0);
        let config = world.open("r.yaml", ".dockerconfigjson");
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(config["auths"]["ghcr.io"]["password"], password);
    }
}

#[test]
fn one_key_in_data_and_string_data_is_named_and_not_chosen_silently() {
    let world = World::new();
    let both = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: prod}\ndata:\n  token: b2xk\nstringData:\n  token: new\n";
    world
        .seal_with(&["-", "-o", "s.yaml"], both.as_bytes())
        .exits(2)
        .says("line 7: Secret prod/s: token is in data and in stringData");
}

#[test]
fn a_value_that_no_variable_can_hold_is_refused_for_kestra() {
    let world = World::new();
    let kestra =
        ["--for", "kestra", "-n", "n", "--name", "s", "-o", "s.yaml", "--from-file", "x=-"];
    let long = "x".repeat(100_000);
    world.seal_with(&kestra, long.as_bytes()).exits(2).says("too long for a variable");
    world.seal_with(&kestra, &long.as_bytes()[..90_000]).exits(0);
    let raw = [&kestra[..], &["--kestra-encoding", "raw", "--force"]].concat();
    world.seal_with(&raw, b"a\0b").exits(2).says("has a NUL");
}

#[test]
fn a_second_key_for_openfaas_and_base64_of_a_line_feed_for_kestra_are_refused() {
    let world = World::new();
    let openfaas = ["--for", "openfaas", "--name", "api-key", "--from-file", "-", "-o", "a.yaml"];
    world.seal_with(&openfaas, b"k3y").exits(0);
    let before = world.read("a.yaml");
    world.seal_with(&["set", "a.yaml", "other"], b"v").exits(2).says("this one has 2");
    assert_eq!(world.read("a.yaml"), before);
    world.write("b.env", "SECRET_P=cGFzc3dvcmQK\n");
    let args = [&KESTRA[..], &["--already-base64", "--dotenv", "b.env", "-o", "b.yaml"]].concat();
    world.seal(&args).exits(2).says("ends in a line feed");
}

#[test]
fn as_a_plugin_of_kubectl_it_calls_itself_by_that_name() {
    let world = World::new();
    for (file, name) in
        [("kubectl-seal", "kubectl seal"), ("kubectl-seal_secret", "kubectl seal-secret")]
    {
        let link = world.path(file);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_seal"), &link).expect("a link");
        let help = |args: &[&str]| {
            let output = std::process::Command::new(&link).args(args).output().expect("it runs");
            String::from_utf8(output.stdout).expect("text")
        };
        assert!(
            help(&["-h"])
                .contains(&format!("Usage: {name} [OPTIONS] [FILE]...\n       {name} COMMAND"))
        );
        assert!(help(&["set", "-h"]).contains(&format!("Usage: {name} set [OPTIONS]")));
    }
}
