//! What else is there, and what it costs: a hundred retired keys, a thousand Secrets of others, ten thousand objects of which
//! one is edited.
//!
//! The first two in turns with the same round without them. Memory is that of the process, as the kernel counts it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, ResourceExt as _};
use seal_core::key::{Identity, Recipient};
use seal_core::kind::sealed::SealedSecret;
use seal_testing::{Cluster, DEADLINE, Namespace};
use tokio::time::{Instant, timeout};

use crate::cluster::{self, Controller, HOME};
use crate::observer::{Observer, is_ready};
use crate::rounds::{self, Applied, MANY, OBJECTS, WORKERS};
use crate::table::{median, mib, ms, ratio, s, table};
use crate::{Result, say};

const TURNS: usize = 5;
const RETIRED: usize = 100;
const UNRELATED: usize = 1000;
/// Of each of them, in bytes.
const LARGE: usize = 50_000;
const EDITS: usize = 100;
/// By which what this makes is found again.
const MARK: &str = "seal-bench";

/// Measures and returns the table.
pub(crate) fn run() -> Result<String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<String> {
    let mut cluster = Cluster::start().await?;
    let recipient = cluster::install_with(&cluster, &[]).await?;
    cluster.pause_controller_manager();
    let (mut alone, mut retired, mut unrelated) = (vec![], vec![], vec![]);
    for turn in 0..=TURNS {
        let one = rounds::controller(&cluster, &recipient).await?;
        make(&cluster, HOME, (0..RETIRED).map(retired_key)).await?;
        let keys = rounds::controller(&cluster, &recipient).await?;
        delete(&cluster, HOME).await?;
        make(&cluster, "default", (0..UNRELATED).map(unrelated_secret)).await?;
        let secrets = rounds::controller(&cluster, &recipient).await?;
        delete(&cluster, "default").await?;
        say(&format!(
            "turn {turn} of {TURNS}: {one:?}; {RETIRED} keys {keys:?}; {UNRELATED} Secrets {secrets:?}"
        ));
        if turn > 0 {
            alone.push(one); // the first turn warms the API server up
            retired.push(keys);
            unrelated.push(secrets);
        }
    }
    say(&format!("{EDITS} edits among {MANY} objects"));
    let edits = edits(&cluster, &recipient).await?;
    Ok(render(&alone, &retired, &unrelated, edits))
}

async fn make(
    cluster: &Cluster,
    namespace: &str,
    secrets: impl Iterator<Item = Secret>,
) -> Result<()> {
    let api: Api<Secret> = Api::namespaced(cluster.client(), namespace);
    let create = |secret: Secret| {
        let api = api.clone();
        async move { api.create(&PostParams::default(), &secret).await.map(drop) }
    };
    Ok(stream::iter(secrets).map(create).buffer_unordered(WORKERS).try_collect().await?)
}

async fn delete(cluster: &Cluster, namespace: &str) -> Result<()> {
    let api: Api<Secret> = Api::namespaced(cluster.client(), namespace);
    let ours = ListParams::default().labels(MARK);
    let _ = api.delete_collection(&DeleteParams::default(), &ours).await?;
    Ok(())
}

fn retired_key(number: usize) -> Secret {
    let text = format!("{}\n", Identity::generate().to_secret_text().expose());
    let mut secret = secret(&format!("retired-{number}"), "identity", text.into_bytes());
    secret.type_ = Some("seal.dev/key".to_owned());
    let labels = secret.metadata.labels.get_or_insert_default();
    labels.insert("seal.dev/key".to_owned(), "retired".to_owned());
    // Or the deletion guard would keep it.
    let may_go = ("seal.dev/allow-delete".to_owned(), "true".to_owned());
    secret.metadata.annotations = Some([may_go].into());
    secret
}

fn unrelated_secret(number: usize) -> Secret {
    secret(&format!("unrelated-{number}"), "value", vec![b'x'; LARGE])
}

fn secret(name: &str, key: &str, value: Vec<u8>) -> Secret {
    let labels = BTreeMap::from([(MARK.to_owned(), "yes".to_owned())]);
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        data: Some([(key.to_owned(), ByteString(value))].into()),
        ..Secret::default()
    }
}

/// From the request that edits one object until its status says that it is applied, of each edit.
async fn edits(cluster: &Cluster, recipient: &Recipient) -> Result<Vec<Duration>> {
    let ns = cluster.namespace().await;
    rounds::create_all(&ns, rounds::sealed(&ns, recipient, false, MANY)?).await?;
    let observer = Observer::start(cluster.client(), &ns.name, MANY).await?;
    let running = Controller::start(cluster).await?;
    observer.all_ready().await?;
    running.until_idle().await;
    let mut took = Vec::new();
    for number in 0..EDITS {
        took.push(edit(&ns, recipient, number * (MANY / EDITS)).await?);
    }
    running.stop().await?;
    rounds::clear(&ns).await?;
    Ok(took)
}

async fn edit(ns: &Namespace, recipient: &Recipient, number: usize) -> Result<Duration> {
    let api: Api<SealedSecret> = ns.api();
    let mut edited = rounds::one(ns, recipient, false, number)?;
    let name = edited.name_any();
    let before = api.get_metadata(&name).await?.metadata;
    edited.metadata.resource_version = before.resource_version;
    let generation = before.generation.unwrap_or_default() + 1;
    let is_applied = move |object: Option<&SealedSecret>| {
        let edited = object.filter(|object| object.metadata.generation == Some(generation));
        edited.is_some_and(is_ready)
    };
    let (watched, awaited) = (api.clone(), name.clone());
    let applied = tokio::spawn(async move { await_condition(watched, &awaited, is_applied).await });
    let began = Instant::now();
    api.replace(&name, &PostParams::default(), &edited).await?;
    timeout(DEADLINE, applied).await???;
    Ok(began.elapsed())
}

fn render(
    alone: &[Applied],
    retired: &[Applied],
    unrelated: &[Applied],
    edits: Vec<Duration>,
) -> String {
    let names = [
        format!("{OBJECTS} new sealed objects → all Ready"),
        "started again → all looked at".to_owned(),
        "peak memory".to_owned(),
        "memory when all is done".to_owned(),
    ];
    let columns = [alone, retired, unrelated].map(|of| column(of, alone));
    let row = |(number, name): (usize, String)| -> Vec<String> {
        std::iter::once(name).chain(columns.iter().map(|column| column[number].clone())).collect()
    };
    let rows: Vec<Vec<String>> = names.into_iter().enumerate().map(row).collect();
    let retired = format!("and {RETIRED} retired keys");
    let unrelated = format!("and {UNRELATED} Secrets of others, {} kB each", LARGE / 1000);
    let beside = table(&["beside", "one key", &retired, &unrelated], &rows);
    let longest = edits.iter().max().copied().unwrap_or_default();
    let edited = format!("one edit among {MANY} objects → Ready, of {EDITS}");
    let row = vec![edited, ms(median(edits).unwrap_or_default()), ms(longest)];
    format!("{beside}\n{}", table(&["edited", "median", "longest"], &[row]))
}

/// Medians of a few rounds, and what they are of those without anything beside.
fn column(of: &[Applied], alone: &[Applied]) -> [String; 4] {
    let time = |took: fn(&Applied) -> Duration| {
        let [ours, least] = [of, alone].map(|it| median(it.iter().map(took)).unwrap_or_default());
        format!("{} ({})", s(ours), ratio(ours, least))
    };
    let memory = |kib: fn(&Applied) -> u64| mib(median(of.iter().map(kib)).unwrap_or_default());
    [
        time(|it| it.all),
        time(|it| it.restart.all),
        memory(|it| it.peak_kib),
        memory(|it| it.rests_at_kib),
    ]
}
