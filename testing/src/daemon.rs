//! A child process that never outlives this one.
//!
//! A `static` is never dropped and a killed process cleans nothing up, so each daemon runs beneath
//! a small shell that holds the read end of a pipe. When the write end closes, for whatever reason,
//! the shell kills the daemon and removes the directory. Starts and signals processes; knows
//! nothing about what they do.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

pub(crate) use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// Descriptor 3 is the pipe to us: the daemon inherits it and the shell lets go of it, so we see it
/// close when the daemon ends. A signal to the shell ends `read` like the end of the pipe does. The
/// shell waits for the daemon only after killing it, so that no other process can have its pid by
/// then.
const WATCHDOG: &str = r#"
    trap : HUP INT TERM
    directory=$1; shift
    exec 3>&1 >&2
    "$@" </dev/null &
    echo $! >&3
    exec 3>&-
    read -r word
    kill -9 $!
    wait $!
    [ "$word" = keep ] || rm -rf "$directory"
"#;

pub(crate) struct Daemon {
    pub(crate) name: &'static str,
    pid: Pid,
    ended: Arc<AtomicBool>,
    log: PathBuf,
    pipe: Option<ChildStdin>,
    watchdog: Child,
}

impl Daemon {
    /// Starts `program`. Its output goes to a log in `directory`, which is removed when the daemon
    /// or this process ends.
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        args: &[String],
        directory: &Path,
    ) -> io::Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(directory)
            .arg(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log)?)
            .process_group(0) // Ctrl-C in a terminal is for us; the daemons follow
            .spawn()?;
        let pipe = watchdog.stdin.take();
        let mut said = BufReader::new(watchdog.stdout.take().expect("it was asked to be piped"));
        let mut line = String::new();
        said.read_line(&mut line)?;
        let pid =
            line.trim().parse().ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Self { name, pid, ended: notice_the_end(said), log, pipe, watchdog })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        assert!(!self.has_ended(), "{} has ended by itself:\n{}", self.name, self.last_words());
        kill_process(self.pid, signal).expect("a child of our own can be signalled");
    }

    /// Kills the daemon, as a crash would, and leaves the directory for its successor.
    pub(crate) fn kill(mut self) {
        if let Some(pipe) = &mut self.pipe {
            let _ = pipe.write_all(b"keep\n"); // a watchdog that is gone has nothing left to remove
        }
    }

    /// The end of what it wrote, for a message about why it did not start.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.watchdog.wait(); // it has been told, and there is nobody to report to
    }
}

fn notice_the_end(mut said: BufReader<ChildStdout>) -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ended);
    thread::spawn(move || {
        let _ = said.read_to_end(&mut Vec::new()); // an error ends the pipe as well
        flag.store(true, Ordering::Release);
    });
    ended
}
