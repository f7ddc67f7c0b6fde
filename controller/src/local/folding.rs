//! One pass over a file that all objects share: every object is opened, then the file is changed once.

use std::collections::BTreeMap;

use seal_core::layout::{Fold, Folded, Layout};
use seal_core::place::Place;
use seal_disk::{Laid, OneFile};

use super::refusal::Refusal;
use super::round::{Pass, Tally};

/// Opens what belongs into the file, and brings the file to it. On a signal the file stays as it was.
pub(super) fn pass(pass: &Pass<'_>, file: &mut OneFile, tally: &mut Tally) {
    let layout = file.layout();
    let mut fold = Fold::new(layout);
    let mut from: BTreeMap<Place, &str> = BTreeMap::new();
    for object in pass.objects {
        if pass.stop.requested() {
            tally.stopped = true;
            return;
        }
        from.insert(object.place.clone(), &object.path);
        if object.sealed.spec.suspend == Some(true) {
            tally.unchanged += 1;
        } else if !Layout::File(layout).takes(&object.sealed) {
            tally.passed_over += 1;
            if file.inventory().objects.contains_key(&object.place.to_string()) {
                fold.add_nothing(object.place.clone());
            }
        } else {
            match pass.open(object) {
                Ok(opened) => {
                    if let Err(error) = fold.add(opened) {
                        tally.refusals.push(Refusal::layout(&object.path, &error));
                    }
                }
                Err(error) => tally.refusals.push(Refusal::open(&object.path, &error)),
            }
        }
    }
    let Folded { objects, refused } = fold.finish();
    for (place, error) in refused {
        tally.refusals.push(Refusal::layout(from[&place], &error));
    }
    let laid = objects
        .into_iter()
        .map(|object| Laid { from: from[&object.place].to_owned(), object })
        .collect::<Vec<_>>();
    apply(pass, file, &laid, tally);
}

fn apply(pass: &Pass<'_>, file: &mut OneFile, laid: &[Laid], tally: &mut Tally) {
    let gone = pass.vanished(file.inventory(), tally);
    let paths: BTreeMap<String, &str> =
        laid.iter().map(|laid| (laid.object.place.to_string(), laid.from.as_str())).collect();
    let applied = match file.apply(laid, &gone) {
        Ok(applied) => applied,
        Err(error) => return tally.refuse(file.given(), &error),
    };
    for (place, result) in applied {
        match result {
            Ok(true) => tally.applied += 1,
            Ok(false) => tally.unchanged += 1,
            Err(error) => tally.refuse(paths[&place], &error),
        }
    }
    tally.pruned += gone.len();
    file.note_blocked(tally.prune_blocked.is_some());
    if let Err(error) = file.finish() {
        tally.refuse(file.given(), &error);
    }
}
