//! Each fetch in a process of its own: this binary, with `fetch` as its argument.
//!
//! The job goes in on standard input and the answer comes out on standard output, so credentials are in no argument and
//! no environment. The child limits its own memory before it reads anything of a server, and is killed when its time is
//! up, when nobody waits for it any more, or with its parent.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use zeroize::Zeroizing;

use super::job::{Answer, Job};
use super::{FetchError, fetch};
use crate::telemetry;
use crate::texts::Asked;

/// The argument by which this binary is the child.
pub(crate) const ARGUMENT: &str = "fetch";
/// Bytes of memory that a child may write to.
pub(crate) const MAX_MEMORY: u64 = 192 * 1024 * 1024;
/// Bytes of a job, with its credentials, and of an answer.
const MAX_JOB: u64 = 4 * 1024 * 1024;
const MAX_ANSWER: u64 = 64 * 1024;
/// How often it is asked whether to go on.
const LOOK: Duration = Duration::from_millis(100);
/// What a proxy may need; nothing else of our environment goes on.
const ENVIRONMENT: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

/// Has a child do the job.
pub(crate) fn run(job: &Job, asked: Asked<'_>) -> Answer {
    let failed = |what: &str| FetchError::NoProcess(what.to_owned());
    let text = serde_json::to_vec(job).map(Zeroizing::new).map_err(|_| failed("its job"))?;
    let mut command = Command::new("/proc/self/exe");
    let kept = ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.args([ARGUMENT, telemetry::argument()]).env_clear().envs(kept).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let spawned = command.spawn();
    let mut child = Killed(spawned.map_err(|error| failed(&error.kind().to_string()))?);
    let answer = child.answer();
    if let Some(mut stdin) = child.0.stdin.take() {
        // One that ends before it has read all of it says why by its answer.
        let _ = stdin.write_all(&text);
    }
    let deadline = Instant::now() + job.timeout;
    let host = || super::url::GitUrl::parse(&job.url).map(|url| url.host().to_owned());
    loop {
        match answer.recv_timeout(LOOK) {
            Ok(text) => {
                let ended = |_| FetchError::Ended(host().unwrap_or_default());
                return serde_json::from_slice(&text).map_err(ended)?;
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline && (asked.0)() => {}
            Err(_) => return Err(FetchError::Timeout(host()?)),
        }
    }
}

/// A child that does not outlive its use.
struct Killed(Child);

impl Killed {
    /// What it writes, once it has written all of it.
    fn answer(&mut self) -> Receiver<Vec<u8>> {
        let (sender, receiver) = channel();
        if let Some(stdout) = self.0.stdout.take() {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = stdout.take(MAX_ANSWER).read_to_end(&mut text);
                let _ = sender.send(text);
            });
        }
        receiver
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The child: reads a job, does it, writes the answer.
pub(crate) fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let most = Rlimit { current: Some(MAX_MEMORY), maximum: Some(MAX_MEMORY) };
    setrlimit(Resource::Data, most)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut text = Zeroizing::new(Vec::new());
    std::io::stdin().take(MAX_JOB).read_to_end(&mut text)?;
    let job: Job = serde_json::from_slice(&text)?;
    let answer: Answer = fetch(&job);
    std::io::stdout().write_all(&serde_json::to_vec(&answer)?)?;
    Ok(ExitCode::SUCCESS)
}
