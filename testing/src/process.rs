//! A program under test that runs until it is told to stop, and never outlives the test process.
//!
//! What it writes to standard output and standard error goes to one log, which a test can read and search.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::daemon::{Daemon, Signal};
use crate::wait::eventually;

/// A running program and its log.
pub struct Process {
    daemon: Daemon,
    directory: TempDir,
}

impl Process {
    /// Starts `program`.
    pub fn start(name: &'static str, program: &Path, args: &[String]) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("seal-testing-").tempdir()?;
        let daemon = Daemon::start(name, program, args, directory.path())?;
        Ok(Self { daemon, directory })
    }

    /// Everything it has written so far.
    pub fn log(&self) -> String {
        let log = self.directory.path().join(format!("{}.log", self.daemon.name));
        fs::read_to_string(log).unwrap_or_default()
    }

    /// Waits until a line of its log has `start`, and returns what follows it up to white space.
    pub async fn said(&self, start: &str) -> String {
        eventually(&format!("{} says {start:?}", self.daemon.name), async || {
            let log = self.log();
            let (_, rest) = log.split_once(start)?;
            let word = rest.split_whitespace().next()?;
            Some(word.to_owned())
        })
        .await
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Sends SIGTERM and waits until it has ended; returns how long that took and its log.
    pub async fn terminate(self) -> (Duration, String) {
        let asked = std::time::Instant::now();
        self.daemon.signal(Signal::TERM);
        eventually("the process has ended", async || self.daemon.has_ended().then_some(())).await;
        (asked.elapsed(), self.log())
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.daemon.has_ended()
    }
}
