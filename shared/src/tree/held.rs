//! How many bytes a kept object takes: what its texts are, and something for each map and list around them.

use crate::kind::sealed::{Block, SealedSecret};

/// What a text costs besides its bytes: allocation, entry of a map.
pub(super) const OF_AN_ENTRY: usize = 96;

pub(super) fn size_of_object(sealed: &SealedSecret) -> usize {
    let SealedSecret { metadata, spec, status: _ } = sealed;
    let annotations = metadata.annotations.iter().chain(&metadata.labels).flatten();
    let template = spec.template.iter().flat_map(|template| {
        let of_metadata = template.metadata.labels.iter().chain(&template.metadata.annotations);
        of_metadata.chain(&template.string_data)
    });
    let pairs: usize = annotations.chain(template).map(|(key, value)| of(key) + of(value)).sum();
    let lists = spec.scope.namespaces.iter().chain(&spec.service_accounts).chain(&spec.sealed_to);
    let names: usize = lists.map(|name| of(name)).sum();
    let blocks: usize = spec.values.iter().map(|(key, block)| of(key) + size_of_block(block)).sum();
    let header = spec.header.as_deref().map_or(0, of);
    size_of::<SealedSecret>() + pairs + names + blocks + header
}

fn size_of_block(block: &Block) -> usize {
    let hints: usize = block.sealed_to.iter().map(|hint| of(hint)).sum();
    size_of::<Block>() + hints + block.header.as_deref().map_or(0, of) + of(&block.payload)
}

fn of(text: &str) -> usize {
    OF_AN_ENTRY + text.len()
}
