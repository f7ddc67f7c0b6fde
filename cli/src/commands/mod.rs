//! One file per command: an Args struct whose doc comment is its help, then `run`.

pub(crate) mod check;
pub(crate) mod fetch;
pub(crate) mod fmt;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod install;
pub(crate) mod key;
pub(crate) mod open;
pub(crate) mod registry;
pub(crate) mod seal;
pub(crate) mod set;
pub(crate) mod uninstall;
pub(crate) mod unset;
pub(crate) mod wait;

use crate::console::Console;
use crate::error::Failure;

/// The commands besides sealing, which needs no word.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Set(set::SetArgs),
    Unset(unset::UnsetArgs),
    Fmt(fmt::FmtArgs),
    Check(check::CheckArgs),
    Inspect(inspect::InspectArgs),
    Open(open::OpenArgs),
    Registry(Box<registry::RegistryArgs>),
    #[command(subcommand)]
    Key(key::KeyCommand),
    Init(init::InitArgs),
    Fetch(fetch::FetchArgs),
    Wait(wait::WaitArgs),
    Install(install::InstallArgs),
    Uninstall(uninstall::UninstallArgs),
}

impl Command {
    /// Runs it.
    pub(crate) fn run(&self, console: &mut Console) -> Result<(), Failure> {
        match self {
            Self::Set(args) => set::run(args, console),
            Self::Unset(args) => unset::run(args, console),
            Self::Fmt(args) => fmt::run(args, console),
            Self::Check(args) => check::run(args, console),
            Self::Inspect(args) => inspect::run(args, console),
            Self::Open(args) => open::run(args, console),
            Self::Registry(args) => registry::run(args, console),
            Self::Key(command) => key::run(command, console),
            Self::Init(args) => init::run(args, console),
            Self::Fetch(args) => fetch::run(args, console),
            Self::Wait(args) => wait::run(args, console),
            Self::Install(args) => install::run(args, console),
            Self::Uninstall(args) => uninstall::run(args, console),
        }
    }
}
