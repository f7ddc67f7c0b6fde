//! `seal completion`: what a shell completes.

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
    mut cli: clap::Command,
    console: &mut Console,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli, "seal", &mut script);
    console.write(&script)
}
