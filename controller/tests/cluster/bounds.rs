//! What a tenant, or whoever reaches the port, can make large or many: the others are served meanwhile, and the controller
//! stays within the memory that is shipped as its limit.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use seal_core::key::Recipient;
use seal_core::kind::sealed::{Block, MAX_OWN_HEADERS, SealedSecret};
use seal_core::place::{Place, Scope};
use seal_testing::{Namespace, Process, eventually_within};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Controller, ends, foreign, get, map, quiet, ready, seal_for};

/// What the Deployment gives the controller.
pub(crate) const SHIPPED_LIMIT_KB: u64 = 256 << 10;
const HOSTILE: usize = 20;
/// Twenty times a megabyte, on a machine that does other things.
const LONG: std::time::Duration = std::time::Duration::from_secs(120);

/// As many blocks as are admitted, each under a header of its own as long as fits: 1.4 MB together.
fn large(recipient: &Recipient, ns: &Namespace) -> SealedSecret {
    let scope = Scope { namespaces: vec![ns.name.clone()], name: "*".into() };
    let place = Place::new(&ns.name, "any").unwrap();
    let keys: Vec<String> = (0..660).map(two_letters).collect();
    let pairs: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "x")).collect();
    let mut sealed = seal_for(recipient, &place, scope.clone(), &pairs);
    for key in keys.iter().take(MAX_OWN_HEADERS) {
        let one = seal_for(recipient, &place, scope.clone(), &[(key, "x")]);
        let block = Block {
            header: one.spec.header.clone(),
            sealed_to: one.spec.sealed_to.clone(),
            payload: one.spec.values[key].payload.clone(),
        };
        sealed.spec.values.insert(key.clone(), block);
    }
    let filling = "x".repeat(1_350_000 - serde_json::to_vec(&sealed).unwrap().len());
    let template = sealed.spec.template.get_or_insert_default();
    template.string_data.insert("filling".into(), filling);
    sealed
}

fn two_letters(n: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
    format!("{}{}", letter(n / 26), letter(n))
}

fn named(sealed: &SealedSecret, name: &str) -> SealedSecret {
    let mut sealed = sealed.clone();
    sealed.metadata.name = Some(name.into());
    sealed
}

/// A megabyte of labels and of what `managedFields` says of them, and an annotation that JSON escapes to six times its
/// length: 2.6 MB. Few labels with long names: the API server takes its time for each.
fn labelled(name: &str) -> Secret {
    let prefix = ["p"; 4].map(|part| part.repeat(60)).join(".");
    let labels = (0..1_700).map(|n| (format!("{prefix}/{n:0>50}"), "x".repeat(50)));
    let mut secret = foreign(name, &[("a", "1")]);
    secret.metadata.labels = Some(labels.collect::<BTreeMap<_, _>>());
    secret.metadata.annotations = Some(map(&[("a", &"<".repeat(250 << 10))]));
    secret
}

/// The most memory that a process has had.
pub(crate) fn peak_kb(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn are_told(ns: &Namespace, what: &str) {
    let api: Api<SealedSecret> = ns.api();
    eventually_within(LONG, what, async || {
        let objects = api.list(&Default::default()).await.unwrap().items;
        objects.iter().all(|it| ready(it).is_some()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn large_objects_and_labels_at_start_and_later_stay_within_the_shipped_memory() {
    let Some(cluster) = quiet!() else { return };
    let (ns, others) = (cluster.namespace().await, cluster.namespace().await);
    let home = cluster.namespace().await;
    let key = seal_core::key::Identity::generate();
    crate::keys::add_key(cluster, &home.name, "restored", &key, "active").await;
    let sealed = large(&key.recipient().parse().unwrap(), &ns);
    for n in 0..HOSTILE {
        ns.create(named(&sealed, &format!("s{n}"))).await;
        ns.create(labelled(&format!("l{n}"))).await;
    }
    Controller::install(cluster, &home, &ns).await;
    Controller::install(cluster, &home, &others).await;
    let served = format!("{},{}", ns.name, others.name);
    let controller = Controller::start(cluster, &home.name, &["--namespaces", &served]).await;
    others.create(controller.seal(&others, "db", &[("a", "1")])).await;
    ends(&others, "db", "Applied").await;
    are_told(&ns, "every large object has its verdict").await;

    // At run time: each again, over a live Secret with a megabyte of somebody's labels.
    for n in 0..HOSTILE {
        ns.create(named(&sealed, &format!("l{n}"))).await;
        let touch = Patch::Merge(json!({"metadata": {"labels": {"again": "1"}}}));
        let name = format!("s{n}");
        ns.api::<SealedSecret>().patch(&name, &PatchParams::default(), &touch).await.unwrap();
    }
    others.create(controller.seal(&others, "later", &[("a", "1")])).await;
    ends(&others, "later", "Applied").await;
    are_told(&ns, "every large object has its verdict again").await;
    let peak = peak_kb(&controller.process);
    assert!(peak < SHIPPED_LIMIT_KB, "{peak} kB at most");
    assert!(!controller.process.has_ended());
    println!("peak of the controller: {peak} kB");
    for object in ns.list::<SealedSecret>().await {
        ns.delete::<SealedSecret>(&object.name_any()).await;
    }
}

#[tokio::test]
async fn half_open_connections_keep_nobody_from_the_port() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let address = controller.url.trim_start_matches("http://").to_owned();
    let mut open = Vec::new();
    for _ in 0..2000 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Never: ").await.unwrap();
        open.push(stream);
    }
    for path in ["livez", "readyz", "metrics", "v1/recipients"] {
        assert_eq!(get(&format!("{}/{path}", controller.url)).await.0, 200, "{path}");
    }
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    assert!(peak_kb(&controller.process) < SHIPPED_LIMIT_KB);
    drop(open);
}
