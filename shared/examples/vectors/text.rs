//! A sealed file's parts as the text that a writer makes of them.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::file::{Block, File, Header};

impl File {
    pub(crate) fn yaml(&self) -> String {
        let mut text = self.head();
        if let Some(header) = &self.shared {
            text += &shared_text(header);
        }
        if self.blocks.is_empty() {
            return text + "  values: {}\n";
        }
        text += "  values:\n";
        for block in &self.blocks {
            text += &block.yaml();
            let _ = writeln!(text, "    # end of {}", block.key);
        }
        text
    }

    fn head(&self) -> String {
        let (namespace, name) = &self.place;
        let namespaces: Vec<String> = self.namespaces.split(',').map(quoted).collect();
        format!(
            "apiVersion: seal.dev/v1\nkind: SealedSecret\nmetadata:\n  name: {name}\n  namespace: {namespace}\n\
             spec:\n  scope:\n    namespaces: [{}]\n    name: {}\n{}",
            namespaces.join(", "),
            quoted(&self.name),
            self.more
        )
    }

    /// The same in JSON, of a file with nothing under `more`.
    pub(crate) fn json(&self) -> String {
        let mut spec = Map::new();
        let namespaces: Vec<&str> = self.namespaces.split(',').collect();
        spec.insert("scope".into(), json!({ "namespaces": namespaces, "name": self.name }));
        if let Some(header) = &self.shared {
            insert_header(&mut spec, header);
        }
        let blocks = self.blocks.iter().map(|block| (block.key.clone(), block.json()));
        spec.insert("values".into(), Value::Object(blocks.collect()));
        let json = json!({
            "apiVersion": "seal.dev/v1",
            "kind": "SealedSecret",
            "metadata": { "name": self.place.1, "namespace": self.place.0 },
            "spec": spec,
        });
        format!("{json:#}\n")
    }
}

impl Block {
    /// Its lines, the key's own first, without the empty one after it.
    pub(crate) fn yaml(&self) -> String {
        let mut text = format!("    {}:\n", self.key);
        if let Some(header) = &self.header {
            if !header.hints.is_empty() {
                writeln!(text, "      sealedTo: [{}]", header.hints.join(", "))
                    .expect("writing to a string");
            }
            text += &header_text(header, 6);
        }
        text + &format!("      payload: {}\n", self.encoded())
    }

    pub(crate) fn encoded(&self) -> String {
        STANDARD.encode(&self.payload)
    }

    fn json(&self) -> Value {
        let mut block = Map::new();
        if let Some(header) = &self.header {
            insert_header(&mut block, header);
        }
        block.insert("payload".into(), self.encoded().into());
        block.into()
    }
}

fn quoted(name: &str) -> String {
    if name.contains('*') { format!("'{name}'") } else { name.to_owned() }
}

fn insert_header(map: &mut Map<String, Value>, header: &Header) {
    map.insert("sealedTo".into(), json!(header.hints));
    map.insert("header".into(), header.text().into());
}

fn shared_text(header: &Header) -> String {
    let hints = header.hints.iter().map(|hint| format!("  - {hint}\n")).collect::<String>();
    let hints = if hints.is_empty() { hints } else { format!("  sealedTo:\n{hints}") };
    hints + &header_text(header, 2)
}

/// The field `header`: in lines, or in quotes where lines could not hold it.
fn header_text(header: &Header, indent: usize) -> String {
    let field = " ".repeat(indent);
    let text = header.text();
    if text.is_empty() || text.ends_with('\n') || text.contains('\r') {
        return format!("{field}header: {}\n", in_quotes(&text));
    }
    let mut lines = format!("{field}header: |-\n");
    for line in text.lines() {
        let indented = format!("{field}  {line}");
        lines += indented.trim_end_matches(' ');
        lines.push('\n');
    }
    lines
}

pub(crate) fn in_quotes(text: &str) -> String {
    format!("\"{}\"", text.replace('\r', "\\r").replace('\n', "\\n"))
}
