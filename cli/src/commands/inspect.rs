//! `seal inspect`: what can be said of a sealed file without any key.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use seal_core::key::Fingerprint;
use seal_core::kind::sealed::SealedSecret;
use seal_core::open::check::check;
use seal_core::place::Scope;
use serde_json::json;

use crate::console::Console;
use crate::error::Failure;
use crate::{files, policy, sealed};

/// Show who can open a sealed file, where, and what is in it
///
/// Needs no key and no cluster. Names of recipients are those of the .seal.yaml above FILE. Nothing that is
/// shown is authenticated: only opening is.
///
/// Example: seal inspect db.sealed.yaml
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// The sealed file; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write a JSON list, one object for each sealed object
    #[arg(long)]
    json: bool,
}

/// Shows all objects, then says what is wrong with the first that is.
pub(crate) fn run(args: &InspectArgs, console: &mut Console) -> Result<(), Failure> {
    let text = files::read_text(&args.file)?;
    let objects = sealed::read(&args.file, &text)?;
    let names = policy::names(&args.file);
    if args.json {
        let all: Vec<_> = objects.iter().map(|(_, object)| as_json(object, &names)).collect();
        console.write(format!("{:#}\n", serde_json::Value::from(all)).as_bytes())?;
    } else {
        let all: Vec<_> = objects.iter().map(|(_, object)| as_text(object, &names)).collect();
        console.write(printable(&all.join("\n")).as_bytes())?;
    }
    for (_, object) in &objects {
        check(object).map_err(|error| Failure::from(error).about_file(&args.file))?;
    }
    Ok(())
}

/// A file may come from anyone: what would steer a terminal is written out.
fn printable(text: &str) -> String {
    let escape = |c: char| {
        if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.into() }
    };
    text.chars().map(escape).collect()
}

type Names = BTreeMap<Fingerprint, String>;

fn named(hint: &str, names: &Names) -> String {
    let name = Fingerprint::parse(hint).and_then(|fingerprint| names.get(&fingerprint));
    name.map_or_else(|| hint.to_owned(), |name| format!("{name} ({hint})"))
}

/// The types of the stanzas, envelope by envelope; none where the file is malformed.
fn stanza_types(object: &SealedSecret) -> Vec<Vec<String>> {
    let Ok(checked) = check(object) else { return Vec::new() };
    let owned = |types: Vec<&str>| types.into_iter().map(str::to_owned).collect();
    checked.stanza_types().into_iter().map(owned).collect()
}

fn as_text(object: &SealedSecret, names: &Names) -> String {
    let spec = &object.spec;
    let mut text = format!("SealedSecret {}\n", object.label());
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "  {name:<14}{value}");
        }
    };
    row("opens", in_words(&spec.scope));
    let template = spec.template.clone().unwrap_or_default();
    row("type", template.type_.unwrap_or_default());
    row(
        "immutable",
        template.immutable.filter(|set| *set).map(|_| "yes".to_owned()).unwrap_or_default(),
    );
    row("labels", pairs(&template.metadata.labels));
    row("annotations", pairs(&template.metadata.annotations));
    row("on conflict", spec.on_conflict.clone().unwrap_or_default());
    row("pull secret of", spec.service_accounts.join(", "));
    row("suspended", spec.suspend.filter(|set| *set).map(|_| "yes".to_owned()).unwrap_or_default());
    row("in clear", template.string_data.keys().cloned().collect::<Vec<_>>().join(", "));
    let types = stanza_types(object);
    for (index, envelope) in spec.envelopes.iter().enumerate() {
        row(&format!("envelope {}", index + 1), list(envelope.values.keys()));
        for hint in &envelope.sealed_to {
            row("  sealed to", named(hint, names));
        }
        row("  stanzas", types.get(index).map(|types| types.join(", ")).unwrap_or_default());
    }
    text
}

fn list<'a>(items: impl Iterator<Item = &'a String>) -> String {
    items.cloned().collect::<Vec<_>>().join(", ")
}

fn pairs(map: &BTreeMap<String, String>) -> String {
    map.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

fn in_words(scope: &Scope) -> String {
    let namespaces = match scope.namespaces.as_slice() {
        _ if scope.any_namespace() => "in any namespace".to_owned(),
        [one] => format!("in the namespace {one}"),
        several => format!("in the namespaces {}", several.join(", ")),
    };
    match scope.name.as_str() {
        "*" => format!("{namespaces}, under any name"),
        name => format!("{namespaces}, under the name {name}"),
    }
}

fn as_json(object: &SealedSecret, names: &Names) -> serde_json::Value {
    let spec = &object.spec;
    let types = stanza_types(object);
    let envelope = |(index, envelope): (usize, &seal_core::kind::sealed::Envelope)| {
        let recipient = |hint: &String| {
            let name = Fingerprint::parse(hint).and_then(|fingerprint| names.get(&fingerprint));
            json!({ "fingerprint": hint, "name": name })
        };
        json!({
            "sealedTo": envelope.sealed_to.iter().map(recipient).collect::<Vec<_>>(),
            "stanzas": types.get(index),
            "keys": envelope.values.keys().collect::<Vec<_>>(),
        })
    };
    json!({
        "namespace": object.metadata.namespace,
        "name": object.metadata.name,
        "scope": spec.scope,
        "template": spec.template,
        "serviceAccounts": spec.service_accounts,
        "onConflict": spec.on_conflict,
        "suspend": spec.suspend,
        "envelopes": spec.envelopes.iter().enumerate().map(envelope).collect::<Vec<_>>(),
        "problem": check(object).err().map(|error| json!({
            "reason": error.reason().as_str(), "message": error.to_string(),
        })),
    })
}
