//! Keys that are older than they may be. No recipient says how old it is: `.seal.yaml` notes the day.

use std::collections::BTreeSet;
use std::path::PathBuf;

use seal_core::tree::survey::{Finding, Survey, Word};

use super::report::Surveyed;
use crate::calendar::days_since;
use crate::files::relative;
use crate::policy::{self, Dated, Held};

/// Days that a key may be old.
#[derive(Clone, Copy, Debug)]
pub(super) struct Days(i64);

/// `365d`.
pub(super) fn days(text: &str) -> Result<Days, String> {
    let days = text.strip_suffix('d').filter(|digits| digits.len() <= 6);
    let days = days.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let days = days.and_then(|digits| digits.parse().ok());
    days.map(Days).ok_or_else(|| "it is a number of days, such as 365d".to_owned())
}

/// Whom a file with sealed objects is for, as far as their keys are too old for it.
pub(super) fn too_old(surveyed: &mut Surveyed, most: Days, held: &mut Held) {
    let Some(first) = surveyed.survey.objects.first() else { return };
    let recipients = held.recipients(&surveyed.path);
    if recipients.is_empty() && surveyed.bad_policy.is_none() {
        let sentence = format!(
            "nothing says when the keys were made that {} is sealed to: no rule of a .seal.yaml is for this path",
            first.name
        );
        let finding = Finding { line: first.line, word: Word::OldKey, sentence };
        surveyed.survey.findings.push(finding);
    }
    surveyed.old = recipients.into_iter().filter(|dated| why(dated, most).is_some()).collect();
}

/// A finding for each of them, where its `.seal.yaml` names it.
pub(super) fn findings(
    old: BTreeSet<Dated>,
    most: Days,
    policies: &policy::Source,
) -> Vec<Surveyed> {
    let mut found = Vec::new();
    for dated in old {
        let Some(why) = why(&dated, most) else { continue };
        let line = policy::line_of(policies, &dated.policy, &dated.name);
        let sentence = format!("{} ({}): {why}", dated.name, dated.fingerprint);
        let finding = Finding { line, word: Word::OldKey, sentence };
        let survey = Survey { findings: vec![finding], ..Survey::default() };
        found.push(Surveyed::new(PathBuf::from(relative(&dated.policy)), survey));
    }
    found
}

/// Why a key may not be sealed to any more.
fn why(dated: &Dated, most: Days) -> Option<String> {
    let unknown = "created: {NAME: 2027-01-31} says it";
    let Some(day) = &dated.day else {
        return Some(format!("nothing says when its key was made; {unknown}"));
    };
    match days_since(day) {
        Some(days) if days > most.0 => Some(format!(
            "its key was made on {day}, {days} days ago, and {} is the most; seal to a new one: docs/how-to/keys.md",
            most.0
        )),
        Some(days) if days < -1 => {
            Some(format!("its key is said to be made on {day}, which is to come"))
        }
        Some(_) => None,
        None => Some(format!("its key is said to be made on {day}, which is no day; {unknown}")),
    }
}
