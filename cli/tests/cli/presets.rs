//! `seal --for PLATFORM`: what each platform reads, and the mistakes that its documents warn of or cause.

use crate::world::{Ran, World};

fn seal(world: &World, platform: &str, args: &[&str], value: &str) -> Ran {
    let args = [&["--for", platform, "-o", "out.yaml"], args].concat();
    world.seal_with(&args, value.as_bytes())
}

/// The manifest that the file opens to: what the live Secret is.
fn live(world: &World) -> String {
    world.seal(&["open", "out.yaml", "-i", "../cluster.txt"]).exits(0).text()
}

fn value(world: &World, key: &str) -> String {
    String::from_utf8(world.open("out.yaml", key)).expect("text")
}

fn assert_has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "{line} is not there:\n{text}");
    }
}

#[test]
fn openfaas_lists_and_mounts_it_under_its_own_name() {
    let world = World::new();
    seal(&world, "openfaas", &["--name", "api-key", "--from-file", "-"], "k3y")
        .exits(0)
        .says("functions see a changed value");
    assert_has(
        &live(&world),
        &["namespace: openfaas-fn", "app.kubernetes.io/managed-by: openfaas", "type: Opaque"],
    );
    assert_eq!(value(&world, "api-key"), "k3y");
}

#[test]
fn what_kubectl_made_for_openfaas_gets_its_key_from_the_name() {
    let world = World::new();
    world.write("token.txt", "t0ken");
    let args = ["--name", "protected-api-token", "--from-file", "token.txt"];
    seal(&world, "openfaas", &args, "").exits(0);
    assert_eq!(value(&world, "protected-api-token"), "t0ken");
    let manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: x, namespace: default}\nstringData: {a: b}\n";
    seal(&world, "openfaas", &["-", "--force"], manifest).exits(2).says(
        "its namespace is default, and OpenFaaS reads the secrets of one namespace: openfaas-fn",
    );
    let two = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: b, c: d}\n";
    seal(&world, "openfaas", &["-", "--force"], two)
        .exits(2)
        .says("this one has 2: a, c")
        .says("--multi");
    seal(&world, "openfaas", &["-", "--force", "--multi"], two).exits(0);
    assert_eq!(value(&world, "c"), "d");
}

#[test]
fn pachyderm_lists_it_and_a_pipeline_can_mount_it() {
    let world = World::new();
    let json = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"postgres"},"stringData":{"password":"p"}}"#;
    seal(&world, "pachyderm", &["-", "-n", "pachyderm"], json).exits(0);
    assert_has(&live(&world), &["suite: pachyderm", "secret-source: pachyderm-user"]);
    assert!(
        world.read("out.yaml").starts_with("apiVersion: seal.dev/v1"),
        "never JSON: pachctl would make it empty"
    );
    for (name, why) in [
        ("with.dots", "a pipeline cannot mount with.dots"),
        ("pachyderm-storage-secret", "Pachyderm itself lives by"),
        ("spout-pachctl-secret-x", "Pachyderm itself lives by"),
    ] {
        let args = ["--name", name, "-n", "pachyderm", "--from-file", "a=-"];
        seal(&world, "pachyderm", &args, "v").exits(2).says(why);
    }
    seal(&world, "pachyderm", &["--name", "a", "--from-file", "a=-"], "v")
        .exits(2)
        .says("-n NS names");
    let args = ["--name", "a", "-n", "p", "--label", "suite=mine", "--from-file", "a=-"];
    seal(&world, "pachyderm", &args, "v").exits(2).says("the label suite has another value");
}

#[test]
fn flyte_finds_group_and_key_in_the_namespace_of_project_and_domain() {
    let world = World::new();
    let of = ["--project", "flytesnacks", "--domain", "development"];
    let group = ["--group", "user-info", "--from-file", "user_secret=-"];
    seal(&world, "flyte", &[&of[..], &group].concat(), "v").exits(0).says("in their next pod");
    assert_has(&live(&world), &["namespace: flytesnacks-development", "name: user-info"]);
    let long = "g".repeat(39);
    for (args, why) in [
        (vec!["--group", &long], "the group has 39 characters"),
        (vec!["--group", "User-Info"], "call it user-info"),
        (vec!["--group", "a", "-n", "default"], "its namespace is default"),
        (vec!["--group", "a", "--name", "b"], "the group is a, and the manifest's name is b"),
    ] {
        let args = [&of[..], &args, &["--from-file", "k=-"]].concat();
        seal(&world, "flyte", &args, "v").exits(2).says(why);
    }
    let folded =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: g}\nstringData: {Key: a, key: b}\n";
    seal(&world, "flyte", &[&["-"], &of[..]].concat(), folded)
        .exits(2)
        .says("Key and key are one file and one variable");
    seal(&world, "flyte", &["--group", "g", "--from-file", "k=-"], "v")
        .exits(2)
        .says("--project P");
}

#[test]
fn flyte_2_finds_it_by_the_hash_of_its_identifier() {
    let world = World::new();
    let of = ["--project", "flytesnacks", "--domain", "development"];
    let args = [&["--name", "my-key", "--from-file", "-"], &of[..]].concat();
    seal(&world, "flyte2", &args, "v").exits(0).says("for up to 24 hours");
    let id = "u__org__flyte__domain__development__project__flytesnacks__key__my-key";
    assert_has(
        &live(&world),
        &[
            "name: f72c7f2cc489d9fd05bc4f90ed21fb86",
            "namespace: flyte",
            "app.flyte.org/managed: \"true\"",
            "app.flyte.org/domain: development",
            "app.flyte.org/project: flytesnacks",
        ],
    );
    assert_eq!(value(&world, id), "v");
    let args = ["--name", "a", "--project", "p", "--from-file", "-"];
    seal(&world, "flyte2", &args, "v").exits(2).says("needs a domain");
    seal(&world, "flyte2", &["--name", "a.b", "--from-file", "-"], "v")
        .exits(2)
        .says("letters, digits, - and _");
}

#[test]
fn flyte_s_agents_find_it_in_their_shared_secret_in_lower_case() {
    let world = World::new();
    seal(&world, "flyte-agent", &["--from-file", "openai_api_key=-"], "sk")
        .exits(0)
        .says("the agent's pod has it")
        .says("kubectl annotate secret -n flyte flyteagent seal.dev/accepts=merge");
    assert_has(&live(&world), &["namespace: flyte", "name: flyteagent", "type: Opaque"]);
    let noted = ["onConflict: Merge", "seal.dev/for: flyte-agent"];
    assert_has(&world.read("out.yaml"), &noted);
    assert_eq!(value(&world, "openai_api_key"), "sk");
    seal(&world, "flyte-agent", &["--key", "other", "--from-file", "-", "--force"], "sk2").exits(0);
    assert_eq!(value(&world, "other"), "sk2");
    for args in [&["--from-file", "OPENAI=-"][..], &["--key", "OPENAI", "--from-file", "-"]] {
        seal(&world, "flyte-agent", args, "v").exits(2).says("call it openai");
    }
    world.seal_with(&["set", "out.yaml", "Bad_Key"], b"v").exits(2).says("call it bad_key");
}

#[test]
fn kestra_finds_each_variable_and_decodes_it() {
    let world = World::new();
    world.write(
        ".env",
        "# comment\nMYSQL_PASSWORD='p=a s$s='\nexport token=abc=\r\n\nLAST=no-newline",
    );
    let args = ["--name", "kestra", "-n", "kestra", "--dotenv", ".env"];
    seal(&world, "kestra", &args, "").exits(0).says("when Kestra is started again");
    assert_eq!(value(&world, "SECRET_MYSQL_PASSWORD"), "cD1hIHMkcz0=");
    assert_eq!(value(&world, "SECRET_TOKEN"), "YWJjPQ==");
    assert_eq!(value(&world, "SECRET_LAST"), "bm8tbmV3bGluZQ==");
    let long = "x".repeat(100);
    seal(&world, "kestra", &["--name", "a", "-n", "k", "--from-file", "long=-", "--force"], &long)
        .exits(0);
    assert!(!value(&world, "SECRET_LONG").contains('\n'), "never wrapped");
    let raw =
        ["--name", "a", "-n", "k", "--from-file", "a=-", "--kestra-encoding", "raw", "--force"];
    seal(&world, "kestra", &raw, "as it is").exits(0);
    assert_eq!(value(&world, "SECRET_A"), "as it is");
}

#[test]
fn what_kestra_would_drop_or_garble_is_refused() {
    let world = World::new();
    let one = |key: &str, value: &[u8]| {
        let from = format!("{key}=-");
        let args = ["--for", "kestra", "--name", "a", "-n", "k", "--from-file", &from];
        world.seal_with(&args, value).exits(2)
    };
    one("a", b"{{ \"password\" | base64encode }}")
        .says("never fills in")
        .says("write the plain line a=…");
    one("a", b"\xff\xfe\x00").says("no UTF-8 text");
    one("a", b"password\n").says("ends in a line feed").says("--trim");
    one("SECRET_A", b"cGFzc3dvcmQ=").says("would be encoded twice").says("--already-base64");
    world.write(".env", "dup=1\nDUP=2\n");
    let args = ["--for", "kestra", "--name", "a", "-n", "k", "--dotenv", ".env"];
    world.seal(&args).exits(2).says("DUP and dup are one secret to Kestra");
}

#[test]
fn a_value_that_is_set_later_is_encoded_as_the_file_was() {
    let world = World::new();
    let args = ["--name", "a", "-n", "k", "--from-file", "token=-"];
    seal(&world, "kestra", &args, "first").exits(0);
    let ran = world.seal_with(&["set", "out.yaml", "token"], b"next").exits(0);
    ran.says("k/a: for kestra: Kestra reads its secrets once");
    let sops = b"ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]";
    world.seal_with(&["set", "out.yaml", "token"], sops).exits(2).says("encrypted by sops");
    assert_eq!(value(&world, "SECRET_TOKEN"), "bmV4dA==");
    world.seal_with(&["set", "out.yaml", "token"], b"next\n").exits(2).says("--trim");
    world.seal_with(&["set", "out.yaml", "token", "--trim"], b"other\n").exits(0);
    assert_eq!(value(&world, "SECRET_TOKEN"), "b3RoZXI=");
}

#[test]
fn direktiv_finds_it_by_namespace_and_name_and_may_have_made_an_empty_one() {
    let world = World::new();
    let of = ["-n", "direktiv", "--direktiv-namespace", "my_team"];
    let args = [&["--name", "api-token", "--from-file", "-"], &of[..]].concat();
    seal(&world, "direktiv", &args, "v").exits(0);
    assert_has(
        &live(&world),
        &[
            "name: nssecret-my-team-api-token",
            "direktiv.io/namespace: my_team",
            "direktiv.io/name: api-token",
        ],
    );
    assert_eq!(value(&world, "secret"), "v");
    assert_has(&world.read("out.yaml"), &["onConflict: AdoptEmpty", "seal.dev/for: direktiv"]);
    for (args, why) in [
        (vec!["--name", "secretToken"], "call it secret-token"),
        (vec!["--name", "a-"], "neither first nor last a dash"),
        (vec!["--name", "a", "--direktiv-version", "0.8.1"], "keeps its secrets in a database"),
    ] {
        let args = [&of[..], &args, &["--from-file", "-"]].concat();
        seal(&world, "direktiv", &args, "v").exits(2).says(why);
    }
}

#[test]
fn a_flag_of_another_platform_is_named() {
    let world = World::new();
    let args = ["--name", "a", "--project", "p", "--from-file", "-"];
    seal(&world, "openfaas", &args, "v").exits(2).says("--project means nothing for openfaas");
    world.seal(&["--for", "openfass", "x.json"]).exits(2).says("it takes openfaas, pachyderm");
}
