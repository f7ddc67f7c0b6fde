//! The exit codes of `docs/reference/exit-codes.md`, one by one, for each command that can end so.
//!
//! What needs a cluster is refused here, with 4; what it ends with beside one is tested beside one.

use crate::fetching::{publishing, serve};
use crate::world::{World, recipient};

/// A repository with files for each end, as a week leaves them.
fn repository() -> World {
    let world = World::sealed();
    world.git(&["init", "--quiet"]);
    let sealed = world.read("db.sealed.yaml");
    let payload = sealed.rfind("payload: ").expect("a payload") + "payload: ".len() + 30;
    let other = if &sealed[payload..=payload] == "A" { "B" } else { "A" };
    let mut damaged = sealed.clone();
    damaged.replace_range(payload..=payload, other);
    world.write("damaged.yaml", damaged);
    world.write("moved.yaml", sealed.replacen("namespace: prod", "namespace: test", 1));
    world.write("cut.yaml", &sealed[..sealed.len() / 2]);
    world.write("stranger.yaml", world.seal(&["secret.json", "-r", &recipient("stranger")]).text());
    world.write("db.json", "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"x\", \"namespace\": \"prod\"}}");
    world.write("../outside/db.sealed.yaml", &sealed);
    world.write("clean/db.sealed.yaml", &sealed);
    world.git(&["add", "db.sealed.yaml", ".seal.yaml"]);
    world.git(&["commit", "--quiet", "-m", "sealed"]);
    world
}

/// Runs each line in a repository of its own kind, with `x` on standard input.
fn end_with(code: i32, lines: &[&str]) {
    let fingerprint = recipient("cluster").parse::<seal_core::key::Recipient>().expect("one");
    let fingerprint = fingerprint.fingerprint().to_string();
    for line in lines {
        let world = repository();
        let line = line.replace("FINGERPRINT", &fingerprint);
        let args: Vec<&str> = line.split(' ').collect();
        let ran = world.seal_with(&args, b"x");
        assert_eq!(
            ran.code,
            code,
            "seal {line}\n{}{}",
            ran.stderr,
            String::from_utf8_lossy(&ran.stdout)
        );
        let said = ran.stderr.contains("seal: error: ");
        assert_eq!(said, code != 0, "seal {line}: a failure says why\n{}", ran.stderr);
    }
}

#[test]
fn zero_is_done() {
    end_with(
        0,
        &[
            "secret.json",
            "secret.json -o new.yaml",
            "set db.sealed.yaml password",
            "unset db.sealed.yaml password",
            "rename-key db.sealed.yaml password secret -i ../cluster.txt",
            "reseal db.sealed.yaml -i ../cluster.txt",
            "reseal --check db.sealed.yaml",
            "check clean",
            "check db.sealed.yaml",
            "inspect db.sealed.yaml",
            "diff db.sealed.yaml stranger.yaml",
            "diff db.sealed.yaml db.sealed.yaml",
            "fmt db.sealed.yaml",
            "open db.sealed.yaml -i ../cluster.txt",
            "exposed FINGERPRINT",
            "git-setup",
            "init",
            "registry ghcr.io --username u --name r -n prod",
            "key new -o ../new.key",
            "key recipient ../cluster.txt",
            "install",
            "uninstall",
            "completion bash",
            "man",
            "demo",
            "--version",
            "--help",
            "edit --help",
        ],
    );
}

#[test]
fn one_is_what_did_not_work() {
    end_with(1, &["open damaged.yaml -i ../cluster.txt"]);
    let world = repository();
    let policy = world.read(".seal.yaml").replace("[cluster, offline]", "[offline]");
    world.write(".seal.yaml", policy);
    world.seal(&["reseal", "damaged.yaml", "-i", "../cluster.txt"]).exits(1).says("Damaged");
    let mut command = world.command(&["edit", "db.sealed.yaml"]);
    let output = command.env("EDITOR", "false").output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn two_is_wrong_use_or_bad_input() {
    end_with(
        2,
        &[
            "absent.json",
            "secret.json --nothing",
            "secret.json -o absent/new.yaml",
            "db.json",
            "set absent.yaml password",
            "set db.sealed.yaml p@ssword",
            "set cut.yaml password",
            "unset db.sealed.yaml absent",
            "rename-key db.sealed.yaml absent secret -i ../cluster.txt",
            "rename-key db.sealed.yaml username password -i ../cluster.txt",
            "edit absent.yaml",
            "reseal absent -i ../cluster.txt",
            "reseal secret.json -i ../cluster.txt",
            "check absent",
            "check --staged db.sealed.yaml",
            "check --format xml",
            "check --max-key-age 1y",
            "check --policy-from absent",
            "inspect cut.yaml",
            "diff db.sealed.yaml absent.yaml",
            "fmt secret.json",
            "open cut.yaml -i ../cluster.txt",
            "open db.sealed.yaml -i ../cluster.txt --key absent",
            "exposed sha256:1",
            "key new -o ../cluster.txt",
            "key recipient secret.json",
            "completion tcsh",
            "registry",
            "open db.sealed.yaml -i secret.json",
            "reconcile",
            "wait",
            "wait -f absent.yaml",
            "rename db.sealed.yaml",
            "git-setup now",
            "init --offline age1",
            "man seal",
            "demo now",
            "wait db --timeout x",
        ],
    );
}

#[test]
fn three_is_what_a_check_would_change() {
    end_with(
        3,
        &[
            "set --check db.sealed.yaml password",
            "secret.json --check -o new.yaml",
            "reseal --check stranger.yaml",
        ],
    );
}

#[test]
fn four_is_no_key_no_recipient_no_cluster() {
    end_with(
        4,
        &[
            "open db.sealed.yaml -i ../stranger.txt",
            "open stranger.yaml -i ../cluster.txt",
            "set ../outside/db.sealed.yaml password",
            "secret.json -o ../outside/new.yaml",
            "rename-key db.sealed.yaml password secret -i ../stranger.txt",
            "reseal stranger.yaml -i ../cluster.txt",
            "fetch",
            "fetch --kubeconfig absent",
            "wait db -n prod",
            "status",
            "reconcile db -n prod",
            "key list",
            "key rotate",
            "key backup -o ../backup.age",
            "reseal stranger.yaml --from-cluster",
        ],
    );
}

#[test]
fn five_is_another_place() {
    end_with(
        5,
        &[
            "open moved.yaml -i ../cluster.txt",
            "set moved.yaml password",
            "reseal moved.yaml -i ../cluster.txt",
        ],
    );
}

#[test]
fn six_is_sealed_already() {
    end_with(6, &["db.sealed.yaml", "db.sealed.yaml -o new.yaml"]);
}

#[test]
fn seven_is_what_check_found() {
    end_with(
        7,
        &[
            "check",
            "check secret.json",
            "check moved.yaml",
            "check stranger.yaml",
            "check cut.yaml",
            "check --format json .",
            "check --max-key-age 1d db.sealed.yaml",
        ],
    );
}

#[test]
fn eight_is_another_recipient_than_the_pinned_one() {
    let world = World::new();
    serve(&world, vec![publishing(&recipient("stranger"))]);
    world.seal(&["fetch", "--kubeconfig", "kubeconfig"]).exits(8).says("is pinned to");
}
