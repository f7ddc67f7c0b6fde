//! One file per command: an Args struct whose doc comment is its help, then `run`.

pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod edit;
pub(crate) mod exposed;
pub(crate) mod fetch;
pub(crate) mod fmt;
pub(crate) mod git;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod install;
pub(crate) mod key;
pub(crate) mod man;
mod objects;
pub(crate) mod open;
pub(crate) mod reconcile;
pub(crate) mod registry;
pub(crate) mod rename_key;
pub(crate) mod reseal;
pub(crate) mod seal;
pub(crate) mod set;
pub(crate) mod status;
mod table;
mod tree;
pub(crate) mod uninstall;
pub(crate) mod unset;
pub(crate) mod wait;

use crate::console::Console;
use crate::error::Failure;

/// The command line as a whole.
pub(crate) struct CommandLine {
    /// All that it takes.
    pub(crate) words: fn() -> clap::Command,
    /// Runs words as if they had been typed.
    pub(crate) run: fn(&[&str], &mut Console) -> Result<(), Failure>,
}

/// The commands besides sealing, which needs no word.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Set(set::SetArgs),
    Edit(edit::EditArgs),
    Unset(unset::UnsetArgs),
    RenameKey(rename_key::RenameKeyArgs),
    Reseal(Box<reseal::ResealArgs>),
    Exposed(exposed::ExposedArgs),
    Fmt(fmt::FmtArgs),
    Check(check::CheckArgs),
    Inspect(inspect::InspectArgs),
    Diff(diff::DiffArgs),
    Open(open::OpenArgs),
    Registry(Box<registry::RegistryArgs>),
    #[command(subcommand)]
    Key(key::KeyCommand),
    GitSetup(git::setup::SetupArgs),
    #[command(hide = true)]
    GitTextconv(git::textconv::TextconvArgs),
    #[command(hide = true)]
    GitMerge(git::merge::MergeArgs),
    Init(init::InitArgs),
    Fetch(fetch::FetchArgs),
    Wait(wait::WaitArgs),
    Status(status::StatusArgs),
    Reconcile(reconcile::ReconcileArgs),
    Install(install::InstallArgs),
    Uninstall(uninstall::UninstallArgs),
    Demo(demo::DemoArgs),
    Completion(completion::CompletionArgs),
    Man(man::ManArgs),
}

impl Command {
    /// Runs it; `line` is the whole command line, for what is made of it.
    pub(crate) fn run(&self, line: &CommandLine, console: &mut Console) -> Result<(), Failure> {
        match self {
            Self::Set(args) => set::run(args, console),
            Self::Edit(args) => edit::run(args, console),
            Self::Unset(args) => unset::run(args, console),
            Self::RenameKey(args) => rename_key::run(args, console),
            Self::Reseal(args) => reseal::run(args, console),
            Self::Exposed(args) => exposed::run(args, console),
            Self::Fmt(args) => fmt::run(args, console),
            Self::Check(args) => check::run(args, console),
            Self::Inspect(args) => inspect::run(args, console),
            Self::Diff(args) => diff::run(args, console),
            Self::Open(args) => open::run(args, console),
            Self::Registry(args) => registry::run(args, console),
            Self::Key(command) => key::run(command, console),
            Self::GitSetup(args) => git::setup::run(args, console),
            Self::GitTextconv(args) => git::textconv::run(args, console),
            Self::GitMerge(args) => git::merge::run(args, console),
            Self::Init(args) => init::run(args, console),
            Self::Fetch(args) => fetch::run(args, console),
            Self::Wait(args) => wait::run(args, console),
            Self::Status(args) => status::run(args, console),
            Self::Reconcile(args) => reconcile::run(args, console),
            Self::Install(args) => install::run(args, console),
            Self::Uninstall(args) => uninstall::run(args, console),
            Self::Demo(args) => demo::run(args, line, console),
            Self::Completion(args) => completion::run(args, (line.words)(), console),
            Self::Man(args) => man::run(args, (line.words)(), console),
        }
    }
}
