//! A real sshd on loopback that lets one key run commands, as git servers let it run `git-upload-pack`.

use std::fs::{self, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use russh::keys::PrivateKey;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use tempfile::TempDir;

/// A running sshd. Ends with its test.
pub struct SshServer {
    /// `ssh://USER@127.0.0.1:PORT`, to which a path from the root is added.
    pub url: String,
    /// A line of known_hosts for it.
    pub known_hosts: String,
    port: u16,
    directory: TempDir,
    running: Option<Running>,
}

/// A private key as OpenSSH writes it, and its public half.
pub fn ssh_key() -> (String, String) {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the system has random bytes");
    let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
    let key = PrivateKey::new(pair, "test").expect("a key can be made");
    let secret = key.to_openssh(LineEnding::LF).expect("a key is text").to_string();
    (secret, key.public_key().to_openssh().expect("a key is text"))
}

impl SshServer {
    /// Starts `sshd` for whoever holds the private half of `client`.
    pub fn start(sshd: &Path, client: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("seal-sshd-").tempdir();
        let directory = directory.expect("a folder can be made");
        let at = |name: &str| directory.path().join(name);
        // The port is free now; sshd takes none that the system chooses.
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let known_hosts = new_host_key(directory.path(), port);
        fs::write(at("authorized_keys"), format!("{client}\n")).expect("the folder takes files");
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nAcceptEnv GIT_PROTOCOL\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\nPermitRootLogin yes\n\
             MaxStartups 100\nPrintMotd no\n",
            at("host").display(),
            at("authorized_keys").display(),
        );
        fs::write(at("config"), config).expect("the folder takes files");
        let running = Some(started(sshd, &directory, port));
        let user = Command::new("id").arg("-un").output().expect("id runs").stdout;
        let user = String::from_utf8_lossy(&user).trim().to_owned();
        Self {
            url: format!("ssh://{user}@127.0.0.1:{port}"),
            known_hosts,
            port,
            directory,
            running,
        }
    }

    /// The same server with another host key; returns its line of known_hosts.
    pub fn change_host_key(&mut self, sshd: &Path) -> String {
        let line = new_host_key(self.directory.path(), self.port);
        drop(self.running.take());
        self.running = Some(started(sshd, &self.directory, self.port));
        line
    }

    /// From now on only the private half of `client` is let in.
    pub fn admit(&self, client: &str) {
        let path = self.directory.path().join("authorized_keys");
        fs::write(path, format!("{client}\n")).expect("the folder takes files");
    }
}

fn new_host_key(directory: &Path, port: u16) -> String {
    let (secret, public) = ssh_key();
    let path = directory.join("host");
    fs::write(&path, secret).expect("the folder takes files");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
    format!("[127.0.0.1]:{port} {public}\n")
}

/// Ends sshd when its pipe closes, for whatever reason. Not the watchdog of other daemons: sshd closes what it inherits.
const WATCHDOG: &str = r#"
    "$@" </dev/null >"$LOG" 2>&1 &
    exec 2>/dev/null
    read -r word
    kill -9 $!
    wait $!
"#;

/// A running sshd; ends with this process or before.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn started(sshd: &Path, directory: &TempDir, port: u16) -> Running {
    let log = directory.path().join("log");
    let config = directory.path().join("config");
    let mut command = Command::new("sh");
    command.args(["-c", WATCHDOG, "watchdog"]).arg(sshd).args(["-D", "-e", "-f"]).arg(config);
    let running = command.env("LOG", &log).stdin(Stdio::piped()).spawn().expect("sh starts");
    let running = Running(running);
    let deadline = std::time::Instant::now() + crate::DEADLINE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let said = fs::read_to_string(&log).unwrap_or_default();
        assert!(std::time::Instant::now() < deadline, "sshd does not listen: {said}");
        std::thread::yield_now();
    }
    running
}
