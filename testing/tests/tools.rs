//! Where tools come from, and that a test without them is skipped aloud, and in CI not at all.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Run by the tests below, where these tools are and where they are not.
#[test]
fn says_where_age_and_its_vectors_are() {
    let Some(age) = seal_testing::tool!("age") else { return };
    let Some(vectors) = seal_testing::cctv_age!() else { return };
    println!("found {} {}", age.display(), vectors.display());
    let vector = fs::read_to_string(vectors.join("hybrid")).unwrap_or_default();
    println!("{}", vector.lines().next().unwrap_or("no such vector"));
}

#[test]
fn a_test_without_its_tool_says_what_it_needs() {
    let output = again(&[]);
    assert!(output.status.success());
    let line = "skipped: tools::says_where_age_and_its_vectors_are needs age: \
                make test builds it, or name its directory in SEAL_TEST_TOOLS\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), line);
}

#[test]
fn in_ci_a_test_without_its_tool_fails() {
    let output = again(&[("CI", "true")]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("skipped: tools::says_where_age_and_its_vectors_are needs age"),
        "{said}"
    );
}

#[test]
fn a_directory_that_is_named_is_where_tools_come_from() {
    let given = tempfile::tempdir().unwrap();
    put(given.path(), "bin/age", "");
    put(given.path(), "cctv-age/hybrid", "expect: success\n");
    let dir = given.path().display().to_string();
    let output = again(&[("SEAL_TEST_TOOLS", &format!("/nonexistent:{dir}/bin"))]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains(&format!("found {dir}/bin/age {dir}/cctv-age\nexpect: success\n")),
        "{said}"
    );
}

#[test]
fn the_build_refuses_a_go_that_is_too_old_and_builds_nothing() {
    let cache = tempfile::tempdir().unwrap();
    put(cache.path(), "old/go", "#!/bin/sh\necho go1.20.1\n");
    let path = format!("{}:{}", cache.path().join("old").display(), env::var("PATH").unwrap());
    let output = build(&cache, &["age"], &[("PATH", &path)]);
    assert_eq!(output.status.code(), Some(3));
    let line = "testing/tools/build: the set age needs Go 1.25.0 or newer on PATH \
                (https://go.dev/dl/), and it is 1.20.1\n";
    assert_eq!((text(&output.stdout), text(&output.stderr)), (String::new(), line.to_string()));
}

#[test]
fn the_build_says_nothing_about_what_is_not_built_and_refuses_what_it_does_not_know() {
    let cache = tempfile::tempdir().unwrap();
    let output = build(&cache, &["--where", "kubernetes", "keyring", "age", "peers"], &[]);
    assert_eq!(
        (output.status.code(), text(&output.stdout), text(&output.stderr)),
        (Some(0), String::new(), String::new())
    );
    let output = build(&cache, &["--where", "minikube"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no set named `minikube`"));
}

#[test]
fn kubebuilder_assets_stand_for_the_kubernetes_set() {
    let assets = tempfile::tempdir().unwrap();
    put(assets.path(), "etcd", "");
    put(assets.path(), "kube-apiserver", "");
    let dir = assets.path().canonicalize().unwrap().display().to_string();
    let output = build(&assets, &["kubernetes"], &[("KUBEBUILDER_ASSETS", &dir)]);
    assert_eq!((text(&output.stdout), text(&output.stderr)), (format!("{dir}\n"), String::new()));
}

/// Runs the first test of this file again, with no tools but those that `environment` names.
fn again(environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env::current_exe().expect("a test knows its own path"));
    command.args(["--exact", "says_where_age_and_its_vectors_are", "--nocapture"]);
    command.env_remove("CI").env_remove("SEAL_TEST_TOOLS").env("SEAL_TOOLS_CACHE", "/nonexistent");
    command.envs(environment.iter().copied()).output().expect("this program can be run again")
}

fn build(cache: &TempDir, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/build"));
    command.args(args).env_remove("KUBEBUILDER_ASSETS").env("SEAL_TOOLS_CACHE", cache.path());
    command.envs(environment.iter().copied()).output().expect("bash is on PATH")
}

/// A file that can be executed.
fn put(directory: &Path, name: &str, content: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().expect("it is in a directory"))
        .expect("a directory can be made");
    fs::write(&path, content).expect("a file can be written");
    fs::set_permissions(&path, Permissions::from_mode(0o755))
        .expect("a file of our own can be changed");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
