//! From YAML text to nodes with places, within limits.
//!
//! Read as LinuxKit's own YAML library reads it: merge keys (`<<`) and aliases hold, only the first document counts, and between
//! brackets indentation means nothing. What that library takes and still nobody means (a key twice, a node that holds itself) is a
//! fault.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};

use super::fault::{Fault, Found};
use super::syntax::Stop;

/// The most that a file may have, in bytes.
const LARGEST: usize = 4 << 20;
/// How deep lists and mappings may be nested.
const DEEPEST: usize = 64;
/// How many nodes there may be, aliases replaced by what they stand for.
const MOST: usize = 200_000;

/// A value, with its place in the text of all files.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Whether it is a string whatever is in it: quoted, a block, or tagged.
    pub(super) quoted: bool,
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

/// A file as read.
#[derive(Debug)]
pub(super) struct Document {
    /// None where the file has nothing but comments.
    pub(super) root: Option<Node>,
    /// The places of all scalars, in order.
    pub(super) scalars: Vec<Range<usize>>,
    /// Where a second document begins, which LinuxKit doesn't read.
    pub(super) more: Option<usize>,
}

/// Reads a text whose first byte is at `base`.
pub(super) fn parse(text: &str, base: usize) -> Result<Document, Vec<(Range<usize>, Fault)>> {
    if text.len() > LARGEST {
        return Err(vec![(base..base, Fault::TooLarge { limit: LARGEST })]);
    }
    if let Some(at) = text.find('\0') {
        return Err(vec![(base + at..base + at + 1, Fault::ControlCharacter)]);
    }
    let mut builder = Builder::new(text, base);
    let mut options = Options::default();
    options.block_scalar_eof_without_line_feed = true;
    let mut parser = Parser::new_from_str_with_options(text, options);
    while let Some(next) = parser.next_event() {
        let step = match next {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => Err(builder.syntax(&error)),
        };
        match step {
            Ok(true) => {}
            Ok(false) => break,
            Err(fault) => {
                builder.faults.push(fault);
                break;
            }
        }
    }
    if !builder.faults.is_empty() {
        return Err(builder.faults);
    }
    Ok(Document { root: builder.root, scalars: builder.scalars, more: builder.more })
}

/// A list or mapping that isn't closed yet.
struct Open {
    anchor: usize,
    start: usize,
    style: StructureStyle,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Mapping { entries: Vec<(Key, Node)>, merged: Vec<(Key, Node)>, key: Option<Key> },
}

struct Builder<'t> {
    text: &'t str,
    base: usize,
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, usize)>,
    count: usize,
    root: Option<Node>,
    done: bool,
    more: Option<usize>,
    scalars: Vec<Range<usize>>,
    faults: Vec<(Range<usize>, Fault)>,
}

type Step = Result<bool, (Range<usize>, Fault)>;

impl<'t> Builder<'t> {
    fn new(text: &'t str, base: usize) -> Self {
        Self {
            text,
            base,
            open: Vec::new(),
            anchors: BTreeMap::new(),
            count: 0,
            root: None,
            done: false,
            more: None,
            scalars: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Returns the byte of a place, counted in all files.
    fn byte(&self, place: &Marker) -> usize {
        self.base + place.byte_offset().map_or(self.text.len(), |at| at.min(self.text.len()))
    }

    fn range(&self, span: Span) -> Range<usize> {
        let (start, end) = (self.byte(&span.start), self.byte(&span.end));
        start..end.max(start)
    }

    fn syntax(&self, error: &ScanError) -> (Range<usize>, Fault) {
        let at = self.byte(error.marker()) - self.base;
        let flows = self.open.iter().rev().filter(|open| open.style == StructureStyle::Flow);
        // A pair between brackets is a mapping without any of its own.
        let mut brackets = flows.map(|open| open.start - self.base);
        let bracket = brackets.find(|start| self.text[*start..].starts_with(['[', '{']));
        let (at, fault) = Stop { text: self.text, at, words: &error.info(), bracket }.tell();
        (self.base + at.start..self.base + at.end, fault)
    }

    /// Takes an event; false ends the reading.
    fn take(&mut self, event: Event<'_>, span: Span) -> Step {
        let range = self.range(span);
        match event {
            Event::DocumentStart(..) if self.done => {
                self.more = Some(range.start);
                return Ok(false);
            }
            Event::DocumentEnd => self.done = true,
            Event::Scalar(text, style, anchor, tag) => {
                return self.scalar(&text, style, anchor, tag.as_deref(), range);
            }
            Event::SequenceStart(style, anchor, _) => {
                return self.begin(anchor, style, range, OpenKind::List(Vec::new()));
            }
            Event::MappingStart(style, anchor, _) => {
                let kind = OpenKind::Mapping { entries: Vec::new(), merged: Vec::new(), key: None };
                return self.begin(anchor, style, range, kind);
            }
            Event::SequenceEnd | Event::MappingEnd => return self.end(range),
            Event::Alias(anchor) => return self.alias(anchor, range),
            // Beginnings and ends, and what isn't asked for.
            _ => {}
        }
        Ok(true)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        raw: Range<usize>,
    ) -> Step {
        if raw.start < raw.end {
            self.scalars.push(raw.clone());
        }
        let string = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix() == "str");
        let quoted = style != ScalarStyle::Plain || string;
        let written = &self.text[raw.start - self.base..raw.end - self.base];
        let mut span = raw.start..raw.start + written.trim_end().len();
        if span.is_empty() {
            span = self.dash_before(span);
        }
        let node = Node { span, kind: Kind::Scalar(Scalar { text: text.to_owned(), quoted }) };
        self.count(1, &node.span)?;
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), 1));
        }
        self.put(node)
    }

    /// Nothing at all behind the `-` of a list stands where that is.
    fn dash_before(&self, span: Range<usize>) -> Range<usize> {
        let in_list = matches!(self.open.last(), Some(Open { kind: OpenKind::List(_), .. }));
        let before = self.text[..span.start - self.base].trim_end();
        if in_list && before.ends_with('-') {
            let end = self.base + before.len();
            return end - 1..end;
        }
        span
    }

    fn begin(&mut self, anchor: usize, style: StructureStyle, range: Range<usize>, kind: OpenKind) -> Step {
        self.count(1, &range)?;
        if self.open.len() >= DEEPEST {
            return Err((range, Fault::TooDeep { limit: DEEPEST }));
        }
        if let Some(Open { kind: OpenKind::Mapping { key: None, .. }, .. }) = self.open.last() {
            return Err((range, Fault::KeyIsNoText));
        }
        self.open.push(Open { anchor, start: range.start, style, kind });
        Ok(true)
    }

    fn end(&mut self, range: Range<usize>) -> Step {
        let Some(open) = self.open.pop() else { return Ok(true) };
        let (kind, last) = match open.kind {
            OpenKind::List(items) => {
                let last = items.last().map(|item| item.span.end);
                (Kind::List(items), last)
            }
            OpenKind::Mapping { mut entries, merged, key: _ } => {
                let last = entries.last().map(|(key, node)| node.span.end.max(key.span.end));
                // What is written has precedence over what is merged, and what is merged first over what comes later.
                for (key, node) in merged {
                    if entries.iter().all(|(known, _)| known.text != key.text) {
                        entries.push((key, node));
                    }
                }
                (Kind::Mapping(entries), last)
            }
        };
        let bracket = if range.start < range.end { range.end } else { open.start };
        // An alias ends before what it stands for, or after it.
        let end = last.unwrap_or(open.start).max(bracket);
        let node = Node { span: open.start..end, kind };
        if open.anchor > 0 {
            let count = nodes(&node);
            self.anchors.insert(open.anchor, (node.clone(), count));
        }
        self.put(node)
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Step {
        let Some((node, count)) = self.anchors.get(&anchor).cloned() else {
            return Err((range, Fault::HoldsItself));
        };
        self.count(count, &range)?;
        let deepest = self.open.len() + depth(&node);
        if deepest > DEEPEST {
            return Err((range, Fault::TooDeep { limit: DEEPEST }));
        }
        if let Some(Open { kind: OpenKind::Mapping { key: None, .. }, .. }) = self.open.last()
            && !matches!(node.kind, Kind::Scalar(_))
        {
            return Err((range, Fault::KeyIsNoText));
        }
        // Faults of what it stands for are told where it is written; its place here is that of the alias.
        self.put(Node { span: range, kind: node.kind })
    }

    fn count(&mut self, more: usize, at: &Range<usize>) -> Result<(), (Range<usize>, Fault)> {
        self.count = self.count.saturating_add(more);
        if self.count > MOST { Err((at.clone(), Fault::TooMany { limit: MOST })) } else { Ok(()) }
    }

    /// Puts a node where it belongs: into the list or mapping that is open, or on top.
    fn put(&mut self, node: Node) -> Step {
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => {
                if !self.done {
                    self.root = Some(node);
                }
            }
            Some(OpenKind::List(items)) => items.push(node),
            Some(OpenKind::Mapping { entries, merged, key }) => match key.take() {
                None => {
                    let Kind::Scalar(scalar) = node.kind else { return Err((node.span, Fault::KeyIsNoText)) };
                    *key = Some(Key { text: scalar.text, span: node.span });
                }
                Some(key) if key.text == "<<" => match node.kind {
                    Kind::Mapping(more) => merged.extend(more),
                    Kind::List(maps) if maps.iter().all(|map| matches!(map.kind, Kind::Mapping(_))) => {
                        for map in maps {
                            if let Kind::Mapping(more) = map.kind {
                                merged.extend(more);
                            }
                        }
                    }
                    _ => return Err((node.span, Fault::MergesNoMapping)),
                },
                Some(key) => {
                    if let Some((first, _)) = entries.iter().find(|(known, _)| known.text == key.text) {
                        let first = first.span.clone();
                        self.faults.push((key.span.clone(), Fault::DuplicateKey { key: key.text, first }));
                    } else {
                        entries.push((key, node));
                    }
                }
            },
        }
        Ok(true)
    }
}

fn nodes(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::List(items) => items.iter().map(nodes).sum(),
        Kind::Mapping(entries) => entries.iter().map(|(_, node)| nodes(node)).sum(),
    }
}

fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Mapping(entries) => 1 + entries.iter().map(|(_, node)| depth(node)).max().unwrap_or(0),
    }
}

impl Scalar {
    /// Returns what it is: a plain one may be a number, a truth value or nothing, as in YAML 1.2 and, for octal numbers, 1.1.
    pub(super) fn found(&self) -> Found {
        match self.text.as_str() {
            _ if self.quoted => Found::Text,
            "" | "~" | "null" | "Null" | "NULL" => Found::Nothing,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Found::Boolean,
            _ if self.integer().is_some() => Found::Integer,
            text if is_float(text) => Found::Float,
            _ => Found::Text,
        }
    }

    /// Returns the number that it is.
    pub(super) fn integer(&self) -> Option<i128> {
        if self.quoted {
            return None;
        }
        let (negative, digits) = match self.text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, self.text.strip_prefix('+').unwrap_or(&self.text)),
        };
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let digits = digits.replace('_', "");
        let (radix, digits) = match digits.as_bytes() {
            [b'0', b'x', ..] => (16, &digits[2..]),
            [b'0', b'o', ..] => (8, &digits[2..]),
            [b'0', b'b', ..] => (2, &digits[2..]),
            [b'0', _, ..] => (8, &digits[1..]),
            _ => (10, &digits[..]),
        };
        let number = i128::from(u64::from_str_radix(digits, radix).ok()?);
        Some(if negative { -number } else { number })
    }
}

fn is_float(text: &str) -> bool {
    let body = text.trim_start_matches(['-', '+']);
    match body {
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" => true,
        _ => {
            body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && body.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
                && text.parse::<f64>().is_ok()
        }
    }
}
