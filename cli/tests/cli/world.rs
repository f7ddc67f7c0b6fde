//! A folder that looks like a user's repository, and the command run in it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A Git work tree `repo/` with a `.seal.yaml`, and identities beside it.
pub(crate) struct World {
    dir: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("text on standard output")
    }

    /// Fails with everything that was said unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stderr, String::from_utf8_lossy(&self.stdout));
        self
    }

    /// The same for words on standard error.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "not said: {words}\n{}", self.stderr);
        self
    }

    /// The same for words on standard output.
    #[track_caller]
    pub(crate) fn prints(self, words: &str) -> Self {
        let stdout = String::from_utf8_lossy(&self.stdout);
        assert!(stdout.contains(words), "not printed: {words}\n{stdout}");
        self
    }
}

pub(crate) fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(path)
}

/// The recipient of one of the test identities.
pub(crate) fn recipient(name: &str) -> String {
    let text = fs::read_to_string(testdata(&format!("keys/{name}.txt"))).expect("a test identity");
    let line = text.lines().find_map(|line| line.strip_prefix("# recipient: "));
    line.expect("its recipient").to_owned()
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { dir: TempDir::new().expect("a temporary folder") };
        fs::create_dir_all(world.path(".git")).expect("a work tree");
        for name in ["cluster", "offline", "stranger", "classic"] {
            let text = fs::read(testdata(&format!("keys/{name}.txt"))).expect("a test identity");
            world.write(&format!("../{name}.txt"), &text);
            world.set_mode(&format!("../{name}.txt"), 0o600);
        }
        let (cluster, offline) = (recipient("cluster"), recipient("offline"));
        world.write(
            ".seal.yaml",
            format!("recipients:\n  cluster: {cluster}\n  offline: {offline}\nrules:\n- to: [cluster, offline]\n"),
        );
        fs::rename(world.path(world.copy("opaque.json")), world.path("secret.json"))
            .expect("a manifest");
        world
    }

    /// A path inside the repository.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let mut path = self.dir.path().join("repo");
        for part in Path::new(name).components() {
            match part {
                std::path::Component::ParentDir => drop(path.pop()),
                part => path.push(part),
            }
        }
        path
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    /// Copies a manifest of `testdata/secrets` into the repository, where `.seal.yaml` counts.
    pub(crate) fn copy<'n>(&self, name: &'n str) -> &'n str {
        let manifest = fs::read(testdata(&format!("secrets/{name}"))).expect("a manifest");
        self.write(name, manifest);
        name
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file of text")
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).expect("a file").permissions().mode() & 0o7777
    }

    /// The names in the repository's root, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(".")).expect("the repository") {
            let name = entry.expect("an entry").file_name();
            names.push(name.into_string().expect("a name of text"));
        }
        names.sort();
        names
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seal"));
        command.args(args).current_dir(self.path("."));
        // Nothing of the machine that runs the tests: no kubeconfig, no other configuration.
        command.env("HOME", self.path("../home")).env_remove("XDG_CONFIG_HOME");
        command.env_remove("KUBECONFIG").env_remove("SEAL_CONTROLLER_NAMESPACE");
        command
    }

    pub(crate) fn seal(&self, args: &[&str]) -> Ran {
        self.seal_with(args, b"")
    }

    /// Runs `seal` in the repository with something on its standard input.
    pub(crate) fn seal_with(&self, args: &[&str], stdin: &[u8]) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        // A command may end without reading its input, which closes the pipe.
        let _ = child.stdin.take().expect("a pipe").write_all(stdin);
        let output = child.wait_with_output().expect("the command ends");
        Ran {
            code: output.status.code().expect("it was not killed"),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).expect("text on standard error"),
        }
    }

    /// Runs git in the repository, with a name to commit under and nobody's configuration.
    pub(crate) fn git(&self, args: &[&str]) {
        self.git_says(args, 0);
    }

    /// Commits all that lies in the repository, ignored or not.
    pub(crate) fn commit_all(&self) {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "-m", "a change"]);
    }

    /// A branch that has just begun, in a repository with a sealed file and, where there is one, a policy.
    pub(crate) fn branch(policy: Option<&str>) -> World {
        let world = World::new();
        fs::remove_file(world.path("secret.json")).expect("the manifest");
        if let Some(policy) = policy {
            world.write(".seal.yaml", policy);
        }
        world.write("prod/.keep", "");
        let value = ["--name", "db", "-n", "prod", "--from-file", "p=-", "-o", "prod/db.yaml"];
        world.seal_with(&value, b"x").exits(0);
        world.git(&["init", "--quiet", "--initial-branch=main"]);
        world.commit_all();
        world.git(&["switch", "--quiet", "--create", "change"]);
        world
    }

    /// The same as [`git`](Self::git) with another exit code; what it said on both streams.
    #[track_caller]
    pub(crate) fn git_says(&self, args: &[&str], code: i32) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=seal", "-c", "user.email=seal@example.invalid"]);
        command.args(args).current_dir(self.path("."));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        let output = command.output().expect("git runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        said
    }

    /// What the cluster's identity opens in a file.
    pub(crate) fn open(&self, name: &str, key: &str) -> Vec<u8> {
        self.seal(&["open", name, "-i", "../cluster.txt", "--key", key]).exits(0).stdout
    }

    /// `secret.json` sealed as `db.sealed.yaml`.
    pub(crate) fn sealed() -> Self {
        let world = Self::new();
        world.seal(&["secret.json", "-o", "db.sealed.yaml"]).exits(0);
        world
    }
}
