//! The webhook of a repository elsewhere: a delivery has it fetched at once. A port and a thread of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use seal_core::reason::Reason;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use super::refusal::Failure;
use super::remote::secret;
use super::stop::Stop;
use crate::connections;
use crate::webhook::{self, Delivery, Hooks, Wakes};

/// What deliveries are sent to: `POST /hook/local`.
const NAME: &str = "local";
/// Bytes of a token. One that is shorter can be guessed.
const LEAST_TOKEN: usize = 16;

/// Who may wake it.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct HookArgs {
    /// For a URL: address that takes a forge's webhook, POST /hook/local, such as 127.0.0.1:8080
    #[arg(long, value_name = "ADDRESS", requires = "webhook_token_file")]
    webhook: Option<SocketAddr>,
    /// File with the token that deliveries are signed with, 16 bytes or more, which nobody else can read
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_token_file: Option<PathBuf>,
}

impl HookArgs {
    /// Whether anything of it was said.
    pub(crate) fn are_there(&self) -> bool {
        self.webhook.is_some()
    }

    /// Listens from now on, where that was said.
    pub(crate) fn listen(self, stop: &Stop) -> Result<(), Failure> {
        let (Some(address), Some(path)) = (self.webhook, self.webhook_token_file) else {
            return Ok(());
        };
        let token = token(&path)?;
        let hooks = Arc::new(Hooks::default());
        hooks.add(NAME, NAME, hear(&hooks, path, stop));
        hooks.set(NAME, NAME, Some(token));
        let failed = |error: std::io::Error| {
            Failure::usage(
                format!("cannot listen on {address}: {}", error.kind()),
                "name another address with --webhook",
            )
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(failed)?;
        let bound = listener.local_addr().unwrap_or(address);
        tracing::info!(address = %bound, "a delivery to /hook/{NAME} has the repository fetched");
        let serves = move || runtime.block_on(connections::serve(listener, webhook::router(hooks)));
        let thread = std::thread::Builder::new().name("webhook".to_owned()).spawn(serves);
        thread.map(drop).map_err(failed)
    }
}

/// A delivery that is not signed with the token has its file read again, which may have been changed.
fn hear(hooks: &Arc<Hooks>, path: PathBuf, stop: &Stop) -> Wakes {
    let (wake, hooks) = (stop.waker(), Arc::downgrade(hooks));
    Arc::new(move |delivery| {
        let is_another = || {
            let token = token(&path).ok();
            hooks.upgrade().is_some_and(|hooks| hooks.set(NAME, NAME, token))
        };
        if delivery == Delivery::Right || is_another() {
            wake();
        }
    })
}

fn token(path: &std::path::Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let text = Zeroizing::new(secret(path)?);
    let token = Zeroizing::new(text.trim_end().as_bytes().to_vec());
    if token.len() < LEAST_TOKEN {
        let message = format!("the token in {} has fewer than {LEAST_TOKEN} bytes", path.display());
        return Err(Failure {
            reason: Reason::Malformed,
            message,
            hint: "openssl rand -hex 32 makes one",
        });
    }
    Ok(token)
}
