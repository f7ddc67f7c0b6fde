//! Where a text lies while it is edited: in memory where the system has such a place, closed to others, and gone when the
//! editor has ended, or on a signal. A text that could not be sealed is kept there for the next run.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::failed;
use crate::console;
use crate::error::{Failure, words};
use crate::files;

/// The folder of one sealed file that is edited. While this lives nobody else edits it.
pub(super) struct Folder {
    folder: PathBuf,
    /// Named so that an editor sees YAML.
    text: PathBuf,
    /// The text as it was given to the editor first: what differs from it is what was edited.
    began: PathBuf,
    /// The sealed file at that time: what differs from it was changed by others.
    sealed: PathBuf,
    is_in_memory: bool,
    _lock: File,
}

impl Folder {
    /// The folder for `file`, the same in every run.
    pub(super) fn of(file: &Path) -> Result<Self, Failure> {
        let (base, is_in_memory) = base();
        let of_file = hex::encode(&Sha256::digest(file.display().to_string())[..8]);
        let ours = base.join(format!("seal-edit-{}", system::user()));
        private_folder(&ours)?;
        let lock = lock(&ours.join(format!("{of_file}.lock")), file)?;
        let folder = ours.join(of_file);
        private_folder(&folder)?;
        let [text, began, sealed] =
            ["secret.yaml", "began.yaml", "sealed.yaml"].map(|name| folder.join(name));
        Ok(Self { folder, text, began, sealed, is_in_memory, _lock: lock })
    }

    /// The text's path, for the editor.
    pub(super) fn text_path(&self) -> &Path {
        &self.text
    }

    /// Whether an earlier run has left a text.
    pub(super) fn has_text(&self) -> bool {
        [&self.text, &self.began, &self.sealed].into_iter().all(|path| files::exists(path))
    }

    /// The text, as the editor left it; nothing where it took it away.
    pub(super) fn text(&self) -> Result<Zeroizing<String>, Failure> {
        if !files::exists(&self.text) {
            return Ok(Zeroizing::default());
        }
        files::read_utf8(&self.text)
    }

    /// The text that the editor began with.
    pub(super) fn began(&self) -> Result<Zeroizing<String>, Failure> {
        files::read_utf8(&self.began)
    }

    /// The sealed file as it was then.
    pub(super) fn sealed(&self) -> Result<Zeroizing<String>, Failure> {
        files::read_utf8(&self.sealed)
    }

    /// Begins with this text, of a file that holds `sealed`.
    pub(super) fn begin(&self, text: &str, sealed: &str) -> Result<(), Failure> {
        if !self.is_in_memory {
            let folder = self.folder.display();
            console::warn(&format!(
                "there is no place in memory: the text lies on disk, in {folder}"
            ));
        }
        for (path, text) in [(&self.sealed, sealed), (&self.began, text), (&self.text, text)] {
            files::remove_own(path);
            files::create_private(path, text.as_bytes())?;
        }
        Ok(())
    }

    /// Takes the text away, and stays for another.
    pub(super) fn clear(&self) {
        [&self.text, &self.began, &self.sealed]
            .into_iter()
            .for_each(|path| files::remove_own(path));
    }

    /// Takes the text away.
    pub(super) fn discard(&self) {
        take_away(&self.folder);
    }

    /// A failure after which the text is offered again.
    pub(super) fn kept(&self, failure: Failure) -> Failure {
        let hint = failure.hint.clone().map(|hint| format!("{hint}; ")).unwrap_or_default();
        let place = if self.is_in_memory { "in memory, " } else { "" };
        failure.hint(format!(
            "{hint}your text is kept {place}in {}: run it again to go on, or with --discard to throw it away and begin anew",
            self.text.display()
        ))
    }

    /// Takes the text away on a signal that ends this command, until the guard is dropped; one that an earlier run has kept
    /// stays, as was promised.
    pub(super) fn gone_on_signals(&self, is_kept: bool) -> Result<system::Guard, Failure> {
        system::on_signals((!is_kept).then(|| self.folder.clone()))
            .map_err(|error| failed(format!("signals cannot be waited for: {}", words(&error))))
    }
}

/// What cannot be taken away is no reason to fail after the file was written; it is closed to others.
fn take_away(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    let _ = fs::remove_file(folder.with_extension("lock"));
    let _ = folder.parent().map(fs::remove_dir);
}

/// Two editors of one file would write over each other's text.
fn lock(path: &Path, file: &Path) -> Result<File, Failure> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    let lock = opened.map_err(|error| Failure::io("make", path, &error))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let message =
                format!("{} is being edited by another `seal edit`", files::relative(file));
            Err(failed(message).hint("end that one first"))
        }
        _ => Ok(lock), // some file systems have no locks
    }
}

/// A place in memory, if there is one, else the one for temporary files.
fn base() -> (PathBuf, bool) {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let candidates = runtime.into_iter().chain([PathBuf::from("/dev/shm")]);
    let in_memory =
        candidates.into_iter().find(|folder| folder.is_dir() && system::is_memory(folder));
    in_memory.map_or_else(|| (std::env::temp_dir(), false), |folder| (folder, true))
}

/// A folder that is ours alone, made where it is missing; anybody may have made one of that name.
fn private_folder(path: &Path) -> Result<(), Failure> {
    match system::make_private_folder(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            if system::is_ours_alone(path) {
                return Ok(());
            }
            Err(Failure::input(format!(
                "{} is not yours alone, and no text is written there",
                path.display()
            ))
            .hint("take it away, or set XDG_RUNTIME_DIR to a folder of yours"))
        }
        Err(error) => Err(Failure::io("make", path, &error)),
    }
}

#[cfg(unix)]
mod system {
    use std::fs;
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    use std::path::{Path, PathBuf};
    use std::thread;

    use seal_disk::system::current_user;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::{Handle, Signals};

    pub(super) fn user() -> u32 {
        current_user()
    }

    pub(super) fn make_private_folder(path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(path)
    }

    pub(super) fn is_ours_alone(path: &Path) -> bool {
        let metadata = path.symlink_metadata();
        metadata.is_ok_and(|it| it.is_dir() && it.uid() == current_user() && it.mode() & 0o077 == 0)
    }

    #[cfg(target_os = "linux")]
    pub(super) fn is_memory(folder: &Path) -> bool {
        const TMPFS: i128 = 0x0102_1994;
        const RAMFS: i128 = 0x8584_58f6;
        rustix::fs::statfs(folder).is_ok_and(|it| [TMPFS, RAMFS].contains(&i128::from(it.f_type)))
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn is_memory(_: &Path) -> bool {
        false
    }

    /// Until it is dropped, signals are ours.
    pub(in super::super) struct Guard(Handle);

    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.close();
        }
    }

    /// The editor has the terminal, so that an interrupt is its own; what ends this command takes the text along.
    pub(super) fn on_signals(folder: Option<PathBuf>) -> io::Result<Guard> {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
        let guard = Guard(signals.handle());
        thread::spawn(move || {
            if let Some(signal) = signals.forever().find(|signal| *signal != SIGINT) {
                folder.iter().for_each(|folder| super::take_away(folder));
                std::process::exit(128 + signal);
            }
        });
        Ok(guard)
    }
}

#[cfg(not(unix))]
mod system {
    use std::fs;
    use std::io;
    use std::path::{Path, PathBuf};

    use seal_disk::system::can_be_private;

    pub(super) fn user() -> u32 {
        0 // each has a folder for temporary files of its own
    }

    pub(super) fn make_private_folder(path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    pub(super) fn is_ours_alone(path: &Path) -> bool {
        can_be_private(path)
    }

    pub(super) fn is_memory(_: &Path) -> bool {
        false
    }

    pub(in super::super) struct Guard;

    pub(super) fn on_signals(_: Option<PathBuf>) -> io::Result<Guard> {
        Ok(Guard)
    }
}
