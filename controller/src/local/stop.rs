//! SIGTERM and SIGINT as a question that can be asked between two objects, and as an end of every wait; and whatever else
//! ends a wait.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use seal_core::exit_code::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// How long a run may take to end after a signal. Each file is renamed into place, so the end of the process leaves whole
/// ones; what waits longer waits for a disk or for something that took a file's place.
const GRACE: Duration = Duration::from_secs(10);

/// What ends a wait.
#[derive(Clone, Copy, Debug)]
enum Word {
    Signal,
    Woken,
}

/// Whether the run should end.
#[derive(Debug)]
pub(crate) struct Stop {
    words: Receiver<Word>,
    sender: Sender<Word>,
    requested: Cell<bool>,
    /// Set by whoever wakes it, once until it was taken: so a signal never waits behind others.
    woken: Arc<AtomicBool>,
}

impl Stop {
    /// Listens from now on. The work itself is on the calling thread and blocks, so the listener has its own.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        drop(guard);
        let (sender, words) = channel();
        let signalled = sender.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            });
            // The receiver is gone only when the run has ended by itself.
            let _ = signalled.send(Word::Signal);
            std::thread::sleep(GRACE);
            tracing::error!("still at work {} seconds after the signal: ended", GRACE.as_secs());
            std::process::exit(i32::from(u8::from(ExitCode::Failed)));
        })?;
        Ok(Self { words, sender, requested: Cell::new(false), woken: Arc::default() })
    }

    /// What ends a wait early when it is called, from any thread.
    pub(crate) fn waker(&self) -> impl Fn() + Send + Sync + use<> {
        let (sender, woken) = (self.sender.clone(), self.woken.clone());
        move || {
            if !woken.swap(true, Ordering::Relaxed) {
                let _ = sender.send(Word::Woken); // the receiver is gone only when the run has ended
            }
        }
    }

    /// Whether a signal has come.
    pub(crate) fn requested(&self) -> bool {
        while let Ok(word) = self.words.try_recv() {
            self.heard(word);
        }
        self.requested.get()
    }

    /// Whether somebody has ended a wait since this was asked.
    pub(crate) fn take_woken(&self) -> bool {
        self.woken.swap(false, Ordering::Relaxed)
    }

    /// Waits for `time`, for a signal, or until somebody wakes it; says whether a signal has come.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        if !self.woken.load(Ordering::Relaxed)
            && let Ok(word) = self.words.recv_timeout(time)
        {
            self.heard(word);
        }
        self.requested()
    }

    fn heard(&self, word: Word) {
        match word {
            Word::Signal => self.requested.set(true),
            Word::Woken => {} // `woken` says so
        }
    }
}
