//! A registry on loopback, and the client that carries an image to it and from it.

use std::path::{Path, PathBuf};
use std::process::Command;

use seal_testing::Process;
use tempfile::TempDir;

use crate::run;

/// It ends with the test.
pub(crate) struct Registry {
    crane: PathBuf,
    /// Of the image in it.
    pub(crate) name: String,
    _process: Process,
    home: TempDir,
}

impl Registry {
    /// With the image of a layout in it. `None` after saying that `test` is skipped.
    pub(crate) async fn with(layout: &Path, test: &str) -> Option<Self> {
        let crane = seal_testing::tools::needed("crane", test)?;
        let serve = ["registry", "serve", "--address", "127.0.0.1:0"].map(str::to_owned);
        let process = Process::start("registry", &crane, &serve).unwrap();
        let port = process.said("serving on port ").await;
        let name = format!("127.0.0.1:{port}/seal-controller:{}", env!("CARGO_PKG_VERSION"));
        let home = tempfile::tempdir().unwrap();
        let registry = Self { crane, name, _process: process, home };
        registry.crane(&["push", layout.to_str().unwrap(), &registry.name]);
        Some(registry)
    }

    /// What the client prints when it succeeds, which it must.
    pub(crate) fn crane(&self, args: &[&str]) -> Vec<u8> {
        run(Command::new(&self.crane).args(args).env("HOME", self.home.path()))
    }

    /// The image of one platform as a layout, under the image's name as its tag: what a node takes.
    pub(crate) fn pull(&self, platform: &str, layout: &Path) {
        let to = ["--format", "oci", "--annotate-ref", &self.name, layout.to_str().unwrap()];
        self.crane(&[&["pull", "--platform", platform], &to[..]].concat());
    }
}
