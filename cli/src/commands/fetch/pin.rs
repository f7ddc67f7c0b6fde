//! Where a recipient is pinned, and the text with it in it.

use std::path::{Path, PathBuf};

use seal_core::exit_code::ExitCode;
use seal_core::key::{Fingerprint, Recipient};
use seal_core::policy_file::{self, PolicyError, PolicyFile, Source};

use super::FetchArgs;
use crate::error::Failure;
use crate::files::{self, relative};
use crate::policy;

/// Where a recipient is pinned, and to what.
pub(super) struct Pin {
    pub(super) path: PathBuf,
    /// Whether `path` is a file of recipients, and not the `.seal.yaml`.
    pub(super) in_file: bool,
    pub(super) recipients: Vec<Recipient>,
    pub(super) texts: Vec<Fingerprint>,
}

/// A text with the recipient in it.
pub(super) struct Pinned {
    pub(super) path: PathBuf,
    pub(super) in_file: bool,
    pub(super) text: String,
}

impl Pin {
    pub(super) fn read(policy: &Path, file: &PolicyFile, name: &str) -> Result<Self, Failure> {
        let (mut path, mut recipients, mut texts) = (policy.to_owned(), Vec::new(), Vec::new());
        let in_file = match file.recipients.get(name) {
            Some(Source::File(file)) => {
                (path, recipients) = policy::pinned_in_file(policy, name, file)?;
                texts.extend(recipients.iter().map(Recipient::fingerprint));
                true
            }
            Some(Source::Text(text)) => {
                texts.push(Fingerprint::of(text));
                false
            }
            None => false,
        };
        Ok(Self { path, in_file, recipients, texts })
    }

    /// Whether the pin may become `new`: it is not there, it is the same, or the user names `new` itself.
    pub(super) fn accept(&self, args: &FetchArgs, new: &Fingerprint) -> Result<(), Failure> {
        if let Some(accepted) = args.accept.as_deref().filter(|accepted| *accepted != new.as_str())
        {
            let wanted = Fingerprint::parse(accepted)
                .map_or("what --accept names".to_owned(), |fingerprint| fingerprint.to_string());
            return Err(Failure::new(
                ExitCode::PinMismatch,
                format!("the cluster's recipient is {new}, not {wanted}"),
            )
            .hint("find out which of the two is right before you seal anything"));
        }
        if self.texts.is_empty() || self.texts.contains(new) || args.accept.is_some() {
            return Ok(());
        }
        let old: Vec<String> = self.texts.iter().map(Fingerprint::to_string).collect();
        let message = format!(
            "the cluster's recipient is {new}, and {} is pinned to {}",
            args.name(),
            old.join(" and ")
        );
        Err(Failure::new(ExitCode::PinMismatch, message).hint(format!(
            "if the cluster has a new key, run it again with --accept {new}; another cluster has another name: --as NAME"
        )))
    }

    /// The text with `recipient` in it, and every other line as it was.
    pub(super) fn with(self, args: &FetchArgs, recipient: &Recipient) -> Result<Pinned, Failure> {
        let Self { path, in_file, recipients, texts } = self;
        let text = match files::exists(&path) {
            true => files::read_utf8(&path)?.to_string(),
            false => String::new(),
        };
        let new = recipient.as_str();
        let pinned = if !in_file {
            pin_in_policy(args, &path, &text, recipient)?
        } else if texts.contains(&recipient.fingerprint()) {
            text
        } else {
            match recipients.as_slice() {
                [] => format!("{text}{new}\n"),
                [old] => text.replace(old.as_str(), new),
                several => {
                    let message = format!(
                        "{} has {} recipients, and which of them the cluster's takes the place of is not known",
                        relative(&path),
                        several.len()
                    );
                    return Err(Failure::input(message)
                        .hint(format!("put it in that one's place yourself: {new}")));
                }
            }
        };
        Ok(Pinned { path, in_file, text: pinned })
    }
}

impl Pinned {
    /// The `.seal.yaml` as it will be.
    pub(super) fn policy(&self, path: &Path, before: PolicyFile) -> Result<PolicyFile, Failure> {
        if self.in_file {
            return Ok(before);
        }
        policy_file::read(&self.text)
            .map_err(|error| Failure::input(format!("{}: {error}", relative(path))))
    }
}

/// The text of the `.seal.yaml` at `path` with the recipient in it.
fn pin_in_policy(
    args: &FetchArgs,
    path: &Path,
    text: &str,
    recipient: &Recipient,
) -> Result<String, Failure> {
    // What is sealed by a rule without a path is for the whole cluster.
    let pin = if args.key.is_some() { policy_file::pin_apart } else { policy_file::pin };
    pin(text, args.name(), recipient.as_str()).map_err(|error| {
        let failure = Failure::input(format!("{}: {error}", relative(path)));
        match error {
            PolicyError::Layout => failure.hint(format!(
                "write `{}: {}` under recipients yourself",
                args.name(),
                recipient.as_str()
            )),
            _ => failure,
        }
    })
}
