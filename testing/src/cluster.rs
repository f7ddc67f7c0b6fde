//! One cluster: started, waited for, and on purpose broken. How it is talked to is in `clients.rs`.
//!
//! What would disturb other tests (stopping, pausing) takes `&mut self`, which a shared cluster
//! never gives.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{fs, io};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::GetParams;
use kube::core::Request;
use kube::{Client, Config};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::time::sleep;

use crate::access::{self, Access, write_private};
use crate::control_plane::ControlPlane;
use crate::daemon::{Daemon, Signal};
use crate::install::install;
use crate::namespace::Namespace;
use crate::tools;

/// A busy machine with a cold disk takes a minute; a quiet one five seconds.
const READY_WITHIN: Duration = Duration::from_secs(120);
const ATTEMPTS: usize = 3;
const ETCD: &str = "etcd runs whenever nobody restarts it";
const LOCK: &str = "nobody fails while holding it, short of a cluster that is broken anyway";

/// etcd, kube-apiserver and, where there is one, kube-controller-manager. Ends when dropped, or
/// with the process.
pub struct Cluster {
    controller_manager: Mutex<Option<Daemon>>, // `install` starts it again
    api_server: Option<Daemon>,
    etcd: Option<Daemon>,
    pub(crate) plane: ControlPlane,
    pub(crate) access: Access,
    pub(crate) config: Config,
    _directory: TempDir,
}

/// Why a cluster did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Neither `KUBEBUILDER_ASSETS`, `SEAL_TEST_TOOLS` nor the cache has it.
    #[error(
        "there is no {0}: `testing/tools/build kubernetes` builds one, or set KUBEBUILDER_ASSETS"
    )]
    NoTool(&'static str),
    /// It ended while starting, as when another process took its port.
    #[error("{name} ended while starting:\n{log}")]
    Ended {
        /// Which daemon.
        name: &'static str,
        /// The end of its log.
        log: String,
    },
    /// It runs and does not become ready.
    #[error("kube-apiserver is not ready after {READY_WITHIN:?}:\n{log}")]
    NotReady {
        /// The end of its log.
        log: String,
    },
    /// A file could not be written or a process not be started.
    #[error("the control plane could not be set up")]
    Io(#[from] io::Error),
}

impl Cluster {
    /// The cluster of this process, started by the first test that asks. See
    /// [`cluster!`](crate::cluster).
    pub async fn shared(test: &str) -> Option<&'static Self> {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        if !Self::has_tools(test) {
            return None;
        }
        Some(SHARED.get_or_init(Self::start_or_panic).await)
    }

    /// A cluster for one test. See [`own_cluster!`](crate::own_cluster).
    pub async fn own(test: &str) -> Option<Self> {
        if !Self::has_tools(test) {
            return None;
        }
        Some(Self::start_or_panic().await)
    }

    async fn start_or_panic() -> Self {
        Self::start().await.unwrap_or_else(|error| panic!("{error}"))
    }

    fn has_tools(test: &str) -> bool {
        let has = tools::find("etcd").is_some() && tools::find("kube-apiserver").is_some();
        if !has {
            tools::skip(&format!(
                "skipped: {test} needs an API server: make test builds one, \
                 or set KUBEBUILDER_ASSETS"
            ));
        }
        has
    }

    /// Starts a cluster and returns once its API server says that it is ready.
    pub async fn start() -> Result<Self, StartError> {
        let mut attempt = 1;
        loop {
            match Self::start_once().await {
                Err(StartError::Ended { .. }) if attempt < ATTEMPTS => attempt += 1,
                ended => return ended,
            }
        }
    }

    async fn start_once() -> Result<Self, StartError> {
        let directory = tempfile::Builder::new().prefix("seal-testing-").tempdir()?;
        let plane = ControlPlane::new(directory.path())?;
        let etcd = plane.start_etcd()?;
        let api_server = plane.start_api_server()?;
        let (access, config) = ready(&plane, &etcd, &api_server).await?;

        write_private(&plane.kubeconfig(), access.admin_kubeconfig().to_string().as_bytes())?;
        let controller_manager = Mutex::new(plane.start_controller_manager()?);
        let api_server = Some(api_server);
        Ok(Self {
            controller_manager,
            api_server,
            etcd: Some(etcd),
            plane,
            access,
            config,
            _directory: directory,
        })
    }

    /// A namespace that no other test knows.
    pub async fn namespace(&self) -> Namespace {
        Namespace::new(self.client()).await
    }

    /// Installs custom resources, those that are not there yet, and waits until the API server
    /// serves them.
    ///
    /// The garbage collector looks for new kinds every half minute, and until then does not see
    /// their objects go. It looks when it starts, so a new kind starts it again.
    pub async fn install(&self, definitions: impl IntoIterator<Item = CustomResourceDefinition>) {
        let client = self.client();
        let mut some_are_new = false;
        for definition in definitions {
            some_are_new |= install(&client, &definition).await;
        }
        if some_are_new {
            self.restart_controller_manager();
        }
    }

    /// What a new kind needs that was installed otherwise, for its objects' garbage to be collected at once.
    pub fn restart_controller_manager(&self) {
        let mut manager = self.controller_manager.lock().expect(LOCK);
        if let Some(running) = manager.take() {
            running.kill();
            *manager = self.plane.start_controller_manager().expect("it could be started before");
        }
    }

    /// Whether anyone collects garbage, ends namespaces and makes default ServiceAccounts here.
    pub fn has_controller_manager(&self) -> bool {
        self.plane.has_controller_manager()
    }

    /// Stops garbage collection and the end of namespaces in their tracks, as a slow cluster would.
    pub fn pause_controller_manager(&mut self) {
        self.signal_controller_manager(Signal::STOP);
    }

    /// Lets a paused controller manager go on where it was.
    pub fn resume_controller_manager(&mut self) {
        self.signal_controller_manager(Signal::CONT);
    }

    fn signal_controller_manager(&self, signal: Signal) {
        let manager = self.controller_manager.lock().expect(LOCK);
        manager.as_ref().expect("there is no kube-controller-manager here").signal(signal);
    }

    /// Kills the API server, so that clients see connections break and refused. etcd keeps its
    /// data.
    pub fn stop(&mut self) {
        if let Some(api_server) = self.api_server.take() {
            api_server.kill();
        }
    }

    /// Starts the API server again at the same address, after stopping it if it runs, and waits
    /// until it is ready.
    pub async fn restart_apiserver(&mut self) {
        self.stop();
        let api_server = self.plane.start_api_server().expect("it could be started before");
        let waited = ready(&self.plane, self.etcd.as_ref().expect(ETCD), &api_server).await;
        self.api_server = Some(api_server);
        waited.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Kills etcd and starts it again over its data. The API server stays, and cannot answer meanwhile.
    pub fn restart_etcd(&mut self) {
        if let Some(etcd) = self.etcd.take() {
            etcd.kill();
        }
        self.etcd = Some(self.plane.start_etcd().expect("it could be started before"));
    }

    /// Copies etcd's data while nothing writes to it, as a backup is.
    pub async fn save_etcd(&mut self) -> PathBuf {
        let saved = self.plane.path("etcd-saved");
        self.while_stopped(|data| copy_all(data, &saved)).await;
        saved
    }

    /// Puts a copy in the place of etcd's data: what was written since never was.
    pub async fn restore_etcd(&mut self, saved: &Path) {
        self.while_stopped(|data| {
            fs::remove_dir_all(data)?;
            copy_all(saved, data)
        })
        .await;
    }

    async fn while_stopped(&mut self, work: impl FnOnce(&Path) -> io::Result<()>) {
        self.stop();
        if let Some(etcd) = self.etcd.take() {
            etcd.kill();
        }
        work(&self.plane.path("etcd")).expect("etcd's data can be copied");
        self.etcd = Some(self.plane.start_etcd().expect("it could be started before"));
        self.restart_apiserver().await;
    }

    /// Lets etcd and the API server do nothing until [`Cluster::thaw`], as a host does that is short of everything: connections
    /// stay, and nothing answers.
    pub fn freeze(&self) {
        self.signal_servers(Signal::STOP);
    }

    /// The end of it.
    pub fn thaw(&self) {
        self.signal_servers(Signal::CONT);
    }

    fn signal_servers(&self, signal: Signal) {
        self.etcd.iter().chain(&self.api_server).for_each(|server| server.signal(signal));
    }

    pub(crate) fn audit_log(&self) -> std::path::PathBuf {
        self.plane.path("audit.log")
    }

    /// The name and process id of each daemon that runs.
    pub fn processes(&self) -> Vec<(&'static str, u32)> {
        let manager = self.controller_manager.lock().expect(LOCK);
        let daemons = [self.etcd.as_ref(), self.api_server.as_ref(), manager.as_ref()];
        let running = daemons.into_iter().flatten().filter(|daemon| !daemon.has_ended());
        running.map(|daemon| (daemon.name, daemon.pid())).collect()
    }
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|it| (it.path(), it.file_name()))?;
        let to = to.join(name);
        if path.is_dir() { copy_all(&path, &to)? } else { fs::copy(&path, &to).map(drop)? }
    }
    Ok(())
}

/// Polls `/readyz` until it says yes or one of the two ends.
async fn ready(
    plane: &ControlPlane,
    etcd: &Daemon,
    api: &Daemon,
) -> Result<(Access, Config), StartError> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if let Some(ended) = [etcd, api].into_iter().find(|daemon| daemon.has_ended()) {
            return Err(StartError::Ended { name: ended.name, log: ended.last_words() });
        }
        if let Some(ready) = ready_now(plane).await {
            return Ok(ready);
        }
        if Instant::now() > deadline {
            return Err(StartError::NotReady { log: api.last_words() });
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn ready_now(plane: &ControlPlane) -> Option<(Access, Config)> {
    let ca_pem = fs::read(plane.ca()).ok()?;
    let access = Access { server: plane.server(), ca_pem, admin_token: plane.admin_token.clone() };
    let config = access::config(&access.admin_kubeconfig()).await.ok()?;

    let mut once = config.clone();
    once.default_retry = false;
    once.read_timeout = Some(Duration::from_secs(5));
    let readyz = Request::new("").get("readyz", &GetParams::default()).expect("it is a valid path");
    Client::try_from(once).ok()?.request_text(readyz).await.ok()?;
    Some((access, config))
}
