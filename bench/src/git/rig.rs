//! What is measured with: a repository behind a git server, the namespace that it is applied to, the process, a delivery.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use seal_core::kind::file;
use seal_core::kind::git_source::GitSource;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::{Cluster, GitServer, Namespace, Process, eventually, eventually_within, git};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Result, cluster, ours};

/// The namespace of the sources, as the installer has it.
pub(super) const HOME: &str = "seal-git";
/// Other files of the repository, and bytes of each.
const OTHERS: usize = 10;
const OTHER_BYTES: u64 = 100_000_000;
/// What the forge sends along.
pub(super) const TOKEN: &str = "a token of the forge's webhook";

/// A repository, its server, and the namespace that it is applied to.
pub(super) struct Rig<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) ns: Namespace,
    pub(super) folder: PathBuf,
    pub(super) server: GitServer,
}

impl Rig<'_> {
    pub(super) fn write(&self, objects: &[SealedSecret]) -> Result<()> {
        git(&self.repo(), &["init", "--quiet", "--initial-branch=main"]);
        for (number, sealed) in objects.iter().enumerate() {
            let folder = self.repo().join(format!("{:02}", number % 100));
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(format!("{number}.yaml")), file::write(sealed))?;
        }
        self.write_others()?;
        self.commit();
        git(&self.repo(), &["gc", "--quiet"]);
        Ok(())
    }

    /// What a repository holds besides: a gigabyte that does not compress.
    fn write_others(&self) -> Result<()> {
        git(&self.repo(), &["config", "core.compression", "0"]);
        git(&self.repo(), &["config", "core.bigFileThreshold", "1m"]);
        fs::create_dir_all(self.repo().join("images"))?;
        for number in 0..OTHERS {
            let mut random = fs::File::open("/dev/urandom")?.take(OTHER_BYTES);
            let path = self.repo().join(format!("images/{number}.bin"));
            io::copy(&mut random, &mut fs::File::create(path)?)?;
        }
        Ok(())
    }

    pub(super) fn repo(&self) -> PathBuf {
        self.folder.join("repo")
    }

    pub(super) fn commit(&self) -> String {
        git(&self.repo(), &["add", "--all"]);
        git(&self.repo(), &["commit", "--quiet", "--allow-empty", "--message=a change"]);
        git(&self.repo(), &["rev-parse", "HEAD"])
    }

    pub(super) async fn source(&self, name: &str, more: Value) -> Result<()> {
        let mut spec = json!({
            "url": format!("{}/repo/.git", self.server.url),
            "caBundle": self.server.ca,
            "namespaces": [self.ns.name],
            "timeout": "5m",
        });
        let more = more.as_object().cloned().unwrap_or_default();
        spec.as_object_mut().ok_or("an object")?.extend(more);
        let source = json!({"apiVersion": "seal.dev/v1", "kind": "GitSource", "metadata": {"name": name}, "spec": spec});
        self.sources().create(&PostParams::default(), &serde_json::from_value(source)?).await?;
        Ok(())
    }

    pub(super) fn sources(&self) -> Api<GitSource> {
        Api::namespaced(self.cluster.client(), HOME)
    }

    pub(super) async fn until_applied(&self, name: &str, commit: &str) {
        let sources = self.sources();
        eventually_within(Duration::from_secs(300), "the commit is live", async || {
            let status = sources.get(name).await.ok()?.status?;
            (status.last_applied_revision.as_deref() == Some(commit)).then_some(())
        })
        .await;
    }

    /// `name/generation` of every sealed object.
    pub(super) async fn versions(&self) -> Result<BTreeSet<String>> {
        let all = self.ns.api::<SealedSecret>().list_metadata(&ListParams::default()).await?;
        let of = |it: &kube::core::PartialObjectMeta<SealedSecret>| {
            format!("{}/{}", it.name_any(), it.metadata.generation.unwrap_or_default())
        };
        Ok(all.items.iter().map(of).collect())
    }

    /// Waits until the machine has had little to do for two seconds.
    pub(super) async fn quiet(&self) -> Result<()> {
        let mut quiet = 0;
        for _ in 0..120 {
            let before = busy()?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            quiet = if busy()? - before < 20 { quiet + 1 } else { 0 };
            if quiet == 2 {
                return Ok(());
            }
        }
        Err("the machine does not come to rest".into())
    }

    pub(super) async fn clear(&self) -> Result<()> {
        let (now, all) = (DeleteParams::default(), ListParams::default());
        let _ = self.ns.api::<SealedSecret>().delete_collection(&now, &all).await?;
        let api = self.ns.api::<SealedSecret>();
        eventually("all are gone", async || {
            let left = api.list_metadata(&ListParams::default().limit(1)).await.ok()?;
            left.items.is_empty().then_some(())
        })
        .await;
        Ok(())
    }
}

/// The process of Git sources, with the memory of the shipped limit less that of two fetches.
pub(super) struct Running {
    pub(super) process: Process,
    pub(super) address: String,
}

impl Running {
    pub(super) async fn start(rig: &Rig<'_>, cache: &str) -> Result<Self> {
        let kubeconfig = rig.cluster.kubeconfig_for_service_account(HOME, HOME).await;
        let (kubeconfig, cache) = (kubeconfig.display().to_string(), rig.folder.join(cache));
        let program = ours("seal-controller")?.display().to_string();
        let cache = cache.display().to_string();
        let args = [
            "--data=402653184",
            &program,
            "git",
            "--kubeconfig",
            &kubeconfig,
            "--cache",
            &cache,
            "--listen",
            "127.0.0.1:0",
        ];
        let process = Process::start("seal-git", Path::new("prlimit"), &args.map(str::to_owned))?;
        let address = process.said("address=").await;
        Ok(Self { process, address })
    }

    pub(super) fn peak_kib(&self) -> Result<u64> {
        cluster::peak_kib(self.process.pid())
    }

    pub(super) fn cpu(&self) -> Result<Duration> {
        cluster::cpu(self.process.pid())
    }
}

/// Hundredths of a second that processors were busy, as Linux counts them in the first line of /proc/stat.
fn busy() -> Result<u64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<u64> = fields.filter_map(|it| it.parse().ok()).collect();
    // user, nice, system, idle, iowait, …: those in between are waiting.
    Ok(ticks.iter().take(3).sum())
}

/// As GitLab delivers.
pub(super) async fn deliver(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST /hook/app HTTP/1.1\r\nHost: {address}\r\nX-Gitlab-Token: {TOKEN}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if answer.starts_with("HTTP/1.1 202") { Ok(()) } else { Err(answer.into()) }
}
