//! The file that most cases differ from in one thing, and the header that a case is about.

use crate::file::{File, Header};
use crate::keys::Dice;

pub(crate) const PASSWORD: (&str, &[u8]) = ("password", b"correct horse battery staple");
pub(crate) const USERNAME: (&str, &[u8]) = ("username", b"app");
pub(crate) const BOTH: [(&str, &[u8]); 2] = [PASSWORD, USERNAME];

/// `prod/db` with a user name and a password, both under the shared header.
pub(crate) fn plain(name: &str, keys: &[&str]) -> File {
    File::at("prod", "db").seal(&mut Dice::new(name), keys, &BOTH)
}

/// The same with a header of its own for the password.
pub(crate) fn replaced(name: &str, keys: &[&str]) -> File {
    plain(name, keys).set(&mut Dice::new(&format!("{name} own")), keys, PASSWORD)
}

/// The header that a case is about.
#[derive(Clone, Copy)]
pub(crate) enum Under {
    /// The shared one, of all blocks.
    Shared,
    /// That of the password's block; the user name is under the shared one, which is right.
    Own,
}

impl Under {
    pub(crate) const EACH: [Self; 2] = [Self::Shared, Self::Own];

    pub(crate) fn sealed(self, name: &str, keys: &[&str]) -> File {
        match self {
            Self::Shared => plain(name, keys),
            Self::Own => replaced(name, keys),
        }
    }

    pub(crate) fn header(self, file: &mut File) -> &mut Header {
        match self {
            Self::Shared => file.shared(),
            Self::Own => file.own(0),
        }
    }

    /// The text of such a file with the header changed.
    pub(crate) fn changed(
        self,
        name: &str,
        keys: &[&str],
        change: impl FnOnce(&mut Header),
    ) -> String {
        let mut file = self.sealed(name, keys);
        change(self.header(&mut file));
        file.yaml()
    }

    /// The case's name.
    pub(crate) fn file(self, file: &str) -> String {
        match self {
            Self::Shared => file.to_owned(),
            Self::Own => format!("block-{file}"),
        }
    }

    pub(crate) fn promise(self, promise: &str) -> String {
        match self {
            Self::Shared => promise.to_owned(),
            Self::Own => format!("{promise}, in a block's own header"),
        }
    }
}
