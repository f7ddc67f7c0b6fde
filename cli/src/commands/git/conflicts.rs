//! Blocks that each side changed in its own way: out of the texts before their lines are merged, and back between marks.
//!
//! Lines alone would cut a block in pieces, and a piece of one side with a piece of the other opens nothing. In the stead
//! of each block stands a place that none of the texts has, so that nothing else of them can be taken for one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use seal_core::kind::edit::{Change, block_lines};
use seal_core::kind::sealed::Block;
use zeroize::Zeroizing;

use super::meaning::{Meaning, ObjectName, Texts, changed};

/// What places begin with.
const WORD: &str = "seal/conflict/";
/// Digits behind it: more numbers than the texts have room for.
const DIGITS: usize = 7;
const BASE: usize = 0;
const OURS: usize = 1;
const THEIRS: usize = 2;

/// The conflicts of a file.
pub(super) struct Conflicts {
    /// Stands in none of the texts.
    word: String,
    all: Vec<Conflict>,
}

struct Conflict {
    /// The block as each version has it, every line of it; nothing where it has none.
    blocks: [String; 3],
    /// The lines that stand in the stead of it in each.
    places: [String; 3],
}

impl Conflicts {
    /// Takes the blocks that conflict out of the texts, and leaves the same place in all of them.
    pub(super) fn taken_out(texts: &mut Texts, meaning: &Meaning) -> Option<Self> {
        let word = unused(texts)?;
        let mut all = Vec::new();
        all.resize_with(meaning.conflicts.len(), || Conflict {
            blocks: <[String; 3]>::default(),
            places: <[String; 3]>::default(),
        });
        if all.is_empty() {
            return Some(Self { word, all });
        }
        let changes = places(&word, &meaning.conflicts);
        for (side, text) in texts.iter_mut().enumerate() {
            let blocks = conflicting_lines(text, side, meaning)?;
            *text = changed(text, &meaning.objects[side], &changes)?;
            let places = conflicting_lines(text, side, meaning)?;
            for ((conflict, block), place) in all.iter_mut().zip(blocks).zip(places) {
                conflict.blocks[side] = block;
                conflict.places[side] = place;
            }
        }
        Some(Self { word, all })
    }

    /// What a line-by-line merge puts behind its own marks, so that they are told from lines that only look like marks.
    pub(super) fn labels(&self, labels: [&str; 3]) -> [String; 3] {
        labels.map(|label| format!("{label} {}", self.word))
    }

    /// Puts the blocks where their places are: between marks, or, where Git's marks are around a place, those of that side.
    pub(super) fn mark(&self, merged: &str, marker_size: usize) -> String {
        let middle = "=".repeat(marker_size);
        let line_break = if merged.contains("\r\n") { "\r\n" } else { "\n" };
        let (mut written, mut at, mut section) = (String::new(), 0, None);
        for (found, _) in merged.match_indices(&self.word) {
            if found < at {
                continue;
            }
            if section.is_some() && merged[at..found].lines().any(|line| line == middle) {
                section = Some(THEIRS);
            }
            let behind = found + self.word.len();
            let range = match self.conflict_at(merged, behind) {
                Some(conflict) => {
                    let range = conflict.place_around(merged, found, &self.word);
                    written.push_str(&merged[at..range.start]);
                    written.push_str(&conflict.lines(section, line_break, marker_size));
                    range
                }
                None => {
                    written.push_str(merged[at..found].trim_end_matches(' '));
                    section = section_behind(merged, found);
                    found..behind
                }
            };
            at = range.end;
        }
        written + &merged[at..]
    }

    /// The conflict whose number stands at `behind`; none where Git's own mark ends there.
    fn conflict_at(&self, merged: &str, behind: usize) -> Option<&Conflict> {
        let number = merged[behind..].strip_prefix('/')?.get(..DIGITS)?;
        self.all.get(number.parse::<usize>().ok()?)
    }
}

impl Conflict {
    /// The lines of the place around `found`; the one line alone where the others are not beside it.
    fn place_around(&self, merged: &str, found: usize, word: &str) -> Range<usize> {
        for place in self.places.iter().map(|place| place.trim_end()) {
            let start = place.find(word).and_then(|offset| found.checked_sub(offset));
            let Some(start) = start else { continue };
            if merged.get(start..start + place.len()) == Some(place) {
                return start..line_end(merged, start + place.len());
            }
        }
        merged[..found].rfind('\n').map_or(0, |newline| newline + 1)..line_end(merged, found)
    }

    fn lines(&self, section: Option<usize>, line_break: &str, marker_size: usize) -> String {
        let block = |side: usize| ended(&self.blocks[side], line_break);
        if let Some(side) = section {
            return block(side);
        }
        let mark =
            |sign: &str, says: &str| format!("{}{says}{line_break}", sign.repeat(marker_size));
        [
            mark("<", " ours: keep these lines, all of them, or"),
            block(OURS),
            mark("=", ""),
            block(THEIRS),
            mark(">", " theirs: these, and take the marks out"),
        ]
        .concat()
    }
}

/// The side whose lines stand behind a mark of Git's.
fn section_behind(merged: &str, label: usize) -> Option<usize> {
    let start = merged[..label].rfind('\n').map_or(0, |newline| newline + 1);
    match merged[start..].chars().next() {
        Some('<') => Some(OURS),
        Some('|') => Some(BASE),
        _ => None,
    }
}

/// A word that stands in none of the texts.
fn unused(texts: &Texts) -> Option<String> {
    let mut taken = BTreeSet::new();
    for text in texts {
        for (at, word) in text.match_indices(WORD) {
            taken.extend(text.get(at + word.len()..at + word.len() + DIGITS));
        }
    }
    let mut numbers = (0..=taken.len()).map(|number| format!("{number:0DIGITS$}"));
    let number = numbers.find(|number| !taken.contains(number.as_str()))?;
    Some(format!("{WORD}{number}"))
}

/// What puts a place in the stead of each block that conflicts; where there is none, too.
fn places(word: &str, conflicts: &[(ObjectName, String)]) -> BTreeMap<ObjectName, Change> {
    let mut changes: BTreeMap<ObjectName, Change> = BTreeMap::new();
    for (number, (name, key)) in conflicts.iter().enumerate() {
        let payload = format!("{word}/{number:0DIGITS$}");
        let change = changes.entry(name.clone()).or_default();
        change.remove.insert(key.clone());
        change.put.insert(key.clone(), Block { payload, ..Block::default() });
    }
    changes
}

/// The lines of each block that conflicts as a text has them.
fn conflicting_lines(
    text: &Zeroizing<String>,
    side: usize,
    meaning: &Meaning,
) -> Option<Vec<String>> {
    let objects = &meaning.objects[side];
    let number = |name: &ObjectName| objects.get(name).map(|(number, _)| *number);
    let numbers = meaning.conflicts.iter().filter_map(|(name, _)| number(name)).collect();
    let blocks = block_lines(text, &numbers)?;
    let lines = |(name, key): &(ObjectName, String)| {
        let lines = number(name).and_then(|number| blocks.get(&(number, key.clone())));
        lines.copied().unwrap_or_default().to_owned()
    };
    Some(meaning.conflicts.iter().map(lines).collect())
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

fn ended(lines: &str, line_break: &str) -> String {
    if lines.is_empty() || lines.ends_with('\n') {
        lines.to_owned()
    } else {
        format!("{lines}{line_break}")
    }
}
