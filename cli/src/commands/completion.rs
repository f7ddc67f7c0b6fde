//! `seal completion`: what a shell completes.

use clap::Command as Words;
use clap_complete::Shell;

use crate::console::Console;
use crate::error::Failure;

/// Print what a shell needs to complete commands and flags
///
/// bash: source <(seal completion bash), in ~/.bashrc. zsh: into a file _seal in a folder of $fpath. fish: into
/// ~/.config/fish/completions/seal.fish. PowerShell: seal completion powershell | Out-String | Invoke-Expression, in $PROFILE.
///
/// Example: seal completion bash > /etc/bash_completion.d/seal
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script for the whole command line `cli`.
pub(crate) fn run(
    args: &CompletionArgs,
    cli: clap::Command,
    console: &mut Console,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut shown(&cli), "seal", &mut script);
    console.write(&script)
}

/// A command as `--help` shows it: nothing of it is offered that is not for people.
fn shown(command: &Words) -> Words {
    let mut shown = Words::new(command.get_name().to_owned())
        .args(command.get_arguments().filter(|it| !it.is_hide_set()).cloned())
        .subcommands(command.get_subcommands().filter(|it| !it.is_hide_set()).map(self::shown));
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    match command.get_version() {
        Some(version) => shown.version(version.to_owned()),
        None => shown,
    }
}
