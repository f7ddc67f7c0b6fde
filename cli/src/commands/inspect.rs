//! `seal inspect`: what a sealed file shows without any key.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use seal_core::escape::{cut, printable};
use seal_core::key::Fingerprint;
use seal_core::kind::cluster_sealed::NamespaceSelector;
use seal_core::kind::sealed::SealedSecret;
use seal_core::open::check::check;
use seal_core::place::Scope;
use serde_json::json;

use crate::calendar::Expiry;
use crate::console::Console;
use crate::error::Failure;
use crate::files;
use crate::policy;
use crate::sealed;

/// Show who can open a sealed file, where, and what is in it
///
/// Needs no key and no cluster. Names of recipients are those of the .seal.yaml above FILE. Nothing that is
/// shown is authenticated: only opening is.
///
/// Example: seal inspect db.sealed.yaml
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// The sealed file; - is standard input, which is also read when it is a pipe and nothing is named
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write a JSON list, one object for each sealed object
    #[arg(long)]
    json: bool,
}

/// Shows all objects, then says what is wrong with the first that is.
pub(crate) fn run(args: &InspectArgs, console: &mut Console) -> Result<(), Failure> {
    let file = sealed::input(args.file.as_ref())?;
    let text = files::read_text(&file)?;
    let objects = sealed::read(&file, &text)?;
    let names = policy::names(&file);
    if args.json {
        let all: Vec<_> = objects.iter().map(|(_, object)| as_json(object, &names)).collect();
        let text = format!("{:#}\n", serde_json::Value::from(all));
        console.write(visible_json(&text).as_bytes())?;
    } else {
        let all: Vec<_> = objects.iter().map(|(_, object)| as_text(object, &names)).collect();
        console.write(all.join("\n").as_bytes())?;
    }
    for (_, object) in &objects {
        check(object).map_err(|error| Failure::from(error).about_file(&file))?;
    }
    Ok(())
}

/// The same JSON, with an escape for each character that is not seen as itself. Such a one stands in strings alone.
fn visible_json(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || printable(c.encode_utf8(&mut [0; 4])).chars().eq([c]) {
            visible.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String does not fail.
            let _ = write!(visible, "\\u{unit:04x}");
        }
    }
    visible
}

/// Most characters of a row: a template may hold 256 KiB of annotations, which --json shows whole.
const MOST_OF_A_ROW: usize = 4000;

type Names = BTreeMap<Fingerprint, String>;

/// The name that a `.seal.yaml` gives to the recipient with this fingerprint.
fn name_of<'n>(hint: &str, names: &'n Names) -> Option<&'n String> {
    Fingerprint::parse(hint).and_then(|fingerprint| names.get(&fingerprint))
}

/// One header of an object as far as it can be read, whatever else is wrong with the object.
struct HeaderView<'a> {
    shared: bool,
    /// Keys of the blocks under it.
    keys: Vec<&'a str>,
    sealed_to: &'a [String],
    /// Types of its stanzas; absent where the object is malformed.
    stanzas: Option<Vec<String>>,
}

impl HeaderView<'_> {
    fn as_json(&self, names: &Names) -> serde_json::Value {
        let mut sealed_to = Vec::new();
        for hint in self.sealed_to {
            sealed_to.push(json!({ "fingerprint": hint, "name": name_of(hint, names) }));
        }
        json!({
            "shared": self.shared,
            "keys": self.keys,
            "sealedTo": sealed_to,
            "stanzas": self.stanzas,
        })
    }
}

/// The shared header, then those of single blocks by key.
fn headers(object: &SealedSecret) -> Vec<HeaderView<'_>> {
    let spec = &object.spec;
    let mut views = Vec::new();
    if spec.header.is_some() {
        let under = spec.values.iter().filter(|(_, block)| block.header.is_none());
        let keys = under.map(|(key, _)| key.as_str()).collect();
        views.push(HeaderView { shared: true, keys, sealed_to: &spec.sealed_to, stanzas: None });
    }
    for (key, block) in spec.values.iter().filter(|(_, block)| block.header.is_some()) {
        let keys = vec![key.as_str()];
        views.push(HeaderView { shared: false, keys, sealed_to: &block.sealed_to, stanzas: None });
    }
    if let Ok(checked) = check(object) {
        for (view, header) in views.iter_mut().zip(checked.headers()) {
            view.stanzas = Some(header.stanza_types.into_iter().map(str::to_owned).collect());
        }
    }
    views
}

fn as_text(object: &SealedSecret, names: &Names) -> String {
    let spec = &object.spec;
    let mut text = format!("{} {}\n", spec.kind.as_str(), object.full_name());
    // Each row is escaped by itself: a line feed in an annotation makes no other row.
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "  {name:<14} {}", cut(&value, MOST_OF_A_ROW));
        }
    };
    row("opens", in_words(&spec.scope));
    row("goes to", spec.namespace_selector.as_ref().map(chosen).unwrap_or_default());
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
    row("expires", expires(object));
    row("suspended", spec.suspend.filter(|set| *set).map(|_| "yes".to_owned()).unwrap_or_default());
    row("in clear", template.string_data.keys().cloned().collect::<Vec<_>>().join(", "));
    for header in headers(object) {
        match header.keys.as_slice() {
            [] => row("header", "shared, and no value is under it any more".to_owned()),
            keys => row(if header.shared { "values" } else { "value" }, keys.join(", ")),
        }
        for hint in header.sealed_to {
            row("  sealed to", policy::with_name(hint, names));
        }
        row("  stanzas", header.stanzas.unwrap_or_default().join(", "));
    }
    text
}

/// The day after which the credentials are no longer valid, as it is written.
fn expires(object: &SealedSecret) -> String {
    match Expiry::noted(object) {
        None => String::new(),
        Some((_, Some(day))) if day.is_past() => format!("{day}, which is past"),
        Some((_, Some(day))) => format!("after {day}"),
        Some((text, None)) => format!("{text}, which is no day"),
    }
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

/// Which namespaces a selector chooses.
fn chosen(selector: &NamespaceSelector) -> String {
    let labels = selector.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().map(|it| {
        let values =
            if it.values.is_empty() { String::new() } else { format!(" {}", it.values.join(",")) };
        format!("{} {}{values}", it.key, it.operator)
    });
    let all: Vec<String> = labels.chain(expressions).collect();
    format!("namespaces with {}", all.join("; "))
}

fn as_json(object: &SealedSecret, names: &Names) -> serde_json::Value {
    let spec = &object.spec;
    json!({
        "kind": spec.kind.as_str(),
        "namespace": object.metadata.namespace,
        "name": object.metadata.name,
        "scope": spec.scope,
        "namespaceSelector": spec.namespace_selector,
        "template": spec.template,
        "serviceAccounts": spec.service_accounts,
        "onConflict": spec.on_conflict,
        "suspend": spec.suspend,
        "expires": Expiry::noted(object).map(|(text, _)| text),
        "headers": headers(object).iter().map(|header| header.as_json(names)).collect::<Vec<_>>(),
        "problem": check(object).err().map(|error| json!({
            "reason": error.reason().as_str(), "message": error.to_string(),
        })),
    })
}
