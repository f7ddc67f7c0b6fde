//! A run over many files that is stopped leaves none of its own behind: it ends where it is, as if a file had failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use seal_core::exit_code::ExitCode;

use crate::error::Failure;

/// Whether a signal asked for the end.
pub(super) struct Stopped(Arc<AtomicBool>);

impl Stopped {
    /// From now on a signal is noted, and ends nothing by itself.
    pub(super) fn watch() -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        #[cfg(unix)]
        for signal in
            [signal_hook::consts::SIGHUP, signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM]
        {
            // Where it cannot be noted it ends the run as it always did.
            let _ = signal_hook::flag::register(signal, Arc::clone(&stopped));
        }
        Self(stopped)
    }

    /// A failure where one came.
    pub(super) fn is_not(&self) -> Result<(), Failure> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Failure::new(ExitCode::Failed, "stopped by a signal")
                .hint("nothing was written: run it again"));
        }
        Ok(())
    }
}
