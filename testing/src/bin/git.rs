//! `seal-test-git --root DIR --ca-file PATH`: a git server for the demo, for documents, and for a person with git.
//!
//! Serves every repository beneath DIR over HTTPS on loopback, writes the certificate of its authority to PATH, says
//! `ready URL` on stdout once and runs until stdin closes, or SIGTERM or SIGINT. It keeps nothing else on disk.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, thread};

use seal_testing::GitServer;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let [root, folder, ca, path] = args.as_slice() else { return wrong_use() };
    if root != "--root" || ca != "--ca-file" {
        return wrong_use();
    }
    match run(Path::new(folder), Path::new(path)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("error: {error}"), 1),
    }
}

async fn run(folder: &Path, ca_file: &Path) -> io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let named = |path: &Path, error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    };
    let folder = folder.canonicalize().map_err(|error| named(folder, error))?;
    let server = GitServer::start(&folder);
    fs::write(ca_file, &server.ca).map_err(|error| named(ca_file, error))?;
    writeln!(io::stdout(), "ready {}", server.url)?;
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        _ = stdin_closed() => {}
    }
    Ok(())
}

/// A thread reads stdin, because tokio's own would hold up the end of the process.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (closed, is_closed) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink()); // one that cannot be read has ended too
        let _ = closed.send(()); // the process may already be ending for another reason
    });
    is_closed
}

fn wrong_use() -> ExitCode {
    complain("usage: seal-test-git --root DIR --ca-file PATH", 2)
}

fn complain(line: &str, code: u8) -> ExitCode {
    // With stderr closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "seal-test-git: {line}");
    ExitCode::from(code)
}
