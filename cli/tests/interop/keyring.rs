//! Against the kubelet's own keyring: it finds what `seal registry` makes for the images that were meant, and what is refused
//! or warned of it does not find, or chokes on.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use seal_core::registry::{CONFIG_KEY, CONFIG_TYPE, Registry, Shape, check};
use seal_testing::tool;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{SEAL, pipe, run, text};

const HUB: &str = "docker.io/library/nginx";

#[derive(Debug, Deserialize)]
struct Answer {
    failed: bool,
    found: Vec<Vec<Login>>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Login {
    username: String,
    password: String,
}

/// Asks the keyring with all of these Secrets and images at once.
fn ask(keyring: &Path, questions: &[(Vec<Value>, Vec<&str>)]) -> Vec<Answer> {
    let questions: Vec<Value> = questions
        .iter()
        .map(|(secrets, images)| json!({"secrets": secrets, "images": images}))
        .collect();
    let answers = pipe(&mut Command::new(keyring), Value::from(questions).to_string().as_bytes());
    serde_json::from_slice(&answers).unwrap()
}

fn secret(config: &str) -> Value {
    json!({"type": CONFIG_TYPE, "data": {CONFIG_KEY: STANDARD.encode(config)}})
}

/// A docker config with one entry.
fn with(key: &str, entry: &str) -> String {
    format!("{{\"auths\":{{{}:{entry}}}}}", Value::from(key))
}

/// The live Secret that `seal registry` would make.
fn sealed(dir: &TempDir, host: &str, password: &str) -> Value {
    let args = ["registry", host, "--username", "me", "-n", "prod", "--name", "pull"];
    let recipient =
        text(run(Command::new(SEAL).args(["key", "recipient", "key.txt"]).current_dir(dir.path())));
    let file = pipe(
        Command::new(SEAL).args(args).args(["-r", recipient.trim()]).current_dir(dir.path()),
        password.as_bytes(),
    );
    std::fs::write(dir.path().join("sealed.yaml"), file).unwrap();
    let open = ["open", "sealed.yaml", "-i", "key.txt"];
    let config =
        run(Command::new(SEAL).args(open).args(["--key", CONFIG_KEY]).current_dir(dir.path()));
    let manifest = text(run(Command::new(SEAL).args(open).current_dir(dir.path())));
    assert!(manifest.contains(&format!("type: {CONFIG_TYPE}\n")), "{manifest}");
    secret(&text(config))
}

/// What `seal registry` takes: an image that is meant, and one that is not.
const TAKEN: [(&str, &str, &str); 18] = [
    ("docker.io", HUB, "quay.io/a/b"),
    ("index.docker.io", "nginx", "ghcr.io/library/nginx"),
    ("https://index.docker.io", "org/app", "r.io/org/app"),
    ("https://index.docker.io/v1/", HUB, "registry.example/a"),
    ("https://docker.io/v1/", HUB, "ghcr.io/a/b"),
    ("docker.io/org/", "docker.io/org/app", "docker.io/organisation/app"),
    ("ghcr.io", "ghcr.io/org/app:1.0", "docker.io/org/app"),
    ("https://ghcr.io", "ghcr.io/org/app", "gcr.io/org/app"),
    ("http://r.io/", "r.io/app", "r.io:5000/app"),
    ("ghcr.io/org/", "ghcr.io/org/app", "ghcr.io/organisation/app"),
    ("https://ghcr.io/v2/org/", "ghcr.io/org/app", "ghcr.io/organisation/app"),
    ("ghcr.io/v2/v2/", "ghcr.io/v2/app", "ghcr.io/org/app"),
    ("docker.io/v1/v1/", "docker.io/v1/app", "docker.io/org/app"),
    (
        "ghcr.io/org/app",
        "ghcr.io/org/app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "ghcr.io/org/other",
    ),
    ("r.io:5000", "r.io:5000/app", "r.io/app"),
    ("localhost", "localhost/app", "localhost:5000/app"),
    (
        "*.dkr.ecr.eu-west-1.amazonaws.com",
        "1234.dkr.ecr.eu-west-1.amazonaws.com/app",
        "dkr.ecr.eu-west-1.amazonaws.com/app",
    ),
    ("*.pkg.dev", "us-docker.pkg.dev/p/r/app", "pkg.dev/app"),
];

#[test]
fn the_kubelet_finds_what_is_sealed_for_the_images_that_are_meant() {
    let Some(keyring) = tool!("keyring") else { return };
    let dir = TempDir::new().unwrap();
    run(Command::new(SEAL).args(["key", "new", "-o", "key.txt"]).current_dir(dir.path()));
    let password = "p:\"q\\u0041 $ü";
    let questions =
        TAKEN.map(|(host, meant, other)| (vec![sealed(&dir, host, password)], vec![meant, other]));
    let login = Login { username: "me".into(), password: password.into() };
    for ((host, ..), answer) in TAKEN.iter().zip(ask(&keyring, &questions)) {
        assert!(!answer.failed && answer.found[1].is_empty(), "{host}: {answer:?}");
        assert_eq!(
            answer.found[0],
            [&login]
                .map(|it| Login { username: it.username.clone(), password: it.password.clone() }),
            "{host}"
        );
    }
}

/// Names that are refused, with an image that they were meant for.
const REFUSED: [(&str, &str); 16] = [
    ("https://registry-1.docker.io", HUB),
    ("registry-1.docker.io", HUB),
    ("https://hub.docker.com", HUB),
    ("hub.docker.com", HUB),
    ("https://index.docker.io/v1", HUB),
    ("docker.io:443", HUB),
    ("index.docker.io/org/", "docker.io/org/app"),
    ("https://index.docker.io/v1/org/", "docker.io/org/app"),
    ("GHCR.IO", "ghcr.io/org/app"),
    ("ghcr.io/Org/", "ghcr.io/org/app"),
    ("*", "ghcr.io/org/app"),
    ("ghcr.io/v2", "ghcr.io/org/app"),
    ("ghcr.io/org/*", "ghcr.io/org/app"),
    ("ghcr.io/org/app:1.0", "ghcr.io/org/app:1.0"),
    ("https://%zz", "zz/app"),
    ("myorg", "myorg/app"),
];

#[test]
fn the_kubelet_would_never_find_a_name_that_is_refused() {
    let Some(keyring) = tool!("keyring") else { return };
    let entry = "{\"username\":\"me\",\"password\":\"p\"}";
    let questions = REFUSED.map(|(key, image)| (vec![secret(&with(key, entry))], vec![image]));
    for ((key, _), answer) in REFUSED.iter().zip(ask(&keyring, &questions)) {
        assert!(!answer.failed && answer.found[0].is_empty(), "{key}: {answer:?}");
        assert!(Registry::parse(key).is_err(), "{key} is refused");
        assert!(
            !check(Shape::ConfigJson, with(key, entry).as_bytes()).unwrap().is_empty(),
            "{key}"
        );
    }
}

/// Entries beside a good one of another registry, and whether the keyring fails as a whole.
const ENTRIES: [(&str, bool); 16] = [
    ("{\"auth\":\"dTpw\"}", false),
    ("{\"auth\":\"dTpwcQ\"}", false),
    ("{\"auth\":\"dTpwCg==\"}", false),
    ("{\"auth\":\"dT\\npw\"}", false),
    ("{\"Auth\":\"dTpw\",\"AUTH\":\"\"}", false),
    ("{\"auth\":\"\",\"username\":\"u\",\"password\":\"p\"}", false),
    ("{\"auth\":null}", false),
    ("{\"identitytoken\":\"t\"}", false),
    ("{}", false),
    ("null", false),
    ("{\"auth\":\"%\"}", true),
    ("{\"auth\":\"dTpw \"}", true),
    ("{\"auth\":\"dQ==\"}", true),
    ("{\"username\":\"u\",\"password\":1}", true),
    ("{\"email\":[]}", true),
    ("[]", true),
];

#[test]
fn the_kubelet_chokes_on_the_entries_that_are_refused_and_on_no_other() {
    let Some(keyring) = tool!("keyring") else { return };
    let good = "{\"username\":\"me\",\"password\":\"p\"}";
    let questions = ENTRIES.map(|(entry, _)| {
        (vec![secret(&with("good.io", good)), secret(&with("bad.io", entry))], vec!["good.io/a"])
    });
    for ((entry, fails), answer) in ENTRIES.iter().zip(ask(&keyring, &questions)) {
        assert_eq!(answer.failed, *fails, "{entry}");
        let ours = check(Shape::ConfigJson, with("bad.io", entry).as_bytes());
        assert_eq!(ours.is_err(), *fails, "{entry}: {ours:?}");
    }
    // A mistake that it takes: it would log in with nothing.
    let store = "{\"auths\":{\"r.io\":{}},\"credsStore\":\"desktop\"}";
    let answers = ask(&keyring, &[(vec![secret(store)], vec!["r.io/a"])]);
    assert_eq!(answers[0].found[0], [Login { username: String::new(), password: String::new() }]);
    let bare = "{\"ghcr.io\":{\"auth\":\"dTpw\"}}";
    let answers = ask(&keyring, &[(vec![secret(bare)], vec!["ghcr.io/a"])]);
    assert!(answers[0].found[0].is_empty());
    for config in [store, bare] {
        assert!(!check(Shape::ConfigJson, config.as_bytes()).unwrap().is_empty(), "{config}");
    }
}
