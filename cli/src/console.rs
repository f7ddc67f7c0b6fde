//! Standard output and standard error: nothing else writes to them. The question of `--prompt` goes to the terminal.
//!
//! Output goes through one buffered writer, so that a closed pipe is an answer and not a panic. Messages to a
//! person go to standard error, one line each and of bounded length; what a hostile file may carry is escaped here.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::process;

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

/// Something that went as asked, and that is worth knowing.
pub(crate) fn say(text: &str) {
    line("", text);
}

/// Something that was decided for the user.
pub(crate) fn note(text: &str) {
    line("note: ", text);
}

/// Something that may not be what the user wanted.
pub(crate) fn warn(text: &str) {
    line("warning: ", text);
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
