//! SIGTERM and SIGINT as a question that can be asked between two objects, and as an end of every wait.

use std::cell::Cell;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use seal_core::exit_code::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// How long a run may take to end after a signal. Each file is renamed into place, so the end of the process leaves whole
/// ones; what waits longer waits for a disk or for something that took a file's place.
const GRACE: Duration = Duration::from_secs(10);

/// Whether the run should end.
#[derive(Debug)]
pub(crate) struct Stop {
    signals: Receiver<()>,
    requested: Cell<bool>,
}

impl Stop {
    /// Listens from now on. The work itself is on the calling thread and blocks, so the listener has its own.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        drop(guard);
        let (sender, signals) = channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            });
            // The receiver is gone only when the run has ended by itself.
            let _ = sender.send(());
            std::thread::sleep(GRACE);
            tracing::error!("still at work {} seconds after the signal: ended", GRACE.as_secs());
            std::process::exit(i32::from(u8::from(ExitCode::Failed)));
        })?;
        Ok(Self { signals, requested: Cell::new(false) })
    }

    /// Whether a signal has come.
    pub(crate) fn requested(&self) -> bool {
        if !matches!(self.signals.try_recv(), Err(TryRecvError::Empty)) {
            self.requested.set(true);
        }
        self.requested.get()
    }

    /// Waits for `time` or for a signal; says whether one has come.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        if !matches!(self.signals.recv_timeout(time), Err(RecvTimeoutError::Timeout)) {
            self.requested.set(true);
        }
        self.requested.get()
    }
}
