//! What the documents say of words, codes and names, held against the sources. Their commands are run in
//! `testing/tests/documents`.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers are tests too, which clippy does not see

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use seal_core::exit_code::ExitCode;
use seal_core::reason::Reason;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|_| panic!("{name} is not there"))
}

/// The rows of the first table of a page, each a list of cells.
fn first_table(page: &str) -> Vec<Vec<String>> {
    let text = read(page);
    let rows = text.lines().skip_while(|line| !line.starts_with("|---"));
    rows.skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The words in backticks, in their order.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_page_of_exit_codes_has_every_code_and_the_reasons_that_end_with_it() {
    let documented: Vec<(String, BTreeSet<String>)> = first_table("docs/reference/exit-codes.md")
        .into_iter()
        .map(|row| (row[0].clone(), quoted(&row[2]).into_iter().map(str::to_owned).collect()))
        .collect();
    let codes = ExitCode::ALL.map(|code| {
        let reasons = Reason::ALL.into_iter().filter(|reason| ExitCode::from(*reason) == code);
        (u8::from(code).to_string(), reasons.map(|reason| reason.to_string()).collect())
    });
    assert_eq!(documented, codes);
}

#[test]
fn the_page_of_reasons_has_every_reason_and_its_next_step() {
    let documented: Vec<(String, String)> = first_table("docs/reference/reasons.md")
        .into_iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), row[2].clone()))
        .collect();
    let reasons = Reason::ALL.map(|reason| (reason.to_string(), reason.hint().to_owned()));
    assert_eq!(documented, reasons);
}

/// The names that the registry is given; `_total` is what the text format adds to a counter.
#[test]
fn the_page_of_metrics_has_every_metric() {
    let of = |file: &str, prefix: &str| -> BTreeSet<String> {
        let source = read(file);
        let registered = source.split(".register(").skip(1);
        registered
            .filter_map(|call| call.split('"').nth(1))
            .map(|name| format!("{prefix}{name}"))
            .collect()
    };
    let mut registered = of("controller/src/metrics.rs", "seal_controller_");
    registered.extend(of("controller/src/git/counting.rs", "seal_git_"));
    assert!(!registered.is_empty());
    let documented: BTreeSet<String> = first_table("docs/reference/metrics.md")
        .iter()
        .map(|row| row[0].trim_matches('`').trim_end_matches("_total").to_owned())
        .collect();
    assert_eq!(documented, registered);
}

/// The version of Kubernetes that a set of tools builds.
fn kubernetes_of(set: &str) -> String {
    let pinned = read(&format!("testing/tools/{set}/go.mod"));
    let line = pinned.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes v"));
    line.unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn the_versions_of_kubernetes_that_are_named_are_those_that_are_tested_with() {
    let readme = read("README.md").replace('\n', " ");
    let minor = |version: &str| version.rsplit_once('.').unwrap().0.to_owned();
    let [usual, oldest, newest] =
        ["kubernetes", "kubernetes-1.33", "kubernetes-1.37"].map(kubernetes_of);
    for sentence in [
        format!("Kubernetes {} to {} are supported", minor(&oldest), minor(&newest)),
        format!("tested with Kubernetes {usual}"),
        format!("against {oldest} and {newest}"),
    ] {
        assert!(readme.contains(&sentence), "README.md: {sentence}");
    }
    let chart = read("controller/deploy/chart/Chart.yaml");
    assert!(chart.contains(&format!("kubeVersion: \">={}.0-0\"", minor(&oldest))));
}

#[test]
fn the_version_of_rust_that_is_named_is_the_one_that_is_asked_for() {
    let manifest = read("Cargo.toml");
    let (_, version) = manifest.split_once("rust-version = \"").unwrap();
    let needs = format!("Rust {}", version.split('"').next().unwrap());
    for page in ["README.md", "docs/how-to/install.md"] {
        assert!(read(page).contains(&needs), "{page}: {needs}");
    }
}

/// A test that a page names as the one that holds a sentence: four words and more in backticks.
#[test]
fn each_test_that_security_md_and_the_page_of_faults_name_exists() {
    let text = [read("SECURITY.md"), read("docs/reliability.md")].join("\n");
    let named: BTreeSet<&str> =
        quoted(&text).into_iter().filter(|word| is_test_name(word)).collect();
    assert!(named.len() > 20, "the names are found: {named:?}");
    let mut known = BTreeSet::new();
    for folder in ["shared", "cli", "controller", "packaging", "testing"] {
        collect_tests(&root().join(folder), &mut known);
    }
    let missing: Vec<_> = named.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "tests that are not there: {missing:?}");
}

fn is_test_name(word: &str) -> bool {
    word.matches('_').count() >= 3
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Functions behind `#[test]` or `#[tokio::test…]`, and the pages of `cli/tests/cmd`.
fn collect_tests(folder: &Path, known: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_tests(&path, known);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for behind in text.split("test]\n").chain(text.split("#[tokio::test")).skip(1) {
                let name = behind.split_once("fn ").and_then(|(_, rest)| rest.split('(').next());
                known.extend(name.map(str::to_owned));
            }
        } else if path.parent().is_some_and(|folder| folder.ends_with("tests/cmd")) {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            known.insert(name.replace('-', "_"));
        }
    }
}
