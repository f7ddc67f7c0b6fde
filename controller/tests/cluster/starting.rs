//! What a command line must make sense of before anything is started, and how a log of JSON begins, goes on and ends.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use seal_core::key::Identity;
use seal_core::kind::sealed::Template;
use seal_core::place::{Place, Scope};
use serde_json::Value;

use crate::keys::add_key;
use crate::support::{CANARY, Controller, ends, map, quiet, seal_for, with};

/// A line of a log, for whoever prints what stands in an object.
const FORGED: &str =
    "\n{\"level\":\"ERROR\",\"fields\":{\"message\":\"\u{1b}[2J\u{202e}forged\"}}\n";
const BINARY: &str = env!("CARGO_BIN_EXE_seal-controller");

/// What becomes of a command line; standard error as text.
fn started(args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = Command::new(BINARY)
        .args(args)
        .env_remove("POD_NAME")
        .env_remove("POD_NAMESPACE")
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    assert!(stdout.is_empty());
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// Command lines that make no sense, and what is said of each.
const WRONG: [(&[&str], &str); 20] = [
    (&["--namespaces=a", "--allow-cluster-wide"], "'--namespaces <NS,…>' cannot be used with"),
    (&["--namespaces=a", "git"], "'git' cannot be used with"),
    (&["git", "--namespaces=a"], "unexpected argument '--namespaces'"),
    (&["git", "--attach-pull-secrets"], "unexpected argument '--attach-pull-secrets'"),
    (&["--cluster-sealed-secrets"], "unexpected argument '--cluster-sealed-secrets'"),
    (&["--once"], "unexpected argument '--once'"),
    (&["a"], "unrecognized subcommand 'a'"),
    (&["--namespaces=seal-system"], "--namespaces names seal-system, in which nothing is ever"),
    (&["--namespace=b", "--namespaces=a,b"], "--namespaces names b, in which nothing is ever"),
    (&["--git-namespace=b", "--namespaces=a,b"], "--namespaces names b, in which nothing is ever"),
    (&["--namespaces="], "'--namespaces <NS,…>'"),
    (&["--namespaces=a,,b"], "'--namespaces <NS,…>'"),
    (&["--namespaces=a,B"], "invalid value 'B' for '--namespaces <NS,…>': that cannot name"),
    (&["--namespace="], "'--namespace <NAMESPACE>'"),
    (&["--pod-name="], "'--pod-name <NAME>'"),
    (&["--kubeconfig="], "'--kubeconfig <FILE>'"),
    (&["--listen=8080"], "invalid value '8080' for '--listen <ADDRESS>'"),
    (
        &["git", "--listen=localhost:8080"],
        "invalid value 'localhost:8080' for '--listen <ADDRESS>'",
    ),
    (&["--workers=0"], "invalid value '0' for '--workers <N>'"),
    (&["--log-format=yaml"], "invalid value 'yaml' for '--log-format <LOG_FORMAT>'"),
];

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2_and_a_line_that_says_why() {
    for (args, why) in WRONG {
        let (code, said) = started(args);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        let first = said.lines().next().unwrap();
        assert!(first.starts_with("error: ") && first.contains(why), "{args:?}: {first}");
    }
}

/// Each line as what it is, or the test fails; level and message.
fn lines(log: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert!(line["timestamp"].as_str().is_some_and(|it| it.ends_with('Z')), "{line}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&line["level"]), text(&line["message"]))
    };
    log.lines().map(line).collect()
}

#[test]
fn with_a_log_of_json_what_keeps_it_from_starting_is_one_line_of_it() {
    let json = ["--log-format", "json"];
    for (args, why) in &WRONG[..WRONG.len() - 1] {
        let (code, said) = started(&[args, &json[..]].concat());
        let [(level, message)] = &lines(&said)[..] else { panic!("{args:?}: {said}") };
        assert_eq!((code, level.as_str()), (Some(2), "ERROR"));
        assert!(message.contains(why), "{args:?}: {message}");
    }
    // That of a fetch, which is a process of its own.
    let (code, said) = started(&["fetch", "--log-format=json"]);
    assert_eq!((code, lines(&said).len()), (Some(1), 1), "{said}");
    for command in [&[][..], &["git"]] {
        let args = [command, &["--log-format=json", "--kubeconfig=/nonexistent/config"]].concat();
        let (code, said) = started(&args);
        let [(level, message)] = &lines(&said)[..] else { panic!("{args:?}: {said}") };
        assert_eq!((code, level.as_str()), (Some(1), "ERROR"));
        assert!(message.starts_with("no cluster: "), "{message}");
    }
}

#[tokio::test]
async fn with_a_log_of_json_every_line_from_the_start_to_the_stop_is_an_object() {
    let Some(cluster) = quiet!() else { return };
    let (home, ns) = (cluster.namespace().await, cluster.namespace().await);
    let key = Identity::generate();
    add_key(cluster, &home.name, "key", &key, "active").await;
    Controller::install(cluster, &home, &ns).await;
    let args = ["--namespaces", ns.name.as_str(), "--log-format", "json"];
    let process = Controller::spawn(cluster, &home.name, &args).await;
    process.said(r#""message":"ready","#).await;
    let seal = |name: &str| {
        let place = Place::new(&ns.name, name).unwrap();
        let recipient = key.recipient().parse().unwrap();
        seal_for(&recipient, &place, Scope::of(&place), &[("k", CANARY)])
    };
    ns.create(seal("good")).await;
    ends(&ns, "good", "Applied").await;
    let mut label = Template::default();
    label.metadata.labels = map(&[(&format!("seal.dev/{FORGED}"), FORGED)]);
    ns.create(with(label, seal("refused"))).await;
    ends(&ns, "refused", "NotAllowed").await;
    let (_, log) = process.terminate().await;

    let said = lines(&log);
    let levels: BTreeSet<&str> = said.iter().map(|(level, _)| level.as_str()).collect();
    assert!(levels.is_subset(&["INFO", "WARN"].into()), "{levels:?}");
    assert!(said.iter().any(|(_, message)| message.contains("is reserved")), "{log}");
    assert_eq!(said.last().unwrap().1, "stopped");
    assert!(!log.contains(CANARY));
}
