//! `seal diff`: what differs between two sealed files, by key; nothing is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use seal_core::escape::printable;
use seal_core::key::Fingerprint;
use seal_core::kind::Kind;
use seal_core::kind::resealed::{mark, marks};
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_core::text::without_mark;
use serde_json::{Value, json};

use crate::console::{self, Console};
use crate::error::Failure;
use crate::files;
use crate::policy;
use crate::sealed;

/// Show what differs between two sealed files
///
/// By the names of keys: which are new, gone or sealed anew, and what else of each object changed: scope, recipients,
/// type, labels. That a value sealed anew is another one cannot be seen without a key; of `seal reseal` the file says that
/// none is, which is not authenticated. Prints nothing where nothing differs.
///
/// Example: git show main:db.sealed.yaml | seal diff - db.sealed.yaml
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// The file before; - is standard input
    #[arg(value_name = "A")]
    before: PathBuf,
    /// The file after
    #[arg(value_name = "B")]
    after: PathBuf,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// One thing that differs.
struct Change {
    /// `+` is new, `-` is gone, `~` is another.
    sign: char,
    what: &'static str,
    /// Which one, printable.
    name: String,
    /// What else is said of it.
    more: String,
}

impl Change {
    fn new(sign: char, what: &'static str, name: impl Into<String>) -> Self {
        Self { sign, what, name: name.into(), more: String::new() }
    }

    fn line(&self) -> String {
        let Self { sign, what, name, more } = self;
        match *what {
            KEY | FIELD => format!("{sign} {name}{more}"),
            CLEAR => format!("{sign} {name} in clear"),
            OBJECT => format!("{sign} the object, with {name}"),
            SCOPE => format!("{sign} scope: {name}"),
            what => format!("{sign} {what} {name}"),
        }
    }

    fn as_json(&self) -> Value {
        let Self { sign, what, name, more } = self;
        json!({"sign": sign, "what": what, "name": name, "resealed": more == SAME})
    }
}

const OBJECT: &str = "object";
const KEY: &str = "key";
/// A key that is no secret.
const CLEAR: &str = "clear";
const SCOPE: &str = "scope";
const RECIPIENT: &str = "recipient";
/// A field of the live Secret.
const TEMPLATE: &str = "template";
/// Another field of the sealed object.
const FIELD: &str = "field";

const ANEW: &str = " sealed anew";
const SAME: &str = " sealed anew, by `seal reseal`: the same value";

type Objects = BTreeMap<(Kind, String), SealedSecret>;

/// Prints the differences.
pub(crate) fn run(args: &DiffArgs, console: &mut Console) -> Result<(), Failure> {
    let (before, _) = read(&args.before)?;
    let (after, text) = read(&args.after)?;
    let marks = marks(&text);
    let names = policy::names(&args.after);
    let all: BTreeSet<&(Kind, String)> = before.keys().chain(after.keys()).collect();
    let mut differing = Vec::new();
    for name in all {
        let changes = match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) => differences(before, after, &marks, &names),
            (None, Some(after)) => vec![Change::new('+', OBJECT, keys(after))],
            (Some(before), None) => vec![Change::new('-', OBJECT, keys(before))],
            (None, None) => Vec::new(),
        };
        if !changes.is_empty() {
            differing.push((name, changes));
        }
    }
    if args.json {
        let all: Vec<Value> = differing.iter().map(as_json).collect();
        return console.json(&Value::from(all));
    }
    for ((kind, name), changes) in &differing {
        console.write(format!("{} {}\n", kind.as_str(), printable(name)).as_bytes())?;
        for change in changes {
            console.write(format!("  {}\n", change.line()).as_bytes())?;
        }
    }
    if differing.is_empty() {
        console::say("nothing differs");
    }
    Ok(())
}

fn as_json(((kind, name), changes): &(&(Kind, String), Vec<Change>)) -> Value {
    let changes: Vec<Value> = changes.iter().map(Change::as_json).collect();
    json!({"kind": kind.as_str(), "object": printable(name), "changes": changes})
}

fn read(path: &Path) -> Result<(Objects, String), Failure> {
    let text = files::read_text(path)?;
    let objects = sealed::read(path, &text)?;
    let named = objects.into_iter().map(|(_, it)| ((it.spec.kind, it.full_name()), it));
    Ok((named.collect(), without_mark(&text).to_owned()))
}

fn keys(object: &SealedSecret) -> String {
    match object.spec.values.len() {
        1 => "1 sealed value".to_owned(),
        count => format!("{count} sealed values"),
    }
}

fn differences(
    before: &SealedSecret,
    after: &SealedSecret,
    marks: &BTreeSet<&str>,
    names: &BTreeMap<Fingerprint, String>,
) -> Vec<Change> {
    let mut changes = of_keys(before, after, marks);
    let (a, b) = (&before.spec, &after.spec);
    if a.scope != b.scope {
        let [old, new] = [&a.scope, &b.scope].map(|scope| printable(&scope.to_string()));
        changes.push(Change::new('~', SCOPE, format!("{old} is {new}")));
    }
    let named = |hint: &&str| printable(&policy::with_name(hint, names));
    let (old, new) = (recipients(before), recipients(after));
    let recipient = |sign, hint: &&str| Change::new(sign, RECIPIENT, named(hint));
    changes.extend(new.difference(&old).map(|hint| recipient('+', hint)));
    changes.extend(old.difference(&new).map(|hint| recipient('-', hint)));
    changes.extend(of_template(a.template.as_ref(), b.template.as_ref()));
    for (what, differs) in [
        ("spec.suspend", a.suspend != b.suspend),
        ("spec.onConflict", a.on_conflict != b.on_conflict),
        ("spec.serviceAccounts", a.service_accounts != b.service_accounts),
        ("spec.namespaceSelector", a.namespace_selector != b.namespace_selector),
        ("metadata.labels", before.metadata.labels != after.metadata.labels),
        ("metadata.annotations", before.metadata.annotations != after.metadata.annotations),
    ] {
        if differs {
            changes.push(Change::new('~', FIELD, what));
        }
    }
    changes
}

fn recipients(object: &SealedSecret) -> BTreeSet<&str> {
    object.sealed_to().into_iter().collect()
}

fn of_keys(before: &SealedSecret, after: &SealedSecret, marks: &BTreeSet<&str>) -> Vec<Change> {
    let (old, new) = (&before.spec.values, &after.spec.values);
    let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut changes = Vec::new();
    for key in all {
        let name = printable(key);
        match (old.get(key), new.get(key)) {
            (None, Some(_)) => changes.push(Change::new('+', KEY, name)),
            (Some(_), None) => changes.push(Change::new('-', KEY, name)),
            (Some(a), Some(b)) if a.payload != b.payload => {
                let same = b.header.is_none()
                    && marks.contains(mark(key, &a.payload, &b.payload).as_str());
                let more = if same { SAME } else { ANEW }.to_owned();
                changes.push(Change { more, ..Change::new('~', KEY, name) });
            }
            _ => {}
        }
    }
    changes
}

fn of_template(before: Option<&Template>, after: Option<&Template>) -> Vec<Change> {
    let none = Template::default();
    let (a, b) = (before.unwrap_or(&none), after.unwrap_or(&none));
    let mut changes = Vec::new();
    for (what, differs) in [
        ("type", a.type_ != b.type_),
        ("immutable", a.immutable != b.immutable),
        ("labels", a.metadata.labels != b.metadata.labels),
        ("annotations", a.metadata.annotations != b.metadata.annotations),
    ] {
        if differs {
            changes.push(Change::new('~', TEMPLATE, what));
        }
    }
    let clear = a.string_data.keys().chain(b.string_data.keys()).collect::<BTreeSet<_>>();
    for key in clear.into_iter().filter(|key| a.string_data.get(*key) != b.string_data.get(*key)) {
        changes.push(Change::new('~', CLEAR, printable(key)));
    }
    changes
}
