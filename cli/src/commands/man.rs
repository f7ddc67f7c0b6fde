//! `seal man`: manual pages, made of the same texts as `--help`.

use std::path::PathBuf;

use clap::builder::Resettable;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use seal_core::exit_code::ExitCode;
use zeroize::Zeroizing;

use crate::console::{self, Console};
use crate::error::Failure;
use crate::files::{self, Output, Over};

/// Print the manual page, or write those of all commands
///
/// Example: seal man --out ~/.local/share/man/man1
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Write seal.1 and a page for each command into DIR
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints or writes pages for the whole command line `cli`.
pub(crate) fn run(
    args: &ManArgs,
    mut cli: clap::Command,
    console: &mut Console,
) -> Result<(), Failure> {
    cli.build();
    let Some(folder) = &args.out else { return console.write(&page(cli)?) };
    let mut pages = Vec::new();
    all_pages(cli, &mut pages)?;
    files::create_folder(folder)?;
    let output = |(name, bytes)| Output {
        path: folder.join(format!("{name}.1")),
        bytes: Zeroizing::new(bytes),
        mode: 0o644,
        over: Over::Anything, // pages of an earlier version
    };
    let written = files::write_all(pages.into_iter().map(output).collect())?;
    console::say(&format!("wrote {} pages into {}", written.len(), folder.display()));
    Ok(())
}

/// The page of a command and those of the commands beneath it, each with its name.
fn all_pages(command: clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<(), Failure> {
    let beneath: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    for below in beneath.into_iter().filter(|it| it.get_name() != "help" && !it.is_hide_set()) {
        all_pages(below, pages)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    pages.push((name, page(command)?));
    Ok(())
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let end = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    // clap would fill the lines of what stands below the flags.
    let command = command.after_help(Resettable::Reset).after_long_help(Resettable::Reset);
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .and_then(|()| sections(&end).to_writer(&mut page))
        .map_err(|_| Failure::new(ExitCode::Failed, "a manual page could not be made"))?;
    Ok(page)
}

/// What stands below the flags in `--help`, line by line: each line that ends in a colon is the heading of those beneath it.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_suffix(':').filter(|heading| !heading.starts_with(' ')) {
            Some(heading) => {
                roff.control("SH", [heading.to_uppercase().as_str()]);
                roff.control("nf", []); // lines as they are, until the next heading
            }
            None => drop(roff.text([roman(line)])),
        }
    }
    roff
}
