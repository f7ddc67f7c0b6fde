//! What is typed at the terminal without being shown: one line, byte for byte.
//!
//! The terminal goes on to edit the line and to make signals of its keys; only its echo is off while somebody types, and it is
//! on again however that ends. What stands behind the first line is a paste: it is refused and thrown away, for a shell
//! would run it.

use crate::error::Failure;

/// Why there is no line.
#[cfg_attr(
    not(unix),
    expect(dead_code, reason = "the console there tells nothing of its limit or of a paste")
)]
pub(super) enum NotTyped {
    /// Nothing to ask at.
    NoTerminal,
    /// More than one line.
    SeveralLines,
    /// As long as the terminal's own memory for a line: the rest may be lost.
    TooLong,
}

impl NotTyped {
    /// As a person reads it; `else_by` is the way for what cannot be typed, and `no_terminal` what to say where nobody can be asked.
    pub(super) fn failure(&self, no_terminal: Failure, else_by: &str) -> Failure {
        let message = match self {
            Self::NoTerminal => return no_terminal,
            Self::SeveralLines => "more than one line was typed or pasted; nothing was sealed",
            Self::TooLong => "the line is longer than a terminal takes; nothing was sealed",
        };
        Failure::input(message).hint(else_by)
    }
}

pub(super) use system::line;

#[cfg(unix)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io::{self, ErrorKind, Read, Write};
    use std::os::unix::fs::OpenOptionsExt;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::thread;
    use std::time::Duration;

    use rustix::fs::OFlags;
    use rustix::termios::{
        LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr,
        tcsetattr,
    };
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    use signal_hook::flag;
    use signal_hook::low_level::{self, pipe};
    use zeroize::Zeroizing;

    use super::NotTyped;

    /// Bytes that a terminal keeps of one line, at most.
    const MOST: usize = if cfg!(target_os = "linux") { 4095 } else { 1023 };
    /// Between two looks at what was typed and which signals came.
    const NAP: Duration = Duration::from_millis(10);
    /// Looks without anything new after which a paste is over.
    const QUIET: usize = 5;
    /// Looks at what is thrown away, at most.
    const MOST_LOOKS: usize = 300;

    /// Asks, and takes one line without its line feed; an empty one where the input was ended.
    pub(in super::super) fn line(question: &str) -> Result<Zeroizing<Vec<u8>>, NotTyped> {
        let asked = Terminal::ask(question).and_then(|mut terminal| {
            let line = terminal.line()?;
            let has_more = terminal.has_more()?;
            if has_more || line.len() >= MOST {
                terminal.throw_away()?;
            }
            Ok((line, has_more))
        });
        match asked {
            Err(_) => Err(NotTyped::NoTerminal),
            Ok((_, true)) => Err(NotTyped::SeveralLines),
            Ok((line, _)) if line.len() >= MOST => Err(NotTyped::TooLong),
            Ok((line, _)) => Ok(line),
        }
    }

    /// The terminal of this process while somebody types; as it was when this is dropped.
    struct Terminal<'a> {
        /// Its own handle, whose reads do not wait: so a signal is seen between two of them.
        keys: File,
        screen: File,
        before: Termios,
        question: &'a str,
        signals: &'static Signals,
    }

    impl<'a> Terminal<'a> {
        fn ask(question: &'a str) -> io::Result<Self> {
            const PATH: &str = "/dev/tty";
            let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
            let keys = OpenOptions::new().read(true).custom_flags(nonblocking).open(PATH)?;
            let screen = OpenOptions::new().write(true).open(PATH)?;
            let before = tcgetattr(&keys)?;
            let mut terminal = Self { keys, screen, before, question, signals: Signals::watched() };
            terminal.hide_and_ask()?;
            Ok(terminal)
        }

        fn hide_and_ask(&mut self) -> io::Result<()> {
            self.switch_off(LocalModes::ECHO)?;
            self.screen.write_all(self.question.as_bytes())
        }

        /// The terminal as it was, without `modes`.
        fn switch_off(&self, modes: LocalModes) -> io::Result<()> {
            let mut termios = self.before.clone();
            termios.local_modes.remove(modes);
            if modes.contains(LocalModes::ICANON) {
                // Some systems keep other keys in these two while lines are edited.
                termios.special_codes[SpecialCodeIndex::VMIN] = 1;
                termios.special_codes[SpecialCodeIndex::VTIME] = 0;
            }
            Ok(tcsetattr(&self.keys, OptionalActions::Now, &termios)?)
        }

        fn line(&mut self) -> io::Result<Zeroizing<Vec<u8>>> {
            let mut line = Zeroizing::new(Vec::with_capacity(3 * MOST)); // never grows, so that no part stays behind
            let mut part = Zeroizing::new([0; MOST + 1]);
            while line.len() < MOST && line.last() != Some(&b'\n') {
                match self.read(&mut part[..])? {
                    None => self.nap()?,
                    Some(0) => break,
                    Some(length) => line.extend_from_slice(&part[..length]),
                }
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            Ok(line)
        }

        /// What is there; `None` where nothing is yet, and nothing of it where the input was ended.
        fn read(&mut self, part: &mut [u8]) -> io::Result<Option<usize>> {
            let read = self.keys.read(part);
            self.heed_signals()?; // a terminal that is gone reads like an ended input
            match read {
                Ok(length) => Ok(Some(length)),
                Err(error)
                    if [ErrorKind::WouldBlock, ErrorKind::Interrupted].contains(&error.kind()) =>
                {
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        }

        /// Whether anything stands behind the line. A paste arrives in pieces, and its last line may have no end.
        fn has_more(&mut self) -> io::Result<bool> {
            let mut part = Zeroizing::new([0; MOST + 1]);
            for _ in 0..QUIET {
                match self.read(&mut part[..])? {
                    None => self.nap()?,
                    Some(length) => return Ok(length > 0),
                }
            }
            self.switch_off(LocalModes::ECHO | LocalModes::ICANON)?;
            Ok(self.read(&mut part[..])?.is_some_and(|length| length > 0))
        }

        /// Throws away what was pasted, until nothing comes any more.
        fn throw_away(&mut self) -> io::Result<()> {
            let mut part = Zeroizing::new([0; MOST + 1]);
            self.switch_off(LocalModes::ECHO | LocalModes::ICANON)?;
            let mut quiet = 0;
            for _ in 0..MOST_LOOKS {
                match self.read(&mut part[..])? {
                    Some(length) if length > 0 => quiet = 0,
                    _ if quiet == QUIET => break,
                    _ => {
                        quiet += 1;
                        self.nap()?;
                    }
                }
            }
            Ok(tcflush(&self.keys, QueueSelector::IFlush)?)
        }

        fn nap(&mut self) -> io::Result<()> {
            self.signals.wait();
            self.heed_signals()
        }

        /// Does what a signal does by default, at a terminal as it was. Asks again where that was only a stop.
        fn heed_signals(&mut self) -> io::Result<()> {
            let Some(signal) = self.signals.came() else { return Ok(()) };
            self.restore();
            low_level::emulate_default_handler(signal)?;
            self.hide_and_ask()
        }

        /// The end of the line, which was not shown either, and the terminal as it was.
        fn restore(&mut self) {
            let _ = self.screen.write_all(b"\n");
            let _ = tcsetattr(&self.keys, OptionalActions::Now, &self.before);
        }
    }

    impl Drop for Terminal<'_> {
        fn drop(&mut self) {
            self.restore();
            self.signals.by_default.store(true, Ordering::SeqCst);
            if let Some(signal) = self.signals.came() {
                let _ = low_level::emulate_default_handler(signal);
            }
        }
    }

    /// The signals that end or stop a program: noted while somebody types, and as they always were before and after.
    struct Signals {
        last: Arc<AtomicUsize>,
        by_default: Arc<AtomicBool>,
        /// Has a byte for each: who waits for one is awake at once. None where there is no such thing.
        bell: Option<UnixStream>,
    }

    impl Signals {
        /// From now on they are noted.
        fn watched() -> &'static Self {
            static SIGNALS: OnceLock<Signals> = OnceLock::new();
            let signals = SIGNALS.get_or_init(Self::register);
            signals.last.store(0, Ordering::SeqCst);
            signals.by_default.store(false, Ordering::SeqCst);
            signals
        }

        fn register() -> Self {
            let (last, by_default) = (Arc::default(), Arc::new(AtomicBool::new(false)));
            let (bell, rope) = UnixStream::pair().ok().unzip();
            for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP] {
                // Where it cannot be noted it ends the run as it always did.
                let number = usize::try_from(signal).unwrap_or_default();
                let _ = flag::register_conditional_default(signal, Arc::clone(&by_default));
                let _ = flag::register_usize(signal, Arc::clone(&last), number);
                let rope = rope.as_ref().and_then(|rope| rope.try_clone().ok());
                let _ = rope.map(|rope| pipe::register(signal, rope));
            }
            Self { last, by_default, bell }
        }

        /// Waits for one, or until it is time to look at the keys.
        fn wait(&self) {
            match self.bell.as_ref() {
                Some(mut bell) if bell.set_read_timeout(Some(NAP)).is_ok() => {
                    let _ = bell.read(&mut [0]);
                }
                _ => thread::sleep(NAP),
            }
        }

        /// The one that came last, once.
        fn came(&self) -> Option<i32> {
            i32::try_from(self.last.swap(0, Ordering::SeqCst)).ok().filter(|signal| *signal != 0)
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io::ErrorKind;

    use zeroize::Zeroizing;

    use super::NotTyped;

    pub(in super::super) fn line(question: &str) -> Result<Zeroizing<Vec<u8>>, NotTyped> {
        match rpassword::prompt_password(question) {
            Ok(line) => Ok(Zeroizing::new(line.into_bytes())),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Zeroizing::default()),
            Err(_) => Err(NotTyped::NoTerminal),
        }
    }
}
