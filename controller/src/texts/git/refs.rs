//! Which commit a name means: a branch or a tag, never a guess between two.
//!
//! Read by hand rather than by gix, which opens whatever stands in a reference's place and takes the first of several
//! meanings of a name.

use std::path::Path;

use gix::ObjectId;
use gix::bstr::BStr;

use super::super::SourceError;
use super::inside::Inside;

/// Bytes of a reference's file: a hash, or the name of another reference.
const MAX_REF_BYTES: u64 = 4096;
/// Bytes of `packed-refs`: half a million references.
const MAX_PACKED_BYTES: u64 = 64 * 1024 * 1024;
/// References that name references.
const MAX_SYMBOLIC: usize = 5;

/// The object that `name` means; none where nothing has that name.
///
/// `HEAD` and whatever begins with `refs/` mean themselves, 40 hex digits a commit, anything else a branch or a tag.
pub(super) fn resolve(inside: &Inside, name: &str) -> Result<Option<ObjectId>, SourceError> {
    if gix::validate::reference::name_partial(BStr::new(name)).is_err() {
        return Ok(None);
    }
    if name.starts_with("refs/") {
        return follow(inside, name);
    }
    let branch = follow(inside, &format!("refs/heads/{name}"))?;
    let tag = follow(inside, &format!("refs/tags/{name}"))?;
    let itself = match name {
        "HEAD" => follow(inside, name)?,
        _ => whole_hash(name.as_bytes()),
    };
    match [itself, branch, tag] {
        [Some(id), None, None] | [None, Some(id), None] | [None, None, Some(id)] => Ok(Some(id)),
        [None, None, None] => Ok(None),
        _ => Err(SourceError::Ambiguous(name.to_owned())),
    }
}

/// The object at the end of references that name references.
fn follow(inside: &Inside, name: &str) -> Result<Option<ObjectId>, SourceError> {
    let mut name = name.to_owned();
    for _ in 0..MAX_SYMBOLIC {
        let Some(text) = inside.read(Path::new(&name), MAX_REF_BYTES)? else {
            return packed(inside, &name);
        };
        let text = text.trim_ascii();
        let Some(other) = text.strip_prefix(b"ref:") else { return Ok(whole_hash(text)) };
        let other = BStr::new(other.trim_ascii());
        // A name that leads out of the repository is none.
        if !other.starts_with(b"refs/") || gix::validate::reference::name(other).is_err() {
            return Ok(None);
        }
        name = other.to_string();
    }
    Ok(None)
}

/// The same out of the one file that Git gathers references in.
fn packed(inside: &Inside, name: &str) -> Result<Option<ObjectId>, SourceError> {
    let Some(text) = inside.read(Path::new("packed-refs"), MAX_PACKED_BYTES)? else {
        return Ok(None);
    };
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    Ok(lines.find_map(|line| {
        let (hash, of) = line.split_at_checked(40)?;
        (of.strip_prefix(b" ")? == name.as_bytes()).then(|| whole_hash(hash))?
    }))
}

fn whole_hash(text: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(text).ok().filter(|_| text.len() == 40)
}
