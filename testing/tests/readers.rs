//! The platforms' own code reads what the layouts write: OpenFaaS' SDK, flytekit and Kestra's core, each as it was released.
//!
//! A value is sealed for the platform, opened by `seal-controller local`, and read by the platform. That one sealed file serves
//! the cluster as well is held elsewhere; here nothing of a platform is imitated.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use seal_testing::programs::built;
use seal_testing::tool;
use tempfile::TempDir;

/// A machine without a cluster: an identity, a folder of sealed files, and what is opened of them.
struct Host {
    folder: TempDir,
    recipient: String,
}

impl Host {
    fn new() -> Self {
        let mut host = Self { folder: tempfile::tempdir().unwrap(), recipient: String::new() };
        fs::create_dir(host.at("sealed")).unwrap();
        host.recipient = host.run(built("seal"), &["key", "new", "-o", "key.txt"], &[], "");
        host
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// What a program prints, which must end well.
    fn run(
        &self,
        program: PathBuf,
        args: &[&str],
        environment: &[(String, String)],
        stdin: &str,
    ) -> String {
        let mut command = Command::new(&program);
        command.args(args).current_dir(self.folder.path()).env_clear();
        // Of this machine only what finds a Python and a Java.
        command.envs(
            ["PATH", "JAVA_HOME"]
                .into_iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        );
        command.env("HOME", self.folder.path()).env("LC_ALL", "C.UTF-8");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program may end without reading its input, which closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {args:?}: {said}", program.display());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Seals `stdin` into `sealed/FILE`.
    fn seal(&self, file: &str, args: &[&str], stdin: &str) {
        let output = format!("sealed/{file}");
        let to = ["-r", self.recipient.trim_end(), "--keep-newline", "-o", &output];
        self.run(built("seal"), &[args, &to].concat(), &[], stdin);
    }

    /// Opens what is sealed for `namespaces`.
    fn open(&self, namespaces: &str, layout: &str, out: &str) {
        let from = ["local", "--once", "--dir", "sealed", "--identity", "key.txt"];
        let to = ["--namespaces", namespaces, "--layout", layout, "--out", out];
        self.run(built("seal-controller"), &[&from[..], &to].concat(), &[], "");
    }
}

/// The lines of an env file, read as docker reads them: all behind the first `=` as it stands.
fn variables(path: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.into(), value.into()));
    text.lines().map(|line| pair(line).unwrap()).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

#[test]
fn openfaas_own_sdk_reads_the_files_of_faasd() {
    let Some(read_secret) = tool!("openfaas-read-secret") else { return };
    let host = Host::new();
    let folder = host.at("out/openfaas-fn").display().to_string();
    for value in ["R^YqzKzSJw51K9zPpQ3R3N", "$qg*\"'\\ é", "short"] {
        let args = ["--for", "openfaas", "--name", "api-key", "--from-file", "-"];
        host.seal("api-key.yaml", &args, value);
        host.open("openfaas-fn", "faasd", "out");
        let environment = pairs(&[("secret_mount_path", &folder)]);
        let read = host.run(read_secret.clone(), &["api-key"], &environment, "");
        assert_eq!(read, value);
        fs::remove_file(host.at("sealed/api-key.yaml")).unwrap();
    }
}

#[test]
fn flytekit_reads_the_files_of_the_layout_flyte() {
    let Some(read_secret) = tool!("flyte-read-secret") else { return };
    let host = Host::new();
    let place = ["--project", "flytesnacks", "--domain", "development", "--group", "user-info"];
    let args = [&["--for", "flyte", "--from-file", "User_Secret=-"], &place[..]].concat();
    host.seal("user-info.yaml", &args, "pässword with blanks");
    host.open("flytesnacks-development", "flyte", "secrets");
    let folder = host.at("secrets").display().to_string();
    let environment = pairs(&[("FLYTE_SECRETS_DEFAULT_DIR", &folder)]);
    let read = host.run(read_secret, &["user-info", "User_Secret"], &environment, "");
    assert_eq!(read, "pässword with blanks");
}

#[test]
fn flytekit_reads_the_variables_of_the_layout_env() {
    let Some(read_secret) = tool!("flyte-read-secret") else { return };
    let host = Host::new();
    let args = ["--name", "variables", "-n", "local", "--from-file", "_FSEC_DB_PASSWORD=-"];
    host.seal("variables.yaml", &args, "p@ss=w/o+blanks");
    host.open("local", "env", "flyte.env");
    let environment = variables(&host.at("flyte.env"));
    assert_eq!(host.run(read_secret, &["db", "password"], &environment, ""), "p@ss=w/o+blanks");
}

#[test]
fn kestra_reads_the_variables_of_the_layout_env() {
    let Some(find_secret) = tool!("kestra-find-secret") else { return };
    let host = Host::new();
    let dotenv = "MYSQL_PASSWORD=my-password\n# of the API\nGITHUB_TOKEN=\"gh=p_x #é\"\nKEY='two\nlines'\nEMPTY=\nlast='$1 x'";
    fs::write(host.at(".env"), dotenv).unwrap();
    let args = ["--for", "kestra", "--name", "kestra-secrets", "-n", "kestra", "--dotenv", ".env"];
    host.seal("kestra.yaml", &args, "");
    host.open("kestra", "env", "kestra.env");
    let names = ["MYSQL_PASSWORD", "GITHUB_TOKEN", "KEY", "LAST"];
    let read = host.run(find_secret, &names, &variables(&host.at("kestra.env")), "");
    assert_eq!(read, "my-password\ngh=p_x #é\ntwo\nlines\n$1 x\n");
}
