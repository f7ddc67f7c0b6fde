//! Anything serialisable to YAML that kubectl reads back the same: block style, strings quoted where a
//! YAML 1.1 reader would take them for something else.

use serde::Serialize;

/// What is written as a list in flow style, and as a literal block.
pub(crate) use serde_saphyr::{FlowSeq, LitStr};

/// Writes one document. Fails for nothing this crate serialises.
pub(crate) fn to_yaml<T: Serialize>(value: &T) -> String {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: true,
        prefer_block_scalars: false,
    };
    serde_saphyr::to_string_with_options(value, options)
        .expect("maps with string keys, lists and scalars can be written as YAML")
}
