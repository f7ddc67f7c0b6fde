//! A real `git http-backend` behind real HTTPS on loopback, with a certificate of its own, and what such servers do wrong.
//!
//! It runs on a thread of its own, so that tests without a runtime can use it. Ends with its test.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What the server does with every request from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// It serves.
    #[default]
    None,
    /// It answers with this status, and asks to be left alone for so many seconds.
    Status(u16, Option<u32>),
    /// It accepts requests and never answers.
    Silent,
    /// It closes the connection after so many bytes of an answer to a POST.
    Cut(usize),
    /// It does not know version 2 of the protocol.
    Old,
    /// It does not leave anything out, as where `uploadpack.allowFilter` is not set.
    Whole,
    /// It sends everybody to this URL instead.
    Redirect(String),
    /// It answers with a page for people.
    Html,
}

type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

/// A running server of every repository beneath a folder.
pub struct GitServer {
    /// `https://127.0.0.1:PORT`.
    pub url: String,
    /// The certificate of its authority, PEM.
    pub ca: String,
    state: Arc<State>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

struct State {
    root: PathBuf,
    fault: Mutex<Fault>,
    /// The header that a request must have.
    authorization: Mutex<Option<String>>,
    /// Method and path of each request, with the header `Authorization` where there was one.
    requests: Mutex<Vec<String>>,
}

impl GitServer {
    /// Serves the repositories beneath `root`.
    pub fn start(root: &Path) -> Self {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate can be made");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(made.cert.der().to_vec())], key)
            .expect("the key is of the certificate");
        let state = Arc::new(State {
            root: root.to_owned(),
            fault: Mutex::default(),
            authorization: Mutex::default(),
            requests: Mutex::default(),
        });
        let (told, port) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = state.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a port");
                let _ = told.send(listener.local_addr().expect("it is bound").port());
                tokio::select! {
                    _ = stopped => {}
                    () = serve(listener, TlsAcceptor::from(Arc::new(config)), serving) => {}
                }
            });
        });
        let port = port.recv().expect("the server has started");
        let url = format!("https://127.0.0.1:{port}");
        Self { url, ca: made.cert.pem(), state, _stop: stop }
    }

    /// From now on it does this.
    pub fn now(&self, fault: Fault) {
        *lock(&self.state.fault) = fault;
    }

    /// From now on a request must have this `Authorization`.
    pub fn require(&self, authorization: Option<&str>) {
        *lock(&self.state.authorization) = authorization.map(str::to_owned);
    }

    /// What was asked since the last time this was.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.state.requests))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        // As the servers of forges have it: else each answer waits for the acknowledgement of its first half.
        let _ = stream.set_nodelay(true);
        let (acceptor, state) = (acceptor.clone(), state.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let answer = service_fn(move |request| answer(request, state.clone()));
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Answer, std::io::Error> {
    let fault = lock(&state.fault).clone();
    let authorization = header(&request, "authorization");
    let line = format!("{} {} {authorization}", request.method(), request.uri());
    lock(&state.requests).push(line.trim_end().to_owned());
    if lock(&state.authorization).as_ref().is_some_and(|needed| *needed != authorization) {
        return Ok(plain(StatusCode::UNAUTHORIZED));
    }
    match &fault {
        Fault::Silent => std::future::pending().await,
        Fault::Status(code, retry_after) => {
            let status = StatusCode::from_u16(*code).expect("a status");
            let mut response = plain(status);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert("retry-after", (*seconds).into());
            }
            Ok(response)
        }
        Fault::Redirect(to) => {
            let path = request.uri().path_and_query().map_or("", |it| it.as_str());
            let mut response = plain(StatusCode::FOUND);
            let to = format!("{to}{path}").parse().expect("a header");
            response.headers_mut().insert("location", to);
            Ok(response)
        }
        Fault::Html => {
            let mut response = full("<html>password=CANARY</html>");
            response.headers_mut().insert("content-type", "text/html".parse().expect("a header"));
            Ok(response)
        }
        _ => backend(request, &state, &fault).await,
    }
}

/// What `git http-backend` answers: CGI, RFC 3875.
async fn backend(
    request: Request<Incoming>,
    state: &State,
    fault: &Fault,
) -> Result<Answer, std::io::Error> {
    let is_post = request.method() == "POST";
    let filter = if *fault == Fault::Whole { "false" } else { "true" };
    let mut git = Command::new("git");
    git.args(["-c", &format!("uploadpack.allowFilter={filter}"), "-c", "safe.directory=*"]);
    git.arg("http-backend").env("GIT_PROJECT_ROOT", &state.root).env("GIT_HTTP_EXPORT_ALL", "1");
    git.env("PATH_INFO", request.uri().path());
    git.env("QUERY_STRING", request.uri().query().unwrap_or_default());
    git.env("REQUEST_METHOD", request.method().as_str());
    git.env("CONTENT_TYPE", header(&request, "content-type"));
    git.env("REMOTE_ADDR", "127.0.0.1");
    if *fault != Fault::Old {
        git.env("GIT_PROTOCOL", header(&request, "git-protocol"));
    }
    git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    git.env("CONTENT_LENGTH", body.len().to_string());
    let mut child = git.spawn()?;
    let mut stdin = child.stdin.take().expect("it was piped");
    tokio::spawn(async move {
        let _ = stdin.write_all(&body).await;
    });
    respond(
        child,
        if let (true, Fault::Cut(after)) = (is_post, fault) { *after } else { usize::MAX },
    )
    .await
}

async fn respond(mut child: Child, most: usize) -> Result<Answer, std::io::Error> {
    let mut stdout = BufReader::new(child.stdout.take().expect("it was piped"));
    let mut response = Response::builder();
    loop {
        let mut line = String::new();
        stdout.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        response = if name.eq_ignore_ascii_case("status") {
            response.status(value.split(' ').next().unwrap_or("500"))
        } else {
            response.header(name, value)
        };
    }
    let chunks =
        futures::stream::unfold((stdout, child, most), |(mut stdout, child, left)| async move {
            if left == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                return Some((Err(std::io::Error::other("cut")), (stdout, child, left)));
            }
            let mut chunk = vec![0; left.min(64 * 1024)];
            match stdout.read(&mut chunk).await {
                Ok(0) => None,
                Ok(read) => {
                    chunk.truncate(read);
                    Some((Ok(Frame::data(Bytes::from(chunk))), (stdout, child, left - read)))
                }
                Err(error) => Some((Err(error), (stdout, child, 0))),
            }
        });
    response.body(StreamBody::new(chunks.boxed()).boxed_unsync()).map_err(std::io::Error::other)
}

fn header(request: &Request<Incoming>, name: &str) -> String {
    let value = request.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn plain(status: StatusCode) -> Answer {
    let mut response = full("");
    *response.status_mut() = status;
    response
}

fn full(text: &'static str) -> Answer {
    Response::new(Full::from(text).map_err(|never| match never {}).boxed_unsync())
}
