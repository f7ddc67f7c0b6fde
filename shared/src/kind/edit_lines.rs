//! The lines that an edit of a sealed file takes away and puts in their place.
//!
//! Knows the layout and nothing of what is meant: [`super::edit`] compares what comes out. `None` everywhere means a
//! layout whose lines do not stand for themselves.

use std::ops::Range;

use crate::kind::blocks::{
    end_of_block, field_lines, write_block, write_ended_block, write_shared_header,
};
use crate::kind::sealed::{Block, SealedSecret};
use crate::yaml::lines::{self, Edit, line_end, line_start};
use crate::yaml::{Entry, Node};

use super::edit::{Change, SharedHeader};
use super::resealed;

/// One sealed file's text, and the edits that are collected for it.
pub(super) struct Editor<'a> {
    text: &'a str,
    spec: &'a Node,
    line_break: &'static str,
    pub(super) edits: Vec<Edit>,
}

impl<'a> Editor<'a> {
    /// For the object whose `spec` this is.
    pub(super) fn new(text: &'a str, line_break: &'static str, spec: &'a Node) -> Option<Self> {
        lines::of_entry(text, spec.entries().first()?)?;
        Some(Self { text, spec, line_break, edits: Vec::new() })
    }

    /// Puts a shared header where one stands, else before the values, else behind everything else.
    pub(super) fn put_shared_header(&mut self, shared: &SharedHeader) -> Option<()> {
        let first = ["sealedTo", "header", "values"].iter().find_map(|name| self.spec.entry(name));
        let at = match first {
            Some(first) => lines::of_entry(self.text, first)?.start,
            None => lines::of_entry(self.text, self.spec.entries().last()?)?.end,
        };
        let marks = resealed::comment(&shared.resealed);
        let new = marks + &write_shared_header(&shared.sealed_to, &shared.header);
        self.insert(at, &self.indented(&new, self.indent_of(&self.spec.entries()[0])));
        let above = line_start(self.text, at.saturating_sub(1));
        if self.text[above..at].trim().starts_with(resealed::COMMENT) {
            self.edits.push((above..at, String::new()));
        }
        for entry in ["sealedTo", "header"].into_iter().filter_map(|name| self.spec.entry(name)) {
            self.edits.push((lines::of_entry(self.text, entry)?, String::new()));
        }
        Some(())
    }

    /// Takes blocks out, changes those that are there and adds the others.
    pub(super) fn change_blocks(&mut self, before: &SealedSecret, change: &Change) -> Option<()> {
        let Some(values) = self.spec.entry("values") else { return self.add_values(change) };
        let entries = values.value.entries();
        if entries.is_empty() {
            return self.fill_values(values, change);
        }
        if self.is_flow(&values.value) {
            return None;
        }
        for entry in entries {
            match (change.remove.contains(&entry.key), change.put.get(&entry.key)) {
                (true, None) => self.remove_block(entry)?,
                (true, Some(block)) => self.replace_block(entry, block)?,
                (false, Some(block)) => {
                    self.change_block(entry, before.spec.values.get(&entry.key)?, block)?;
                }
                (false, None) => {}
            }
        }
        self.add_blocks(values, before, change)?;
        let left = before.spec.values.keys().any(|key| !change.remove.contains(key));
        if !left && change.put.is_empty() {
            self.edits.push((self.colon_of(values)?..self.colon_of(values)?, " {}".to_owned()));
        }
        Some(())
    }

    /// A file without `values`: they go behind everything else of its spec.
    fn add_values(&mut self, change: &Change) -> Option<()> {
        if change.put.is_empty() {
            return Some(());
        }
        let last = self.spec.entries().last()?;
        let indent = self.indent_of(last);
        let at = lines::of_entry(self.text, last)?.end;
        let values =
            format!("{indent}values:{}{}", self.line_break, self.all_blocks(indent, change));
        self.insert(at, &values);
        Some(())
    }

    /// `values: {}`, or `values:` with nothing behind it.
    fn fill_values(&mut self, values: &Entry, change: &Change) -> Option<()> {
        if change.put.is_empty() {
            return Some(());
        }
        let colon = self.colon_of(values)?;
        if self.is_flow(&values.value) {
            self.edits.push((colon..values.value.span.end, String::new()));
        }
        let blocks = self.all_blocks(self.indent_of(values), change);
        self.insert(line_end(self.text, colon), &blocks);
        Some(())
    }

    /// All new blocks, one level deeper than `indent`.
    fn all_blocks(&self, indent: &str, change: &Change) -> String {
        let deeper = format!("{indent}  ");
        let blocks = change.put.iter();
        blocks.map(|(key, block)| self.indented(&write_ended_block(key, block), &deeper)).collect()
    }

    /// The lines of a block, to the comment that ends it where there is one.
    pub(super) fn lines_of_block(&self, entry: &Entry) -> Option<Range<usize>> {
        let lines = lines::of_entry(self.text, entry)?;
        Some(lines.start..self.end_of_block(entry, lines.end))
    }

    /// The same with the comment above it.
    pub(super) fn lines_of_block_and_above(&self, entry: &Entry) -> Option<Range<usize>> {
        let lines = self.lines_of_block(entry)?;
        Some(self.comment_above(lines.start)..lines.end)
    }

    fn end_of_block(&self, entry: &Entry, end_of_lines: usize) -> usize {
        let comment = end_of_block(&entry.key);
        let mut at = end_of_lines;
        while at < self.text.len() {
            let end = line_end(self.text, at);
            match self.text[at..end].trim() {
                line if line == comment => return end,
                line if line.is_empty() || line.starts_with('#') => at = end,
                _ => break,
            }
        }
        end_of_lines
    }

    /// Puts the comment behind each block that has none.
    pub(super) fn end_blocks(&mut self) -> Option<()> {
        for entry in self.spec.entry("values").iter().flat_map(|values| values.value.entries()) {
            let end = lines::of_entry(self.text, entry)?.end;
            if self.end_of_block(entry, end) == end {
                let comment = self.indented(&end_of_block(&entry.key), self.indent_of(entry));
                self.insert(end, &comment);
            }
        }
        Some(())
    }

    fn remove_block(&mut self, entry: &Entry) -> Option<()> {
        let mut range = self.lines_of_block_and_above(entry)?;
        if self.is_blank(range.end) {
            range.end = line_end(self.text, range.end);
        } else if range.end == self.text.len() && self.is_blank_before(range.start) {
            range.start = line_start(self.text, range.start - 1);
        }
        self.edits.push((range, String::new()));
        Some(())
    }

    /// All lines of a block anew, to the comment that ends it; what stands above stays.
    fn replace_block(&mut self, entry: &Entry, block: &Block) -> Option<()> {
        let written = write_ended_block(&entry.key, block);
        let lines = self.indented(&written, self.indent_of(entry));
        self.edits.push((self.lines_of_block(entry)?, lines));
        Some(())
    }

    /// Where the comment begins that stands directly above a line and so is about it; another block's end is not.
    fn comment_above(&self, start: usize) -> usize {
        let mut at = start;
        while at > 0 {
            let above = line_start(self.text, at - 1);
            let line = self.text[above..at].trim();
            if !line.starts_with('#') || line.starts_with("# end of ") {
                break;
            }
            at = above;
        }
        at
    }

    /// Adds each new block after the last one whose key is less; where blocks have an empty line behind them, with one.
    fn add_blocks(&mut self, values: &Entry, before: &SealedSecret, change: &Change) -> Option<()> {
        let entries = values.value.entries();
        let indent = self.indent_of(entries.first()?);
        let spaced = entries.iter().any(|entry| {
            let end = lines::end_of_entry(self.text, entry);
            self.is_blank(self.end_of_block(entry, end))
        });
        let empty_line = if spaced { self.line_break } else { "" };
        let is_new = |(key, _): &(&String, &Block)| !before.spec.values.contains_key(*key);
        let mut less = 0; // as the keys come sorted, those before it are so for the next key as well
        for (key, block) in change.put.iter().filter(is_new) {
            let block = self.indented(&write_ended_block(key, block), indent);
            less += entries[less..].iter().take_while(|entry| entry.key < *key).count();
            let Some(after) = less.checked_sub(1).and_then(|last| entries.get(last)) else {
                let at = line_end(self.text, self.colon_of(values)?);
                self.insert(at, &format!("{block}{empty_line}"));
                continue;
            };
            let end = self.lines_of_block(after)?.end;
            if self.is_blank(end) {
                self.insert(line_end(self.text, end), &format!("{block}{empty_line}"));
            } else {
                self.insert(end, &format!("{empty_line}{block}"));
            }
        }
        Some(())
    }

    /// Changes a block field by field where each has its own lines, so that comments in it stay; else as a whole.
    fn change_block(&mut self, entry: &Entry, old: &Block, new: &Block) -> Option<()> {
        let own_lines = |field: &Entry| lines::of_entry(self.text, field).is_some();
        let payload = entry.value.entry("payload")?;
        if !entry.value.entries().iter().all(own_lines) {
            let lines = lines::of_entry(self.text, entry)?;
            let written = write_block(&entry.key, new);
            self.edits.push((lines, self.indented(&written, self.indent_of(entry))));
            return Some(());
        }
        let written = write_block(&entry.key, new);
        if old.sealed_to != new.sealed_to {
            self.change_field(&entry.value, "sealedTo", payload, &written)?;
        }
        if old.header != new.header {
            self.change_field(&entry.value, "header", payload, &written)?;
        }
        self.change_field(&entry.value, "payload", payload, &written)
    }

    /// Puts the lines that `written` has for a field where the field stands, else before the payload.
    fn change_field(
        &mut self,
        block: &Node,
        name: &str,
        payload: &Entry,
        written: &str,
    ) -> Option<()> {
        let new = field_lines(written, name);
        let old = block.entry(name);
        let value = old.map(|entry| &entry.value.span).filter(|span| {
            // A value on the line of its name leaves a comment behind it where it is.
            name == "payload"
                && line_start(self.text, span.start) == line_start(self.text, span.end)
        });
        if let Some(value) = value {
            let new = new.trim_end().strip_prefix("payload: ")?;
            self.edits.push((value.clone(), new.to_owned()));
            return Some(());
        }
        let indent = self.indent_of(payload);
        let at = lines::of_entry(self.text, old.unwrap_or(payload))?;
        self.insert(at.start, &self.indented(&new, indent));
        if old.is_some() {
            self.edits.push((at, String::new()));
        }
        Some(())
    }

    /// Inserts whole lines at the beginning of a line, or behind a last line that does not end.
    fn insert(&mut self, at: usize, new: &str) {
        let is_ended = at == 0 || self.text[..at].ends_with('\n');
        let unended = || format!("{}{}", self.line_break, new.trim_end_matches(['\r', '\n']));
        let new = if is_ended { new.to_owned() } else { unended() };
        self.edits.push((at..at, new));
    }

    fn indented(&self, written: &str, indent: &str) -> String {
        written.lines().map(|line| format!("{indent}{line}{}", self.line_break)).collect()
    }

    /// What stands before an entry's key on its line.
    fn indent_of(&self, entry: &Entry) -> &'a str {
        &self.text[line_start(self.text, entry.span.start)..entry.span.start]
    }

    /// Where the colon behind an entry's key ends.
    fn colon_of(&self, entry: &Entry) -> Option<usize> {
        let behind = &self.text[entry.span.end..line_end(self.text, entry.span.end)];
        Some(entry.span.end + behind.find(':')? + 1)
    }

    fn is_flow(&self, node: &Node) -> bool {
        self.text[node.span.clone()].starts_with('{')
    }

    /// Whether the line that begins at `at` is there and empty.
    fn is_blank(&self, at: usize) -> bool {
        at < self.text.len() && self.text[at..line_end(self.text, at)].trim().is_empty()
    }

    fn is_blank_before(&self, at: usize) -> bool {
        at > 0 && self.is_blank(line_start(self.text, at - 1))
    }
}
