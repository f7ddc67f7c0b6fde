//! A run over many files that is stopped leaves none of its own behind: it ends where it is, as if a file had failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use seal_core::exit_code::ExitCode;

use crate::console::Console;
use crate::error::Failure;

/// The signal that asked for the end; 0 is none.
pub(super) struct Stopped(Arc<AtomicUsize>);

impl Stopped {
    /// From now on a signal is noted, and ends nothing by itself.
    pub(super) fn watch() -> Self {
        let stopped = Arc::new(AtomicUsize::new(0));
        #[cfg(unix)]
        for signal in
            [signal_hook::consts::SIGHUP, signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM]
        {
            // Where it cannot be noted it ends the run as it always did.
            let number = usize::try_from(signal).unwrap_or_default();
            let _ = signal_hook::flag::register_usize(signal, Arc::clone(&stopped), number);
        }
        Self(stopped)
    }

    /// A failure where one came.
    pub(super) fn is_not(&self) -> Result<(), Failure> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(Failure::new(ExitCode::Failed, "stopped by a signal")
                .hint("nothing was written: run it again")),
        }
    }

    /// How the run ends: one that a signal has stopped with 128 and its number, as a shell has it.
    pub(super) fn end(
        &self,
        result: Result<(), Failure>,
        console: &Console,
    ) -> Result<(), Failure> {
        let signal = self.0.load(Ordering::Relaxed);
        if result.is_err() && signal != 0 {
            console.report(result);
            std::process::exit(128 + i32::try_from(signal).unwrap_or_default());
        }
        result
    }
}
