//! A program that is to be an image: its platform, and that it runs where there is nothing else.

use std::fs;
use std::path::Path;

use goblin::elf::Elf;
use goblin::elf::header::{EM_AARCH64, EM_X86_64};
use oci_spec::image::Arch;

use crate::error::Error;

/// A static program and what it runs on.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) arch: Arch,
    pub(crate) bytes: Vec<u8>,
}

impl Program {
    /// Reads `PLATFORM=FILE`. Refuses a file for another platform, and one that needs a loader or a shared library.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let not_one = || Error::NoProgram(text.to_owned());
        let (platform, path) = text.split_once('=').ok_or_else(not_one)?;
        let (arch, machine) = match platform {
            "linux/amd64" => (Arch::Amd64, EM_X86_64),
            "linux/arm64" => (Arch::ARM64, EM_AARCH64),
            _ => return Err(not_one()),
        };
        let path = Path::new(path);
        let bytes = fs::read(path).map_err(Error::at(path))?;
        let other = || Error::OtherPlatform { path: path.into(), platform: platform.into() };
        let elf = Elf::parse(&bytes).map_err(|_| other())?;
        if elf.header.e_machine != machine || elf.entry == 0 {
            return Err(other());
        }
        if elf.interpreter.is_some() || !elf.libraries.is_empty() {
            return Err(Error::NotStatic(path.into()));
        }
        Ok(Self { arch, bytes })
    }
}
