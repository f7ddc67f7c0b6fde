//! Text of a `.seal.yaml` → [`PolicyFile`]: for whom to seal under which path; and the one edit that pins a
//! recipient in it, which keeps every other line.
//!
//! Where such files lie, who may own them and how paths match is not known here.

use std::collections::{BTreeMap, BTreeSet};

use crate::place::{is_key, is_label};
use crate::yaml::lines::{self, Edit};
use crate::yaml::{self, Entry, Node, ReadError, Value};

/// A `.seal.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFile {
    /// Who may be sealed for, by the name that rules use.
    pub recipients: BTreeMap<String, Source>,
    /// The first rule that matches a path decides.
    pub rules: Vec<Rule>,
    /// Whether recipients that a quantum computer will read may be used at all.
    pub allow_classic: bool,
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
    /// A glob relative to the `.seal.yaml`; none matches every path.
    pub path: Option<String>,
    /// Names of recipients.
    pub to: Vec<String>,
    /// The only namespace that is sealed for here.
    pub namespace: Option<String>,
    /// Keys that are no secret.
    pub clear: BTreeSet<String>,
}

/// Why a `.seal.yaml` did not read, or was not edited. Names fields, never what stands in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not YAML.
    #[error("{0}")]
    Text(#[from] ReadError),
    /// A field that no `.seal.yaml` has: a typo would silently lose a rule.
    #[error("unknown field {0}")]
    UnknownField(String),
    /// A field of a later version.
    #[error("{0} is not in this version")]
    NotInThisVersion(String),
    /// A field of another type than it must be.
    #[error("{field} is {found}, not {wanted}")]
    WrongType {
        /// The field's path.
        field: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// A name in `to` that `recipients` does not have.
    #[error("{rule}.to names {name}, which recipients does not have")]
    UnknownRecipient {
        /// Which rule.
        rule: String,
        /// The name.
        name: String,
    },
    /// A name that cannot be one.
    #[error("{0}")]
    BadName(String),
    /// A layout whose lines do not stand for themselves.
    #[error("its layout cannot be edited line by line")]
    Layout,
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
                let rules = list("rules", &entry.value)?.iter().enumerate();
                policy.rules =
                    rules.map(|(index, node)| rule(index, node)).collect::<Result<_, _>>()?;
            }
            "allowClassic" => match &entry.value.value {
                Value::Bool(allow) => policy.allow_classic = *allow,
                _ => return Err(wrong("allowClassic", &entry.value, "true or false")),
            },
            other => return Err(PolicyError::UnknownField(other.to_owned())),
        }
    }
    for (index, rule) in policy.rules.iter().enumerate() {
        if let Some(name) = rule.to.iter().find(|name| !policy.recipients.contains_key(*name)) {
            let (rule, name) = (format!("rules[{index}]"), name.clone());
            return Err(PolicyError::UnknownRecipient { rule, name });
        }
    }
    Ok(policy)
}

/// The same text with `recipient` under `name`: replaced where it stands, else added, also to each rule
/// without a path. Every other line stays; a layout that does not allow this is an error.
pub fn pin(text: &str, name: &str, recipient: &str) -> Result<String, PolicyError> {
    let before = read(text)?;
    let documents = yaml::documents(text)?;
    let document = documents.first().ok_or(PolicyError::Layout)?;
    let edits = match before.recipients.get(name) {
        Some(Source::File(_)) => return Err(PolicyError::Layout),
        Some(Source::Text(_)) => replace(document, name, recipient),
        None => add(text, document, name, recipient),
    };
    let written = lines::apply(text, edits.ok_or(PolicyError::Layout)?);
    let mut expected = before.clone();
    let known = expected.recipients.insert(name.to_owned(), Source::Text(recipient.to_owned()));
    for rule in expected.rules.iter_mut().filter(|rule| known.is_none() && rule.path.is_none()) {
        rule.to.insert(0, name.to_owned());
    }
    let as_meant = read(&written).is_ok_and(|read| read == expected);
    if as_meant { Ok(written) } else { Err(PolicyError::Layout) }
}

fn replace(document: &Node, name: &str, recipient: &str) -> Option<Vec<Edit>> {
    let node = document.get("recipients")?.get(name)?;
    Some(vec![(node.span.clone(), recipient.to_owned())])
}

fn begins_with(text: &str, node: &Node, bracket: char) -> bool {
    text.get(node.span.clone()).is_some_and(|flow| flow.starts_with(bracket))
}

fn add(text: &str, document: &Node, name: &str, recipient: &str) -> Option<Vec<Edit>> {
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let recipients = document.get("recipients")?;
    let mut edits = Vec::new();
    if begins_with(text, recipients, '{') {
        let comma = if recipients.entries().is_empty() { "" } else { ", " };
        let at = recipients.span.start + 1;
        edits.push((at..at, format!("{name}: {recipient}{comma}")));
    } else {
        let last = recipients.entries().last()?;
        let at = lines::end_of_entry(text, last);
        let indent = &text[lines::line_start(text, last.span.start)..last.span.start];
        let before = if text[..at].ends_with('\n') { "" } else { line_end };
        edits.push((at..at, format!("{before}{indent}{name}: {recipient}{line_end}")));
    }
    let rules = document.get("rules").map(Node::items).unwrap_or_default();
    for to in
        rules.iter().filter(|rule| rule.get("path").is_none()).filter_map(|rule| rule.get("to"))
    {
        if begins_with(text, to, '[') {
            let comma = if to.items().is_empty() { "" } else { ", " };
            let at = to.span.start + 1;
            edits.push((at..at, format!("{name}{comma}")));
        } else {
            let start = to.items().first()?.span.start;
            let line = lines::line_start(text, start);
            let dash = &text[line..start];
            edits.push((line..line, format!("{dash}{name}{line_end}")));
        }
    }
    Some(edits)
}

fn recipients(node: &Node) -> Result<BTreeMap<String, Source>, PolicyError> {
    let mut recipients = BTreeMap::new();
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
            "for" => return Err(PolicyError::NotInThisVersion(field)),
            _ => return Err(PolicyError::UnknownField(field)),
        }
    }
    if rule.namespace.as_deref().is_some_and(|namespace| !is_label(namespace)) {
        return Err(PolicyError::BadName(format!("{at}.namespace cannot name a namespace")));
    }
    if !rule.clear.iter().all(|key| is_key(key)) {
        return Err(PolicyError::BadName(format!("{at}.clear has what no key of a Secret can be")));
    }
    Ok(rule)
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
