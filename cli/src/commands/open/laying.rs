//! `seal open --layout`: opened objects → files through seal-disk, the one writer of opened values.
//!
//! What is not ours stays and ends the command, as does an object that does not fit the layout, before any value is written.

use std::path::Path;

use seal_core::kind::sealed::SealedSecret;
use seal_core::layout::{self, FileLayout, Fold, FolderLayout, Layout, LayoutError};
use seal_core::open::Opened;
use seal_disk::plan::Plan;
use seal_disk::{Laid, OneFile, Out};

use super::warn_of_work_tree;
use crate::error::Failure;

/// Writes all that was opened of the `objects` in the file `from` to `out`, or nothing.
pub(super) fn lay_out<T>(
    objects: &[(T, SealedSecret)],
    opened: Vec<Opened>,
    layout: Layout,
    out: &Path,
    from: &Path,
) -> Result<(), Failure> {
    if let Some((_, other)) = objects.iter().find(|(_, object)| !layout.takes(object)) {
        return Err(layout.other_type(other).into());
    }
    warn_of_work_tree(out);
    let from = from.display().to_string();
    match layout {
        Layout::Folder(layout) => {
            let named = opened
                .iter()
                .map(|object| (&object.place, object.values.keys().map(String::as_str).collect()));
            let survey = layout::survey(layout, named);
            if let Some(error) = survey.refused.into_values().next() {
                return Err(error.into());
            }
            into_folder(opened, layout, out, &from)
        }
        Layout::File(layout) => into_file(opened, layout, out, &from),
    }
}

fn into_folder(
    opened: Vec<Opened>,
    layout: FolderLayout,
    folder: &Path,
    from: &str,
) -> Result<(), Failure> {
    let laid: Vec<_> = opened
        .into_iter()
        .map(|object| layout::lay_out(layout, object))
        .collect::<Result<_, LayoutError>>()?;
    let mut out = Out::open(folder, layout)?;
    let mut writes = Vec::new();
    for object in laid {
        match out.plan(object, from)? {
            Plan::Leave => {}
            Plan::Write(write) => writes.push(write),
            Plan::Refuse(error) => return Err(error.into()),
        }
    }
    for (_, result) in out.write(writes)? {
        result?;
    }
    Ok(out.finish()?)
}

fn into_file(
    opened: Vec<Opened>,
    layout: FileLayout,
    path: &Path,
    from: &str,
) -> Result<(), Failure> {
    let mut fold = Fold::new(layout);
    opened.into_iter().try_for_each(|object| fold.add(object))?;
    let folded = fold.finish();
    if let Some((_, error)) = folded.refused.into_iter().next() {
        return Err(error.into());
    }
    let laid: Vec<Laid> =
        folded.objects.into_iter().map(|object| Laid { object, from: from.to_owned() }).collect();
    let mut file = OneFile::open(path, layout)?;
    file.apply_all(&laid)?;
    Ok(file.finish()?)
}
