//! Ten sources that nothing happens to, at the interval they have by default: what they ask for and take in an hour.

use std::fs;
use std::time::Duration;

use seal_testing::{Cluster, GitServer, git};
use serde_json::json;

use super::rig::{HOME, Rig, Running};
use crate::cluster;
use crate::table::{s, table};
use crate::{Result, say};

const SOURCES: usize = 10;
const FOR: Duration = Duration::from_secs(3600);
/// Until all have looked once.
const BEGIN: Duration = Duration::from_secs(60);

/// Measures for an hour and returns the table.
pub(crate) fn run() -> Result<String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<String> {
    let mut cluster = Cluster::start().await?;
    let ns = cluster.namespace().await;
    cluster::install_with(&cluster, &["--git", "--git-namespaces", &ns.name]).await?;
    cluster.pause_controller_manager();
    let folder = std::env::temp_dir().join(format!("seal-bench-idle-{}", std::process::id()));
    fs::create_dir_all(folder.join("repo"))?;
    let server = GitServer::start(&folder);
    let rig = Rig { cluster: &cluster, ns, folder, server };
    let measured = rig.idle().await;
    let _ = fs::remove_dir_all(&rig.folder);
    measured
}

impl Rig<'_> {
    async fn idle(&self) -> Result<String> {
        git(&self.repo(), &["init", "--quiet", "--initial-branch=main"]);
        self.commit();
        let running = Running::start(self, "cache").await?;
        for number in 0..SOURCES {
            // Each by a URL of its own, so that none shares a fetch.
            let url = format!("{}/repo{}.git", self.server.url, "/".repeat(number + 1));
            self.source(&format!("idle-{number}"), json!({"url": url})).await?;
        }
        tokio::time::sleep(BEGIN).await;
        self.server.requests();
        let (asked, cpu) = (self.asked(), running.cpu()?);
        say(&format!("{SOURCES} sources, for an hour"));
        tokio::time::sleep(FOR).await;
        let (cpu, asked) = (running.cpu()? - cpu, self.asked() - asked);
        let row = |what: &str, count: String| vec![what.to_owned(), count];
        let rows = [
            row("requests to git servers", self.server.requests().len().to_string()),
            row("requests to the API server", asked.to_string()),
            row("processor time", s(cpu)),
        ];
        Ok(table(&[&format!("{SOURCES} unchanged sources, in an hour"), ""], &rows))
    }

    /// Requests to the API server so far, as its audit log has them.
    fn asked(&self) -> usize {
        self.cluster.requests_by(HOME, HOME).len()
    }
}
