//! Identity files: reads private keys from them, and writes a new one outside of any Git work tree.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use seal_core::exit_code::ExitCode;
use seal_core::identity_file;
use seal_core::key::{Identity, Keyring};
use seal_disk::private::{self, Pipes};
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::files;

/// The flag that names identity files.
#[derive(Debug, clap::Args)]
pub(crate) struct IdentityArgs {
    /// A file of age identities that only its owner can read; - is standard input (can be repeated)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,
}

impl IdentityArgs {
    /// All identities of all files.
    pub(crate) fn keyring(&self) -> Result<Keyring, Failure> {
        if self.identity.is_empty() {
            return Err(Failure::new(ExitCode::Missing, "no identity to open it with")
                .hint("-i FILE names the file that `seal key new` wrote"));
        }
        let mut keyring = Keyring::default();
        for path in &self.identity {
            read_all(path)?.into_iter().for_each(|identity| keyring.insert(identity));
        }
        Ok(keyring)
    }
}

/// Every identity of a file.
pub(crate) fn read_all(path: &Path) -> Result<Vec<Identity>, Failure> {
    let text = read(path)?;
    identity_file::read(&text).map_err(|error| {
        let message = format!("{}: {error}", files::name_of(path));
        Failure::refused(error.reason(), message).hint(error.hint())
    })
}

/// A file's text; a pipe such as `<(pass show key)` and standard input are taken as well.
fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    if files::is_stdin(path) {
        return files::read_text(path);
    }
    private::read(path, Pipes::Taken).map_err(|error| {
        let message = format!("the identity file {} {error}", path.display());
        Failure::refused(error.reason(), message).hint(error.hint())
    })
}

/// Writes a new identity as age's own key generator does, outside any Git work tree.
pub(crate) fn write(identity: &Identity, path: &Path) -> Result<(), Failure> {
    let real = files::real_path(path)?;
    if let Some(root) = files::work_tree_root(files::folder_of(&real)) {
        let message = format!("{} lies in the Git work tree {}", path.display(), root.display());
        return Err(Failure::input(message).hint(
            "an identity is never committed: write it somewhere else, such as ~/.config/seal/",
        ));
    }
    let secret = identity.to_secret_text();
    let created = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let text = Zeroizing::new(format!(
        "# created: {created}\n# public key: {}\n{}\n",
        identity.recipient(),
        secret.expose()
    ));
    files::create_private(path, text.as_bytes())
}
