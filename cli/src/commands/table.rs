//! Rows of text beneath their heads, as kubectl has them.

use crate::console::Console;
use crate::error::Failure;

/// Writes the table; the last column is as wide as it needs.
pub(super) fn write<const N: usize>(
    console: &mut Console,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<(), Failure> {
    let mut all = vec![head.map(str::to_owned)];
    all.extend(rows);
    let mut widths = [0; N];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in all {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("   ");
        console.write(format!("{}\n", line.trim_end()).as_bytes())?;
    }
    Ok(())
}
