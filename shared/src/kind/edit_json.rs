//! The same edits of a sealed file that is JSON: only the fields of the named blocks change, and every other character stays.
//!
//! The library keeps the text as it was written; what comes out is read again and compared by [`super::edit`]. Of a List the
//! items are left alone.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};

use super::brief::digest;
use super::edit::Change;
use super::sealed::{Block, SealedSecret};
use crate::kind::Kind;
use crate::names::API_VERSION;

/// Nothing but JSON: what else the library would take, no reader of ours does.
fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        ..ParseOptions::default()
    }
}

/// Makes `change` in the one object of `text`.
pub(super) fn edit(text: &str, before: &SealedSecret, change: &Change) -> Option<String> {
    let root = CstRootNode::parse(text, &strict()).ok()?;
    let spec = root.object_value()?.object_value("spec")?;
    if let Some(shared) = &change.shared {
        let at = place_of_header(&spec);
        set(&spec, "header", Some(shared.header.as_str().into()), at);
        set(&spec, "sealedTo", Some(strings(&shared.sealed_to)), at);
    }
    let values = match spec.get("values") {
        Some(values) => values.object_value()?,
        None => spec.append("values", CstInputValue::Object(Vec::new())).object_value()?,
    };
    for key in change.remove.iter().filter(|key| !change.put.contains_key(*key)) {
        values.get(key)?.remove();
    }
    for (key, block) in &change.put {
        if before.spec.values.contains_key(key) {
            change_block(&values.get(key)?.object_value()?, block);
        } else {
            values.insert(place_of(&values, key), key, written(block));
        }
    }
    Some(root.to_string())
}

/// The text with each header and payload cut to a digest, of the items of a List as well.
pub(super) fn brief(text: &str) -> Option<String> {
    let root = CstRootNode::parse(text, &strict()).ok()?;
    brief_object(&root.object_value()?)?;
    Some(root.to_string())
}

fn brief_object(object: &CstObject) -> Option<()> {
    let (api_version, kind) = (text_of(object, "apiVersion"), text_of(object, "kind"));
    if api_version == "v1" && kind == "List" {
        let items = object.array_value("items").map(|it| it.elements()).unwrap_or_default();
        return items.iter().filter_map(CstNode::as_object).try_for_each(|it| brief_object(&it));
    }
    if api_version != API_VERSION || Kind::of(&kind).is_none() {
        return Some(());
    }
    let Some(spec) = object.object_value("spec") else { return Some(()) };
    shorten(&spec, "header");
    let Some(values) = spec.object_value("values") else { return Some(()) };
    for block in values.properties() {
        let block = block.object_value()?;
        shorten(&block, "header");
        shorten(&block, "payload");
    }
    Some(())
}

fn shorten(object: &CstObject, name: &str) {
    let Some(property) = object.get(name) else { return };
    let text = text_of(object, name);
    if !text.is_empty() {
        property.set_value(digest(&text).as_str().into());
    }
}

/// The string under a name; empty where there is none.
fn text_of(object: &CstObject, name: &str) -> String {
    let value = object.get(name).and_then(|property| property.value());
    value.and_then(|value| value.as_string_lit()?.decoded_value().ok()).unwrap_or_default()
}

/// Where a key that is not there would be in sorted order.
fn place_of(values: &CstObject, key: &str) -> usize {
    let names = values.properties().into_iter().map(|property| property.decoded_name());
    names.take_while(|name| name.as_deref().is_some_and(|name| name < key)).count()
}

/// Where the shared header stands, or would: before the values.
fn place_of_header(spec: &CstObject) -> usize {
    let first = ["sealedTo", "header", "values"].iter().find_map(|name| spec.get(name));
    first.map_or_else(|| spec.properties().len(), |property| property.property_index())
}

fn change_block(block: &CstObject, new: &Block) {
    let sealed_to = (!new.sealed_to.is_empty()).then(|| strings(&new.sealed_to));
    set(block, "header", new.header.as_deref().map(CstInputValue::from), 0);
    set(block, "sealedTo", sealed_to, 0);
    set(block, "payload", Some(new.payload.as_str().into()), 0);
}

/// Gives a field its value where it stands, else at `at`; without a value it goes.
fn set(object: &CstObject, name: &str, value: Option<CstInputValue>, at: usize) {
    match (object.get(name), value) {
        (Some(property), Some(value)) => property.set_value(value),
        (Some(property), None) => property.remove(),
        (None, Some(value)) => drop(object.insert(at, name, value)),
        (None, None) => {}
    }
}

fn written(block: &Block) -> CstInputValue {
    let mut fields = Vec::new();
    if !block.sealed_to.is_empty() {
        fields.push(("sealedTo".to_owned(), strings(&block.sealed_to)));
    }
    if let Some(header) = &block.header {
        fields.push(("header".to_owned(), header.as_str().into()));
    }
    fields.push(("payload".to_owned(), block.payload.as_str().into()));
    CstInputValue::Object(fields)
}

fn strings(texts: &[String]) -> CstInputValue {
    CstInputValue::Array(texts.iter().map(|text| text.as_str().into()).collect())
}
