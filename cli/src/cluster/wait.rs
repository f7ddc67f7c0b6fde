//! Waits until sealed objects are Ready: one watch for each namespace, renewed when it ends, and over when the first object
//! is stalled.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use kube::Api;
use kube::runtime::watcher::{self, Event, watcher};
use seal_core::exit_code::ExitCode;
use seal_core::kind::sealed::{SealedSecret, SealedSecretSpec};
use seal_core::names::SEALED_SECRET;
use seal_core::reason::Reason;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::connect::{Cluster, connect, run};
use super::verdict::{Verdict, verdict};
use super::{Awaited, ContextArgs, missing};
use crate::console;
use crate::error::Failure;

/// A watch is renewed so often, so that one which died without a word is noticed. Seconds.
const RENEWED: u32 = 25;
/// Between two tries to reach a cluster that does not answer, at first and at most.
const PACE: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];
/// Objects that a message names.
const MOST_NAMED: usize = 10;

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
        for (namespace, names) in by_namespace(&cluster, all) {
            let watched = Watched {
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

fn by_namespace(cluster: &Cluster, all: Vec<Awaited>) -> BTreeMap<String, Names> {
    let mut namespaces: BTreeMap<String, Names> = BTreeMap::new();
    for Awaited { namespace, name, spec } in all {
        let names = namespaces.entry(namespace.unwrap_or_else(|| cluster.namespace.clone()));
        let waits = Verdict::Waits("the cluster has not been asked yet".to_owned());
        names
            .or_default()
            .insert(name, State { spec, verdict: waits, is_said: false, is_listed: false });
    }
    namespaces
}

/// One object that is waited for.
struct State {
    spec: Option<SealedSecretSpec>,
    verdict: Verdict,
    /// Whether it was said that it is Ready.
    is_said: bool,
    /// Whether it is in the list that comes at the beginning of a watch.
    is_listed: bool,
}

/// The objects of one namespace.
struct Watched {
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
        let api = Api::<SealedSecret>::namespaced(cluster.client.clone(), &self.namespace);
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
                    self.take(event)?;
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

    fn take(&mut self, event: Event<SealedSecret>) -> Result<(), Failure> {
        match event {
            Event::Apply(object) | Event::InitApply(object) => self.judge(&object),
            Event::Delete(object) => {
                let state = object.metadata.name.as_ref().and_then(|name| self.names.get_mut(name));
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

    /// Said once, when the cluster has answered.
    fn tell_what_is_waited_for(&mut self) {
        let waiting = self.waiting();
        if !self.is_told && !waiting.is_empty() {
            console::note(&format!("waiting: {}", some_of(&waiting)));
        }
        self.is_told = true;
    }

    /// The objects that are not Ready, each with why.
    fn waiting(&self) -> Vec<String> {
        let waiting = self.names.iter().filter_map(|(name, state)| match &state.verdict {
            Verdict::Waits(why) => Some(format!("{}/{name}: {why}", self.namespace)),
            _ => None,
        });
        waiting.collect()
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
        let about = format!("{}/{name}", self.namespace);
        let now = verdict(object, state.spec.as_ref());
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

    /// Errors that will not go away end it; others are said once and waited out.
    fn look_at(&mut self, cluster: &Cluster, error: &watcher::Error) -> Result<(), Failure> {
        let (code, cause) = match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => match error {
                kube::Error::Api(status) => (status.code, Some(error)),
                _ => (0, Some(error)),
            },
            watcher::Error::WatchError(status) => (status.code, None),
            watcher::Error::NoResourceVersion => (0, None),
        };
        let what = format!("{SEALED_SECRET}s of {}", self.namespace);
        match (code, cause) {
            (403, _) => {
                Err(missing(format!("{} does not let you watch {what}", cluster.name)).hint(
                    format!("`kubectl auth can-i watch sls -n {}` asks the same", self.namespace),
                ))
            }
            (401, Some(error)) | (_, Some(error @ kube::Error::Auth(_))) => {
                Err(cluster.refused(error, &what))
            }
            (404, _) => {
                self.waits("the cluster has no kind SealedSecret".to_owned());
                Ok(())
            }
            _ => {
                self.waits(format!("{} does not answer", cluster.name));
                Ok(())
            }
        }
    }

    /// Said when it is new.
    fn waits(&mut self, why: String) {
        if self.trouble.as_ref() != Some(&why) {
            console::note(&format!("{why}; waiting"));
        }
        self.trouble = Some(why);
    }

    fn too_late(&self, cluster: &Cluster) -> Failure {
        if !self.is_reached {
            let why =
                self.trouble.clone().unwrap_or_else(|| format!("{} does not answer", cluster.name));
            return missing(why).hint("`kubectl get sls` asks the same; `seal install` prints the kind and its controller");
        }
        let message = format!("not Ready within {} s: {}", self.seconds, some_of(&self.waiting()));
        Failure::new(ExitCode::Failed, message).hint(format!(
            "`kubectl get sls -n {}` shows how far each is; --timeout waits longer",
            self.namespace
        ))
    }
}

fn some_of(waiting: &[String]) -> String {
    let some = waiting.get(..MOST_NAMED).unwrap_or(waiting).join("; ");
    match waiting.len().saturating_sub(MOST_NAMED) {
        0 => some,
        more => format!("{some}; and {more} more"),
    }
}

/// With the exit code and the next step of the reason.
fn stalled(about: &str, word: &str, message: &str) -> Failure {
    let message = format!("{about}: {message}");
    match Reason::ALL.into_iter().find(|reason| reason.as_str() == word) {
        Some(reason) => Failure::refused(reason, message),
        None => Failure::new(ExitCode::Failed, format!("{message} [{word}]")),
    }
}
