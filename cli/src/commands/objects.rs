//! Sealed objects of a cluster as arguments name them, and a time.

use std::time::Duration;

use seal_core::kind::Kind;
use seal_core::place::{is_label, is_subdomain};

use crate::cluster::Named;
use crate::error::Failure;
use crate::files;

/// The objects that `names` means, as kubectl has them: `NAME`, `sls/NAME`, `csls/NAME`.
pub(super) fn named(names: &[String], namespace: Option<&str>) -> Result<Vec<Named>, Failure> {
    if namespace.is_some_and(|namespace| !is_label(namespace)) {
        return Err(Failure::input("-n cannot name a namespace").hint("a-z, 0-9 and -"));
    }
    if let Some(name) = names.iter().find(|name| !is_subdomain(kind_and_name(name).1)) {
        let file = if files::exists(name.as_ref()) { "; a file is named with -f" } else { "" };
        return Err(Failure::input("what stands where NAME belongs cannot name a sealed object")
            .hint(format!("a-z, 0-9, - and dots{file}")));
    }
    let named = |text: &String| {
        let (kind, name) = kind_and_name(text);
        Named { kind, namespace: namespace.map(str::to_owned), name: name.to_owned() }
    };
    Ok(names.iter().map(named).collect())
}

fn kind_and_name(text: &str) -> (Kind, &str) {
    match text.split_once('/') {
        Some(("csls", name)) => (Kind::ClusterSealedSecret, name),
        Some(("sls", name)) => (Kind::SealedSecret, name),
        _ => (Kind::SealedSecret, text),
    }
}

/// What `--timeout` says.
pub(super) fn timeout(text: &str) -> Result<Duration, Failure> {
    duration(text)
        .ok_or_else(|| Failure::input("--timeout is no time").hint("such as 30s, 5m or 90"))
}

/// `90`, `90s`, `1m30s`, `2h`; nothing is no time, and neither is none.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next();
        let factor = match unit {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some(_) => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(factor)?)?;
        rest = &rest[digits + usize::from(unit.is_some())..];
    }
    // Longer than a year is a slip, and more than a clock can add.
    (1..=31_536_000).contains(&seconds).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_kubectl_has_it() {
        for (text, seconds) in [("90", 90), ("30s", 30), ("5m", 300), ("1m30s", 90), ("1h", 3600)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in
            ["", "0", "0s", "s", "-1", "1d", "1.5s", "99999999999999999999", "1é", "400000h"]
        {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
