//! HTTPS for git's transport: [`Http`] of gix over ureq. Deliberately absent: plain HTTP, redirects to other hosts,
//! cookies, and certificates of the machine.
//!
//! What a request and its response are to gix is in [`exchange`](super::exchange).

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use ureq::http::{HeaderMap, Response, StatusCode, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

use super::FetchError;
use super::exchange::{Answer, Asking, Cause, Headers, Request, answered, asked};
use super::job::Credentials;

/// Redirects of one request, all on one host.
const MAX_REDIRECTS: usize = 3;
/// Bytes of a user, a password or a token.
const MAX_LOGIN: usize = 8 * 1024;
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

type GixResult<T = ()> = Result<T, gix::Error>;

/// One git server.
pub(super) struct Https {
    host: String,
    agent: Agent,
    authorization: Option<Zeroizing<String>>,
    moved_to: Option<String>,
    cause: Cause,
}

impl Https {
    pub(super) fn new(
        host: &str,
        url: &str,
        credentials: &Credentials,
        within: Duration,
        cause: Cause,
    ) -> Result<Self, FetchError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(roots(credentials)?)
            .build();
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(within))
            .timeout_connect(Some(CONNECT_WITHIN))
            .timeout_per_read(Some(super::SILENT_FOR))
            .timeout_recv_response(Some(super::SILENT_FOR))
            .tls_config(tls)
            .user_agent(concat!("git/seal-", env!("CARGO_PKG_VERSION")))
            .build();
        let authorization = authorization(credentials)?;
        let agent = config.new_agent();
        Ok(Self { host: told(host, url, &agent), agent, authorization, moved_to: None, cause })
    }

    fn fail<T>(&self, error: FetchError) -> GixResult<T> {
        *self.cause.borrow_mut() = Some(error);
        Err(gix::error::message("the request failed").into())
    }

    /// The answer to a GET, after redirects on the same host.
    fn answer(&mut self, url: &str, headers: &[String]) -> Result<Response<Body>, FetchError> {
        let mut at = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let request = with_headers(self.agent.get(&at), headers, self.authorization.as_deref());
            let response = request.call().map_err(|error| cause_of(&self.host, &error))?;
            if !response.status().is_redirection() {
                if at != url {
                    self.moved_to = at.split_once("/info/refs").map(|(base, _)| base.to_owned());
                }
                return checked(&self.host, response);
            }
            at = next(&at, response.headers())
                .ok_or_else(|| FetchError::Moved(self.host.clone()))?;
        }
        Err(FetchError::Moved(self.host.clone()))
    }
}

/// The host as messages have it. What a proxy refuses is not said of the host alone, and nothing of the proxy's URL,
/// which may hold a password.
fn told(host: &str, url: &str, agent: &Agent) -> String {
    let uri: Option<Uri> = url.parse().ok();
    match (agent.config().proxy(), uri) {
        (Some(proxy), Some(uri)) if !proxy.is_no_proxy(&uri) => format!("{host} (through a proxy)"),
        _ => host.to_owned(),
    }
}

/// The authorities whose certificates count.
fn roots(credentials: &Credentials) -> Result<RootCerts, FetchError> {
    let Some(bundle) = &credentials.ca_bundle else { return Ok(RootCerts::WebPki) };
    let wrong = |what: &str| FetchError::Credentials("CA certificates".to_owned(), what.to_owned());
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(bundle.as_bytes()) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| wrong("it is no PEM"))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong("it has no certificate"));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

/// What is sent along, if it can be: RFC 6750 and RFC 7617 say of which characters it is made.
fn authorization(credentials: &Credentials) -> Result<Option<Zeroizing<String>>, FetchError> {
    let Credentials { username, password, bearer_token, .. } = credentials;
    let wrong = |what: &str, why: &str| FetchError::Credentials(what.to_owned(), why.to_owned());
    let sent = [username, password, bearer_token];
    if sent.into_iter().flatten().any(|it| it.len() > MAX_LOGIN) {
        return Err(wrong("user, password or token", "it is longer than 8 KiB"));
    }
    if let Some(token) = bearer_token {
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("bearer token", "it has a character that no header may have"));
        }
        return Ok(Some(Zeroizing::new(format!("Bearer {token}"))));
    }
    let is_strange = |it: &String| it.contains(|c: char| c.is_control());
    if username.as_ref().is_some_and(|user| user.contains(':') || is_strange(user)) {
        return Err(wrong("user", "it has a colon or a line end in it"));
    }
    if password.as_ref().is_some_and(is_strange) {
        return Err(wrong(
            "password or token",
            "it has a line end or another control character in it",
        ));
    }
    let Some(password) = password else { return Ok(None) };
    // GitHub, GitLab and Gitea take any user beside a token.
    let user = username.as_deref().unwrap_or("git");
    let login = Zeroizing::new(format!("{user}:{password}"));
    Ok(Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(login.as_bytes())))))
}

pub(super) fn with_headers<B>(
    mut request: ureq::RequestBuilder<B>,
    headers: &[String],
    authorization: Option<&String>,
) -> ureq::RequestBuilder<B> {
    for (name, value) in headers.iter().filter_map(|header| header.split_once(": ")) {
        if !name.eq_ignore_ascii_case("user-agent") {
            request = request.header(name, value);
        }
    }
    match authorization {
        Some(authorization) => request.header("Authorization", authorization.as_str()),
        None => request,
    }
}

/// Where a redirect leads, if that is on the same host and by https.
fn next(from: &str, headers: &HeaderMap) -> Option<String> {
    let location = headers.get("location")?.to_str().ok()?;
    let path_at = from.find("://")? + 3;
    let origin = &from[..path_at + from[path_at..].find('/')?];
    let leads_to = match location.strip_prefix(origin) {
        Some(path) if path.starts_with('/') => location.to_owned(),
        Some(_) => return None,
        None if location.starts_with('/') && !location.starts_with("//") => {
            format!("{origin}{location}")
        }
        None => return None,
    };
    leads_to.contains("/info/refs?service=").then_some(leads_to)
}

pub(super) fn checked(host: &str, response: Response<Body>) -> Result<Response<Body>, FetchError> {
    let host = host.to_owned();
    match response.status() {
        StatusCode::OK => Ok(response),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(FetchError::Unauthorized(host)),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(FetchError::NoRepository(host)),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let retry_after = response.headers().get("retry-after");
            let seconds = retry_after.and_then(|it| it.to_str().ok()?.trim().parse().ok());
            Err(FetchError::Busy { host, retry_after: seconds })
        }
        status if status.is_redirection() => Err(FetchError::Moved(host)),
        status if status.is_server_error() => Err(FetchError::Trouble(host, status.as_u16())),
        status => Err(FetchError::Protocol(host, format!("status {}", status.as_u16()))),
    }
}

pub(super) fn cause_of(host: &str, error: &ureq::Error) -> FetchError {
    let (host, unreachable) =
        (host.to_owned(), |what: &str| FetchError::Unreachable(host.to_owned(), what.to_owned()));
    match error {
        ureq::Error::Timeout(_) => FetchError::Timeout(host),
        ureq::Error::HostNotFound => unreachable("its name is not known"),
        ureq::Error::Io(error) => io_cause(&host, error),
        ureq::Error::Rustls(error) => tls_cause(&host, error),
        ureq::Error::ConnectionFailed => unreachable("no connection"),
        ureq::Error::ConnectProxyFailed(_) => unreachable("the proxy refuses"),
        _ => FetchError::Protocol(host, "no HTTP".to_owned()),
    }
}

pub(super) fn io_cause(host: &str, error: &io::Error) -> FetchError {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls_cause(host, error);
    }
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        return cause_of(host, error);
    }
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => FetchError::Timeout(host.to_owned()),
        kind => FetchError::Unreachable(host.to_owned(), words(kind)),
    }
}

/// The system has no kind for a name that nobody knows.
pub(super) fn words(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => seal_disk::words::words(kind),
        _ => "its name is not known, or it does not answer".to_owned(),
    }
}

fn tls_cause(host: &str, error: &rustls::Error) -> FetchError {
    match error {
        rustls::Error::InvalidCertificate(_) => FetchError::Certificate(host.to_owned()),
        _ => FetchError::Unreachable(host.to_owned(), "no TLS that both sides know".to_owned()),
    }
}

impl Http for Https {
    type Headers = Headers;
    type ResponseBody = Answer;
    type PostBody = Request;

    fn get(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> GixResult<GetResponse<Headers, Answer>> {
        let headers: Vec<String> = headers.into_iter().map(|it| it.as_ref().to_owned()).collect();
        let answer = match self.answer(url, &headers) {
            Ok(answer) => answer,
            Err(error) => return self.fail(error),
        };
        let (headers, body) = answered(&self.host, &self.cause, answer);
        Ok(GetResponse { headers, body })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> GixResult<PostResponse<Headers, Answer, Request>> {
        let asking = Asking {
            agent: self.agent.clone(),
            url: url.to_owned(),
            headers: headers.into_iter().map(|it| it.as_ref().to_owned()).collect(),
            authorization: self.authorization.clone(),
            body: Vec::new(),
        };
        let (post_body, headers, body) = asked(&self.host, &self.cause, asking);
        Ok(PostResponse { post_body, headers, body })
    }

    fn configure(&mut self, _config: &dyn Any) -> GixResult {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.moved_to.clone()
    }
}
