//! YAML to [`Node`]: events of the parser, aliases and merge keys expanded within bounds.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, Tag};
use zeroize::Zeroizing;

use super::{Entry, Node, Problem, ReadError, Value, escaped, resolve};

/// Nodes that one text may expand to: a hundred times the largest sealed file.
const MAX_NODES: usize = 1 << 20;
const MAX_DEPTH: usize = 64;

type Events<'a> = dyn Iterator<Item = Result<(Event<'a>, Span), ScanError>> + 'a;

pub(super) fn documents(text: &str) -> Result<Vec<Node>, ReadError> {
    let options = granit_parser::options! {
        emit_comments: false,
        disallow_directives: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let events = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader {
        events: Box::new(events),
        anchors: HashMap::new(),
        nodes: 0,
        text_len: text.len(),
    };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(documents),
            (Event::DocumentStart(..), _) => {
                reader.anchors.clear();
                let first = reader.next()?;
                if matches!(first.0, Event::DocumentEnd) {
                    continue;
                }
                documents.push(reader.node(first, 0)?);
            }
            _ => {}
        }
    }
}

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

struct Reader<'a> {
    events: Box<Events<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    text_len: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), ReadError> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, (event, span): (Event<'a>, Span), depth: usize) -> Result<Node, ReadError> {
        let line = span.start.line();
        self.count(1, line)?;
        if depth > MAX_DEPTH {
            return Err(ReadError { line, problem: Problem::TooLarge });
        }
        let start = span.byte_range().map_or(0, |range| range.start);
        let (anchor, value, end) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref(), line)?;
                (anchor, value, span.byte_range().map_or(start, |range| range.end))
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.no_tag(tag.as_deref(), line)?;
                let (items, end) = self.sequence(depth)?;
                (anchor, Value::Sequence(items), end)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.no_tag(tag.as_deref(), line)?;
                let (entries, end) = self.mapping(depth)?;
                (anchor, Value::Mapping(entries), end)
            }
            Event::Alias(id) => {
                let unknown = ReadError { line, problem: Problem::Syntax("an unknown alias") };
                let mut node = self.anchors.get(&id).cloned().ok_or(unknown)?;
                self.count(size(&node), line)?;
                node.line = line;
                return Ok(node);
            }
            _ => return Err(ReadError { line, problem: Problem::Syntax("it is cut short") }),
        };
        let node = Node { value, line, span: start..end.min(self.text_len) };
        if anchor > 0 {
            // Kept as a copy, and an outer anchor copies its inner ones again.
            self.count(size(&node), line)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
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
        let mut seen = std::collections::HashSet::new();
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
                merge(&value, &mut merged)?;
                continue;
            }
            let line = key.line;
            let name = key_text(&key)?;
            if !seen.insert(name.clone()) {
                let problem = Problem::KeyTwice(escaped(&name));
                return Err(ReadError { line, problem });
            }
            entries.push(Entry { key: name, line, span: key.span, value });
        };
        // What the map says itself wins over what it merges in; the first merged map wins over later ones.
        for entry in merged {
            if seen.insert(entry.key.clone()) {
                entries.push(entry);
            }
        }
        Ok((entries, end))
    }

    fn count(&mut self, nodes: usize, line: usize) -> Result<(), ReadError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(ReadError { line, problem: Problem::TooLarge });
        }
        Ok(())
    }

    fn no_tag(&self, tag: Option<&Tag>, line: usize) -> Result<(), ReadError> {
        match tag.map(Tag::core_suffix) {
            None | Some(Some("map" | "seq")) => Ok(()),
            Some(_) => Err(ReadError { line, problem: Problem::Tag }),
        }
    }
}

fn end_of(span: &Span) -> usize {
    span.byte_range().map_or(0, |range| range.end)
}

fn size(node: &Node) -> usize {
    let inner: usize = match &node.value {
        Value::Sequence(items) => items.iter().map(size).sum(),
        Value::Mapping(entries) => entries.iter().map(|entry| 1 + size(&entry.value)).sum(),
        _ => 0,
    };
    1 + inner
}

/// `<<: *map` or `<<: [*map, *map]`.
fn merge(value: &Node, merged: &mut Vec<Entry>) -> Result<(), ReadError> {
    let maps = match &value.value {
        Value::Sequence(items) => items.as_slice(),
        _ => std::slice::from_ref(value),
    };
    for map in maps {
        let Value::Mapping(entries) = &map.value else {
            let problem = Problem::Syntax("`<<` merges something that is no map");
            return Err(ReadError { line: map.line, problem });
        };
        merged.extend(entries.iter().cloned());
    }
    Ok(())
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    line: usize,
) -> Result<Value, ReadError> {
    let error = |problem| ReadError { line, problem };
    let string = |text: &str| Value::String(Zeroizing::new(text.to_owned()));
    let Some(tag) = tag else {
        let plain = style == ScalarStyle::Plain;
        return Ok(if plain { resolve::plain(text) } else { string(text) });
    };
    match tag.core_suffix() {
        Some("str") => Ok(string(text)),
        Some("binary") => {
            let stripped: Zeroizing<String> =
                Zeroizing::new(text.chars().filter(|c| !c.is_ascii_whitespace()).collect());
            let bytes = STANDARD.decode(stripped.as_bytes());
            let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
            text.map(|text| Value::String(Zeroizing::new(text))).ok_or(error(Problem::Tag))
        }
        _ if tag.handle().is_empty() && tag.suffix() == "!" => Ok(string(text)),
        _ => Err(error(Problem::Tag)),
    }
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
            Problem::Syntax("an alias has no anchor; a text that begins with * must be quoted")
        }
        E::UndeclaredTagHandle => Problem::Tag,
        E::UnexpectedCharacter { .. } => {
            Problem::Syntax("a text that begins with a character such as @, % or ` must be quoted")
        }
        E::RecursionLimitExceeded => Problem::TooLarge,
        _ => Problem::Syntax("no `key: value`, list item or end stands where one must"),
    };
    ReadError { line: error.marker().line(), problem }
}
