//! Makes the controller's image of static programs, one for each platform, in an OCI image layout. No engine, no base image
//! and no network: the image is the program. The same programs and the same time give the same bytes.

mod error;
mod image;
mod layout;
mod program;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use jiff::Timestamp;

use crate::error::Error;
use crate::image::Labels;
use crate::program::Program;

/// Make the controller's image, without a container engine
///
/// Writes the image layout OUT, a folder, and OUT.tar, the same as one file. Both hold an image index with an image for each
/// platform.
///
/// Example: seal-packaging --program linux/amd64=seal-controller --created 1767225600 --out dist/seal-controller
#[derive(Debug, Parser)]
#[command(name = "seal-packaging", version)]
struct Args {
    /// A static program and its platform: linux/amd64=FILE or linux/arm64=FILE
    #[arg(long = "program", value_name = "PLATFORM=FILE", required = true)]
    programs: Vec<String>,
    /// Where to write; what was written there before is replaced, anything else is not
    #[arg(long, value_name = "OUT")]
    out: PathBuf,
    /// The time in the image, in seconds since 1970: that of the commit, so that the same commit gives the same image
    #[arg(long, value_name = "SECONDS", env = "SOURCE_DATE_EPOCH")]
    created: i64,
    /// The commit it is made from, as a label
    #[arg(long, value_name = "COMMIT")]
    revision: Option<String>,
    /// The image's version: its tag in the layout, and a label
    #[arg(long, value_name = "VERSION", default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Error> {
    let created = Timestamp::from_second(args.created).map_err(|_| Error::NoTime(args.created))?;
    if !is_tag(&args.tag) {
        return Err(Error::NoTag(args.tag.clone()));
    }
    let programs: Result<Vec<Program>, Error> =
        args.programs.iter().map(|text| Program::read(text)).collect();
    let labels = Labels { version: &args.tag, revision: args.revision.as_deref(), created };
    let layout = image::layout(&programs?, &labels)?;
    layout.write(&args.out)
}

/// As <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md> has it.
fn is_tag(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with(['.', '-'])
}

#[allow(
    clippy::print_stderr,
    reason = "its one line of output; nobody reads it through a pipe that closes"
)]
fn report(error: &Error) {
    eprintln!("seal-packaging: error: {error}");
}
