//! What a `.seal.yaml` means, whatever its text: who stands behind each name, and what each rule says; and what differs between
//! two of them, for whoever reviews a change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use seal_core::escape::printable;
use seal_core::policy_file::Rule;

use super::recipients::resolve;
use super::source::Source;

/// What one `.seal.yaml` says.
pub(crate) struct Meaning {
    /// Fingerprints by the name that rules use; each with what messages call it.
    recipients: BTreeMap<String, BTreeMap<String, String>>,
    rules: Vec<Rule>,
    allow_classic: bool,
}

impl Meaning {
    /// Of the `.seal.yaml` at `path`; none where it is not there or does not read.
    pub(crate) fn of(source: &Source, path: &Path) -> Option<Self> {
        let mut policy = source.has(path).then(|| source.load(path).ok()).flatten()?;
        let allow_classic = std::mem::replace(&mut policy.allow_classic, true);
        let mut recipients = BTreeMap::new();
        for name in policy.recipients.keys() {
            let who = resolve(source, &policy, path, name).unwrap_or_default();
            let who = who.into_iter().map(|(who, it)| (it.fingerprint().to_string(), who));
            recipients.insert(name.clone(), who.collect());
        }
        Some(Self { recipients, rules: policy.rules, allow_classic })
    }
}

/// What differs, each in a few words: `+` gains, `-` loses.
pub(crate) fn differences(before: Option<&Meaning>, after: Option<&Meaning>) -> Vec<String> {
    match (before, after) {
        (None, None) => Vec::new(),
        (None, Some(after)) => {
            let mut all = vec!["it is new".to_owned()];
            all.extend(after.recipients.values().flat_map(|who| each('+', who)));
            all
        }
        (Some(_), None) => {
            vec!["it is gone or does not read: its files go by what lies above it".to_owned()]
        }
        (Some(before), Some(after)) => {
            let mut all = of_recipients(before, after);
            all.extend(of_rules(&before.rules, &after.rules));
            if before.allow_classic != after.allow_classic {
                all.push(format!("allowClassic is {}", after.allow_classic));
            }
            all
        }
    }
}

fn each(sign: char, who: &BTreeMap<String, String>) -> Vec<String> {
    who.iter().map(|(fingerprint, who)| format!("{sign} {who} ({fingerprint})")).collect()
}

fn of_recipients(before: &Meaning, after: &Meaning) -> Vec<String> {
    let names: BTreeSet<&String> =
        before.recipients.keys().chain(after.recipients.keys()).collect();
    let none = BTreeMap::new();
    let mut all = Vec::new();
    for name in names {
        let old = before.recipients.get(name).unwrap_or(&none);
        let new = after.recipients.get(name).unwrap_or(&none);
        let beside = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
            let only = a.iter().filter(|(fingerprint, _)| !b.contains_key(*fingerprint));
            only.map(|(fingerprint, who)| (fingerprint.clone(), who.clone())).collect()
        };
        all.extend(each('+', &beside(new, old)));
        all.extend(each('-', &beside(old, new)));
    }
    all
}

fn of_rules(before: &[Rule], after: &[Rule]) -> Vec<String> {
    let find = |rules: &[Rule], rule: &Rule| rules.iter().find(|it| it.path == rule.path).cloned();
    let mut all = Vec::new();
    let is_first =
        |(at, rule): &(usize, &Rule)| after.iter().position(|it| it.path == rule.path) == Some(*at);
    for (_, rule) in after.iter().enumerate().filter(is_first) {
        match find(before, rule) {
            None => {
                let nothing = Rule { path: rule.path.clone(), ..Rule::default() };
                let words = of_rule(&nothing, rule).join(", ");
                all.push(format!("+ a rule for {}: {words}", which(rule)));
            }
            Some(old) => {
                let words = of_rule(&old, rule);
                if !words.is_empty() {
                    all.push(format!("the rule for {}: {}", which(rule), words.join(", ")));
                }
            }
        }
    }
    let gone = before.iter().filter(|rule| find(after, rule).is_none());
    all.extend(gone.map(|rule| format!("- the rule for {}", which(rule))));
    let common = |rules: &[Rule], others: &[Rule]| {
        let known = rules.iter().filter(|rule| find(others, rule).is_some());
        known.map(|rule| rule.path.clone()).collect::<Vec<_>>()
    };
    if common(before, after) != common(after, before) {
        all.push("the order of its rules: the first that matches counts".to_owned());
    }
    all
}

fn which(rule: &Rule) -> String {
    rule.path.as_deref().map_or("every file".to_owned(), printable)
}

fn of_rule(old: &Rule, new: &Rule) -> Vec<String> {
    let mut words = Vec::new();
    let to = |rule: &Rule| rule.to.iter().cloned().collect::<BTreeSet<_>>();
    words.extend(to(new).difference(&to(old)).map(|name| format!("+ {name}")));
    words.extend(to(old).difference(&to(new)).map(|name| format!("- {name}")));
    words.extend(new.clear.difference(&old.clear).map(|key| format!("{key} stays in clear")));
    words.extend(old.clear.difference(&new.clear).map(|key| format!("{key} is sealed")));
    if old.namespace != new.namespace {
        let namespace = new.namespace.as_deref().unwrap_or("any");
        words.push(format!("namespace {namespace}"));
    }
    if old.platform != new.platform {
        let platform = new.platform.map_or("none".to_owned(), |it| it.to_string());
        words.push(format!("for {platform}"));
    }
    words
}
