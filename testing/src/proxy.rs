//! A way to the API server that fails as networks and busy servers do: it goes silent without closing anything, lets
//! old connections die without a word, or answers with errors in turn.
//!
//! Plain HTTP on loopback; what a client says of itself passes through.

use std::convert::Infallible;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt as _, TryStreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use kube::config::AuthInfo;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::access::write_private;
use crate::cluster::Cluster;

/// What the proxy does with everything from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It passes everything on.
    Passes,
    /// It accepts everything and says nothing, until it passes again: then all that it kept back comes.
    Silent,
    /// Of three requests it answers the first with 429, the second with 500, and passes the third on.
    Faulty,
}

type Answer = Response<UnsyncBoxBody<Bytes, kube::Error>>;

/// A running proxy. Ends with its test.
pub struct Proxy {
    state: Arc<State>,
    address: String,
    path: PathBuf,
}

struct State {
    upstream: Client,
    behaviour: watch::Sender<Behaviour>,
    /// Connections made before this one never speak again.
    oldest: watch::Sender<usize>,
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl Proxy {
    /// Starts one before `cluster`.
    pub async fn start(cluster: &Cluster) -> Self {
        let mut config = cluster.config.clone();
        config.auth_info = AuthInfo::default();
        let state = Arc::new(State {
            upstream: Client::try_from(config).expect("the same configuration made a client"),
            behaviour: watch::Sender::new(Behaviour::Passes),
            oldest: watch::Sender::new(0),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a port");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));
        tokio::spawn(serve(listener, state.clone()));
        let port = address.rsplit(':').next().unwrap_or_default();
        let path = cluster.plane.path(&format!("proxy-{port}.kubeconfig"));
        Self { state, address, path }
    }

    /// From now on it does this.
    pub fn now(&self, behaviour: Behaviour) {
        self.state.behaviour.send_replace(behaviour);
    }

    /// Every connection that there is never speaks again, and none is closed; new ones are served.
    pub fn lets_connections_die(&self) {
        self.state.oldest.send_replace(self.state.connections.load(Ordering::Acquire));
    }

    /// The kubeconfig `through`, with this proxy in the place of the server.
    pub fn kubeconfig(&self, through: &std::path::Path) -> PathBuf {
        let text = std::fs::read_to_string(through).expect("the kubeconfig is our own");
        let mut config: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        config["clusters"][0]["cluster"] = serde_json::json!({"server": self.address});
        write_private(&self.path, config.to_string().as_bytes())
            .expect("the cluster's directory can be written");
        self.path.clone()
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection = state.connections.fetch_add(1, Ordering::AcqRel);
        let of_this = state.clone();
        let service = service_fn(move |request| answer(request, connection, of_this.clone()));
        let served = hyper::server::conn::http1::Builder::new();
        tokio::spawn(served.serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    connection: usize,
    state: Arc<State>,
) -> Result<Answer, Infallible> {
    state.may_speak(connection).await;
    if *state.behaviour.borrow() == Behaviour::Faulty {
        match state.requests.fetch_add(1, Ordering::AcqRel) % 3 {
            0 => return Ok(error(429)),
            1 => return Ok(error(500)),
            _ => {}
        }
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let passed = Request::from_parts(parts, Body::from(body.to_vec()));
    let Ok(answer) = state.upstream.send(passed).await else { return Ok(error(502)) };
    state.may_speak(connection).await;
    let (parts, body) = answer.into_parts();
    let frames = body.into_data_stream().then(move |bytes| {
        let state = state.clone();
        async move {
            state.may_speak(connection).await;
            bytes
        }
    });
    let body = UnsyncBoxBody::new(StreamBody::new(frames.map_ok(Frame::data)));
    Ok(Response::from_parts(parts, body))
}

impl State {
    /// Waits while nothing may be said on this connection.
    async fn may_speak(&self, connection: usize) {
        if connection < *self.oldest.borrow() {
            pending::<()>().await;
        }
        let mut behaviour = self.behaviour.subscribe();
        let spoken = behaviour.wait_for(|now| *now != Behaviour::Silent).await;
        drop(spoken);
        if connection < *self.oldest.borrow() {
            pending::<()>().await;
        }
    }
}

/// As the API server says it.
fn error(code: u16) -> Answer {
    let status = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "in turn",
    });
    let body = Full::new(Bytes::from(status.to_string())).map_err(|never| match never {});
    Response::builder()
        .status(code)
        .header("content-type", "application/json")
        .body(body.boxed_unsync())
        .expect("its parts are fixed")
}
