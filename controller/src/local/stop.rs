//! SIGTERM and SIGINT as a question that can be asked between two objects, and as an end of every wait.

use std::cell::Cell;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

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
