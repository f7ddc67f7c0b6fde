//! Values → the change of a sealed file that is there: some of them sealed anew, or all for other recipients.

use std::collections::{BTreeMap, BTreeSet};

use super::{SealError, SealedValues, seal_blocks, seal_values, under_shared_header};
use crate::key::Recipient;
use crate::kind::edit::{Change, SharedHeader};
use crate::kind::resealed;
use crate::kind::sealed::SealedSecret;
use crate::place::Scope;
use crate::secret::SecretValue;

/// The change that seals `values` anew in `file`: each in a block of its own, or, where the file has several values and
/// these are all that it will have, under a new shared header in the old one's place.
///
/// Needs none of the values that are there, and leaves every other block as it is. A single value never takes the
/// shared header's place: commits of the file's history may hold blocks that are under it.
pub fn seal_into(
    file: &SealedSecret,
    values: &BTreeMap<String, SecretValue>,
    scope: &Scope,
    recipients: &[Recipient],
) -> Result<Change, SealError> {
    let keys = &file.spec.values;
    let anew = keys.len() > 1 && keys.keys().all(|key| values.contains_key(key));
    if !anew {
        let put = seal_blocks(values, scope, recipients)?;
        return Ok(Change { put, ..Change::default() });
    }
    let SealedValues { sealed_to, header, payloads } = seal_values(values, scope, recipients)?;
    let shared = Some(SharedHeader { sealed_to, header, resealed: Vec::new() });
    Ok(Change { put: under_shared_header(payloads), shared, ..Change::default() })
}

/// Whether all values of `file` stand under one header that names these recipients and nobody else.
///
/// By its hints, which are not authenticated: for whoever wants to know what is left to do.
pub fn is_sealed_for(file: &SealedSecret, recipients: &[Recipient]) -> bool {
    let named: BTreeSet<String> = file.spec.sealed_to.iter().cloned().collect();
    file.spec.values.values().all(|block| block.header.is_none())
        && named == Recipient::fingerprints(recipients)
}

/// The change that seals all `values` of `file` anew under one new shared header: the same values, for other recipients.
///
/// `values` must be those that `file` opens to, all that are sealed and no other. The marks that say so are no
/// statement to be relied on: they tell a merge which side meant another value.
pub fn reseal(
    file: &SealedSecret,
    values: &BTreeMap<String, SecretValue>,
    recipients: &[Recipient],
) -> Result<Change, SealError> {
    let SealedValues { sealed_to, header, payloads } =
        seal_values(values, &file.spec.scope, recipients)?;
    let before = |key: &String| file.spec.values.get(key).map(|block| block.payload.as_str());
    let resealed = payloads
        .iter()
        .filter_map(|(key, after)| Some(resealed::mark(key, before(key)?, after)))
        .collect();
    let shared = Some(SharedHeader { sealed_to, header, resealed });
    Ok(Change { put: under_shared_header(payloads), shared, ..Change::default() })
}
