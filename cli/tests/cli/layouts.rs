//! `seal open --layout`: the files that each platform reads, or nothing.

use crate::world::{Ran, World};

fn open(world: &World, file: &str, layout: &str, out: &str) -> Ran {
    world.seal(&["open", file, "-i", "../cluster.txt", "--layout", layout, "--out", out])
}

fn seal(world: &World, place: [&str; 2], values: &[&str], more: &[&str], file: &str) {
    let [namespace, name] = place;
    let mut args = vec!["--name", name, "-n", namespace, "-o", file];
    for value in values {
        let (key, value) = value.split_once('=').expect("KEY=VALUE");
        world.write(&format!("../{key}"), value);
        args.push("--from-file");
        args.push(Box::leak(format!("{key}=../{key}").into_boxed_str()));
    }
    args.extend(more);
    world.seal(&args).exits(0);
}

#[test]
fn one_sealed_file_opens_to_what_each_platform_reads() {
    let world = World::new();
    seal(&world, ["openfaas-fn", "api-key"], &["api-key=hunter2"], &[], "faas.yaml");
    open(&world, "faas.yaml", "faasd", "../faasd").exits(0);
    assert_eq!(world.read("../faasd/openfaas-fn/api-key"), "hunter2");
    assert_eq!(world.mode("../faasd/openfaas-fn/api-key"), 0o644);

    seal(&world, ["p-dev", "user-info"], &["User_Secret=hunter2"], &[], "flyte.yaml");
    open(&world, "flyte.yaml", "flyte", "../secrets").exits(0);
    assert_eq!(world.read("../secrets/user-info/user_secret"), "hunter2");

    let kestra = ["--for", "kestra"];
    seal(&world, ["kestra", "kestra"], &["PASSWORD=hunter2", "A=b"], &kestra, "kestra.yaml");
    open(&world, "kestra.yaml", "env", "../kestra.env").exits(0);
    assert_eq!(world.read("../kestra.env"), "SECRET_A=Yg==\nSECRET_PASSWORD=aHVudGVyMg==\n");
    open(&world, "kestra.yaml", "env", "../kestra.env").exits(0);
    assert_eq!(world.mode("../kestra.env"), 0o600);

    let config = r#".dockerconfigjson={"auths": {"ghcr.io": {"auth": "dTpw"}}}"#;
    let type_ = ["--type", "kubernetes.io/dockerconfigjson"];
    seal(&world, ["openfaas-fn", "ghcr"], &[config], &type_, "ghcr.yaml");
    open(&world, "ghcr.yaml", "docker-config", "../docker/config.json").exits(0);
    assert!(world.read("../docker/config.json").contains("\"auth\": \"dTpw\""));
}

#[test]
fn an_object_that_does_not_fit_the_layout_keeps_all_of_them_out() {
    let world = World::new();
    seal(&world, ["prod", "one"], &["A=1"], &[], "one.yaml");
    seal(&world, ["prod", "two"], &["A=2", "B=canary b"], &[], "two.yaml");
    seal(&world, ["dev", "one"], &["a=3"], &[], "three.yaml");
    let all = ["one.yaml", "two.yaml", "three.yaml"].map(|file| world.read(file));
    world.write("faasd.yaml", format!("{}---\n{}", all[0], all[1]));
    world.write("flyte.yaml", format!("{}---\n{}", all[0], all[2]));
    for (file, layout, words, hint) in [
        ("faasd.yaml", "faasd", "prod/two has 2 keys (A, B)", "seal each value"),
        (
            "flyte.yaml",
            "flyte",
            "one/a would come of dev/one (key a) and of prod/one",
            "another name",
        ),
        ("faasd.yaml", "env", "prod/two: the value of B has a blank", "in base64"),
        (
            "one.yaml",
            "docker-config",
            "prod/one is of type Opaque",
            "kubernetes.io/dockerconfigjson",
        ),
    ] {
        let ran = open(&world, file, layout, "../out").exits(2).says(words).says(hint);
        assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
        assert!(!world.path("../out").exists(), "{layout}: nothing is written");
    }
}

#[test]
fn a_file_of_others_stays_and_so_does_a_login() {
    let world = World::new();
    seal(&world, ["prod", "one"], &["A=1"], &[], "one.yaml");
    world.write("../env", "theirs");
    open(&world, "one.yaml", "env", "../env").exits(1).says("[NotOurs]");
    assert_eq!(world.read("../env"), "theirs");
    let config =
        r#".dockerconfigjson={"auths": {"ghcr.io": {"auth": "dTpw"}, "a.io": {"auth": "dTpw"}}}"#;
    let type_ = ["--type", "kubernetes.io/dockerconfigjson"];
    seal(&world, ["prod", "ghcr"], &[config], &type_, "ghcr.yaml");
    let theirs = r#"{"auths": {"ghcr.io": {"auth": "eDp5"}}}"#;
    world.write("../config.json", theirs);
    let ran = open(&world, "ghcr.yaml", "docker-config", "../config.json").exits(1);
    ran.says("ghcr.io: a login that is not ours").says("move it away");
    assert_eq!(world.read("../config.json"), theirs, "a.io is not written either");
}
