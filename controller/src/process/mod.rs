//! The controller in a cluster: starts everything in order, and stops it cleanly.

mod admin;
mod args;
mod first_key;
mod leader;
mod signals;
mod upkeep;
mod worker;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use kube::Client;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use crate::client::{self, Fence};
use crate::connections;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::reconcile::{Context, take_out_leftovers};
use crate::target::lease::Leases;
use crate::watch as watches;
use crate::watch::Watching;
use crate::work::bytes::Bytes;
use crate::work::election::EVERY;
use crate::work::queue::Queue;
use admin::Admin;
pub(crate) use args::ClusterArgs;
use leader::{Replica, WENT_BACK};
pub(crate) use signals::stop_signal;

/// How long a stop waits for what is under way: it is promised to end within 5 s, and gives the lease back.
const FINISH_WITHIN: Duration = Duration::from_millis(3900);

/// Why the controller did not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    /// No cluster to talk to.
    #[error("no cluster: {0}")]
    Connect(&'static str),
    /// The address is taken, or none of this machine.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::ErrorKind),
    /// The first key could not be made.
    #[error("the first key could not be made: {0}")]
    FirstKey(String),
    /// Another replica leads, which had waited for this one.
    #[error("{0} leads now: this process ends, and begins anew as one that waits")]
    Deposed(String),
    /// What this process knows of the cluster is of a history that is no more.
    #[error("{WENT_BACK}: this process ends, and begins anew with what there is")]
    WentBack,
    /// A task that must not end has ended.
    #[error("{0} ended; that is a bug")]
    Ended(&'static str),
}

/// Runs the controller on all processors.
pub(crate) fn main(args: ClusterArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    // One TLS provider for the whole process, named before the first connection.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(args))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs until SIGTERM or SIGINT.
async fn run(args: ClusterArgs) -> Result<(), ClusterError> {
    let fence = Fence::closed();
    let client = client::connect_behind(&args.client, fence.clone()).await;
    let apart = client::connect_apart(&args.client, EVERY).await.map_err(ClusterError::Connect)?;
    let leases = Leases::of(apart, &args.namespace);
    let replica = Replica::new(leases, args.pod_name.clone(), fence);
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let client = client.map_err(ClusterError::Connect)?;
    let mut controller = Controller::new(client, metrics, replica, args);
    let result = tokio::select! {
        () = stop_signal() => Ok(()),
        error = controller.serve(registry) => Err(error),
    };
    controller.finish().await;
    tracing::info!("stopped");
    result
}

/// Everything that runs.
struct Controller {
    args: ClusterArgs,
    replica: Replica,
    ctx: Arc<Context>,
    queue: Arc<Queue>,
    ready: Arc<AtomicBool>,
    listing: Arc<Semaphore>,
    /// None of them ever ends by itself.
    tasks: JoinSet<&'static str>,
    /// Ends when another replica leads.
    leading: JoinSet<Option<String>>,
    workers: JoinSet<()>,
}

impl Controller {
    fn new(client: Client, metrics: Metrics, replica: Replica, args: ClusterArgs) -> Self {
        let ctx = Context {
            client,
            memory: Arc::new(Memory::new(args.grants())),
            keys: Arc::default(),
            grants: args.grants(),
            metrics,
            bytes: Bytes::default(),
            copies: Semaphore::new(Context::COPIES as usize),
        };
        Self {
            args,
            replica,
            ctx: Arc::new(ctx),
            queue: Arc::default(),
            ready: Arc::default(),
            listing: Arc::new(Semaphore::new(1)),
            tasks: JoinSet::new(),
            leading: JoinSet::new(),
            workers: JoinSet::new(),
        }
    }

    /// Starts everything, then runs for ever. Returns why it does not.
    async fn serve(&mut self, registry: Registry) -> ClusterError {
        if let Err(error) = self.start(registry).await {
            return error;
        }
        tokio::select! {
            Some(ended) = self.leading.join_next() => match ended.unwrap_or_default() {
                Some(holder) => ClusterError::Deposed(holder),
                None => ClusterError::WentBack,
            },
            ended = self.tasks.join_next() => {
                ClusterError::Ended(ended.and_then(Result::ok).unwrap_or("a task"))
            }
        }
    }

    /// Starts everything in order: what every replica serves, then what the one does that leads. What an object's reconcile
    /// needs to know comes before the objects.
    async fn start(&mut self, registry: Registry) -> Result<(), ClusterError> {
        self.start_endpoints(registry).await?;
        let changed = Arc::new(Notify::new());
        let listed = self.start_keys(changed.clone()).await;
        self.ready.store(true, Ordering::Release);
        if !self.replica.lead().await {
            return Err(ClusterError::WentBack);
        }
        self.leading.spawn(self.replica.clone().keep());
        self.start_upkeep(changed, listed).await?;
        for watched in self.args.watched() {
            let (listed, seen) = watch::channel(false);
            let watch = watches::secrets::watch(self.watching(), watched, listed);
            self.tasks.spawn(watch.map(|()| "the watch of Secrets"));
            wait(seen).await;
        }
        self.start_accounts().await;
        if self.args.serves_the_cluster() {
            let (listed, seen) = watch::channel(false);
            let watch = watches::namespaces::watch(self.watching(), listed);
            self.tasks.spawn(watch.map(|()| "the watch of namespaces"));
            wait(seen).await;
        }
        self.start_work().await;
        self.ctx.memory.lists_complete();
        self.start_leftovers();
        tracing::info!(sealed_objects = self.ctx.memory.names().len(), "ready");
        Ok(())
    }

    /// The workers, and then what they work on.
    async fn start_work(&mut self) {
        for _ in 0..self.args.workers {
            self.workers.spawn(worker::work(self.ctx.clone(), self.queue.clone()));
        }
        for watched in self.args.watched() {
            let (listed, seen) = watch::channel(false);
            let watch = watches::sealed::watch(self.watching(), watched, listed);
            self.tasks.spawn(watch.map(|()| "the watch of SealedSecrets"));
            wait(seen).await;
        }
        if self.args.serves_the_cluster() {
            let (listed, seen) = watch::channel(false);
            let watch = watches::sealed::watch_cluster(self.watching(), listed);
            self.tasks.spawn(watch.map(|()| "the watch of ClusterSealedSecrets"));
            wait(seen).await;
        }
    }

    /// Watches ServiceAccounts where they are written to.
    async fn start_accounts(&mut self) {
        let watched = self.args.watched().into_iter().filter(|_| self.ctx.grants.pull_secrets);
        for watched in watched.collect::<Vec<_>>() {
            let (listed, seen) = watch::channel(false);
            let watch = watches::accounts::watch(self.watching(), watched, listed);
            self.tasks.spawn(watch.map(|()| "the watch of ServiceAccounts"));
            wait(seen).await;
        }
    }

    /// Looks once for what deleted objects have left in ServiceAccounts.
    fn start_leftovers(&mut self) {
        if !self.ctx.grants.pull_secrets {
            return;
        }
        let (ctx, watched) = (self.ctx.clone(), self.args.watched());
        self.tasks.spawn(async move {
            take_out_leftovers(&ctx, &watched).await;
            std::future::pending().await
        });
    }

    async fn start_endpoints(&mut self, registry: Registry) -> Result<(), ClusterError> {
        let admin = Admin {
            ctx: self.ctx.clone(),
            replica: self.replica.clone(),
            queue: self.queue.clone(),
            registry,
            ready: self.ready.clone(),
        };
        let address = self.args.listen;
        let failed = |error: std::io::Error| ClusterError::Listen(address, error.kind());
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        tracing::info!(address = %listener.local_addr().unwrap_or(address), "serving");
        let served = connections::serve(listener, admin::router(admin));
        self.tasks.spawn(served.map(|()| "the endpoints"));
        if !self.args.namespaces.is_empty() {
            let served = self.args.namespaces.join(",");
            tracing::info!(served, "a namespace that is made later needs `seal install` again");
        }
        Ok(())
    }

    /// Watches the keys and waits for their list. `changed` is told whenever they are others.
    async fn start_keys(&mut self, changed: Arc<Notify>) -> watch::Receiver<bool> {
        let (listed, seen) = watch::channel(false);
        let (namespace, keys) = (self.args.namespace.clone(), self.ctx.keys.clone());
        let watch = watches::keys::watch(self.watching(), namespace, keys, changed, listed);
        self.tasks.spawn(watch.map(|()| "the watch of keys"));
        wait(seen.clone()).await;
        seen
    }

    /// Publishes the recipients, and waits for the first key where it is to be made.
    async fn start_upkeep(
        &mut self,
        changed: Arc<Notify>,
        mut listed: watch::Receiver<bool>,
    ) -> Result<(), ClusterError> {
        let Context { client, keys, .. } = &*self.ctx;
        let namespace = &self.args.namespace;
        let map = watches::recipients::watch(client.clone(), namespace.clone(), changed.clone());
        self.tasks.spawn(map.map(|()| "the watch of the recipients"));
        let upkeep = upkeep::upkeep(client.clone(), namespace.clone(), keys.clone(), changed);
        self.tasks.spawn(upkeep.map(|()| "the upkeep of the recipients"));
        if first_key::make(&self.args, client, &keys.now()).await? {
            let _ = listed.wait_for(|_| !keys.now().created.is_empty()).await;
        }
        Ok(())
    }

    fn watching(&self) -> Watching {
        let Context { client, memory, .. } = &*self.ctx;
        Watching {
            client: client.clone(),
            memory: memory.clone(),
            queue: self.queue.clone(),
            listing: self.listing.clone(),
        }
    }

    /// Writes that are under way are finished: cut off, they would be done but not said.
    async fn finish(mut self) {
        self.queue.close();
        let finished = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(FINISH_WITHIN, finished).await.is_err() {
            tracing::warn!("some reconciles were cut off; they are taken up at the next start");
        }
        self.leading.abort_all();
        self.tasks.abort_all();
        self.replica.release().await;
    }
}

async fn wait(mut listed: watch::Receiver<bool>) {
    let _ = listed.wait_for(|listed| *listed).await;
}
