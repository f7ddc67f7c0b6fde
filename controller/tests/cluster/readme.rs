//! The README's blocks about a cluster, line by line as they are printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use seal_testing::{Cluster, Namespace};
use tempfile::TempDir;

use crate::support::{Controller, ends};

fn block(heading: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, after) = readme.split_once(heading).expect("the README has the heading");
    let (_, code) = after.split_once("```sh\n").unwrap();
    code.split_once("```").unwrap().0.to_owned()
}

/// The other binary, which `make test` has built beside this one.
pub(crate) fn seal() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_seal-controller")).with_file_name("seal");
    let cargo = Command::new(env!("CARGO")).args(["build", "-q", "-p", "seal"]).status();
    assert!(cargo.unwrap().success() && built.exists());
    built
}

/// A shell in a new Git repository, with `seal` and `kubectl` on its path and the cluster in its kubeconfig.
struct Shell {
    dir: TempDir,
    path: String,
    kubeconfig: PathBuf,
}

impl Shell {
    fn new(cluster: &Cluster, kubectl: &Path) -> Self {
        let dir = TempDir::new().unwrap();
        let bin = dir.path().join("bin");
        fs::create_dir_all(dir.path().join("repo")).unwrap();
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(seal(), bin.join("seal")).unwrap();
        std::os::unix::fs::symlink(kubectl, bin.join("kubectl")).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let shell = Self { dir, path, kubeconfig: cluster.kubeconfig_path() };
        shell.run("git init -q . && git config user.name t && git config user.email t@example.com");
        shell
    }

    fn run(&self, line: &str) -> String {
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", line])
            .env("PATH", &self.path)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env_remove("XDG_CONFIG_HOME")
            .current_dir(self.dir.path().join("repo"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[tokio::test]
async fn the_blocks_about_a_cluster_run_as_printed() {
    let Some(kubectl) = seal_testing::tool!("kubectl") else { return };
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    let shell = Shell::new(&cluster, &kubectl);
    let manifest = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db","namespace":"default"},"stringData":{"password":"hunter2"}}"#;
    fs::write(shell.dir.path().join("repo/secret.json"), manifest).unwrap();

    let block = block("## In a cluster");
    let mut lines = block.lines();
    let install = lines.next().unwrap();
    assert!(install.starts_with("seal install "), "{install}");
    shell.run(install);
    // No kubelet here: the controller of the Deployment runs as a process, as its ServiceAccount.
    let controller = Controller::start(&cluster, "seal-system", &[]).await;
    let default = Namespace { name: "default".into(), client: cluster.client() };
    let mut last = String::new();
    for line in lines {
        if line.starts_with("kubectl get") {
            ends(&default, "db", "Applied").await;
        }
        last = shell.run(line);
    }
    assert!(last.contains("sealedsecret.seal.dev/db") && last.contains("secret/db"), "{last}");
    assert!(last.contains(&controller.fingerprint()), "{last}");

    // The first screen, in a repository of its own.
    let shell = Shell::new(&cluster, &kubectl);
    fs::write(shell.dir.path().join("repo/secret.json"), manifest).unwrap();
    shell.run(&self::block("# seal\n"));
    let committed = shell.run("git show --stat --format=%s HEAD");
    assert!(committed.contains("the database password") && committed.contains("sealed.yaml"));
    assert!(!shell.run("git grep -c hunter2 || true").contains("sealed"));
}

#[test]
fn the_block_about_files_runs_as_printed() {
    let dir = TempDir::new().unwrap();
    let line = block("## Files instead of Secrets");
    let run = |script: &str| {
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    std::os::unix::fs::symlink(seal(), dir.path().join("seal")).unwrap();
    run("./seal key new -o key.txt > key.pub && git init -q repository && cd repository \
        && printf %s hunter2 | ../seal -R ../key.pub --name db -n prod --from-file password=- > db.yaml \
        && git add . && git -c user.name=t -c user.email=t@example.com commit -qm sealed");
    let out = dir.path().join("out");
    let line = line
        .replace("seal-controller", env!("CARGO_BIN_EXE_seal-controller"))
        .replace("REPOSITORY", "repository")
        .replace("/run/secrets", &out.display().to_string());
    run(&format!("{} --once", line.trim()));
    assert_eq!(fs::read(out.join("prod/db/password")).unwrap(), b"hunter2");
}
