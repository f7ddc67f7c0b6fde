//! What a sealed file may say whose keys go into a Secret of others.

use seal_core::kind::sealed::{SealedSecret, TemplateMetadata};
use seal_core::names::ACCEPTS;
use seal_core::place::Place;

use crate::console;
use crate::error::Failure;

/// Refuses what is never set on a Secret of others, and says what such a Secret needs.
pub(super) fn check(object: &SealedSecret, place: &Place) -> Result<(), Failure> {
    if object.spec.on_conflict.as_deref() != Some("Merge") {
        return Ok(());
    }
    let template = object.spec.template.as_ref();
    let is_more = template
        .is_some_and(|it| it.immutable.is_some() || it.metadata != TemplateMetadata::default());
    if is_more {
        let message =
            "a file that is merged sets keys alone: no labels, no annotations, nothing immutable";
        return Err(Failure::input(message).hint("leave them out").about(place));
    }
    let Place { namespace, name } = place;
    console::note(&format!(
        "{place}: merged into the Secret of others once it is there and they allow it: kubectl annotate secret -n {namespace} {name} {ACCEPTS}=merge"
    ));
    Ok(())
}
