//! `seal diff`: what differs between two sealed files, by key; nothing is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use seal_core::escape::printable;
use seal_core::key::Fingerprint;
use seal_core::kind::Kind;
use seal_core::kind::resealed::{mark, marks};
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_core::text::without_mark;

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
}

type Objects = BTreeMap<(Kind, String), SealedSecret>;

/// Prints the differences.
pub(crate) fn run(args: &DiffArgs, console: &mut Console) -> Result<(), Failure> {
    let (before, _) = read(&args.before)?;
    let (after, text) = read(&args.after)?;
    let marks = marks(&text);
    let names = policy::names(&args.after);
    let all: BTreeSet<&(Kind, String)> = before.keys().chain(after.keys()).collect();
    let mut is_same = true;
    for name in all {
        let lines = match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) => differences(before, after, &marks, &names),
            (None, Some(after)) => vec![format!("+ the object, with {}", keys(after))],
            (Some(before), None) => vec![format!("- the object, with {}", keys(before))],
            (None, None) => Vec::new(),
        };
        if !lines.is_empty() {
            is_same = false;
            console.write(format!("{} {}\n", name.0.as_str(), printable(&name.1)).as_bytes())?;
        }
        for line in lines {
            console.write(format!("  {line}\n").as_bytes())?;
        }
    }
    if is_same {
        console::say("nothing differs");
    }
    Ok(())
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
) -> Vec<String> {
    let mut lines = of_keys(before, after, marks);
    let (a, b) = (&before.spec, &after.spec);
    if a.scope != b.scope {
        lines.push(format!(
            "~ scope: {} is {}",
            printable(&a.scope.to_string()),
            printable(&b.scope.to_string())
        ));
    }
    let named = |hint: &&str| printable(&policy::with_name(hint, names));
    let (old, new) = (recipients(before), recipients(after));
    lines.extend(new.difference(&old).map(|hint| format!("+ recipient {}", named(hint))));
    lines.extend(old.difference(&new).map(|hint| format!("- recipient {}", named(hint))));
    lines.extend(of_template(a.template.as_ref(), b.template.as_ref()));
    for (what, differs) in [
        ("spec.suspend", a.suspend != b.suspend),
        ("spec.onConflict", a.on_conflict != b.on_conflict),
        ("spec.serviceAccounts", a.service_accounts != b.service_accounts),
        ("spec.namespaceSelector", a.namespace_selector != b.namespace_selector),
        ("metadata.labels", before.metadata.labels != after.metadata.labels),
        ("metadata.annotations", before.metadata.annotations != after.metadata.annotations),
    ] {
        if differs {
            lines.push(format!("~ {what}"));
        }
    }
    lines
}

fn recipients(object: &SealedSecret) -> BTreeSet<&str> {
    object.sealed_to().into_iter().collect()
}

fn of_keys(before: &SealedSecret, after: &SealedSecret, marks: &BTreeSet<&str>) -> Vec<String> {
    let (old, new) = (&before.spec.values, &after.spec.values);
    let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut lines = Vec::new();
    for key in all {
        let name = printable(key);
        match (old.get(key), new.get(key)) {
            (None, Some(_)) => lines.push(format!("+ {name}")),
            (Some(_), None) => lines.push(format!("- {name}")),
            (Some(a), Some(b)) if a.payload != b.payload => {
                let same = marks.contains(mark(key, &a.payload, &b.payload).as_str());
                let same = if same { ", by `seal reseal`: the same value" } else { "" };
                lines.push(format!("~ {name} sealed anew{same}"));
            }
            _ => {}
        }
    }
    lines
}

fn of_template(before: Option<&Template>, after: Option<&Template>) -> Vec<String> {
    let none = Template::default();
    let (a, b) = (before.unwrap_or(&none), after.unwrap_or(&none));
    let mut lines = Vec::new();
    for (what, differs) in [
        ("type", a.type_ != b.type_),
        ("immutable", a.immutable != b.immutable),
        ("labels", a.metadata.labels != b.metadata.labels),
        ("annotations", a.metadata.annotations != b.metadata.annotations),
    ] {
        if differs {
            lines.push(format!("~ template {what}"));
        }
    }
    let clear = a.string_data.keys().chain(b.string_data.keys()).collect::<BTreeSet<_>>();
    for key in clear.into_iter().filter(|key| a.string_data.get(*key) != b.string_data.get(*key)) {
        lines.push(format!("~ {} in clear", printable(key)));
    }
    lines
}
