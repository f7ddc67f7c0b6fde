//! The text of a block and of a shared header, as entries that stand in a sealed file.

use std::collections::BTreeMap;

use serde::Serialize;

use super::sealed::Block;
use crate::escape::escaped;
use crate::yaml::write::{FlowSeq, LitStr, to_yaml};

/// One entry of `values`, not indented.
pub(crate) fn write_block(key: &str, block: &Block) -> String {
    to_yaml(&BTreeMap::from([(key, BlockView::of(block))]))
}

/// The same with the comment that ends it.
pub(crate) fn write_ended_block(key: &str, block: &Block) -> String {
    format!("{}{}\n", write_block(key, block), end_of_block(key))
}

/// The comment behind the block of `key`, a line that no edit changes and that no other is like: see docs/reference/format.md.
pub(crate) fn end_of_block(key: &str) -> String {
    format!("# end of {}", escaped(key))
}

/// The lines of one field of a written block, moved to its own margin; empty where the block has no such field.
pub(crate) fn field_lines(written: &str, name: &str) -> String {
    let mut found = String::new();
    let mut inside = false;
    for line in written.lines().skip(1).map(|line| line.strip_prefix("  ").unwrap_or(line)) {
        if !line.starts_with(' ') {
            inside = line.split(':').next() == Some(name);
        }
        if inside {
            found.push_str(line);
            found.push('\n');
        }
    }
    found
}

/// `sealedTo` and `header` of the shared header as entries of `spec`, not indented; those that are there.
pub(crate) fn write_shared_header(sealed_to: &[String], header: &str) -> String {
    to_yaml(&HeaderView { sealed_to, header: LitStr(header) })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeaderView<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    sealed_to: &'a [String],
    header: LitStr<'a>,
}

/// A block: its recipients on one line, so that a change of recipients is a change of one line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed_to: Option<FlowSeq<&'a [String]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<LitStr<'a>>,
    payload: &'a str,
}

impl<'a> BlockView<'a> {
    fn of(block: &'a Block) -> Self {
        let sealed_to = block.sealed_to.as_slice();
        Self {
            sealed_to: (!sealed_to.is_empty()).then_some(FlowSeq(sealed_to)),
            header: block.header.as_deref().map(LitStr),
            payload: &block.payload,
        }
    }
}
