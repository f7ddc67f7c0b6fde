//! Helm, in nobody's home directory, and what it prints as objects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Kind, namespace and name of each object.
pub(crate) type Objects = BTreeMap<String, Value>;

/// Helm with a home of its own.
pub(crate) struct Helm {
    program: PathBuf,
    home: TempDir,
    kubeconfig: Option<PathBuf>,
}

impl Helm {
    /// `None` after saying that `test` is skipped.
    pub(crate) fn new(test: &str) -> Option<Self> {
        let program = seal_testing::tools::needed("helm", test)?;
        Some(Self { program, home: tempfile::tempdir().unwrap(), kubeconfig: None })
    }

    /// The same for a cluster.
    pub(crate) fn at(test: &str, kubeconfig: PathBuf) -> Option<Self> {
        Some(Self { kubeconfig: Some(kubeconfig), ..Self::new(test)? })
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command.args(args).env_clear().env("HOME", self.home.path());
        command.envs(self.kubeconfig.iter().map(|path| ("KUBECONFIG", path)));
        command.output().unwrap()
    }

    /// What it prints when it succeeds, which it must.
    pub(crate) fn succeeds(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The chart of this source tree.
pub(crate) fn chart() -> String {
    root().join("controller/deploy/chart").display().to_string()
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The documents of a text, each object once.
pub(crate) fn objects(text: &str) -> Objects {
    let mut objects = Objects::new();
    for document in format!("\n{text}").split("\n---") {
        let object: Value = serde_saphyr::from_str(document).unwrap();
        if object.is_null() {
            continue;
        }
        let field = |path| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let name =
            [field("/kind"), field("/metadata/namespace"), field("/metadata/name")].join("/");
        assert!(objects.insert(name.clone(), object.clone()).is_none(), "{name} is there twice");
    }
    objects
}

/// What `seal install` prints with these flags.
pub(crate) fn seal_install(flags: &[&str]) -> Objects {
    let seal = seal_testing::programs::built("seal");
    let output = Command::new(seal).arg("install").args(flags).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    objects(&String::from_utf8(output.stdout).unwrap())
}
