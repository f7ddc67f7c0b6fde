//! Where the real tools are, and what a test says when they are not there.
//!
//! Looks in three places, first match wins: `KUBEBUILDER_ASSETS` (for Kubernetes' own binaries),
//! the directories of `SEAL_TEST_TOOLS` (colon-separated), and the cache that `testing/tools/build`
//! fills. Never builds and never looks on PATH, so that a test means the same on every machine.

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const BUILD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/build");
const SSHD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/sshd");
const FAKETIME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/faketime");

/// The path of a tool by its name (`etcd`, `kubectl`, `age`, `sops`, …), if it has been built or
/// provided.
pub fn find(name: &str) -> Option<PathBuf> {
    let set = set_of(name)?;
    let assets =
        env::var_os("KUBEBUILDER_ASSETS").filter(|_| set == "kubernetes").map(PathBuf::from);
    let given = env::var_os("SEAL_TEST_TOOLS").unwrap_or_default();
    let given: Vec<PathBuf> = env::split_paths(&given).filter(|dir| dir.is_absolute()).collect();
    let here = |dir: PathBuf| Some(dir.join(name)).filter(|path| path.is_file());
    assets.into_iter().chain(given).find_map(here).or_else(|| built(set).and_then(here))
}

/// The directory of age's CCTV test vectors, one file per vector, which `testing/tools/build age`
/// puts beside age.
pub fn cctv_age() -> Option<PathBuf> {
    let beside =
        |age: PathBuf| Some(age.parent()?.parent()?.join("cctv-age")).filter(|dir| dir.is_dir());
    find("age")
        .and_then(beside)
        .or_else(|| built("age").map(|bin| bin.join("age")).and_then(beside))
}

/// Like [`find`], but says that `test` is skipped where the tool is missing. See
/// [`tool!`](crate::tool).
pub fn needed(name: &str, test: &str) -> Option<PathBuf> {
    let found = find(name);
    if found.is_none() {
        skip(&format!(
            "skipped: {test} needs {name}: make test builds it, \
             or name its directory in SEAL_TEST_TOOLS"
        ));
    }
    found
}

/// Like [`cctv_age`], but says that `test` is skipped where they are missing. See
/// [`cctv_age!`](crate::cctv_age).
pub fn needed_cctv_age(test: &str) -> Option<PathBuf> {
    let found = cctv_age();
    if found.is_none() {
        skip(&format!("skipped: {test} needs age's test vectors: make test fetches them"));
    }
    found
}

/// One line past libtest's capture, so that a skipped test is not mistaken for one that ran. In CI
/// nothing may be skipped.
pub fn skip(line: &str) {
    assert!(env::var("CI").as_deref() != Ok("true"), "{line}");
    let _ = writeln!(std::io::stderr(), "{line}"); // with stderr closed there is nobody to tell
}

fn set_of(name: &str) -> Option<&'static str> {
    match name {
        "etcd" | "kube-apiserver" | "kube-controller-manager" | "kubectl" => Some("kubernetes"),
        "keyring" => Some("keyring"),
        "age" | "age-keygen" => Some("age"),
        "openfaas-read-secret" => Some("openfaas"),
        "flyte-read-secret" => Some("flytekit"),
        "kestra-find-secret" => Some("kestra"),
        "gitops-verdict" => Some("verdicts"),
        "promtool" => Some("prometheus"),
        "helm" => Some("helm"),
        "crane" | "runc" | "umoci" => Some("oci"),
        "cargo-zigbuild" => Some("musl"),
        "sops" | "kubeseal" => Some("peers"),
        "sshd" => Some("sshd"),
        "libfaketime.so.1" => Some("faketime"),
        _ => None,
    }
}

/// The script knows the names in its cache; `--where` prints nothing for what has not been built.
fn built(set: &str) -> Option<PathBuf> {
    let (program, args) = match set {
        "sshd" => (SSHD, vec!["--where"]),
        "faketime" => (FAKETIME, vec!["--where"]),
        _ => (BUILD, vec!["--where", set]),
    };
    let asked = Command::new(program).args(args).env_remove("KUBEBUILDER_ASSETS").output().ok()?;
    let line = String::from_utf8(asked.stdout).ok()?;
    Some(line.trim_end()).filter(|line| !line.is_empty()).map(|line| Path::new(line).to_path_buf())
}
