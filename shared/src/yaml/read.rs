//! YAML to [`Node`]: events of the parser, aliases and merge keys expanded within a [`Budget`].

use std::collections::{HashMap, HashSet};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use super::budget::{Budget, Copies};
use super::scalar::{folds, is_collection_tag, scalar};
use super::{Entry, Node, Problem, ReadError, Value, escaped};

const MAX_DEPTH: usize = 64;

type Events<'a> = dyn Iterator<Item = Result<(Event<'a>, Span), ScanError>> + 'a;

pub(super) fn comments(text: &str) -> Vec<Vec<String>> {
    let options = granit_parser::options! { emit_comments: true };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = vec![Vec::new()];
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((Event::DocumentEnd, _)) => documents.push(Vec::new()),
            Ok((Event::Comment(comment, _), _)) => {
                if let Some(last) = documents.last_mut() {
                    last.push(comment.into_owned());
                }
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    // Behind the last document stands what ends the text.
    if let Some(rest) = documents.pop()
        && let Some(last) = documents.last_mut()
    {
        last.extend(rest);
    }
    documents
}

/// Reads one document after another.
pub(super) struct Reader<'a> {
    events: Box<Events<'a>>,
    anchors: HashMap<usize, Node>,
    budget: Budget<'a>,
    text: &'a str,
    /// How many brackets and braces are open.
    in_flow: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, copies: &'a mut Copies) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            disallow_directives: false,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        let events = Box::new(Parser::new_from_str_with_options(text, options));
        let budget = Budget::of(text, copies);
        Self { events, anchors: HashMap::new(), budget, text, in_flow: 0 }
    }

    /// The next document; none at the end of the text.
    pub(super) fn document(&mut self) -> Option<Result<Node, ReadError>> {
        loop {
            match self.next() {
                Err(error) => return Some(Err(error)),
                Ok((Event::StreamEnd, _)) => return None,
                Ok((Event::DocumentStart(..), _)) => {}
                // The end of the one before, or of one without a node.
                Ok((Event::DocumentEnd | Event::StreamStart, _)) => continue,
                Ok(first) => {
                    self.anchors.clear();
                    self.budget.next_document();
                    return Some(self.node(first, 0));
                }
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), ReadError> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, (event, span): (Event<'a>, Span), depth: usize) -> Result<Node, ReadError> {
        let line = span.start.line();
        let refused = |problem| ReadError { line, problem };
        if depth > MAX_DEPTH {
            return Err(refused(Problem::TooLarge));
        }
        let start = start_of(&span);
        let (anchor, value, end) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.budget.node(text.len(), line)?;
                let end = end_of(&span);
                if self.in_flow > 0 && folds(self.source(start, end), style) {
                    return Err(refused(Problem::Folded));
                }
                (anchor, scalar(&text, style, tag.as_deref()).map_err(refused)?, end)
            }
            Event::SequenceStart(_, _, Some(tag)) | Event::MappingStart(_, _, Some(tag))
                if !is_collection_tag(&tag) =>
            {
                return Err(refused(Problem::Tag));
            }
            Event::SequenceStart(style, anchor, _) => {
                self.budget.node(0, line)?;
                let (items, end) = self.within(style, |reader| reader.sequence(depth))?;
                (anchor, Value::Sequence(items), end)
            }
            Event::MappingStart(style, anchor, _) => {
                self.budget.node(0, line)?;
                let (entries, end) = self.within(style, |reader| reader.mapping(depth))?;
                (anchor, Value::Mapping(entries), end)
            }
            Event::Alias(id) => return self.alias(id, line),
            _ => return Err(refused(Problem::Syntax("it is cut short"))),
        };
        let node = Node { value, line, span: start..end.min(self.text.len()) };
        self.anchor(anchor, &node)?;
        Ok(node)
    }

    fn source(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Kept as a copy, and an outer anchor copies its inner ones again.
    fn anchor(&mut self, id: usize, node: &Node) -> Result<(), ReadError> {
        if id > 0 {
            self.budget.copy(node, node.line)?;
            self.anchors.insert(id, node.clone());
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, line: usize) -> Result<Node, ReadError> {
        let unknown = ReadError { line, problem: Problem::Syntax("an unknown alias") };
        let anchored = self.anchors.get(&id).ok_or(unknown)?;
        self.budget.copy(anchored, line)?;
        Ok(Node { line, ..anchored.clone() })
    }

    fn within<T>(
        &mut self,
        style: StructureStyle,
        read: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let in_flow = self.in_flow;
        self.in_flow += usize::from(style == StructureStyle::Flow);
        let result = read(self);
        self.in_flow = in_flow;
        result
    }

    fn sequence(&mut self, depth: usize) -> Result<(Vec<Node>, usize), ReadError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, span) => return Ok((items, end_of(&span))),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<(Vec<Entry>, usize), ReadError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut seen = HashSet::new();
        let end = loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break end_of(&span);
            }
            let is_merge =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node((event, span), depth + 1)?;
            let value_event = self.next()?;
            let value = self.node(value_event, depth + 1)?;
            if is_merge {
                self.merge(&value, &mut merged)?;
                continue;
            }
            let line = key.line;
            let name = key_text(&key)?;
            self.budget.key(&name, line)?;
            if !seen.insert(name.clone()) {
                let problem = Problem::KeyTwice(escaped(&name));
                return Err(ReadError { line, problem });
            }
            let is_text = matches!(key.value, Value::String(_));
            let is_respelled = !is_text && self.source(key.span.start, key.span.end) != name;
            entries.push(Entry { key: name, line, span: key.span, value, is_respelled });
        };
        // What the map says itself wins over what it merges in; the first merged map wins over later ones.
        for entry in merged {
            if seen.insert(entry.key.clone()) {
                entries.push(entry);
            }
        }
        Ok((entries, end))
    }

    /// `<<: *map` or `<<: [*map, *map]`.
    fn merge(&mut self, value: &Node, merged: &mut Vec<Entry>) -> Result<(), ReadError> {
        let maps = match &value.value {
            Value::Sequence(items) => items.as_slice(),
            _ => std::slice::from_ref(value),
        };
        for map in maps {
            let Value::Mapping(entries) = &map.value else {
                let problem = Problem::Syntax("`<<` merges something that is no map");
                return Err(ReadError { line: map.line, problem });
            };
            for entry in entries {
                self.budget.copy_entry(entry, map.line)?;
                merged.push(entry.clone());
            }
        }
        Ok(())
    }
}

fn start_of(span: &Span) -> usize {
    span.byte_range().map_or(0, |range| range.start)
}

fn end_of(span: &Span) -> usize {
    span.byte_range().map_or(0, |range| range.end)
}

/// A key as kubectl spells it in JSON: booleans and integers become their text.
fn key_text(key: &Node) -> Result<String, ReadError> {
    match &key.value {
        Value::String(text) => Ok(text.as_str().to_owned()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(text) if text.parse::<i64>().is_ok() => Ok(text.clone()),
        _ => Err(ReadError { line: key.line, problem: Problem::Key }),
    }
}

/// The parser's error in our words: its own may quote the text.
fn syntax(error: &ScanError) -> ReadError {
    use ErrorKind as E;
    let problem = match error.kind() {
        E::UnexpectedEof
        | E::UnexpectedEofFlowMapping
        | E::UnexpectedEofFlowSequence
        | E::UnexpectedEofBlockMapping
        | E::UnexpectedEofBlockSequence
        | E::UnexpectedEofImplicitFlowMapping
        | E::UnclosedFlowCollection { .. }
        | E::UnclosedQuotedScalar => {
            Problem::Syntax("it is cut short, or a quote or bracket is open")
        }
        E::TabNotAllowed | E::TabInBlockIndentation | E::TabInIndentation => {
            Problem::Syntax("a tab is used for indentation")
        }
        E::InvalidIndentation | E::InvalidBlockScalarIndent => {
            Problem::Syntax("the indentation does not fit")
        }
        E::UnknownAnchor => {
            Problem::Syntax("an alias has no anchor: quote a value that begins with *")
        }
        E::UnexpectedCharacter { character: '@' | '`' | '%' | '|' | '>' } => {
            Problem::Syntax("a value begins with a sign that YAML keeps for itself: quote it")
        }
        E::UnexpectedCharacter { .. } => Problem::Syntax("a control character stands in it"),
        E::InvalidTagTerminator
        | E::UndeclaredTagHandle
        | E::InvalidTagEscape
        | E::ExpectedTagBang => Problem::Tag,
        E::RecursionLimitExceeded => Problem::TooLarge,
        _ => Problem::Syntax("no `key: value`, list item or end stands where one must"),
    };
    ReadError { line: error.marker().line(), problem }
}
