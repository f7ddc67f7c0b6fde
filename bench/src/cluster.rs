//! A thousand sealed objects in a real API server: the controller beside a bare client, in turns.
//!
//! kube-controller-manager stands still meanwhile: neither needs it, and its own work would meet one of the two
//! more than the other. The controller runs as its ServiceAccount, serving every namespace, as it is installed.

use std::path::Path;
use std::process::Command;
use std::str::FromStr as _;
use std::time::{Duration, SystemTime};

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use seal_core::key::Recipient;
use seal_testing::{Cluster, Process, eventually, eventually_in};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::copies::{self, COPIES, Copied};
use crate::rounds::{self, Applied, MANY, Many, OBJECTS, VALUES, WORKERS};
use crate::table::{median, mib, ratio, s, table};
use crate::{Result, ours, say};

const ROUNDS: usize = 5;
/// Where the controller runs, and as whom.
pub(crate) const HOME: &str = "seal-system";
pub(crate) const ACCOUNT: &str = "seal-controller";

/// Measures and returns the table, or why there is none.
pub(crate) fn run() -> Result<String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<String> {
    let (etcd, kubectl) = (seal_testing::tools::find("etcd"), seal_testing::tools::find("kubectl"));
    if etcd.is_none() || kubectl.is_none() {
        say("there is no API server to measure: make tools builds one, and needs Go");
        return Ok(String::new());
    }
    say("starting a cluster");
    let mut cluster = Cluster::start().await?;
    let recipient = install(&cluster).await?;
    cluster.pause_controller_manager();

    let (mut applied, mut bare) = (vec![], vec![]);
    for round in 0..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}: {OBJECTS} sealed objects each"));
        let with_controller = rounds::controller(&cluster, &recipient).await?;
        let alone = rounds::bare_client(&cluster, &recipient, OBJECTS).await?;
        say(&format!("  controller {with_controller:?}; bare client {alone:?}"));
        if round > 0 {
            applied.push(with_controller); // the first round warms the API server up
            bare.push(alone);
        }
    }
    say(&format!("{MANY} objects"));
    let many = rounds::many(&cluster, &recipient).await?;
    say(&format!("one object into {COPIES} namespaces"));
    let copied = copies::measure(&cluster, &recipient).await?;
    Ok(render(&applied, &bare, &many, &copied))
}

/// One ClusterSealedSecret into many namespaces, alone.
pub(crate) fn run_copies() -> Result<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut cluster = Cluster::start().await?;
        let recipient = install(&cluster).await?;
        cluster.pause_controller_manager();
        Ok(format!("{:#?}\n", copies::measure(&cluster, &recipient).await?))
    })
}

/// As an operator does it, once: a kind that is applied again is served anew, which cuts off whoever watches it.
async fn install(cluster: &Cluster) -> Result<Recipient> {
    install_with(cluster, &[]).await
}

/// The same with more flags of `seal install`.
pub(crate) async fn install_with(cluster: &Cluster, flags: &[&str]) -> Result<Recipient> {
    let manifests = Command::new(ours("seal")?).arg("install").args(flags).output()?;
    let manifests = String::from_utf8(manifests.stdout)?;
    kubectl(cluster, &["apply", "--server-side", "-f", "-"], &manifests).await?;
    let kinds = ["crd/sealedsecrets.seal.dev", "crd/clustersealedsecrets.seal.dev"];
    let established = ["wait", "--for=condition=Established", "--timeout=30s"];
    kubectl(cluster, &[&established[..], &kinds].concat(), "").await?;
    let first = Controller::start(cluster).await?; // makes the key
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client(), HOME);
    let map = eventually_in(&maps, "the recipient is published", "seal-recipients", |map| {
        map.data.as_ref().is_some_and(|data| data.contains_key("recipient"))
    })
    .await;
    first.stop().await?;
    let recipient = map.data.unwrap_or_default().remove("recipient").unwrap_or_default();
    Ok(Recipient::from_str(&recipient)?)
}

async fn kubectl(cluster: &Cluster, args: &[&str], stdin: &str) -> Result<()> {
    let output = cluster.kubectl(args, stdin).await;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

/// The controller, and when it was started.
pub(crate) struct Controller {
    process: Process,
    pub(crate) began: Instant,
    began_at: Timestamp,
}

impl Controller {
    pub(crate) async fn start(cluster: &Cluster) -> Result<Self> {
        Self::start_with(cluster, &[]).await
    }

    pub(crate) async fn start_with(cluster: &Cluster, flags: &[&str]) -> Result<Self> {
        let kubeconfig = cluster.kubeconfig_for_service_account(HOME, ACCOUNT).await;
        let kubeconfig = kubeconfig.display().to_string();
        let args = ["--kubeconfig", &kubeconfig, "--listen", "127.0.0.1:0", "--pod-name", "pod"];
        let args: Vec<String> = args.iter().chain(flags).map(|it| (*it).to_owned()).collect();
        let program = ours("seal-controller")?;
        let (began, began_at) = (Instant::now(), Timestamp::try_from(SystemTime::now())?);
        let process = Process::start("seal-controller", &program, &args)?;
        Ok(Self { process, began, began_at })
    }

    /// From its start until its log says that the first lists are complete.
    pub(crate) async fn until_ready(&self) -> Result<Duration> {
        self.process.said(" ready ").await;
        let log = self.process.log();
        let line = log.lines().find(|line| line.contains(" ready "));
        let time = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
        Ok(Duration::try_from(Timestamp::from_str(time)?.duration_since(self.began_at))?)
    }

    /// From its start until its metrics say that it has brought `objects` to their end.
    pub(crate) async fn until_reconciled(&self, objects: usize) -> Result<Duration> {
        let address = self.process.said("address=").await;
        let line = "seal_controller_reconcile_duration_seconds_count";
        let done = eventually("every object is looked at", async || {
            let metrics = get(&address, "/metrics").await.ok()?;
            let value = metrics.lines().find_map(|it| it.strip_prefix(line)?.trim().parse().ok());
            (value.unwrap_or(0) >= objects).then(Instant::now)
        })
        .await;
        Ok(done - self.began)
    }

    /// Until it has nothing left to do.
    pub(crate) async fn until_idle(&self) {
        let address = self.process.said("address=").await;
        eventually("nothing waits", async || {
            let metrics = get(&address, "/metrics").await.ok()?;
            let is_none = |name: &str| metrics.contains(&format!("seal_controller_{name} 0\n"));
            (is_none("queue_depth") && is_none("workers_busy")).then_some(())
        })
        .await;
    }

    /// How often a private key was tried on an object.
    pub(crate) async fn opens(&self) -> Result<usize> {
        let address = self.process.said("address=").await;
        let metrics = get(&address, "/metrics").await?;
        let line = metrics.lines().find_map(|it| it.strip_prefix("seal_controller_opens_total "));
        Ok(line.ok_or("opens are not counted")?.trim().parse()?)
    }

    /// The most memory it ever had.
    pub(crate) fn peak_kib(&self) -> Result<u64> {
        peak_kib(self.process.pid())
    }

    /// The memory it has now.
    pub(crate) fn rests_at_kib(&self) -> Result<u64> {
        kib(self.process.pid(), "VmRSS:")
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu(self.process.pid())
    }

    pub(crate) async fn stop(self) -> Result<()> {
        let (_, log) = self.process.terminate().await;
        // A kind that is new is served anew once or twice, and whoever watches it is cut off: it begins again at once.
        let mut lines =
            log.lines().filter(|line| !line.contains("is interrupted and begins again"));
        let wrong = lines.find(|line| line.contains("ERROR") || line.contains("WARN"));
        wrong.map_or(Ok(()), |line| Err(format!("the controller said: {line}").into()))
    }
}

/// The most memory that a process ever had.
pub(crate) fn peak_kib(pid: u32) -> Result<u64> {
    kib(pid, "VmHWM:")
}

/// A line of what the kernel says of a process, in KiB.
fn kib(pid: u32, line: &str) -> Result<u64> {
    let status = std::fs::read_to_string(proc(pid, "status"))?;
    let rest = status.lines().find_map(|it| it.strip_prefix(line));
    let number = rest.and_then(|rest| rest.split_whitespace().next());
    Ok(number.ok_or("this system does not tell the memory of a process")?.parse()?)
}

/// Its processor time so far, and that of its children that have ended; the kernel counts it in hundredths of a second.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(proc(pid, "stat"))?;
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace());
    let times = fields.into_iter().flatten().skip(11).take(4);
    Ok(Duration::from_millis(10 * times.flat_map(str::parse::<u64>).sum::<u64>()))
}

fn proc(pid: u32, file: &str) -> std::path::PathBuf {
    Path::new("/proc").join(pid.to_string()).join(file)
}

async fn get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn render(applied: &[Applied], bare: &[Duration], many: &Many, copied: &Copied) -> String {
    let all = median(applied.iter().map(|it| it.all)).unwrap_or_default();
    let work = median(applied.iter().map(|it| it.all - it.start)).unwrap_or_default();
    let alone = median(bare.iter().copied()).unwrap_or_default();
    let restart = median(applied.iter().map(|it| it.restart.all)).unwrap_or_default();
    let cpu = median(applied.iter().map(|it| it.cpu)).unwrap_or_default();
    let writes: usize = applied.iter().map(|it| it.restart.writes).sum();
    let opens: usize = applied.iter().map(|it| it.restart.opens).sum();
    let peak = applied.iter().map(|it| it.peak_kib.max(it.restart.peak_kib)).max();
    let row =
        |work: String, ours: String, theirs: String, ratio: String| vec![work, ours, theirs, ratio];
    let none = String::new;
    let rows = [
        row(
            format!(
                "{OBJECTS} new sealed objects × {} values: controller started → all Ready",
                VALUES.len()
            ),
            s(all),
            s(alone),
            ratio(all, alone),
        ),
        row("of that, from its caches being full".to_owned(), s(work), none(), ratio(work, alone)),
        row("its processor time in that".to_owned(), s(cpu), none(), none()),
        row(
            format!("started again over {OBJECTS} unchanged → all looked at"),
            s(restart),
            none(),
            none(),
        ),
        row(
            "writes, and tries of a private key, in that".to_owned(),
            format!("{writes}, {opens}"),
            none(),
            none(),
        ),
        row("peak memory".to_owned(), peak.map(mib).unwrap_or_default(), none(), none()),
        row(
            format!("{MANY} new sealed objects → all Ready, once"),
            s(many.all),
            s(many.bare),
            ratio(many.all, many.bare),
        ),
        row("peak memory in that".to_owned(), mib(many.peak_kib), none(), none()),
        row(
            format!("started again over {MANY} unchanged → all looked at, once"),
            s(many.restart.all),
            none(),
            none(),
        ),
        row(
            "writes, and tries of a private key, in that".to_owned(),
            format!("{}, {}", many.restart.writes, many.restart.opens),
            none(),
            none(),
        ),
        row("peak memory in that".to_owned(), mib(many.restart.peak_kib), none(), none()),
        row(
            format!("one new ClusterSealedSecret → in {COPIES} namespaces"),
            s(copied.all),
            s(copied.bare),
            ratio(copied.all, copied.bare),
        ),
        row(
            "a namespace made later → its Secret is there".to_owned(),
            s(copied.later),
            none(),
            none(),
        ),
        row("writes of a restart over it".to_owned(), copied.writes.to_string(), none(), none()),
        row("peak memory in that".to_owned(), mib(copied.peak_kib), none(), none()),
    ];
    let bare = format!("bare client, {WORKERS} workers, the same {} writes", 2 * OBJECTS);
    table(&["in a cluster", "`seal-controller`", &bare, "ratio"], &rows)
}
