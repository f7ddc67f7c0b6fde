//! A sealed object beside the rule of `.seal.yaml` for its path: `seal` would not have made it so.

use std::collections::{BTreeMap, BTreeSet};

use crate::escape::escaped;
use crate::kind::sealed::SealedSecret;
use crate::preset::Preset;

/// Where it is seen that a rule is not kept, and how.
type Refused = (&'static [&'static str], String);

/// What the rule for a file says of what is sealed there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruled {
    /// The `.seal.yaml`, as messages name it.
    pub policy: String,
    /// Whether a commit has it, and not the files that are looked at.
    pub is_of_a_commit: bool,
    /// Which of its rules it is, counted from 0.
    pub number: usize,
    /// Whom it seals for: fingerprints, each with the name that the `.seal.yaml` has for it.
    pub recipients: BTreeMap<String, String>,
    /// The only namespace.
    pub namespace: Option<String>,
    /// The platform.
    pub platform: Option<Preset>,
    /// Keys that may be in clear.
    pub clear: BTreeSet<String>,
}

impl Ruled {
    /// Why the rule does not let an object be so, with the field where that is seen.
    pub(super) fn refuses(&self, object: &SealedSecret) -> Option<Refused> {
        self.other_place(object)
            .or_else(|| self.other_scope(object))
            .or_else(|| self.other_platform(object))
            .or_else(|| self.other_recipients(object))
            .or_else(|| self.in_clear(object))
    }

    /// A key that stands in clear, and that the rule does not leave so.
    fn in_clear(&self, object: &SealedSecret) -> Option<Refused> {
        let template = object.spec.template.as_ref()?;
        let key = template.string_data.keys().find(|key| !self.clear.contains(*key))?;
        let sentence = format!(
            "{} leaves no value of {} in clear: seal it, or name it under `clear`",
            self.named(),
            escaped(key)
        );
        Some((&["spec", "template", "stringData"], sentence))
    }

    /// The beginning of every sentence.
    fn named(&self) -> String {
        format!("the rule of {} for this path, rules[{}],", self.policy, self.number)
    }

    fn other_place(&self, object: &SealedSecret) -> Option<Refused> {
        let (rule, other) = self.other(object.metadata.namespace.as_slice())?;
        Some((&["metadata", "namespace"], format!("{rule}, not {other}")))
    }

    /// What may be opened elsewhere is sealed for elsewhere too.
    fn other_scope(&self, object: &SealedSecret) -> Option<Refused> {
        let (rule, other) = self.other(&object.spec.scope.namespaces)?;
        Some((&["spec", "scope"], format!("{rule}, and its scope has {other}")))
    }

    /// The first namespace that is not the rule's, behind what the rule says.
    fn other<'n>(&self, namespaces: &'n [String]) -> Option<(String, &'n String)> {
        let ruled = self.namespace.as_ref()?;
        let other = namespaces.iter().find(|namespace| *namespace != ruled)?;
        Some((format!("{} is for the namespace {ruled}", self.named()), other))
    }

    fn other_platform(&self, object: &SealedSecret) -> Option<Refused> {
        let ruled = self.platform?;
        let noted = Preset::noted(object).map(|(preset, _)| preset);
        let type_ = object.spec.template.as_ref().and_then(|it| it.type_.as_deref());
        if noted == Some(ruled) || (noted.is_none() && !ruled.rules_over(type_)) {
            return None;
        }
        let was = match noted {
            Some(noted) => format!("sealed for {noted}"),
            None => format!("not sealed so: seal it again with --for {ruled}"),
        };
        Some((
            &["metadata", "annotations"],
            format!("{} is for {ruled}, and it was {was}", self.named()),
        ))
    }

    /// A value that somebody opens whom the rule does not name, or that somebody does not open whom it names.
    pub(super) fn other_recipients(&self, object: &SealedSecret) -> Option<Refused> {
        if self.recipients.is_empty() {
            return None;
        }
        for (key, block) in &object.spec.values {
            let sealed_to = object.sealed_to_of(block);
            let more = sealed_to.iter().find(|hint| !self.recipients.contains_key(*hint));
            let less = self.recipients.iter().find(|(hint, _)| !sealed_to.contains(hint));
            let opens = stanzas(block.header.as_ref().or(object.spec.header.as_ref()));
            let what = match (more, less) {
                (None, None) if opens != sealed_to.len() => format!(
                    "seals for {}, and the header of {key} is for {opens}, whom its sealedTo does not all name",
                    sealed_to.len()
                ),
                (Some(hint), _) => {
                    format!("does not seal for {}, and {key} is sealed to it", escaped(hint))
                }
                (None, Some((hint, name))) => {
                    format!("seals for {} ({hint}), and {key} is not sealed to it", escaped(name))
                }
                (None, None) => continue,
            };
            let advice = if self.is_of_a_commit {
                "`seal reseal` seals it anew; where this branch changes the policy, that is merged first"
            } else {
                "`seal reseal` seals it anew"
            };
            let sentence = format!("{} {what}: {advice}", self.named());
            return Some((&["spec", "values"], sentence));
        }
        None
    }
}

/// How many open a header: a stanza each (age's format, "-> " at the beginning of a line).
fn stanzas(header: Option<&String>) -> usize {
    header.map_or(0, |header| header.lines().filter(|line| line.starts_with("-> ")).count())
}
