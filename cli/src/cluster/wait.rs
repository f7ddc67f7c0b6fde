//! Waits until sealed objects are Ready: one watch for each namespace, renewed when it ends, and over when the first object
//! is stalled.

mod told;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use seal_core::exit_code::ExitCode;
use seal_core::kind::Kind;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::{SealedSecret, SealedSecretSpec};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::connect::{Cluster, connect, run};
use super::verdict::{Verdict, verdict};
use super::{Awaited, ContextArgs, Named};
use crate::console;
use crate::error::Failure;
use told::{full_name, stalled};

/// A watch is renewed so often, so that one which died without a word is noticed. Seconds.
const RENEWED: u32 = 25;
/// Between two tries to reach a cluster that does not answer, at first and at most.
const PACE: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];

/// Waits until all are Ready, for `timeout` at most.
pub(crate) fn wait(
    args: &ContextArgs,
    all: Vec<Awaited>,
    timeout: Duration,
) -> Result<(), Failure> {
    run(async move {
        let cluster = connect(args, false).await?;
        let end = Instant::now() + timeout;
        let mut namespaces = JoinSet::new();
        for ((kind, namespace), names) in by_namespace(&cluster, all) {
            let watched = Watched {
                kind,
                names,
                namespace,
                is_reached: false,
                is_told: false,
                trouble: None,
                seconds: timeout.as_secs(),
            };
            namespaces.spawn(watched.until(cluster.clone(), end));
        }
        while let Some(ended) = namespaces.join_next().await {
            ended.map_err(|_| Failure::new(ExitCode::Failed, "a watch ended unexpectedly"))??;
        }
        Ok(())
    })
}

type Names = BTreeMap<String, State>;

/// What is watched together; the namespace of what is in none is empty.
type Group = (Kind, String);

fn by_namespace(cluster: &Cluster, all: Vec<Awaited>) -> BTreeMap<Group, Names> {
    let mut namespaces: BTreeMap<Group, Names> = BTreeMap::new();
    for Awaited { object: Named { kind, namespace, name }, spec, asked } in all {
        let namespace = match kind {
            Kind::SealedSecret => namespace.unwrap_or_else(|| cluster.namespace.clone()),
            Kind::ClusterSealedSecret => String::new(),
        };
        let names = namespaces.entry((kind, namespace));
        let waits = Verdict::Waits("the cluster has not been asked yet".to_owned());
        names
            .or_default()
            .insert(name, State { spec, asked, verdict: waits, is_said: false, is_listed: false });
    }
    namespaces
}

/// One object that is waited for.
struct State {
    spec: Option<SealedSecretSpec>,
    asked: Option<String>,
    verdict: Verdict,
    /// Whether it was said that it is Ready.
    is_said: bool,
    /// Whether it is in the list that comes at the beginning of a watch.
    is_listed: bool,
}

/// The objects of one namespace, or of none.
struct Watched {
    kind: Kind,
    namespace: String,
    names: Names,
    /// Whether the cluster has ever answered.
    is_reached: bool,
    /// Whether it was said what is waited for.
    is_told: bool,
    /// Why it does not answer now.
    trouble: Option<String>,
    seconds: u64,
}

impl Watched {
    /// Watches until all are Ready, one is stalled, or the time is over.
    async fn until(mut self, cluster: Cluster, end: Instant) -> Result<(), Failure> {
        match timeout_at(end, self.watch(&cluster)).await {
            Ok(ended) => ended,
            Err(_) => Err(self.too_late(&cluster)),
        }
    }

    async fn watch(&mut self, cluster: &Cluster) -> Result<(), Failure> {
        let client = cluster.client.clone();
        match self.kind {
            Kind::SealedSecret => {
                let api = Api::<SealedSecret>::namespaced(client, &self.namespace);
                self.follow(cluster, api, |object| object).await
            }
            Kind::ClusterSealedSecret => {
                let api = Api::<ClusterSealedSecret>::all(client);
                self.follow(cluster, api, |object| object.0).await
            }
        }
    }

    async fn follow<K>(
        &mut self,
        cluster: &Cluster,
        api: Api<K>,
        sealed: fn(K) -> SealedSecret,
    ) -> Result<(), Failure>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let mut config = watcher::Config::default().timeout(RENEWED);
        if let (Some(name), 1) = (self.names.keys().next(), self.names.len()) {
            config = config.fields(&format!("metadata.name={name}"));
        }
        let mut events = pin!(watcher(api, config));
        let mut pace = PACE[0];
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    if !matches!(event, Event::Init) {
                        (self.is_reached, self.trouble, pace) = (true, None, PACE[0]);
                    }
                    self.take(event, sealed)?;
                }
                Err(error) => {
                    self.look_at(cluster, &error)?;
                    sleep(pace).await;
                    pace = PACE[1].min(pace * 2);
                }
            }
            if self.names.values().all(|state| matches!(state.verdict, Verdict::Ready(_))) {
                return Ok(());
            }
        }
        Err(cluster.silent())
    }

    fn take<K>(&mut self, event: Event<K>, sealed: fn(K) -> SealedSecret) -> Result<(), Failure> {
        match event {
            Event::Apply(object) | Event::InitApply(object) => self.judge(&sealed(object)),
            Event::Delete(object) => {
                let state =
                    sealed(object).metadata.name.as_ref().and_then(|name| self.names.get_mut(name));
                if let Some(state) = state {
                    state.verdict = Verdict::Waits("it was deleted".to_owned());
                }
                Ok(())
            }
            // A list is asked for; nothing was answered yet.
            Event::Init => {
                self.names.values_mut().for_each(|state| state.is_listed = false);
                Ok(())
            }
            Event::InitDone => {
                for state in self.names.values_mut().filter(|state| !state.is_listed) {
                    state.verdict = Verdict::Waits("it is not there".to_owned());
                }
                self.tell_what_is_waited_for();
                Ok(())
            }
        }
    }

    fn judge(&mut self, object: &SealedSecret) -> Result<(), Failure> {
        let Some((name, state)) = object
            .metadata
            .name
            .as_ref()
            .and_then(|name| self.names.get_mut(name).map(|state| (name, state)))
        else {
            return Ok(());
        };
        let about = full_name(&self.namespace, name);
        let now = verdict(object, state.spec.as_ref(), state.asked.as_deref());
        match &now {
            Verdict::Ready(message) if !state.is_said => {
                console::say(&format!("{about} is Ready: {message}"));
                state.is_said = true;
            }
            Verdict::Stalled(word, message) => return Err(stalled(&about, word, message)),
            _ => {}
        }
        (state.verdict, state.is_listed) = (now, true);
        Ok(())
    }
}
