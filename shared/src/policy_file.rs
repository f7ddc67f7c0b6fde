//! Text of a `.seal.yaml` → [`PolicyFile`]: for whom to seal under which path; and the edits that pin a
//! recipient in it, which keep every other line.
//!
//! ```yaml
//! recipients: {prod: age1pq1…, offline: {file: keys/offline.txt}}
//! rules:
//! - {path: "clusters/prod/**", to: [prod, offline], namespace: prod, for: kestra, clear: [LOG_LEVEL]}
//! - {to: [prod, offline]}
//! allowClassic: false
//! created: {prod: 2027-01-31}
//! ```
//!
//! # The path of a rule
//!
//! The first rule that matches the file that is written decides; one without `path` matches every file. A path is a
//! glob, relative to the folder of the `.seal.yaml`, and matches whole paths of files, never a folder:
//!
//! | written | stands for |
//! |---|---|
//! | `*` | any characters within a name, also none; a dot at the beginning as well |
//! | `?` | one character within a name |
//! | `[a-z0-9_]` | one of these letters, digits and `_`; not negated |
//! | `{prod,staging}` | one of these, within a name |
//! | `**` | any number of folders, also none: `**/x`, `a/**/x`; at the end every file below: `a/**` |
//! | everything else | itself; capitals count, also where the file system has none |
//!
//! | path | `db.yaml` | `prod/db.yaml` | `prod/eu/db.yaml` |
//! |---|---|---|---|
//! | `*.yaml` | yes | no | no |
//! | `**/*.yaml` | yes | yes | yes |
//! | `prod/*` | no | yes | no |
//! | `prod/**` | no | yes | yes |
//!
//! What could match no file is refused when the file is read, never passed over: an empty path, `/` at either end, `//`,
//! `.` and `..`, `**` beside other characters, `\`, `!` and `~` at the beginning, a space at either end, sets and braces that hold
//! a `/` or nothing, and what only a regular expression has: `^ $ ( ) | +` and a name that is `.*`. There is no escape: a name that has one of these characters is met with `?`. A path without any of them that
//! names a folder is refused as soon as a file lies in it ([`Rule::names_a_folder_of`]).
//!
//! Where such files lie, who may own them and what matches a glob is not known here.

mod error;
mod glob;
mod pin;

use std::collections::{BTreeMap, BTreeSet};

use crate::place::{is_key, is_label};
use crate::preset::Preset;
use crate::yaml::{self, Entry, Node, Value};

pub use error::PolicyError;
pub use pin::{date, pin, pin_apart};

/// Names of recipients of one file.
const MOST_RECIPIENTS: usize = 1000;
/// Rules of one file: each file that is looked at is held against them.
const MOST_RULES: usize = 1000;

/// A `.seal.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFile {
    /// Who may be sealed for, by the name that rules use.
    pub recipients: BTreeMap<String, Source>,
    /// The first rule that matches a path decides.
    pub rules: Vec<Rule>,
    /// Whether recipients that a quantum computer will read may be used at all.
    pub allow_classic: bool,
    /// The day on which the key of a recipient was made, by the recipient's name: `2027-01-31`.
    pub created: BTreeMap<String, String>,
}

/// Where a recipient's text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Here.
    Text(String),
    /// In a file in age's `-R` format, relative to the `.seal.yaml`.
    File(String),
}

/// For whom to seal under one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// A glob relative to the `.seal.yaml`, as the head of this file has it; none matches every path.
    pub path: Option<String>,
    /// Names of recipients.
    pub to: Vec<String>,
    /// The only namespace that is sealed for here.
    pub namespace: Option<String>,
    /// The platform that everything here is sealed for.
    pub platform: Option<Preset>,
    /// Keys that are no secret.
    pub clear: BTreeSet<String>,
}

impl PolicyFile {
    /// What refers to a recipient must meet one: a slip would silently be for nobody.
    fn names_are_known(&self) -> Result<(), PolicyError> {
        for (index, rule) in self.rules.iter().enumerate() {
            if let Some(name) = rule.to.iter().find(|name| !self.recipients.contains_key(*name)) {
                let (rule, name) = (format!("rules[{index}]"), name.clone());
                return Err(PolicyError::UnknownRecipient { rule, name });
            }
        }
        match self.created.keys().find(|name| !self.recipients.contains_key(*name)) {
            Some(name) => Err(PolicyError::DateOfNobody(name.clone())),
            None => Ok(()),
        }
    }

    /// Whether the path of the file decides which rule counts: one with a path comes before any without.
    pub fn goes_by_path(&self) -> bool {
        self.rules.first().is_some_and(|rule| rule.path.is_some())
    }
}

impl Rule {
    /// Whether the path is a folder's, in which `file` lies: written for it, and matching nothing of it.
    pub fn names_a_folder_of(&self, file: &str) -> bool {
        let Some(path) = self.path.as_deref().filter(|path| glob::is_literal(path)) else {
            return false;
        };
        file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Reads a `.seal.yaml`, strictly: unknown fields and keys that stand twice are errors.
pub fn read(text: &str) -> Result<PolicyFile, PolicyError> {
    let documents = yaml::documents(text)?;
    let mut policy = PolicyFile::default();
    let Some(document) = documents.first() else { return Ok(policy) };
    if documents.len() > 1 {
        return Err(PolicyError::BadName("it has more than one document".to_owned()));
    }
    for entry in mapping("it", document)? {
        match entry.key.as_str() {
            "recipients" => policy.recipients = recipients(&entry.value)?,
            "rules" => {
                let rules = list("rules", &entry.value)?;
                if rules.len() > MOST_RULES {
                    let problem = format!("it has more than {MOST_RULES} rules");
                    return Err(PolicyError::BadName(problem));
                }
                let rules = rules.iter().enumerate();
                policy.rules =
                    rules.map(|(index, node)| rule(index, node)).collect::<Result<_, _>>()?;
            }
            "allowClassic" => match &entry.value.value {
                Value::Bool(allow) => policy.allow_classic = *allow,
                _ => return Err(wrong("allowClassic", &entry.value, "true or false")),
            },
            "created" => policy.created = days(&entry.value)?,
            other => return Err(PolicyError::UnknownField(other.to_owned())),
        }
    }
    policy.names_are_known()?;
    Ok(policy)
}

fn recipients(node: &Node) -> Result<BTreeMap<String, Source>, PolicyError> {
    let mut recipients = BTreeMap::new();
    if mapping("recipients", node)?.len() > MOST_RECIPIENTS {
        return Err(PolicyError::BadName(format!("it has more than {MOST_RECIPIENTS} recipients")));
    }
    for entry in mapping("recipients", node)? {
        if !is_key(&entry.key) {
            let problem = "recipients has a name with other characters than letters, digits, - . _";
            return Err(PolicyError::BadName(problem.to_owned()));
        }
        let field = format!("recipients.{}", entry.key);
        recipients.insert(entry.key.clone(), source(&field, &entry.value)?);
    }
    Ok(recipients)
}

/// A recipient's text, or `{file: PATH}`.
fn source(field: &str, node: &Node) -> Result<Source, PolicyError> {
    if let Some(text) = node.as_str() {
        return Ok(Source::Text(text.to_owned()));
    }
    match node.entries() {
        [] => Err(wrong(field, node, "a recipient or {file: PATH}")),
        [file] if file.key == "file" => {
            string(&format!("{field}.file"), &file.value).map(Source::File)
        }
        entries => {
            let other = entries.iter().find(|entry| entry.key != "file");
            let unknown = other.map_or("file", |entry| entry.key.as_str());
            Err(PolicyError::UnknownField(format!("{field}.{unknown}")))
        }
    }
}

/// Days by the names of recipients.
fn days(node: &Node) -> Result<BTreeMap<String, String>, PolicyError> {
    let mut days = BTreeMap::new();
    for entry in mapping("created", node)? {
        let field = format!("created.{}", entry.key);
        let day = string(&field, &entry.value)?;
        if !is_day(&day) {
            return Err(wrong(&field, &entry.value, "a day such as 2027-01-31"));
        }
        days.insert(entry.key.clone(), day);
    }
    Ok(days)
}

/// Whether a text has the form of a day; whether the calendar has it is for whoever counts.
fn is_day(text: &str) -> bool {
    let is_digit = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(is_digit)
}

fn rule(index: usize, node: &Node) -> Result<Rule, PolicyError> {
    let at = format!("rules[{index}]");
    let mut rule = Rule::default();
    for entry in mapping(&at, node)? {
        let field = format!("{at}.{}", entry.key);
        match entry.key.as_str() {
            "path" => rule.path = Some(string(&field, &entry.value)?),
            "to" => rule.to = strings(&field, &entry.value)?,
            "namespace" => rule.namespace = Some(string(&field, &entry.value)?),
            "clear" => rule.clear = strings(&field, &entry.value)?.into_iter().collect(),
            "for" => rule.platform = Some(platform(&field, &entry.value)?),
            _ => return Err(PolicyError::UnknownField(field)),
        }
    }
    if let Some(problem) = rule.path.as_deref().and_then(glob::problem) {
        return Err(PolicyError::BadPath { rule: at, problem });
    }
    if rule.namespace.as_deref().is_some_and(|namespace| !is_label(namespace)) {
        return Err(PolicyError::BadName(format!("{at}.namespace cannot name a namespace")));
    }
    if !rule.clear.iter().all(|key| is_key(key)) {
        return Err(PolicyError::BadName(format!("{at}.clear has what no key of a Secret can be")));
    }
    Ok(rule)
}

fn platform(field: &str, node: &Node) -> Result<Preset, PolicyError> {
    let word = string(field, node)?;
    word.parse().map_err(|error| PolicyError::BadName(format!("{field}: {error}")))
}

fn wrong(field: &str, node: &Node, wanted: &'static str) -> PolicyError {
    PolicyError::WrongType { field: field.to_owned(), found: node.kind(), wanted }
}

fn mapping<'n>(field: &str, node: &'n Node) -> Result<&'n [Entry], PolicyError> {
    match &node.value {
        Value::Null => Ok(&[]),
        Value::Mapping(entries) => Ok(entries),
        _ => Err(wrong(field, node, "a map")),
    }
}

fn list<'n>(field: &str, node: &'n Node) -> Result<&'n [Node], PolicyError> {
    match &node.value {
        Value::Null => Ok(&[]),
        Value::Sequence(items) => Ok(items),
        _ => Err(wrong(field, node, "a list")),
    }
}

fn string(field: &str, node: &Node) -> Result<String, PolicyError> {
    node.as_str().map(str::to_owned).ok_or_else(|| wrong(field, node, "a string"))
}

fn strings(field: &str, node: &Node) -> Result<Vec<String>, PolicyError> {
    let items = list(field, node)?.iter().enumerate();
    items.map(|(index, item)| string(&format!("{field}[{index}]"), item)).collect()
}

#[cfg(test)]
mod tests;
