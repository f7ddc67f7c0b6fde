//! `seal fetch`: pins the cluster's recipient in `.seal.yaml`.

use std::path::Path;
use std::str::FromStr;

use seal_core::exit_code::ExitCode;
use seal_core::key::{Fingerprint, Recipient};
use seal_core::policy_file::{self, PolicyError, Source};
use zeroize::Zeroizing;

use crate::cluster::{self, ClusterArgs};
use crate::console::{self, Console};
use crate::error::{Failure, bad_recipient};
use crate::files::{self, Output, relative};
use crate::policy;

/// Pin the cluster's recipient in .seal.yaml
///
/// Asks the cluster for the recipient that its controller publishes, prints the fingerprint, and adds it to
/// .seal.yaml and to the rules without a path. Compare the fingerprint with one that came by another way: who
/// answers in the cluster's place decides who can read what you seal. A pin is changed only with --accept.
///
/// Example: seal fetch --as prod --context prod
#[derive(Debug, clap::Args)]
pub(crate) struct FetchArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The recipient's name in .seal.yaml
    #[arg(long = "as", value_name = "NAME", default_value = "cluster")]
    name: String,
    /// The fingerprint that the recipient must have; needed to change a pin
    #[arg(long, value_name = "FINGERPRINT")]
    accept: Option<String>,
}

/// Fetches the recipient, compares it with the pin, and writes it into `.seal.yaml`.
pub(crate) fn run(args: &FetchArgs, _: &mut Console) -> Result<(), Failure> {
    let target = files::real_path(Path::new("."))?.join("-");
    let Some(path) = policy::files_above(&target).into_iter().next() else {
        return Err(Failure::new(
            ExitCode::Missing,
            "there is no .seal.yaml to pin the recipient in",
        )
        .hint("`seal init` makes one"));
    };
    let before = policy::load(&path)?;
    let recipient = recipient(args, before.allow_classic)?;
    let fingerprint = recipient.fingerprint();
    accept(args, before.recipients.get(&args.name), &fingerprint)?;
    let pinned = pin(args, &path, &recipient)?;
    let sealed_for = policy_file::read(&pinned)
        .is_ok_and(|policy| policy.rules.iter().any(|rule| rule.to.contains(&args.name)));
    let bytes = Zeroizing::new(pinned.into_bytes());
    let written = files::write_all(vec![Output { path: path.clone(), bytes, mode: 0o644 }])?;
    let did = if written.is_empty() { "is pinned already" } else { "is now pinned" };
    console::say(&format!("{} {did} in {}: {fingerprint}", args.name, relative(&path)));
    if !sealed_for {
        console::note(&format!(
            "no rule of {} seals for {} yet: name it under `to`",
            relative(&path),
            args.name
        ));
    }
    Ok(())
}

/// What the cluster publishes, when it may be sealed to.
fn recipient(args: &FetchArgs, allow_classic: bool) -> Result<Recipient, Failure> {
    let text = cluster::recipient(&args.cluster)?;
    let recipient = Recipient::from_str(&text)
        .map_err(|error| bad_recipient(&text, error).about("the cluster"))?;
    if recipient.is_classic() && !allow_classic {
        return Err(Failure::input(
            "the cluster's recipient is classic, which quantum computers will read",
        )
        .hint("let the controller make a post-quantum key; or set allowClassic: true"));
    }
    Ok(recipient)
}

/// The text of the `.seal.yaml` at `path` with the recipient in it.
fn pin(args: &FetchArgs, path: &Path, recipient: &Recipient) -> Result<String, Failure> {
    let text = files::read_utf8(path)?;
    policy_file::pin(&text, &args.name, recipient.as_str()).map_err(|error| {
        let failure = Failure::input(format!("{}: {error}", relative(path)));
        match error {
            PolicyError::Layout => failure.hint(format!(
                "write `{}: {}` under recipients yourself",
                args.name,
                recipient.as_str()
            )),
            _ => failure,
        }
    })
}

/// Whether the pin may become `new`: it is not there, it is the same, or the user names `new` itself.
fn accept(args: &FetchArgs, pinned: Option<&Source>, new: &Fingerprint) -> Result<(), Failure> {
    if let Some(accepted) = args.accept.as_deref().filter(|accepted| *accepted != new.as_str()) {
        let wanted = Fingerprint::parse(accepted)
            .map_or("what --accept names".to_owned(), |fingerprint| fingerprint.to_string());
        return Err(Failure::new(
            ExitCode::Missing,
            format!("the cluster's recipient is {new}, not {wanted}"),
        )
        .hint("find out which of the two is right before you seal anything"));
    }
    let old = match pinned {
        Some(Source::Text(text)) => Fingerprint::of(text),
        _ => return Ok(()),
    };
    if old == *new || args.accept.is_some() {
        return Ok(());
    }
    let message = format!("the cluster's recipient is {new}, and {} is pinned to {old}", args.name);
    Err(Failure::new(ExitCode::Missing, message).hint(format!(
        "if the cluster has a new key, run it again with --accept {new}; another cluster has another name: --as NAME"
    )))
}
