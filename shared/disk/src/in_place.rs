//! How a file is written over where it lies: the same file for whoever has it open or mounted.
//!
//! The new value is written over the old one and what is left behind it is cut off, so that the file is never empty. A value
//! of up to a page is there for a reader at once; what may be seen of a longer one, or of one that is shorter than the old,
//! is a part of it, or it with the end of the old. A crash in between leaves that, in a file of the inventory that differs
//! from its sealed value, and so the next run writes it.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use zeroize::Zeroizing;

use crate::beneath::{Access, Root, Stamp};
use crate::error::Blocked;
use crate::rel_path::RelPath;
use crate::system;

/// More than one value can have: a longer file was written by somebody else, and is not put back.
const MOST_PUT_BACK: u64 = 2 * 1024 * 1024;

impl Root {
    /// Writes over a file of ours and waits until the disk has it. Where the system refuses, the old content is put back.
    pub(crate) fn write_over(
        &self,
        path: &RelPath,
        mode: u32,
        content: &[u8],
    ) -> Result<Stamp, Blocked> {
        let Some((mut file, metadata)) = self.open_ours(path, Access::Write)? else {
            return Err(io::Error::from(io::ErrorKind::NotFound).into());
        };
        system::set_mode(&file, mode)?;
        let mut before = Zeroizing::new(Vec::new());
        if metadata.len() <= MOST_PUT_BACK {
            before.reserve_exact(usize::try_from(metadata.len()).unwrap_or_default());
            (&file).take(MOST_PUT_BACK).read_to_end(&mut before)?;
        }
        if before.as_slice() != content || metadata.len() > MOST_PUT_BACK {
            if let Err(error) = over(&mut file, content) {
                over(&mut file, &before)?;
                return Err(error.into());
            }
            file.sync_all()?;
        }
        Ok(Stamp::of_file(&file)?)
    }
}

fn over(file: &mut File, content: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(content)?;
    file.set_len(content.len() as u64)
}
