//! Standard output and standard error: nothing else writes to them. Questions go to the terminal, as that of `--prompt` does.
//!
//! Output goes through one buffered writer, so that a closed pipe is an answer and not a panic. Messages to a
//! person go to standard error, one line each and of bounded length; what a hostile file may carry is escaped here.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, StdoutLock, Write};
use std::process;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use seal_core::escape;
use seal_core::exit_code::ExitCode;

use crate::error::{Failure, words};

/// Most characters of one message: room for the names of a hundred keys.
const MOST_OF_A_LINE: usize = 8000;

/// The two streams of one run.
pub(crate) struct Console {
    out: BufWriter<StdoutLock<'static>>,
}

impl Console {
    pub(crate) fn new() -> Self {
        Self { out: BufWriter::new(io::stdout().lock()) }
    }

    /// Writes data to standard output.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(|error| stdout_failure(&error))
    }

    /// Writes JSON, in which nothing steers a terminal.
    pub(crate) fn json(&mut self, value: &serde_json::Value) -> Result<(), Failure> {
        self.write(escape::json(&format!("{value:#}\n")).as_bytes())
    }

    /// Hands over what is still buffered: only then is the output written.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| stdout_failure(&error))
    }

    /// Says how the run ended and turns it into the exit code.
    pub(crate) fn report(&self, result: Result<(), Failure>) -> process::ExitCode {
        let Err(failure) = result else { return process::ExitCode::SUCCESS };
        if !failure.message.is_empty() {
            line("error: ", &failure.message);
        }
        if let Some(hint) = &failure.hint {
            line("hint: ", hint);
        }
        process::ExitCode::from(u8::from(failure.code))
    }
}

/// Whether only warnings and errors are said.
static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// From now on only warnings and errors are said.
pub(crate) fn be_quiet() {
    IS_QUIET.store(true, Ordering::Relaxed);
}

/// Something that went as asked, and that is worth knowing.
pub(crate) fn say(text: &str) {
    if !IS_QUIET.load(Ordering::Relaxed) {
        line("", text);
    }
}

/// Something that was decided for the user.
pub(crate) fn note(text: &str) {
    if !IS_QUIET.load(Ordering::Relaxed) {
        line("note: ", text);
    }
}

/// The same where nobody must miss it.
pub(crate) fn remark(text: &str) {
    line("note: ", text);
}

/// How far long work is, on a terminal alone: one line, which is gone when the work is done.
pub(crate) struct Progress {
    total: usize,
    done: AtomicUsize,
    /// When it is shown next; none where nobody sees it.
    next: Option<Mutex<Instant>>,
}

/// Work that is done before is not worth a line.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
const SHOWN_EVERY: Duration = Duration::from_millis(200);

impl Progress {
    pub(crate) fn of(total: usize) -> Self {
        let is_seen = io::stderr().is_terminal() && !IS_QUIET.load(Ordering::Relaxed);
        let next = is_seen.then(|| Mutex::new(Instant::now() + SHOWN_AFTER));
        Self { total, done: AtomicUsize::new(0), next }
    }

    /// One more is done.
    pub(crate) fn one(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let Some(Ok(mut next)) = self.next.as_ref().map(Mutex::try_lock) else { return };
        if Instant::now() >= *next {
            *next = Instant::now() + SHOWN_EVERY;
            let _ = write!(io::stderr(), "\r\x1b[Kseal: {done} of {}", self.total);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.next.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// Something that may not be what the user wanted.
pub(crate) fn warn(text: &str) {
    line("warning: ", text);
}

/// The terminal that a person sits at, even where standard input is a pipe.
const TERMINAL: &str = if cfg!(windows) { "CONIN$" } else { "/dev/tty" };
/// Bytes of an answer.
const MOST_OF_AN_ANSWER: u64 = 1000;

/// What a person answers; none where nobody is there to see the question, and an empty text where the input ended.
pub(crate) fn ask(question: &str) -> Option<String> {
    if !io::stderr().is_terminal() {
        return None;
    }
    let terminal = File::open(TERMINAL).ok().filter(File::is_terminal)?;
    let question = format!("seal: {} ", escape::cut(question, MOST_OF_A_LINE));
    io::stderr().lock().write_all(question.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // A person types one line.
    let mut line = BufReader::new(terminal.take(MOST_OF_AN_ANSWER));
    line.read_until(b'\n', &mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

fn stdout_failure(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::new(ExitCode::Done, "");
    }
    Failure::new(ExitCode::Failed, format!("cannot write standard output: {}", words(error)))
        .hint("make room and run it again")
}

fn line(prefix: &str, text: &str) {
    let line = format!("seal: {prefix}{}\n", escape::cut(text, MOST_OF_A_LINE));
    // Without standard error there is nowhere to report this failure.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}
