//! One pass over a folder of files: open → plan → write → prune, some objects at a time.

use std::collections::BTreeSet;

use seal_core::layout::{LaidOut, Layout, Survey, keys_of, lay_out, survey};
use seal_core::tree::collect::Object;
use seal_disk::Out;
use seal_disk::plan::{Plan, Write};

use super::refusal::Refusal;
use super::round::{Pass, Tally};

/// Objects whose values are in memory at the same time.
const BATCH: usize = 64;

/// Brings the folder to what the objects seal.
pub(super) fn pass(pass: &Pass<'_>, out: &mut Out, tally: &mut Tally) {
    let objects = pass.objects.iter();
    let named = objects.map(|Object { place, sealed, .. }| (place, keys_of(sealed).collect()));
    let survey = survey(out.layout(), named);
    let readable: BTreeSet<String> =
        pass.objects.iter().map(|object| object.place.to_string()).collect();
    // What an object that is there and cannot be read names now is not known.
    out.begin(&survey.claims, &|place, from| {
        pass.unread.contains(from) || (pass.present.contains(place) && !readable.contains(place))
    });
    // What is new makes it no smaller a part that is gone.
    let vanished = pass.vanished(out.inventory(), tally);
    for batch in pass.objects.chunks(BATCH) {
        if pass.stop.requested() {
            tally.stopped = true;
            break;
        }
        let mut writes: Vec<(&str, Write)> = Vec::new();
        for object in batch {
            match planned(pass, out, &survey, object) {
                Ok(Planned::Unchanged) => tally.unchanged += 1,
                Ok(Planned::PassedOver) => tally.passed_over += 1,
                Ok(Planned::Write(write)) => writes.push((&object.path, write)),
                Err(refusal) => tally.refusals.push(refusal),
            }
        }
        write(writes, out, tally);
    }
    if !tally.stopped {
        remove_vanished(vanished, out, tally);
    }
    if let Err(error) = out.finish() {
        tally.refuse(out.given(), &error);
    }
}

/// What is to be done for an object.
enum Planned {
    Unchanged,
    /// It is nothing for the layout, and nothing is there of it.
    PassedOver,
    Write(Write),
}

fn planned(
    pass: &Pass<'_>,
    out: &mut Out,
    survey: &Survey,
    object: &Object,
) -> Result<Planned, Refusal> {
    let Object { path, place, sealed } = object;
    if sealed.spec.suspend == Some(true) {
        return Ok(Planned::Unchanged);
    }
    let layout = out.layout();
    let is_taken = Layout::Folder(layout).takes(sealed);
    if let Some(error) = survey.refused.get(place).filter(|_| is_taken) {
        return Err(Refusal::layout(path, error));
    }
    let laid = match is_taken {
        true => {
            let opened = pass.open(object).map_err(|error| Refusal::open(path, &error))?;
            lay_out(layout, opened).map_err(|error| Refusal::layout(path, &error))?
        }
        false => LaidOut { place: place.clone(), files: Vec::new() },
    };
    match out.plan(laid, path) {
        Ok(Plan::Leave) if is_taken => Ok(Planned::Unchanged),
        Ok(Plan::Leave) => Ok(Planned::PassedOver),
        Ok(Plan::Write(write)) => Ok(Planned::Write(write)),
        Ok(Plan::Refuse(error)) | Err(error) => Err(Refusal::disk(path, &error)),
    }
}

fn write(writes: Vec<(&str, Write)>, out: &mut Out, tally: &mut Tally) {
    if writes.is_empty() {
        return;
    }
    let (paths, writes): (Vec<(&str, bool)>, Vec<Write>) =
        writes.into_iter().map(|(path, write)| ((path, write.changes_files()), write)).unzip();
    match out.write(writes) {
        Ok(results) => {
            for ((path, changes), (_, result)) in paths.into_iter().zip(results) {
                match result {
                    Ok(()) if changes => tally.applied += 1,
                    Ok(()) => tally.unchanged += 1,
                    Err(error) => tally.refuse(path, &error),
                }
            }
        }
        Err(error) => paths.iter().for_each(|(path, _)| tally.refuse(path, &error)),
    }
}

fn remove_vanished(places: Vec<String>, out: &mut Out, tally: &mut Tally) {
    out.note_blocked(tally.prune_blocked.is_some());
    if places.is_empty() {
        return;
    }
    for (place, result) in out.prune(places) {
        match result {
            Ok(()) => tally.pruned += 1,
            Err(error) => tally.refuse(&place, &error),
        }
    }
}
