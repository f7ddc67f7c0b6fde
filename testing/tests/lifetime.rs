//! Nothing outlives the process that started it: not after an orderly end, and not after SIGKILL.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

#[tokio::test]
async fn a_killed_process_leaves_no_daemon_and_no_file() {
    let Some(mut running) = Running::start("a_killed_process_leaves_no_daemon_and_no_file") else {
        return;
    };
    let daemons = running.daemons();
    for name in ["/etcd ", "/kube-apiserver "] {
        assert!(daemons.iter().any(|(_, line)| line.contains(name)), "no {name} in {daemons:?}");
    }
    // The kernel hangs up on a process group with a stopped process when its parent dies: the
    // watchdog must do its work all the same. The watchdog itself names the daemon too, and is
    // not stopped: were the parent killed before that took effect, nothing would wake it.
    for (pid, _) in daemons.iter().filter(|(_, line)| is_controller_manager(line)) {
        kill_process(*pid, Signal::STOP).unwrap();
    }
    running.process.kill().unwrap();
    running.process.wait().unwrap();
    running.is_gone().await;
}

fn is_controller_manager(line: &str) -> bool {
    line.contains("/kube-controller-manager ") && !line.starts_with("sh ")
}

#[tokio::test]
async fn the_cluster_command_ends_in_order_when_stdin_closes() {
    let Some(mut running) = Running::start("the_cluster_command_ends_in_order_when_stdin_closes")
    else {
        return;
    };
    drop(running.process.stdin.take());
    assert!(running.process.wait().unwrap().success());
    running.is_gone().await;
}

#[tokio::test]
async fn the_cluster_command_ends_in_order_when_it_is_terminated() {
    let Some(mut running) =
        Running::start("the_cluster_command_ends_in_order_when_it_is_terminated")
    else {
        return;
    };
    kill_process(Pid::from_child(&running.process), Signal::TERM).unwrap();
    assert!(running.process.wait().unwrap().success());
    running.is_gone().await;
}

#[test]
fn the_cluster_command_says_how_it_is_used() {
    let output = Command::new(env!("CARGO_BIN_EXE_seal-test-cluster")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "seal-test-cluster: usage: seal-test-cluster --kubeconfig PATH\n");
}

/// `seal-test-cluster` with temporary directories of its own, by which its daemons are recognised.
struct Running {
    process: Child,
    temporary: TempDir,
}

impl Running {
    fn start(test: &str) -> Option<Self> {
        seal_testing::tools::needed("kube-apiserver", test)?;
        let temporary = tempfile::tempdir().expect("a temporary directory can be made");
        let kubeconfig = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let mut process = Command::new(env!("CARGO_BIN_EXE_seal-test-cluster"))
            .arg("--kubeconfig")
            .arg(kubeconfig.path())
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cargo built it");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("it writes a line");
        assert!(line.starts_with("ready https://127.0.0.1:"), "{line}");
        let written = fs::read_to_string(kubeconfig.path()).expect("it wrote a kubeconfig");
        assert!(written.contains(line["ready ".len()..].trim()));
        Some(Self { process, temporary })
    }

    fn daemons(&self) -> Vec<(Pid, String)> {
        processes_naming(self.temporary.path())
    }

    async fn is_gone(&self) {
        let none = async || self.daemons().is_empty().then_some(());
        seal_testing::eventually("no daemon is left", none).await;
        assert_eq!(fs::read_dir(self.temporary.path()).expect("it is still there").count(), 0);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended, as it should
        let _ = self.process.wait();
    }
}

fn processes_naming(directory: &Path) -> Vec<(Pid, String)> {
    let said = Command::new("ps")
        .args(["-Aww", "-o", "pid=", "-o", "args="])
        .output()
        .expect("ps is on PATH");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let naming = said.lines().filter(|line| line.contains(&directory.display().to_string()));
    let parse = |line: &str| {
        line.trim().split_once(' ').and_then(|(pid, args)| Some((pid_of(pid)?, args.to_string())))
    };
    naming.filter_map(parse).collect()
}

fn pid_of(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}
