//! Which objects are secrets of Direktiv, and which.

use std::collections::BTreeMap;

use seal_core::layout::{DirektivSecret, LayoutError, sealing};
use seal_core::tree::collect::Object;

use crate::local::refusal::Refusal;
use crate::local::round::{Pass, Tally};

/// An object, and the secret that it is to be.
pub(super) struct Wanted<'a> {
    pub(super) object: &'a Object,
    pub(super) secret: DirektivSecret,
    pub(super) sealing: String,
}

/// The objects that are secrets of Direktiv. Two that are one there are refused both.
pub(super) fn wanted<'a>(pass: &Pass<'a>, tally: &mut Tally) -> Vec<Wanted<'a>> {
    let mut all: BTreeMap<DirektivSecret, Vec<&Object>> = BTreeMap::new();
    for object in pass.objects {
        if object.sealed.spec.suspend == Some(true) {
            tally.unchanged += 1;
            continue;
        }
        match DirektivSecret::of(&object.sealed, &object.place) {
            Ok(Some(secret)) => all.entry(secret).or_default().push(object),
            Ok(None) => tally.passed_over += 1,
            Err(error) => tally.refusals.push(Refusal::layout(&object.path, &error)),
        }
    }
    let mut wanted = Vec::new();
    for (secret, objects) in all {
        if let [object] = objects[..] {
            wanted.push(Wanted { object, secret, sealing: sealing(&object.sealed) });
            continue;
        }
        let [one, other] = [&objects[0].place, &objects[1].place].map(ToString::to_string);
        let error = LayoutError::Collision { what: secret.to_string(), one, other };
        tally.refusals.extend(objects.iter().map(|object| Refusal::layout(&object.path, &error)));
    }
    wanted
}
