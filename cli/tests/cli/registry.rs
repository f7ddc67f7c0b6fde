//! `seal registry`: the one docker config, what is refused before anything is sealed, and what platforms list it by.

use crate::world::{Ran, World};

const PLACE: [&str; 4] = ["-n", "prod", "--name", "pull"];
const KEY: &str = ".dockerconfigjson";

fn registry(world: &World, args: &[&str], password: &str) -> Ran {
    world.seal_with(
        &[&["registry"], args, &["-o", "out.yaml", "--force"]].concat(),
        password.as_bytes(),
    )
}

fn config(world: &World) -> String {
    String::from_utf8(world.open("out.yaml", KEY)).expect("JSON")
}

fn live(world: &World) -> String {
    world.seal(&["open", "out.yaml", "-i", "../cluster.txt"]).exits(0).text()
}

#[test]
fn a_registry_has_one_docker_config_and_the_password_comes_by_no_argument() {
    let world = World::new();
    let args = [&["ghcr.io/org/", "--username", "me"], &PLACE[..]].concat();
    registry(&world, &args, "hunter2")
        .exits(0)
        .says("prod/pull: me of ghcr.io/org/, under ghcr.io/org/");
    let auth = "{\"auths\":{\"ghcr.io/org/\":{\"username\":\"me\",\"password\":\"hunter2\",\"auth\":\"bWU6aHVudGVyMg==\"}}}";
    assert_eq!(config(&world), auth);
    assert!(live(&world).contains("type: kubernetes.io/dockerconfigjson"));
    assert!(!world.read("out.yaml").contains("hunter2"));
    world.write("password.txt", "hunter2");
    registry(&world, &[&args[..], &["--password-file", "password.txt"]].concat(), "").exits(0);
    assert_eq!(config(&world), auth);
    registry(&world, &[&args[..], &["--password-stdin", "--trim"]].concat(), "hunter2\r\n")
        .exits(0);
    assert_eq!(config(&world), auth);
    for flag in ["--password=hunter2", "-phunter2"] {
        let ran = registry(&world, &[&args[..], &[flag]].concat(), "").exits(2);
        assert!(!ran.says("seen in the shell's history").stderr.contains("hunter2"));
    }
    registry(&world, &[&args[..], &["--prompt"]].concat(), "")
        .exits(2)
        .says("no terminal to ask at");
}

#[test]
fn what_a_kubelet_would_never_find_is_refused_with_what_it_would() {
    let world = World::new();
    for (host, hint) in [
        ("registry-1.docker.io", "seal: hint: docker.io"),
        ("https://hub.docker.com", "seal: hint: docker.io"),
        ("https://index.docker.io/v1", "seal: hint: docker.io"),
        ("index.docker.io/org/", "seal: hint: docker.io/org/"),
        ("GHCR.IO", "seal: hint: ghcr.io, also"),
        ("*", "seal: hint: name the host"),
        ("myorg", "docker.io/myorg/"),
        ("r.io:x", "a port is a number"),
        ("https://%zz", "such as ghcr.io"),
        ("", "such as ghcr.io"),
    ] {
        let args = [&[host, "--username", "me"], &PLACE[..]].concat();
        registry(&world, &args, "p").exits(2).says(hint);
    }
    let args = [&["docker.io", "--username", "me"], &PLACE[..]].concat();
    registry(&world, &args, "p").exits(0);
    assert!(config(&world).starts_with("{\"auths\":{\"https://index.docker.io/v1/\":{"));
    let args = [&["ghcr.io/org", "--username", "me"], &PLACE[..]].concat();
    registry(&world, &args, "p").exits(0).says("ghcr.io/org is also how other names begin");
}

#[test]
fn a_password_that_would_fail_every_login_is_refused() {
    let world = World::new();
    let with = |user: &str, password: &[u8]| {
        let args =
            [&["registry", "r.io", "--username", user, "-o", "out.yaml"], &PLACE[..]].concat();
        world.seal_with(&args, password).exits(2)
    };
    with("me", b"hunter2\n").says("has a line break").says("--trim");
    with("me", b"").says("the password is empty");
    with("me", b"a\0b").says("NUL byte");
    with("me", b"\xff").says("no UTF-8 text");
    with("me:hunter2", b"p").says("has a :");
    with("", b"p").says("no name");
    with("_json_key_base64", b"{}").says("--gar-key");
    world
        .seal(&[&["registry", "r.io"], &PLACE[..]].concat())
        .exits(2)
        .says("whose credentials they are is not said");
    assert!(!world.path("out.yaml").exists());
}

#[test]
fn a_key_file_of_google_is_taken_as_it_is() {
    let world = World::new();
    let long = "k".repeat(200);
    world.write(
        "key.json",
        format!("{{\n \"type\": \"service_account\",\n \"private_key\": \"{long}\"\n}}\n"),
    );
    let args = [&["us-docker.pkg.dev", "--gar-key", "key.json"], &PLACE[..]].concat();
    registry(&world, &args, "").exits(0).says("_json_key_base64 of us-docker.pkg.dev");
    assert!(config(&world).contains("\"username\":\"_json_key_base64\",\"password\":\"ewog"));
    for wrong in ["", "{}", "{\"type\": \"authorized_user\"}", "ewog"] {
        world.write("key.json", wrong);
        registry(&world, &args, "").exits(2).says("no key of a Google service account");
    }
    registry(&world, &[&args[..], &["--username", "me"]].concat(), "")
        .exits(2)
        .says("exclude each other");
    registry(&world, &[&args[..], &["--password-stdin"]].concat(), "")
        .exits(2)
        .says("another one is named");
}

#[test]
fn an_entry_of_a_docker_config_is_taken_and_nothing_that_is_kept_elsewhere() {
    let world = World::new();
    world.write(
        "config.json",
        r#"{"auths": {"ghcr.io": {"auth": "bWU6aHVudGVyMg=="}, "r.io": {}, "t.io": {"identitytoken": "t"},
            "bad.io": {"auth": "aHVudGVyMg=="}}, "credsStore": "desktop", "credHelpers": {"gcr.io": "gcloud"}}"#,
    );
    let from = |host: &str| {
        registry(&world, &[&[host, "--from-docker-config", "config.json"], &PLACE[..]].concat(), "")
    };
    from("https://ghcr.io").exits(0);
    assert!(config(&world).contains("{\"ghcr.io\":{\"username\":\"me\",\"password\":\"hunter2\""));
    from("r.io").exits(2).says("docker-credential-desktop keeps them").says("docker --config");
    from("gcr.io").exits(2).says("docker-credential-gcloud keeps them");
    from("t.io").exits(2).says("the kubelet does not use tokens");
    from("quay.io")
        .exits(2)
        .says("quay.io is not in it")
        .says("it has bad.io, ghcr.io, r.io, t.io");
    let ran = from("bad.io").exits(2).says("base64 of something without a :");
    assert!(!ran.stderr.contains("hunter2") && !ran.stderr.contains("aHVudGVyMg"));
}

#[test]
fn a_docker_config_that_fails_the_pulls_of_a_pod_is_not_sealed_and_one_of_no_use_is_warned_of() {
    let world = World::new();
    let manifest = |config: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a, namespace: b}}\ntype: kubernetes.io/dockerconfigjson\nstringData:\n  {KEY}: '{config}'\n"
        )
    };
    let seal =
        |config: &str| world.seal_with(&["-o", "out.yaml", "--force"], manifest(config).as_bytes());
    seal(r#"{"auths": {"r.io": {"auth": "bWU="}}}"#)
        .exits(2)
        .says("the entry of r.io: its auth is base64 of something without a :")
        .says("fails all credentials of a pod")
        .says("seal: hint: auth is base64 of user:password");
    seal(r#"{"auths": {"r.io": {"username": "u", "password": 1}}}"#).exits(2).says("no string");
    seal(r#"{"auths": {"registry-1.docker.io": {"auth": "bWU6cA=="}}}"#)
        .exits(0)
        .says("warning: b/a: the entry of registry-1.docker.io is found for no image");
    seal(r#"{"auths": {"r.io": {}}, "credsStore": "desktop"}"#)
        .exits(0)
        .says("logs in with empty ones");
    let ran = seal(r#"{"auths": {"ghcr.io": {"auth": "bWU6cA=="}}}"#).exits(0);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let set = |config: &[u8]| world.seal_with(&["set", "out.yaml", KEY], config);
    set(br#"{"auths": {"r.io": {"auth": "%"}}}"#).exits(2).says("no base64");
    set(br#"{"auths": {"GHCR.IO": {"auth": "bWU6cA=="}}}"#).exits(0).says("right is: ghcr.io");
}

#[test]
fn platforms_list_it_by_their_own_labels_names_and_namespaces() {
    let world = World::new();
    let with = |args: &[&str]| {
        registry(&world, &[&["https://ghcr.io", "--username", "robot"], args].concat(), "p")
    };
    let has = |lines: &[&str]| {
        let live = live(&world);
        lines.iter().for_each(|line| assert!(live.contains(line), "{line} is not there:\n{live}"));
        assert!(config(&world).starts_with("{\"auths\":{\"ghcr.io\":{"));
    };
    with(&["--for", "openfaas", "--name", "pull"]).exits(0).says("from their next deploy on");
    has(&["namespace: openfaas-fn", "name: pull", "app.kubernetes.io/managed-by: openfaas"]);
    with(&["--for", "pachyderm", "--name", "pull", "-n", "pachyderm"]).exits(0);
    has(&["suite: pachyderm", "secret-source: pachyderm-user"]);
    let long = "g".repeat(50);
    with(&["--for", "flyte", "--project", "p", "--domain", "d", "--name", &long]).exits(0);
    has(&["namespace: p-d"]);
    with(&["--for", "direktiv", "--direktiv-namespace", "prod"])
        .exits(0)
        .says("services that are made");
    has(&[
        "namespace: direktiv-services-direktiv",
        "name: secret-5b9939d4af6bbbc113fb",
        "direktiv.io/namespace: prod",
        "direktiv.io/registry_url: https://ghcr.io",
        "direktiv.io/registry_user: robot",
    ]);
    assert!(!world.read("out.yaml").contains("onConflict"));
    let old = ["--for", "direktiv", "--direktiv-namespace", "prod", "--direktiv-version", "0.7"];
    with(&old).exits(0);
    has(&[
        "name: direktiv-secret-prod-ghcr.io",
        "direktiv.io/registry-type: namespace",
        "direktiv.io/url: https://ghcr.io",
        "direktiv.io/obf-user: r***t",
        "direktiv.io/urlhash: aHR0cHM6Ly9naGNyLmlv",
    ]);
    for (args, why) in [
        (vec!["--for", "direktiv"], "which Direktiv namespace"),
        (vec!["--for", "direktiv", "--direktiv-namespace", "a", "-n", "b"], "its namespace is b"),
        (
            vec!["--for", "direktiv", "--direktiv-namespace", "a", "--name", "b"],
            "leave the name out",
        ),
        (vec!["--for", "flyte", "--name", "b"], "--project P"),
        (vec!["--for", "openfaas", "--project", "a", "--name", "b"], "--project means nothing"),
        (vec!["--for", "kestra"], "it takes openfaas, pachyderm, flyte, direktiv"),
        (vec!["--name", "b"], "it has no namespace"),
        (vec!["-n", "b"], "it has no name"),
    ] {
        with(&args).exits(2).says(why);
    }
}

#[test]
fn the_day_on_which_credentials_end_is_kept_and_shown() {
    let world = World::new();
    let args = [&["r.io", "--username", "me"], &PLACE[..]].concat();
    registry(&world, &[&args[..], &["--expires", "9000-01-31"]].concat(), "p").exits(0);
    assert!(world.read("out.yaml").contains("seal.dev/expires: \"9000-01-31\""));
    world.seal(&["inspect", "out.yaml"]).exits(0).prints("expires        after 9000-01-31");
    world.seal(&["inspect", "--json", "out.yaml"]).exits(0).prints("\"expires\": \"9000-01-31\"");
    world
        .seal_with(
            &[&["registry"], &args[..], &["-o", "out.yaml", "--expires", "9001-01-31"]].concat(),
            b"q",
        )
        .exits(0);
    world.seal(&["inspect", "out.yaml"]).exits(0).prints("after 9001-01-31");
    world.write("out.yaml", world.read("out.yaml").replace("9001", "2001"));
    world.seal(&["inspect", "out.yaml"]).exits(0).prints("2001-01-31, which is past");
    for (day, why) in
        [("2001-01-31", "is past"), ("90d", "names no day"), ("9000-02-30", "names no day")]
    {
        registry(&world, &[&args[..], &["--expires", day]].concat(), "p").exits(2).says(why);
    }
}

#[test]
fn a_password_that_ends_in_hours_or_begins_with_a_mark_is_told() {
    let world = World::new();
    let with = |user: &str, password: &str| {
        registry(&world, &[&["r.io", "--username", user], &PLACE[..]].concat(), password)
    };
    with("AWS", "token").exits(0).says("the password of AWS is a token of Amazon's");
    with("me", "\u{feff}token").exits(2).says("begins with a byte order mark").says("--prompt");
    assert!(!with("me", "token").exits(0).stderr.contains("warning"));
}

#[test]
fn the_service_accounts_that_pull_with_it_are_named_by_a_flag() {
    let world = World::new();
    let args = [&["r.io", "--username", "me"], &PLACE[..]].concat();
    let with = |names: &[&str]| {
        let flags: Vec<&str> = names.iter().flat_map(|name| ["--service-account", name]).collect();
        registry(&world, &[&args[..], &flags].concat(), "p")
    };
    with(&["default", "builder"]).exits(0);
    assert!(world.read("out.yaml").contains("  serviceAccounts:\n  - builder\n  - default\n"));
    with(&["No Such"]).exits(2).says("a name that no ServiceAccount can have");
    let opaque = ["secret.json", "--service-account", "default", "-o", "b.yaml"];
    world.seal(&opaque).exits(2).says("needs the type kubernetes.io/dockerconfigjson");
    // Sealed again without the flag it keeps them, and what is no longer of the type is found before it is merged.
    let again = [&["registry"], &args[..], &["-o", "out.yaml"]].concat();
    world.seal_with(&again, b"q").exits(0);
    assert!(world.read("out.yaml").contains("- builder"));
    let text = world.read("out.yaml").replace("kubernetes.io/dockerconfigjson", "Opaque");
    world.write("out.yaml", text);
    world
        .seal(&["check", "out.yaml"])
        .exits(7)
        .prints(": Malformed: prod/pull: spec.serviceAccounts needs the type");
}
