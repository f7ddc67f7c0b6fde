//! The connections of the read-only endpoints, bounded: whoever reaches the port cannot keep others from it.
//!
//! A request must have arrived within [`REQUEST_WITHIN`] and be answered within [`OPEN_FOR`]. Of more than [`MOST`]
//! connections the oldest of the address that has most of them is closed, never the newest refused: a probe of the kubelet
//! is answered however many another address opens.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
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
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let mut open: VecDeque<(IpAddr, AbortHandle)> = VecDeque::new();
    loop {
        let Ok((stream, from)) = listener.accept().await else {
            tokio::time::sleep(AFTER_AN_ERROR).await;
            continue;
        };
        open.retain(|(_, connection)| !connection.is_finished());
        if open.len() >= MOST
            && let Some((_, oldest)) = open.remove(to_close(open.iter().map(|it| it.0)))
        {
            oldest.abort();
        }
        let connection = tokio::spawn(answer(stream, router.clone()));
        open.push_back((from.ip(), connection.abort_handle()));
    }
}

/// Which of these connections, oldest first, is closed for another one.
fn to_close(open: impl Iterator<Item = IpAddr> + Clone) -> usize {
    let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::new();
    open.clone().for_each(|from| *counts.entry(from).or_default() += 1);
    let most = counts.values().max().copied().unwrap_or_default();
    let mut open = open;
    open.position(|from| counts[&from] == most).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_opens_most_loses_the_oldest_and_others_lose_none() {
        let [kubelet, flood] = ["10.0.0.1", "10.0.0.2"].map(|it| it.parse::<IpAddr>().unwrap());
        assert_eq!(to_close([kubelet, flood, flood].into_iter()), 1);
        assert_eq!(to_close([flood, kubelet, flood].into_iter()), 0);
        assert_eq!(to_close([kubelet].into_iter()), 0);
    }
}
