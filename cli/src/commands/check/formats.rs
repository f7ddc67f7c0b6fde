//! Findings as lines for people, as JSON, as annotations of GitHub's workflows, and as SARIF 2.1.0.
//!
//! Sources: GitHub's workflow commands (docs.github.com, "Workflow commands for GitHub Actions") and the OASIS standard
//! SARIF 2.1.0. Everything foreign in them is escaped by whoever said it; here each format escapes what it means itself.

use std::path::Path;

use seal_core::escape::printable;
use serde_json::{Value, json};

use super::Format;
use super::report::{All, Said};
use crate::console::{self, Console};
use crate::error::Failure;
use crate::files;

/// Things that are written; the rest is counted.
const MOST_WRITTEN: usize = 1000;
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes all that is said; notes go to standard error where the format has no place for them.
pub(super) fn write(all: &All, format: Format, console: &mut Console) -> Result<(), Failure> {
    let said = all.said.get(..MOST_WRITTEN).unwrap_or(&all.said);
    match format {
        Format::Text => {
            for it in said.iter().filter(|it| it.is_finding) {
                console.write(line(it).as_bytes())?;
            }
        }
        Format::Json => console.json(&as_json(all, said))?,
        Format::Github => {
            for it in said {
                console.write(annotation(it).as_bytes())?;
            }
        }
        Format::Sarif => console.json(&sarif(said))?,
    }
    console.finish()?; // what was found stands above what is said of it
    if let Some(more) = all.said.len().checked_sub(MOST_WRITTEN).filter(|more| *more > 0) {
        console::note(&format!("{more} more are not printed"));
    }
    if format != Format::Json {
        all.notes.iter().for_each(|note| console::note(note));
    }
    if format == Format::Text {
        let warnings = said.iter().filter(|it| !it.is_finding);
        warnings.for_each(|it| console::warn(&format!("{}: {}", it.path, it.sentence)));
    }
    Ok(())
}

fn line(Said { path, line, word, sentence, .. }: &Said) -> String {
    format!("{path}:{line}: {word}: {sentence}\n")
}

fn as_json(all: &All, said: &[Said]) -> Value {
    let each = |it: &Said| json!({"path": it.path, "line": it.line, "reason": it.word, "message": it.sentence});
    let of = |is_finding: bool| -> Vec<Value> {
        said.iter().filter(|it| it.is_finding == is_finding).map(each).collect()
    };
    json!({
        "findings": of(true),
        "warnings": of(false),
        "notes": all.notes,
        "sealedObjects": all.objects,
        "files": all.files,
    })
}

/// `::error file=…,line=…,title=…::message`.
fn annotation(it: &Said) -> String {
    let level = if it.is_finding { "error" } else { "warning" };
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    format!(
        "::{level} file={},line={},title={}::{}\n",
        property(&in_tree(&it.path)),
        it.line,
        property(&format!("seal check: {}", it.word)),
        data(&it.sentence)
    )
}

fn sarif(said: &[Said]) -> Value {
    let mut words: Vec<&str> = said.iter().map(|it| it.word).collect();
    words.sort_unstable();
    words.dedup();
    let rules: Vec<Value> = words.iter().map(|word| rule(word)).collect();
    let results: Vec<Value> = said.iter().map(result).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "seal",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(word: &str) -> Value {
    json!({
        "id": word,
        "shortDescription": {"text": format!("`seal check` found {word}")},
        "help": {"text": "docs/how-to/check.md says what each word means"},
    })
}

fn result(it: &Said) -> Value {
    json!({
        "ruleId": it.word,
        "level": if it.is_finding { "error" } else { "warning" },
        "message": {"text": it.sentence},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&in_tree(&it.path))},
            "region": {"startLine": it.line},
        }}],
    })
}

/// A path from the root of its work tree, as GitHub and code scanning look for it wherever the command was started.
fn in_tree(path: &str) -> String {
    let real = files::real_path(Path::new(path)).ok();
    let within = real.and_then(|real| {
        let root = files::work_tree_root(files::folder_of(&real))?;
        real.strip_prefix(root).ok().map(|it| it.display().to_string())
    });
    within.map_or_else(|| path.to_owned(), |it| printable(&it))
}

/// A relative path as a URI reference (RFC 3986): what is no letter, digit or `-._~/` is percent-encoded.
fn uri(path: &str) -> String {
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
