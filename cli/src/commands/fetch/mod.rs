//! `seal fetch`: pins the cluster's recipient in `.seal.yaml`, or in the file of recipients that it names.

mod pin;

use std::path::Path;
use std::str::FromStr;

use seal_core::exit_code::ExitCode;
use seal_core::key::Recipient;
use seal_core::policy_file::{self, PolicyFile};
use zeroize::Zeroizing;

use crate::calendar::day_of;
use crate::cluster::{self, ClusterArgs, Published};
use crate::console::{self, Console};
use crate::error::{Failure, bad_recipient};
use crate::files::{self, Output, Over, relative};
use crate::policy;
use pin::{Pin, Pinned};

/// Pin the cluster's recipient in .seal.yaml
///
/// Asks the cluster for the recipient that its controller publishes, prints the fingerprint, and adds it to
/// .seal.yaml and to the rules without a path. Compare the fingerprint with one that came by another way: who
/// answers in the cluster's place decides who can read what you seal. A pin is changed only with --accept. Waits a
/// minute for a controller that was only just installed. With --key it is the recipient of a key that opens in some
/// namespaces alone.
///
/// Example: seal fetch --as prod --context prod
#[derive(Debug, clap::Args)]
pub(crate) struct FetchArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The recipient's name in .seal.yaml (default: that of --key, else `cluster`)
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Pin the cluster's key of this name, which opens in some namespaces alone
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// The fingerprint that the recipient must have; needed to change a pin
    #[arg(long, value_name = "FINGERPRINT")]
    accept: Option<String>,
}

/// Fetches the recipient, compares it with the pin, and writes it where it is pinned.
pub(crate) fn run(args: &FetchArgs, _: &mut Console) -> Result<(), Failure> {
    let name = args.name();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_part) {
        return Err(Failure::input("--as has a character that no recipient's name has")
            .hint("letters, digits, - . _"));
    }
    let target = files::real_path(Path::new("."))?.join("-");
    let Some(path) = policy::files_above(&target).into_iter().next() else {
        return Err(Failure::new(
            ExitCode::Missing,
            "there is no .seal.yaml to pin the recipient in",
        )
        .hint("`seal init` makes one"));
    };
    let before = policy::load(&path)?;
    let pin = Pin::read(&path, &before, name)?;
    let (recipient, day) = published(args, before.allow_classic)?;
    let fingerprint = recipient.fingerprint();
    pin.accept(args, &fingerprint)?;
    let is_known = pin.texts.contains(&fingerprint);
    if !is_known && day.is_none() {
        tell_of_old_day(&before, name);
    }
    let pinned = pin.with(args, &recipient)?;
    let after = pinned.policy(&path, before)?;
    not_mixed(&after, &path, name, &recipient)?;
    let at = relative(&pinned.path);
    files::write_all(outputs(pinned, &path, name, day.as_deref())?)?;
    let did = if is_known { "is pinned already" } else { "is now pinned" };
    console::say(&format!("{name} {did} in {at}: {fingerprint}"));
    if !after.rules.iter().any(|rule| rule.to.iter().any(|to| to == name)) {
        console::note(&format!(
            "no rule of {} seals for {name} yet: name it under `to`",
            relative(&path)
        ));
    }
    Ok(())
}

/// Warns of a day that was that of the key before.
fn tell_of_old_day(before: &PolicyFile, name: &str) {
    if before.created.contains_key(name) {
        console::warn(&format!(
            "the cluster does not say when this key was made: `created` of {name} is that of the key before, change it"
        ));
    }
}

/// What the cluster publishes, when it may be sealed to, and the day on which its key was made.
fn published(
    args: &FetchArgs,
    allow_classic: bool,
) -> Result<(Recipient, Option<String>), Failure> {
    let Published { recipient: text, made } =
        cluster::recipient(&args.cluster, args.key.as_deref())?;
    let recipient = Recipient::from_str(&text)
        .map_err(|error| bad_recipient(&text, error).about("what the cluster publishes"))?;
    if recipient.is_classic() && !allow_classic {
        return Err(Failure::input(
            "the cluster's recipient is classic, which quantum computers will read",
        )
        .hint("let the controller make a post-quantum key; or set allowClassic: true"));
    }
    Ok((recipient, made.as_deref().and_then(day_of)))
}

/// What is written: the pin, and the day in the `.seal.yaml` at `policy`, where its layout has room for it.
fn outputs(
    pinned: Pinned,
    policy: &Path,
    name: &str,
    day: Option<&str>,
) -> Result<Vec<Output>, Failure> {
    let output = |path, text: String| {
        let bytes = Zeroizing::new(text.into_bytes());
        Output { path, bytes, mode: 0o644, over: Over::Anything }
    };
    let Pinned { path, in_file, text } = pinned;
    let of_policy = if in_file { files::read_utf8(policy)?.to_string() } else { text.clone() };
    let dated = day.map(|day| policy_file::date(&of_policy, name, day));
    if let (Some(Err(_)), Some(day)) = (&dated, day) {
        console::note(&format!(
            "its key was made on {day}: write `created: {{{name}: {day}}}` into {} yourself",
            relative(policy)
        ));
    }
    let dated = dated.and_then(Result::ok);
    Ok(match (in_file, dated) {
        (false, dated) => vec![output(path, dated.unwrap_or(text))],
        (true, None) => vec![output(path, text)],
        (true, Some(dated)) => vec![output(path, text), output(policy.to_owned(), dated)],
    })
}

impl FetchArgs {
    /// Without any flag but those of the cluster.
    pub(crate) fn of(cluster: ClusterArgs) -> Self {
        Self { cluster, name: None, key: None, accept: None }
    }

    /// What the recipient is called in `.seal.yaml`.
    fn name(&self) -> &str {
        self.name.as_deref().or(self.key.as_deref()).unwrap_or("cluster")
    }
}

/// A rule that would name a classic and a post-quantum recipient seals nothing any more: said before it is written.
fn not_mixed(
    policy: &PolicyFile,
    path: &Path,
    name: &str,
    recipient: &Recipient,
) -> Result<(), Failure> {
    let mut any = policy.clone();
    any.allow_classic = true;
    for rule in any.rules.iter().filter(|rule| rule.to.iter().any(|to| to == name)) {
        let mut others = rule.clone();
        others.to.retain(|to| to != name);
        let beside = policy::for_rule(&policy::Source::Disk, &any, path, &others)?;
        let other = beside.iter().find(|(_, other)| other.is_classic() != recipient.is_classic());
        if let Some((other, _)) = other {
            let (classic, quantum) = if recipient.is_classic() {
                (name, other.as_str())
            } else {
                (other.as_str(), name)
            };
            return Err(Failure::input(format!(
                "{classic} is classic (age1 without pq) and {quantum} is post-quantum: a rule for both seals nothing"
            ))
            .hint(format!(
                "`seal key new -o FILE` makes a post-quantum key: put its recipient in the place of {classic}; nothing was written"
            )));
        }
    }
    Ok(())
}
