//! The connections of the read-only endpoints, bounded: whoever reaches the port cannot keep others from it.
//!
//! A request must have arrived within [`REQUEST_WITHIN`] and be answered within [`OPEN_FOR`]. Of more than [`MOST`]
//! connections the oldest is closed, never the newest refused: a probe of the kubelet is answered however many stay
//! half open.

use std::collections::VecDeque;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// Connections that are open at the same time.
const MOST: usize = 128;
/// The time for the first line and the headers of a request.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);
/// The time for a whole connection: what asks here asks now and then.
const OPEN_FOR: Duration = Duration::from_secs(60);
/// Bytes of the first line and the headers.
const MOST_BYTES: usize = 16 << 10;
/// How long nothing is accepted after an error, such as too many open files.
const AFTER_AN_ERROR: Duration = Duration::from_millis(100);

/// Serves for ever.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(AFTER_AN_ERROR).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= MOST
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(tokio::spawn(answer(stream, router.clone())).abort_handle());
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_WITHIN)
        .max_buf_size(MOST_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let _ = tokio::time::timeout(OPEN_FOR, connection).await;
}
