//! Ten thousand sealed files in one repository of a gigabyte: the first apply beside a bare client's creates, and one changed file.
//!
//! The repository is behind real HTTPS on loopback. The first apply runs from the creation of the GitSource until its status
//! has the commit; no controller runs meanwhile, since opening is none of its work. A changed file runs from the delivery of
//! the webhook until the live Secret is written, with the controller.

pub(crate) mod idle;
mod rig;

use std::fs;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, ResourceExt as _};
use seal_core::key::Recipient;
use seal_core::kind::file;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::{Cluster, GitServer, eventually, git};
use serde_json::json;
use tokio::time::Instant;

use crate::cluster::{self, Controller};
use crate::rounds::{WORKERS, sealed};
use crate::table::{median, mib, ratio, s, table};
use crate::{Result, say};
use rig::{HOME, Rig, Running, TOKEN, deliver};

const FILES: usize = 10_000;
/// Turns of the first apply and of the bare client.
const TURNS: usize = 3;
/// Changed files, one after the other.
const CHANGES: usize = 100;

/// Measures and returns the table.
pub(crate) fn run() -> Result<String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure())
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
        // An API server that has seen none of them is faster than it ever is again: the first of each does not count.
        self.bare_client(&objects).await?;
        self.clear().await?;
        self.first_apply(2 * TURNS).await?;
        for turn in 0..2 * TURNS {
            // Each is the first of two as often as the other, and begins when the API server is done with the one before.
            self.clear().await?;
            self.quiet().await?;
            if turn % 4 == 0 || turn % 4 == 3 {
                bare.push(self.bare_client(&objects).await?);
            } else {
                let (time, kib) = self.first_apply(turn).await?;
                first.push(time);
                peak = peak.max(kib);
            }
            say(&format!("{FILES} files: {first:?}, bare {bare:?}"));
        }
        self.clear().await?;
        let (changes, written) = self.changes(recipient).await?;
        let (first, bare) = (median(first).unwrap_or_default(), median(bare).unwrap_or_default());
        Ok(render(first, bare, peak, &changes, written))
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
        let commit = git(&self.repo(), &["rev-parse", "HEAD"]);
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
        self.until_applied("app", &git(&self.repo(), &["rev-parse", "HEAD"])).await;
        controller.until_reconciled(FILES).await?;
        controller.until_idle().await;
        let (before, mut times) = (self.versions().await?, Vec::new());
        for number in 0..CHANGES {
            let name = format!("sealed-{number:04}");
            let live: Api<Secret> = self.ns.api();
            let version = live.get(&name).await?.resource_version();
            let text = file::write(&crate::rounds::one(&self.ns, recipient, false, number)?);
            fs::write(self.repo().join(format!("{number:02}/{number}.yaml")), text)?;
            let commit = self.commit();
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
}

fn render(
    first: Duration,
    bare: Duration,
    peak: u64,
    changes: &[Duration],
    written: usize,
) -> String {
    let mut sorted = changes.to_vec();
    sorted.sort();
    let at = |part: usize| sorted.get((sorted.len() * part / 100).min(sorted.len() - 1)).copied();
    let row =
        |what: String, ours: String, theirs: String, ratio: String| vec![what, ours, theirs, ratio];
    let none = String::new;
    let rows = [
        row(
            format!("{FILES} sealed files in a repository of 1 GB, first apply"),
            s(first),
            s(bare),
            ratio(first, bare),
        ),
        row("peak memory in that, without the fetch".to_owned(), mib(peak), none(), none()),
        row(
            format!("one changed file of {FILES}: webhook → live, median of {CHANGES}"),
            s(at(50).unwrap_or_default()),
            none(),
            none(),
        ),
        row("99 of 100 of them within".to_owned(), s(at(98).unwrap_or_default()), none(), none()),
        row(
            format!("sealed objects written by {CHANGES} changes"),
            written.to_string(),
            none(),
            none(),
        ),
    ];
    let bare = format!("bare client, {WORKERS} workers, the same creates");
    table(&["from Git", "`seal-controller git`", &bare, "ratio"], &rows)
}
