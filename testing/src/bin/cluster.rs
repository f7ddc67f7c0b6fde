//! `seal-test-cluster --kubeconfig PATH`: a cluster for the demo, the benches and a person with
//! kubectl.
//!
//! Writes a kubeconfig with all rights to PATH, says `ready URL` on stdout once and runs until
//! stdin closes, or SIGTERM or SIGINT. Nothing of the cluster is left then, nor after SIGKILL.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, thread};

use seal_testing::{Cluster, StartError};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let [flag, path] = args.as_slice() else { return wrong_use() };
    if flag != "--kubeconfig" {
        return wrong_use();
    }
    match run(PathBuf::from(path)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("error: {error}"), 1),
    }
}

async fn run(kubeconfig: PathBuf) -> Result<(), StartError> {
    let stop = asked_to_stop()?;
    tokio::pin!(stop);
    let cluster = tokio::select! {
        started = Cluster::start() => started?,
        () = &mut stop => return Ok(()),
    };
    cluster.kubeconfig(&kubeconfig)?;
    writeln!(io::stdout(), "ready {}", cluster.server_url())?;
    stop.await;
    Ok(())
}

/// Listens from the moment it is called. A thread reads stdin, because tokio's own would hold up
/// the end of the process.
fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (closed, stdin_closed) = oneshot::channel();
    thread::spawn(move || {
        let mut buffer = [0; 1024];
        while !matches!(io::stdin().read(&mut buffer), Ok(0) | Err(_)) {}
        let _ = closed.send(()); // the process may already be ending for another reason
    });
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
            _ = stdin_closed => {}
        }
    })
}

fn wrong_use() -> ExitCode {
    complain("usage: seal-test-cluster --kubeconfig PATH", 2)
}

fn complain(line: &str, code: u8) -> ExitCode {
    // With stderr closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "seal-test-cluster: {line}");
    ExitCode::from(code)
}
