//! The controller in a cluster: starts the watches and the workers in order, and stops them cleanly.

mod admin;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use prometheus_client::registry::Registry;
use seal_core::names;
use seal_core::open::allowed::Grants;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::keyring::{self, SharedKeys};
use crate::memory::{Index, Watched};
use crate::metrics::Metrics;
use crate::reconcile::{Context, Next, reconcile};
use crate::watch as watches;
use crate::work::queue::Queue;
use admin::Admin;

/// Open sealed objects into live Secrets
///
/// Runs in a cluster without any flag. Outside of one it takes the kubeconfig.
#[derive(Debug, clap::Args)]
pub(crate) struct ClusterArgs {
    /// Namespace of the controller and its keys (default: $POD_NAMESPACE, then seal-system)
    #[arg(long, env = "POD_NAMESPACE", default_value = "seal-system", hide_env = true)]
    namespace: String,
    /// Serve these namespaces only, with a Role in each and nothing cluster-wide
    #[arg(long, value_name = "NS,…", value_delimiter = ',')]
    namespaces: Vec<String>,
    /// Open files whose scope is every namespace: whoever may create a SealedSecret anywhere can read them
    #[arg(long)]
    allow_wildcard_anywhere: bool,
    /// Never make a key: wait for one to be restored
    #[arg(long)]
    require_existing_key: bool,
    /// Address of /livez, /readyz, /metrics and /v1/recipients
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Objects reconciled at the same time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u8).range(1..))]
    workers: u8,
    /// Kubeconfig file, outside of a cluster
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<std::path::PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// Why the controller did not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    /// No cluster to talk to.
    #[error("no cluster: {0}")]
    Connect(&'static str),
    /// The address is taken.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr),
    /// The first key could not be made.
    #[error("the first key could not be made: {0}")]
    FirstKey(String),
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
    let client = connect(&args).await?;
    let mut registry = Registry::default();
    let ctx = Arc::new(Context {
        client,
        index: Index::default(),
        keys: SharedKeys::default(),
        grants: Grants {
            closed_namespaces: [args.namespace.clone(), names::GIT_NAMESPACE.to_owned()].into(),
            wildcard_anywhere: args.allow_wildcard_anywhere,
            ..Grants::default()
        },
        metrics: Metrics::register(&mut registry),
    });
    let queue = Arc::new(Queue::default());
    let ready = Arc::new(AtomicBool::new(false));
    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    let admin = Admin { ctx: ctx.clone(), queue: queue.clone(), registry, ready: ready.clone() };
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .map_err(|_| ClusterError::Listen(args.listen))?;
    tracing::info!(address = %listener.local_addr().unwrap_or(args.listen), "serving");
    tasks.spawn(async move {
        let _ = axum::serve(listener, admin::router(admin)).await;
        "the endpoints"
    });
    if !args.namespaces.is_empty() {
        let served = args.namespaces.join(",");
        tracing::info!(served, "a namespace that is made later needs `seal install` again");
    }

    let mut stop = Box::pin(stop_signal());
    tokio::select! {
        started = start(&args, &ctx, &queue, &ready, &mut tasks) => started?,
        () = &mut stop => return Ok(()),
    }
    let mut workers = JoinSet::new();
    for _ in 0..args.workers {
        workers.spawn(work(ctx.clone(), queue.clone()));
    }
    let result = tokio::select! {
        () = stop => Ok(()),
        ended = tasks.join_next() => {
            let what = ended.and_then(Result::ok).unwrap_or("a task");
            Err(ClusterError::Ended(what))
        }
    };
    queue.close();
    // Writes that are under way are finished: cut off, they would be done but not said.
    let finished = async { while workers.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_secs(4), finished).await.is_err() {
        tracing::warn!("some reconciles were cut off; they are taken up at the next start");
    }
    tracing::info!("stopped");
    result
}

/// Starts the watches in order and waits for each one's first list.
async fn start(
    args: &ClusterArgs,
    ctx: &Arc<Context>,
    queue: &Arc<Queue>,
    ready: &AtomicBool,
    tasks: &mut JoinSet<&'static str>,
) -> Result<(), ClusterError> {
    let (keys_listed, mut keys_seen) = watch::channel(false);
    let keys_changed = keys_listed.subscribe();
    let keys = watches::keys(ctx.clone(), queue.clone(), args.namespace.clone(), keys_listed);
    tasks.spawn(keys.map(|()| "the watch of keys"));
    let _ = keys_seen.wait_for(|listed| *listed).await;
    if ctx.keys.now().created.is_empty() && first_key(args, ctx).await? {
        let _ = keys_seen.wait_for(|_| !ctx.keys.now().created.is_empty()).await;
    }
    let recipients = watches::recipients(ctx.clone(), args.namespace.clone(), keys_changed);
    tasks.spawn(recipients.map(|()| "the watch of the recipients"));

    for watched in watched(args) {
        let (listed, mut seen) = watch::channel(false);
        let sealed = watches::sealed_objects(ctx.clone(), queue.clone(), watched, listed);
        tasks.spawn(sealed.map(|()| "the watch of SealedSecrets"));
        let _ = seen.wait_for(|listed| *listed).await;
    }
    for watched in watched(args) {
        let (listed, mut seen) = watch::channel(false);
        let secrets = watches::secrets(ctx.clone(), queue.clone(), watched, listed);
        tasks.spawn(secrets.map(|()| "the watch of Secrets"));
        let _ = seen.wait_for(|listed| *listed).await;
    }
    ready.store(true, Ordering::Release);
    tracing::info!(sealed_objects = ctx.index.places().len(), "ready");
    Ok(())
}

fn watched(args: &ClusterArgs) -> Vec<Watched> {
    if args.namespaces.is_empty() {
        return vec![None];
    }
    args.namespaces.iter().map(|namespace| Some(namespace.as_str().into())).collect()
}

/// Makes the first key where there has never been one; says whether one is to come.
async fn first_key(args: &ClusterArgs, ctx: &Context) -> Result<bool, ClusterError> {
    let namespace = args.namespace.as_str();
    let broken = ctx.keys.now().rejected.iter().map(|key| key.name.clone()).collect::<Vec<_>>();
    if !broken.is_empty() {
        let broken = broken.join(", ");
        tracing::warn!(
            namespace,
            broken,
            "no key counts, and none is made beside these: put them right"
        );
        return Ok(false);
    }
    if args.require_existing_key {
        tracing::warn!(namespace, "there is no key, and none is made: restore one");
        return Ok(false);
    }
    match keyring::create_first(&ctx.client, namespace).await {
        Ok(fingerprint) => {
            tracing::info!(secret = keyring::FIRST_KEY, %fingerprint, "made the first key; back it up");
        }
        Err(error) if crate::api_error::is_race(&error) => {
            let secret = keyring::FIRST_KEY;
            tracing::info!(
                secret,
                "another process has just made the first key; waiting to see it"
            );
        }
        Err(error) => return Err(ClusterError::FirstKey(crate::api_error::sentence(&error))),
    }
    Ok(true)
}

/// One worker: takes an object, brings it to its end, takes the next.
async fn work(ctx: Arc<Context>, queue: Arc<Queue>) {
    while let Some(place) = queue.next().await {
        let began = Instant::now();
        let outcome = AssertUnwindSafe(reconcile(&place, &ctx)).catch_unwind().await;
        ctx.metrics.took(began.elapsed().as_secs_f64());
        match outcome {
            Ok(Next::Change) => {}
            Ok(Next::After(delay)) => queue.add_after(place.clone(), delay),
            Err(_) => {
                tracing::error!(%place, "a reconcile panicked; that is a bug; the others go on");
                queue.add_after(place.clone(), Duration::from_secs(300));
            }
        }
        queue.done(&place);
    }
}

async fn connect(args: &ClusterArgs) -> Result<Client, ClusterError> {
    let options =
        KubeConfigOptions { context: args.context.clone(), ..KubeConfigOptions::default() };
    let config = match &args.kubeconfig {
        Some(path) => {
            let kubeconfig = Kubeconfig::read_from(path)
                .map_err(|_| ClusterError::Connect("the kubeconfig cannot be read"))?;
            Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .map_err(|_| ClusterError::Connect("the kubeconfig does not fit together"))?
        }
        None if args.context.is_some() => Config::from_kubeconfig(&options)
            .await
            .map_err(|_| ClusterError::Connect("the kubeconfig has no such context"))?,
        None => Config::infer().await.map_err(|_| {
            ClusterError::Connect("neither a ServiceAccount nor a kubeconfig is here")
        })?,
    };
    Client::try_from(config).map_err(|_| ClusterError::Connect("its certificates do not fit"))
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be listened to");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be listened to");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
