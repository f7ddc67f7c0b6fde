//! Sees from outside when everything is Ready: one watch, the same for whoever does the work.

use std::collections::HashSet;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, ResourceExt as _};
use seal_core::kind::sealed::SealedSecret;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::Result;

const AT_MOST: Duration = Duration::from_secs(300);

/// Ends with the moment at which the last of `expected` objects was seen Ready at its generation.
pub(crate) struct Observer(JoinHandle<Result2<Instant>>);

type Result2<T> = std::result::Result<T, String>;

impl Observer {
    /// Returns once the watch has seen what is there now.
    pub(crate) async fn start(client: Client, namespace: &str, expected: usize) -> Result<Self> {
        let api: Api<SealedSecret> = Api::namespaced(client, namespace);
        let (listed, is_listed) = oneshot::channel();
        let task = tokio::spawn(watch(api, expected, listed));
        is_listed.await.map_err(|_| "the watch did not begin")?;
        Ok(Self(task))
    }

    /// Waits for that moment.
    pub(crate) async fn all_ready(self) -> Result<Instant> {
        let ended = timeout(AT_MOST, self.0).await;
        let seen = ended.map_err(|_| format!("not all are Ready after {AT_MOST:?}"))??;
        Ok(seen?)
    }
}

async fn watch(
    api: Api<SealedSecret>,
    expected: usize,
    listed: oneshot::Sender<()>,
) -> Result2<Instant> {
    let mut listed = Some(listed);
    let mut ready = HashSet::new();
    let mut events = watcher(api, Config::default().page_size(100)).boxed();
    while let Some(event) = events.try_next().await.map_err(|error| error.to_string())? {
        match event {
            Event::Apply(object) | Event::InitApply(object) if is_ready(&object) => {
                ready.insert(object.name_any());
            }
            Event::InitDone => drop(listed.take().map(|listed| listed.send(()))),
            _ => {}
        }
        if ready.len() == expected {
            return Ok(Instant::now());
        }
    }
    Err("the watch ended".to_owned())
}

/// Whether it is Ready at its generation.
pub(crate) fn is_ready(object: &SealedSecret) -> bool {
    object.status.as_ref().is_some_and(|status| {
        status.observed_generation == object.metadata.generation
            && status.conditions.iter().any(|it| it.type_ == "Ready" && it.status == "True")
    })
}
