//! Ten thousand sealed files in one repository: the first apply beside a bare client's creates, and one changed file.
//!
//! The repository is behind real HTTPS on loopback. The first apply runs from the creation of the GitSource until its status
//! has the commit; no controller runs meanwhile, since opening is none of its work. A changed file runs from the delivery of
//! the webhook until the live Secret is written, with the controller.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use seal_core::key::Recipient;
use seal_core::kind::file;
use seal_core::kind::git_source::GitSource;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::{Cluster, GitServer, Namespace, Process, eventually, eventually_within};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::cluster::{self, Controller};
use crate::rounds::{WORKERS, sealed};
use crate::table::{median, mib, ratio, s, table};
use crate::{Result, ours, say};

const FILES: usize = 10_000;
/// Turns of the first apply and of the bare client.
const TURNS: usize = 3;
/// Changed files, one after the other.
const CHANGES: usize = 30;
/// Sources that nothing happens to, and for how long.
const IDLE: usize = 10;
const IDLE_FOR: Duration = Duration::from_secs(60);
const HOME: &str = "seal-git";
const TOKEN: &str = "a token of the forge's webhook";

/// Measures and returns the table.
pub(crate) fn run() -> Result<String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure())
}

/// A repository, its server, and the namespace that it is applied to.
struct Rig<'a> {
    cluster: &'a Cluster,
    ns: Namespace,
    folder: PathBuf,
    server: GitServer,
}

async fn measure() -> Result<String> {
    let mut cluster = Cluster::start().await?;
    let ns = cluster.namespace().await;
    let flags = ["--git", "--git-namespaces", &ns.name];
    let recipient = cluster::install_with(&cluster, &flags).await?;
    cluster.pause_controller_manager();
    let folder = std::env::temp_dir().join(format!("seal-bench-git-{}", std::process::id()));
    fs::create_dir_all(folder.join("repo"))?;
    let server = GitServer::start(&folder);
    let rig = Rig { cluster: &cluster, ns, folder, server };
    let measured = rig.measure(&recipient).await;
    let _ = fs::remove_dir_all(&rig.folder);
    measured
}

impl Rig<'_> {
    async fn measure(&self, recipient: &Recipient) -> Result<String> {
        let objects = sealed(&self.ns, recipient, false, FILES)?;
        self.write(&objects)?;
        let (mut first, mut bare, mut peak) = (Vec::new(), Vec::new(), 0);
        for turn in 0..TURNS {
            bare.push(self.bare_client(&objects).await?);
            self.clear().await?;
            let (time, kib) = self.first_apply(turn).await?;
            first.push(time);
            peak = peak.max(kib);
            say(&format!("{FILES} files: {:?}, bare {:?}", first[turn], bare[turn]));
            if turn + 1 < TURNS {
                self.clear().await?;
            }
        }
        let (changes, written) = self.changes(recipient).await?;
        let idle = self.idle().await?;
        let (first, bare) = (median(first).unwrap_or_default(), median(bare).unwrap_or_default());
        Ok(render(first, bare, peak, &changes, written, &idle))
    }

    fn write(&self, objects: &[SealedSecret]) -> Result<()> {
        git(&self.repo(), &["init", "--quiet", "--initial-branch=main"])?;
        for (number, sealed) in objects.iter().enumerate() {
            let folder = self.repo().join(format!("{:02}", number % 100));
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(format!("{number}.yaml")), file::write(sealed))?;
        }
        self.commit()?;
        git(&self.repo(), &["gc", "--quiet"])?;
        Ok(())
    }

    fn repo(&self) -> PathBuf {
        self.folder.join("repo")
    }

    fn commit(&self) -> Result<String> {
        git(&self.repo(), &["add", "--all"])?;
        git(&self.repo(), &["commit", "--quiet", "--allow-empty", "--message=a change"])?;
        git(&self.repo(), &["rev-parse", "HEAD"])
    }

    /// The same objects by as many workers as the process has, and as the same ServiceAccount.
    async fn bare_client(&self, objects: &[SealedSecret]) -> Result<Duration> {
        let client = self.cluster.client_for_service_account(HOME, HOME).await;
        let api: Api<SealedSecret> = Api::namespaced(client, &self.ns.name);
        let began = Instant::now();
        let create = |object: SealedSecret| {
            let api = api.clone();
            async move { api.create(&PostParams::default(), &object).await.map(drop) }
        };
        stream::iter(objects.to_vec())
            .map(create)
            .buffer_unordered(WORKERS)
            .try_collect::<()>()
            .await?;
        Ok(began.elapsed())
    }

    async fn first_apply(&self, turn: usize) -> Result<(Duration, u64)> {
        let running = Running::start(self, &format!("cache-{turn}")).await?;
        let commit = git(&self.repo(), &["rev-parse", "HEAD"])?;
        let began = Instant::now();
        self.source("app", json!({"interval": "1h"})).await?;
        self.until_applied("app", &commit).await;
        let time = began.elapsed();
        let peak = running.peak_kib()?;
        self.sources().delete("app", &DeleteParams::default()).await?;
        Ok((time, peak))
    }

    /// From a delivery to the live Secret, for one file after the other; and the sealed objects that were written.
    async fn changes(&self, recipient: &Recipient) -> Result<(Vec<Duration>, usize)> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook"},
            "stringData": {"token": TOKEN},
        });
        let secrets: Api<Secret> = Api::namespaced(self.cluster.client(), HOME);
        secrets.create(&PostParams::default(), &serde_json::from_value(secret)?).await?;
        let controller = Controller::start(self.cluster).await?;
        let running = Running::start(self, "cache-changes").await?;
        let hook = json!({"interval": "1h", "webhook": {"secretRef": {"name": "hook"}}});
        self.source("app", hook).await?;
        self.until_applied("app", &git(&self.repo(), &["rev-parse", "HEAD"])?).await;
        controller.until_reconciled(FILES).await?;
        let (before, mut times) = (self.versions().await?, Vec::new());
        for number in 0..CHANGES {
            let name = format!("sealed-{number:04}");
            let live: Api<Secret> = self.ns.api();
            let version = live.get(&name).await?.resource_version();
            let text = file::write(&crate::rounds::one(&self.ns, recipient, false, number)?);
            fs::write(self.repo().join(format!("{number:02}/{number}.yaml")), text)?;
            let commit = self.commit()?;
            // A source is looked at once in a second, however often it is woken; changes are further apart.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let began = Instant::now();
            deliver(&running.address).await?;
            eventually("it is live", async || {
                let secret = live.get(&name).await.ok()?;
                (secret.resource_version() != version).then_some(())
            })
            .await;
            times.push(began.elapsed());
            self.until_applied("app", &commit).await;
        }
        say(&format!("webhook to live: {times:?}"));
        let after = self.versions().await?;
        let written = after.iter().filter(|it| !before.contains(it.as_str())).count();
        self.sources().delete("app", &DeleteParams::default()).await?;
        controller.stop().await?;
        Ok((times, written))
    }

    /// Ten sources that nothing happens to: requests to the git server and processor time for each look.
    async fn idle(&self) -> Result<Idle> {
        fs::create_dir_all(self.folder.join("small"))?;
        let small = self.folder.join("small");
        git(&small, &["init", "--quiet", "--initial-branch=main"])?;
        git(&small, &["commit", "--quiet", "--allow-empty", "--message=empty"])?;
        let running = Running::start(self, "cache-idle").await?;
        for number in 0..IDLE {
            // Each by a URL of its own, so that none shares a fetch.
            let url = format!("{}/small{}.git", self.server.url, "/".repeat(number + 1));
            let spec = json!({"url": url, "interval": "10s"});
            self.source(&format!("idle-{number}"), spec).await?;
        }
        tokio::time::sleep(Duration::from_secs(15)).await; // until all have looked once
        self.server.requests();
        let before = running.cpu()?;
        tokio::time::sleep(IDLE_FOR).await;
        let (requests, cpu) = (self.server.requests().len(), running.cpu()? - before);
        Ok(Idle { requests, cpu })
    }

    async fn source(&self, name: &str, more: Value) -> Result<()> {
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

    fn sources(&self) -> Api<GitSource> {
        Api::namespaced(self.cluster.client(), HOME)
    }

    async fn until_applied(&self, name: &str, commit: &str) {
        let sources = self.sources();
        eventually_within(Duration::from_secs(300), "the commit is live", async || {
            let status = sources.get(name).await.ok()?.status?;
            (status.last_applied_revision.as_deref() == Some(commit)).then_some(())
        })
        .await;
    }

    /// `name/generation` of every sealed object.
    async fn versions(&self) -> Result<std::collections::BTreeSet<String>> {
        let all = self.ns.api::<SealedSecret>().list_metadata(&ListParams::default()).await?;
        let of = |it: &kube::core::PartialObjectMeta<SealedSecret>| {
            format!("{}/{}", it.name_any(), it.metadata.generation.unwrap_or_default())
        };
        Ok(all.items.iter().map(of).collect())
    }

    async fn clear(&self) -> Result<()> {
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

/// What idle sources cost.
struct Idle {
    requests: usize,
    cpu: Duration,
}

/// The process of Git sources, with the memory of the shipped limit less that of two fetches.
struct Running {
    process: Process,
    address: String,
}

impl Running {
    async fn start(rig: &Rig<'_>, cache: &str) -> Result<Self> {
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

    fn peak_kib(&self) -> Result<u64> {
        cluster::peak_kib(self.process.pid())
    }

    fn cpu(&self) -> Result<Duration> {
        cluster::cpu(self.process.pid())
    }
}

/// As GitLab delivers.
async fn deliver(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST /hook/app HTTP/1.1\r\nHost: {address}\r\nX-Gitlab-Token: {TOKEN}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if answer.starts_with("HTTP/1.1 202") { Ok(()) } else { Err(answer.into()) }
}

fn git(repository: &Path, args: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command.current_dir(repository).args(["-c", "gc.auto=0"]).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "bench")
            .env(format!("GIT_{who}_EMAIL"), "bench@bench");
    }
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

fn render(
    first: Duration,
    bare: Duration,
    peak: u64,
    changes: &[Duration],
    written: usize,
    idle: &Idle,
) -> String {
    let mut sorted = changes.to_vec();
    sorted.sort();
    let at = |part: usize| sorted.get((sorted.len() * part / 100).min(sorted.len() - 1)).copied();
    let looks = IDLE as u32 * (IDLE_FOR.as_secs() / 10) as u32;
    let row =
        |what: String, ours: String, theirs: String, ratio: String| vec![what, ours, theirs, ratio];
    let none = String::new;
    let rows = [
        row(format!("{FILES} sealed files, first apply"), s(first), s(bare), ratio(first, bare)),
        row("peak memory in that, without the fetch".to_owned(), mib(peak), none(), none()),
        row(
            format!("one changed file of {FILES}: webhook → live, median of {CHANGES}"),
            s(at(50).unwrap_or_default()),
            none(),
            none(),
        ),
        row("the slowest of them".to_owned(), s(at(100).unwrap_or_default()), none(), none()),
        row(
            format!("sealed objects written by {CHANGES} changes"),
            written.to_string(),
            none(),
            none(),
        ),
        row(
            format!("{IDLE} unchanged sources: requests to the git server, each look"),
            format!("{:.1}", idle.requests as f64 / f64::from(looks)),
            none(),
            none(),
        ),
        row("processor time, each look".to_owned(), s(idle.cpu / looks), none(), none()),
    ];
    let bare = format!("bare client, {WORKERS} workers, the same creates");
    table(&["from Git", "`seal-controller git`", &bare, "ratio"], &rows)
}
