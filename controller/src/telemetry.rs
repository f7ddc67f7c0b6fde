//! The log on standard error. Only our own lines: the Kubernetes client logs response bodies that it cannot
//! decode, and those may be Secrets, so it is silent at every level and no variable turns it on.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, with `timestamp`, `level`, `message` and what else is known.
    Json,
}

/// What this process was started with.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// The argument by which a child logs as this process does.
pub(crate) fn argument() -> &'static str {
    match FORMAT.get() {
        Some(LogFormat::Json) => "--log-format=json",
        _ => "--log-format=text",
    }
}

/// Whether a command line asks for JSON, of which it is not known whether it is right.
pub(crate) fn asks_for_json(args: impl Iterator<Item = OsString>) -> bool {
    let args: Vec<OsString> = args.collect();
    args.iter().any(|arg| arg == "--log-format=json")
        || args.windows(2).any(|two| two[0] == "--log-format" && two[1] == "json")
}

/// Starts the log, and makes a panic say where it was and nothing else: its text may quote what it was about.
pub(crate) fn init(format: LogFormat) {
    let _ = FORMAT.set(format); // one process has one log
    let ours = Targets::new().with_target("seal_controller", LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let formatted = match format {
        LogFormat::Text => lines.with_ansi(colours()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(formatted.with_filter(ours)).init();
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "panicked; that is a bug");
    }));
}

/// On a terminal, unless its user asked for none (<https://no-color.org>).
fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}
