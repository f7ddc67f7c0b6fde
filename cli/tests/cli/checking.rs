//! `seal check`: what must not be merged is named by file and line, without a key; everything else is left alone.

use std::os::unix::fs::symlink;

use crate::world::{Ran, World, testdata};

fn sealed_as(world: &World, file: &str, args: &[&str]) {
    let value = ["--from-file", "password=-", "-o", file];
    world.seal_with(&[args, &value].concat(), b"hunter2").exits(0);
}

fn check(world: &World, args: &[&str]) -> Ran {
    world.seal(&[&["check"], args].concat())
}

/// The line of a file that begins with these words.
fn line_of(world: &World, file: &str, words: &str) -> usize {
    let text = world.read(file);
    1 + text.lines().position(|line| line.trim_start().starts_with(words)).expect("such a line")
}

#[test]
fn a_tree_of_sealed_files_is_right_and_needs_no_key() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    sealed_as(&world, "a.sealed.yaml", &["--name", "a", "-n", "prod"]);
    std::fs::create_dir(world.path("deep")).unwrap();
    sealed_as(&world, "deep/b.yaml", &["--name", "b", "-n", "prod"]);
    world.write("README.md", "apiVersion: seal.dev/v1\nthis is: [no manifest\n");
    world.write("deployment.yaml", "{{ if .Values.x }}\nkind: Secret\n{{ end }}\n");
    world.write(
        "empty.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: filled-by-a-controller}\n",
    );
    world.write(
        "sops.yaml",
        "apiVersion: v1\nkind: Secret\ndata: {a: 'ENC[AES256_GCM,data:x]'}\nsops: {mac: x}\n",
    );
    world.write(".git/x.yaml", "apiVersion: v1\nkind: Secret\ndata: {a: YQ==}\n");
    world.write("../elsewhere.yaml", "apiVersion: v1\nkind: Secret\ndata: {a: YQ==}\n");
    symlink(world.path("../elsewhere.yaml"), world.path("link.yaml")).unwrap();
    let ran = check(&world, &[]).exits(0).says("nothing found: 2 sealed objects in");
    assert!(ran.stdout.is_empty());
    check(&world, &["deep", "a.sealed.yaml"]).exits(0).says("2 sealed objects in 2 files");
    let ran = world.seal_with(&["check", "-"], world.read("a.sealed.yaml").as_bytes()).exits(0);
    ran.says("1 sealed object in 1 file");
    check(&world, &["absent"]).exits(2).says("cannot read absent");
}

#[test]
fn each_thing_that_must_not_be_merged_is_named_with_its_line() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    sealed_as(&world, "moved.yaml", &["--name", "a", "-n", "prod"]);
    let moved = world.read("moved.yaml").replace("  namespace: prod", "  namespace: test");
    world.write("moved.yaml", moved);
    sealed_as(&world, "type.yaml", &["--name", "t", "-n", "prod", "--label", "x=z"]);
    let reserved = world.read("type.yaml").replace("x: z", "owner: helm");
    world.write("type.yaml", reserved);
    sealed_as(&world, "field.yaml", &["--name", "f", "-n", "prod"]);
    world.write(
        "field.yaml",
        world.read("field.yaml").replace("  scope:\n", "  scop: 1\n  scope:\n"),
    );
    world.write(
        "conflict.yaml",
        "apiVersion: seal.dev/v1\nkind: SealedSecret\n<<<<<<< HEAD\na: 1\n=======\n>>>>>>> b\n",
    );
    world.write("plain.yaml", "kind: ConfigMap\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: p}\nstringData: {a: hunter2}\n");
    sealed_as(&world, "z.yaml", &["--name", "twice", "-n", "prod"]);
    sealed_as(&world, "y.yaml", &["--name", "twice", "-n", "prod"]);
    sealed_as(&world, "tls.yaml", &["--name", "tls", "-n", "prod"]);
    let tls = world
        .read("tls.yaml")
        .replace("  sealedTo:", "  template:\n    type: kubernetes.io/tls\n  sealedTo:");
    world.write("tls.yaml", tls);
    let ran = check(&world, &["."]).exits(7);
    let text = ran.text();
    for line in [
        "conflict.yaml:3: Malformed: not valid YAML or JSON: a merge conflict that is not resolved"
            .to_owned(),
        format!(
            "field.yaml:{}: Malformed: prod/f: unknown field spec.scop",
            line_of(&world, "field.yaml", "scop:")
        ),
        format!(
            "moved.yaml:{}: WrongPlace: sealed for prod/a, found at test/a",
            line_of(&world, "moved.yaml", "scope:")
        ),
        "plain.yaml:3: Plaintext: Secret ?/p is in clear".to_owned(),
        format!(
            "tls.yaml:{}: Malformed: prod/tls: type kubernetes.io/tls needs the key tls.crt",
            line_of(&world, "tls.yaml", "type:")
        ),
        format!(
            "type.yaml:{}: NotAllowed: prod/t: the label owner=helm is reserved",
            line_of(&world, "type.yaml", "template:")
        ),
        "y.yaml:1: Duplicate: prod/twice is sealed here and in z.yaml:1".to_owned(),
        "z.yaml:1: Duplicate: prod/twice is sealed here and in y.yaml:1".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}\nis not in\n{text}");
    }
    assert!(!text.contains("hunter2"), "no value is shown: {text}");
    assert_eq!(text.lines().count(), 8, "{text}");
    let mut sorted: Vec<&str> = text.lines().collect();
    sorted.sort_unstable();
    assert!(sorted.iter().copied().eq(text.lines()), "in the order of files: {text}");
    ran.says("seal: error: 8 things found: 5 sealed objects in").says("seal: hint: ");
}

#[test]
fn every_file_that_no_reader_takes_is_found_where_no_key_is_needed() {
    let world = World::new();
    for entry in std::fs::read_dir(testdata("reject")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap().to_owned();
        let (reason, _) = name.split_once('-').unwrap_or((&name, ""));
        if !matches!(reason, "Malformed" | "WrongPlace" | "NotAllowed") || !path.is_file() {
            continue;
        }
        // Another controller's kind is no business of ours; what an installation grants, nobody knows without one.
        let granted = ["kind-of-another", "controller-namespace", "wildcard"];
        // That no pod could pull with it is seen without an installation.
        let reason = if name.contains("service-accounts") { "Malformed" } else { reason };
        let code = if granted.iter().any(|what| name.contains(what)) { 0 } else { 7 };
        let ran = check(&world, &[path.to_str().unwrap()]).exits(code);
        assert!(
            code == 0 || ran.text().contains(&format!(": {reason}: ")),
            "{name}: {}",
            ran.text()
        );
    }
}

#[test]
fn a_template_is_named_and_does_not_fail() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    let head = "apiVersion: seal.dev/v1\nkind: SealedSecret\n";
    world.write("chart/a.yaml", format!("{head}metadata:\n  name: {{{{ .Release.Name }}}}\n"));
    sealed_as(&world, "chart/b.yaml", &["--name", "b", "-n", "prod"]);
    let quoted = world
        .read("chart/b.yaml")
        .replace("namespace: prod", "namespace: \"{{ .Release.Namespace }}\"");
    world.write("chart/b.yaml", quoted);
    check(&world, &["chart"])
        .exits(0)
        .says("a template, which is not checked")
        .says("chart/a.yaml:")
        .says("chart/b.yaml:");
}

#[test]
fn one_place_in_two_clusters_is_no_duplicate() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    let [cluster, other] = ["cluster", "offline"].map(crate::world::recipient);
    sealed_as(&world, "one.yaml", &["--name", "a", "-n", "prod", "-r", &cluster]);
    sealed_as(&world, "other.yaml", &["--name", "a", "-n", "prod", "-r", &other]);
    std::fs::remove_file(world.path(".seal.yaml")).unwrap();
    check(&world, &[]).exits(0);
    world.write("both.yaml", [world.read("one.yaml"), world.read("other.yaml")].join("---\n"));
    check(&world, &["both.yaml"])
        .exits(7)
        .prints("Duplicate: prod/a is sealed here and in both.yaml:");
}

#[test]
fn what_a_platform_would_not_find_is_named() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    let of = |platform: &str, args: &[&str]| {
        let args =
            [&["--for", platform], args, &["--from-file", "token=-", "-o", "a.yaml", "--force"]]
                .concat();
        world.seal_with(&args, b"v").exits(0);
        check(&world, &[]).exits(0);
    };
    let broken = |from: &str, to: &str, why: &str| {
        let right = world.read("a.yaml");
        assert!(right.contains(from), "{right}");
        world.write("a.yaml", right.replace(from, to));
        check(&world, &[]).exits(7).prints(": WrongShape: ").prints(why);
        world.write("a.yaml", right);
    };
    of("openfaas", &["--name", "tok"]);
    broken(
        "managed-by: openfaas",
        "managed-by: me",
        "no label app.kubernetes.io/managed-by=openfaas",
    );
    broken("openfaas-fn", "other", "OpenFaaS reads the secrets of one namespace");
    broken("    tok:\n", "    key:\n", "its key is key, and a function looks for");
    of("openfaas", &["--name", "tok", "--key", "other"]);
    of("openfaas", &["--name", "tok", "--multi"]);
    of("pachyderm", &["--name", "tok", "-n", "p"]);
    broken("suite: pachyderm", "suite: mine", "no label suite=pachyderm");
    broken("name: tok", "name: a.b", "a pipeline cannot mount a.b");
    of("flyte", &["--group", "tok", "--project", "p", "--domain", "d"]);
    broken("p-d", "default", "executions run in that of a project and domain");
    of("flyte2", &["--name", "tok", "--project", "p", "--domain", "d"]);
    broken(
        "project: p",
        "project: q",
        "its key is not u__org__flyte__domain__d__project__q__key__",
    );
    broken("app.flyte.org/managed", "app.flyte.org/other", "no label app.flyte.org/managed=true");
    of("kestra", &["--name", "tok", "-n", "k"]);
    broken("    SECRET_TOKEN:\n", "    token:\n", "token is no variable that Kestra looks for");
    of("direktiv", &["--name", "tok", "-n", "d", "--direktiv-namespace", "team"]);
    broken("direktiv.io/name: tok", "direktiv.io/name: other", "looks for nssecret-team-other");
    broken("    secret:\n", "    other:\n", "its key is other, and Direktiv reads secret");
    let registry = [
        "registry",
        "ghcr.io",
        "--username",
        "u",
        "--for",
        "direktiv",
        "--direktiv-namespace",
        "team",
    ];
    world.seal_with(&[&registry[..], &["-o", "a.yaml", "--force"]].concat(), b"p").exits(0);
    check(&world, &[]).exits(0);
    broken("registry_url: ghcr.io", "registry_url: r.io", "the platform looks for secret-");
    sealed_as(&world, "b.yaml", &["--name", "tok", "-n", "k"]);
    check(&world, &["b.yaml", "--for", "kestra"])
        .exits(7)
        .prints("for kestra: password is no variable");
}

#[test]
fn what_is_found_is_bounded_and_large_files_are_not_read() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    world.write(
        "many.yaml",
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: \"a\\nb\"}\ndata: {a: YQ==}\n"
            .repeat(1500),
    );
    let ran =
        check(&world, &["."]).exits(7).says("500 more are not printed").says("1500 things found");
    assert_eq!(ran.text().lines().count(), 1000);
    world.write(
        "many.yaml",
        "apiVersion: v1\nkind: Secret\ndata: {a: YQ==}\n#".to_owned() + &"x".repeat(2 << 20),
    );
    check(&world, &["."]).exits(0).says("larger than 2 MiB, and not read: many.yaml");
    world.set_mode("many.yaml", 0o600);
}

#[test]
fn credentials_that_have_ended_are_warned_of() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    let args = ["registry", "r.io", "--username", "u", "-n", "prod", "--name", "r", "-o", "r.yaml"];
    world.seal_with(&[&args[..], &["--expires", "9000-01-01"]].concat(), b"p").exits(0);
    assert!(!check(&world, &[]).exits(0).stderr.contains("warning"));
    world.write("r.yaml", world.read("r.yaml").replace("9000-01-01", "2001-01-01"));
    check(&world, &[]).exits(0).says("no longer valid: r.yaml:1 (prod/r ended with 2001-01-01)");
}

#[test]
fn a_file_for_several_namespaces_is_one_object_in_each_of_them() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    sealed_as(&world, "all.yaml", &["--cluster", "--name", "x", "--scope-namespaces", "a,b"]);
    check(&world, &[]).exits(0).says("1 sealed object in");
    sealed_as(&world, "b.yaml", &["--name", "x", "-n", "b"]);
    check(&world, &[]).exits(7).prints("Duplicate: b/x is sealed here and in all.yaml:1");
}

#[test]
fn what_sops_left_in_clear_is_found_and_what_a_chart_fills_in_is_not() {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).unwrap();
    let secret = |value: &str, more: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\nstringData: {{p: {value}}}\n{more}"
        )
    };
    let sops = "sops: {encrypted_regex: ^(nothing)$, version: 3.9.0}\n";
    world.write("a.yaml", secret("in-the-clear", sops));
    check(&world, &[]).exits(7).prints("a.yaml:1: Plaintext: Secret ?/x is in clear");
    for filled in
        ["'ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]'", "'{{ .Values.p }}'", "'${PASSWORD}'"]
    {
        world.write("a.yaml", secret(filled, sops));
        check(&world, &[]).exits(0);
    }
    world.write(
        "a.yaml",
        secret("in-the-clear", "").replace("name: x", "name: {{ .Release.Name }}-x"),
    );
    check(&world, &[]).exits(0).says("a template, which is not checked before it is filled in");
}
