//! Direktiv's API for secrets, as its releases with a database have it (`pkg/api/secrets.go` of 0.8 to 0.10): four calls.
//!
//! The client is kube's, which is in the binary already: HTTP, and TLS with the system's certificates. A call ends within
//! [`ANSWER_WITHIN`], and an answer is read up to [`MOST_BYTES`]; nothing of a request or an answer is ever logged.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use seal_core::layout::DirektivSecret;
use serde::Deserialize;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use super::version::Version;

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// For a request from its first byte to the last of its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// More than any answer about one secret.
const MOST_BYTES: usize = 64 * 1024;
/// How often a request is made that a server in trouble, or none, has met.
const TRIES: u32 = 3;
/// Before the second; it doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a call did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ApiError {
    /// No connection, or one that broke.
    NoAnswer,
    /// A connection, and nothing within the time.
    Silent,
    /// Whoever asks may not.
    Refused(StatusCode),
    /// Anything else that is no success.
    Status(StatusCode),
    /// An answer that is none of Direktiv's.
    Odd,
}

/// What is there of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum There {
    Absent,
    /// A row without a value, which a flow that mentions the secret makes.
    Placeholder,
    /// One with a value.
    Value,
    /// The release does not tell.
    Untold,
}

pub(super) struct Api {
    client: Client,
    runtime: Runtime,
    version: Version,
    key: Option<HeaderValue>,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("version", &self.version).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    data: About,
}

#[derive(Deserialize)]
struct About {
    initialized: Option<bool>,
}

impl Api {
    pub(super) fn new(
        url: Uri,
        version: Version,
        key: Option<HeaderValue>,
    ) -> Result<Self, &'static str> {
        // A second one in a process is no error: the first is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|_| "the system gives no runtime")?;
        let mut config = Config::new(url);
        config.connect_timeout = Some(CONNECT_WITHIN);
        config.disable_compression = true; // what is compressed has no bound
        config.default_retry = false;
        let client = {
            let _inside = runtime.enter();
            let builder = ClientBuilder::try_from(config);
            builder.map_err(|_| "the address cannot be used")?.build()
        };
        Ok(Self { client, runtime, version, key })
    }

    /// What is there; releases up to 0.8.5 cannot be asked for one secret.
    pub(super) fn get(&self, secret: &DirektivSecret) -> Result<There, ApiError> {
        if self.version.is_raw() {
            return Ok(There::Untold);
        }
        let (status, body) = self.ask(&Method::GET, &self.path(secret), &[])?;
        match status {
            StatusCode::NOT_FOUND => Ok(There::Absent),
            StatusCode::OK => {
                let answer: Answer = serde_json::from_slice(&body).map_err(|_| ApiError::Odd)?;
                Ok(match answer.data.initialized {
                    Some(true) => There::Value,
                    Some(false) => There::Placeholder,
                    None => There::Untold,
                })
            }
            status => Err(wrong(status)),
        }
    }

    /// Makes a secret that is not there: one that is there answers 500.
    pub(super) fn create(&self, secret: &DirektivSecret, value: &[u8]) -> Result<(), ApiError> {
        if self.version.is_raw() {
            return self.done(&Method::PUT, &self.path(secret), value);
        }
        let named = serde_json::to_string(&secret.name).map_err(|_| ApiError::Odd)?;
        let body = Zeroizing::new(format!("{{\"name\":{named},\"data\":\"{}\"}}", *encoded(value)));
        self.done(&Method::POST, &self.collection(secret), body.as_bytes())
    }

    /// Gives a secret that is there its value.
    pub(super) fn update(&self, secret: &DirektivSecret, value: &[u8]) -> Result<(), ApiError> {
        if self.version.is_raw() {
            return self.done(&Method::PATCH, &self.path(secret), value);
        }
        let body = Zeroizing::new(format!("{{\"data\":\"{}\"}}", *encoded(value)));
        self.done(&Method::PATCH, &self.path(secret), body.as_bytes())
    }

    /// Deletes a secret; one that is gone already is no error.
    pub(super) fn delete(&self, secret: &DirektivSecret) -> Result<(), ApiError> {
        match self.done(&Method::DELETE, &self.path(secret), &[]) {
            Err(ApiError::Status(StatusCode::NOT_FOUND)) => Ok(()),
            other => other,
        }
    }

    fn collection(&self, secret: &DirektivSecret) -> String {
        let api = if self.version.is_raw() { "/api" } else { "/api/v2" };
        format!("{api}/namespaces/{}/secrets", secret.namespace)
    }

    fn path(&self, secret: &DirektivSecret) -> String {
        format!("{}/{}", self.collection(secret), secret.name)
    }

    fn done(&self, method: &Method, path: &str, body: &[u8]) -> Result<(), ApiError> {
        let (status, _) = self.ask(method, path, body)?;
        if status.is_success() { Ok(()) } else { Err(wrong(status)) }
    }

    /// Asks, and again where nobody or a server in trouble answers: each call may be made twice but the one that makes a secret.
    fn ask(
        &self,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Result<(StatusCode, Zeroizing<Vec<u8>>), ApiError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            let answer = self.runtime.block_on(self.once(method, path, body));
            let in_trouble = match &answer {
                Ok((status, _)) => matches!(status.as_u16(), 429 | 502..=504),
                Err(error) => *error == ApiError::NoAnswer && method != Method::POST,
            };
            if !in_trouble {
                return answer;
            }
            self.runtime.block_on(async { tokio::time::sleep(pause).await });
            pause *= 2;
        }
        self.runtime.block_on(self.once(method, path, body))
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Result<(StatusCode, Zeroizing<Vec<u8>>), ApiError> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = &self.key {
            request = request.header(self.version.header(), key);
        }
        let request = request.body(Body::from(body.to_vec())).map_err(|_| ApiError::Odd)?;
        let answer = async {
            let response = self.client.send(request).await.map_err(|_| ApiError::NoAnswer)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
            let body = body.map_err(|_| ApiError::Odd)?.to_bytes();
            Ok((status, Zeroizing::new(body.to_vec())))
        };
        tokio::time::timeout(ANSWER_WITHIN, answer).await.unwrap_or(Err(ApiError::Silent))
    }
}

fn encoded(value: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(value))
}

fn wrong(status: StatusCode) -> ApiError {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ApiError::Refused(status),
        status => ApiError::Status(status),
    }
}
