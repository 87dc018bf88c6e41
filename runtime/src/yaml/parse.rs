//! From text to [`Node`]s: builds the tree out of the parser's events without
//! recursion, resolves anchors, aliases and merge keys, and keeps every limit.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::scalar::{Scalar, resolve, tagged};
use super::{Document, Member, Node, NodeMap, NodeValue, Pos, SyntaxError};

/// The longest text that is read.
pub const MAX_BYTES: usize = 100 << 20;
/// The deepest nesting of lists and maps, aliases expanded.
pub const MAX_DEPTH: usize = 128;
/// How many values aliases may add in total; 64 bytes of text count as one more.
/// Stops documents that grow exponentially ("billion laughs").
pub const MAX_EXPANSION: usize = 1_000_000;

/// Reads the first document of `text`. Duplicate keys, unknown anchors and
/// anything beyond the limits are errors.
pub fn parse(text: &str) -> Result<Document, SyntaxError> {
    if text.len() > MAX_BYTES {
        let message = format!("text of {} bytes is longer than the {} MiB that are read", text.len(), MAX_BYTES >> 20);
        return Err(SyntaxError { pos: Pos { line: 1, column: 1 }, message });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|e| explain(text, pos(e.marker()), e.info()))?;
        match event {
            Event::DocumentStart(_) if builder.done => {
                return Ok(Document { root: builder.root, second: Some(pos(&span.start)) });
            }
            Event::DocumentEnd => builder.done = true,
            Event::StreamEnd => break,
            event => builder.event(event, pos(&span.start))?,
        }
    }
    Ok(Document { root: builder.root.filter(|r| !(r.is_null() && builder.empty)), second: None })
}

fn pos(mark: &Marker) -> Pos {
    let n = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Pos { line: n(mark.line()).max(1), column: n(mark.col()).saturating_add(1) }
}

/// The parser's messages for the commonest slips, in words a YAML user knows and
/// at the line that is wrong.
fn explain(text: &str, pos: Pos, info: &str) -> SyntaxError {
    let lines: Vec<&str> = text.lines().collect();
    let at = (pos.line as usize - 1).min(lines.len());
    let blank = |line: &str| matches!(line.trim_start().as_bytes(), [] | [b'#', ..]);
    let last_before = || lines[..at].iter().rposition(|l| !blank(l));
    let error = |pos: Pos, message: &str| SyntaxError { pos, message: message.to_owned() };
    let one_based = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
    if info.contains("tab") {
        let mut rest = lines.iter().enumerate().skip(at);
        if let Some((n, line)) = rest.find(|(_, l)| l.trim_start_matches(' ').starts_with('\t')) {
            let spaces = line.bytes().take_while(|b| *b == b' ').count();
            return error(Pos { line: one_based(n), column: one_based(spaces) }, "a tab cannot indent; use spaces");
        }
    }
    if info.starts_with("simple key expect") {
        // It is noticed only on the next line.
        let here = lines.get(at).copied().unwrap_or_default();
        let indented = here.chars().take(pos.column as usize - 1).all(|c| c == ' ');
        let pos = last_before().filter(|_| indented).map_or(pos, |n| {
            let indent = lines[n].chars().take_while(|c| c.is_whitespace()).count();
            Pos { line: one_based(n), column: one_based(indent) }
        });
        return error(pos, "expected `key: value`, found text without `:`");
    }
    // At the end of the text: show the end of the last line that says something.
    let pos = match last_before() {
        Some(n) if lines[at..].iter().all(|l| blank(l)) => {
            Pos { line: one_based(n), column: one_based(lines[n].chars().count()) }
        }
        _ => pos,
    };
    match info {
        "while parsing node, found unknown anchor" => error(pos, "unknown anchor: no `&name` comes before this alias"),
        "mapping values are not allowed in this context" => {
            error(pos, "mapping values are not allowed in this context; put text with `: ` in quotes")
        }
        info => error(pos, info),
    }
}

/// A list or map whose end has not come yet.
struct Open {
    pos: Pos,
    anchor: usize,
    body: Body,
}

enum Body {
    List(Vec<Node>),
    Map { members: NodeMap, key: Option<Key>, merges: Vec<Node> },
}

struct Key {
    pos: Pos,
    text: String,
    is_text: bool,
    is_merge: bool,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    /// The root is a scalar without any text.
    empty: bool,
    /// The end of the first document has come.
    done: bool,
    /// By the parser's anchor number; `None` while the anchored value is open.
    anchors: Vec<Option<Anchored>>,
    expanded: usize,
}

struct Anchored {
    node: Node,
    cost: usize,
    depth: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, pos: Pos) -> Result<(), SyntaxError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                if self.expects_key() {
                    let is_merge = plain && tag.is_none() && text == "<<";
                    let scalar = scalar(text.clone(), plain, tag.as_deref(), pos)?;
                    let is_text = matches!(scalar, Scalar::Str(_));
                    self.keep_anchor(anchor, || Node { pos, value: NodeValue::Scalar(scalar) });
                    return self.key(Key { pos, text: text.into_owned(), is_text, is_merge });
                }
                self.empty = self.open.is_empty() && plain && text.is_empty();
                let node = Node { pos, value: NodeValue::Scalar(scalar(text, plain, tag.as_deref(), pos)?) };
                self.keep_anchor(anchor, || node.clone());
                self.value(node)
            }
            Event::SequenceStart(anchor, _) => self.push(pos, anchor, Body::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.push(pos, anchor, Body::Map { members: NodeMap::new(), key: None, merges: Vec::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(),
            Event::Alias(anchor) => self.alias(anchor, pos),
            _ => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { body: Body::Map { key: None, .. }, .. }))
    }

    fn push(&mut self, pos: Pos, anchor: usize, body: Body) -> Result<(), SyntaxError> {
        if self.expects_key() {
            return Err(SyntaxError { pos, message: "a list or map cannot be a key".into() });
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(pos));
        }
        if anchor > 0 {
            self.slot(anchor);
        }
        self.open.push(Open { pos, anchor, body });
        Ok(())
    }

    fn pop(&mut self) -> Result<(), SyntaxError> {
        let Some(Open { pos, anchor, body }) = self.open.pop() else { return Ok(()) };
        let value = match body {
            Body::List(items) => NodeValue::List(items),
            Body::Map { mut members, merges, .. } => {
                for merge in merges {
                    merge_into(&mut members, merge)?;
                }
                NodeValue::Map(members)
            }
        };
        let node = Node { pos, value };
        self.keep_anchor(anchor, || node.clone());
        self.value(node)
    }

    fn key(&mut self, new: Key) -> Result<(), SyntaxError> {
        let Some(Open { body: Body::Map { members, key, .. }, .. }) = self.open.last_mut() else { return Ok(()) };
        if let Some(first) = members.get(&new.text).filter(|_| !new.is_merge) {
            let message = format!("key `{}` was already given on line {}", new.text, first.key.line);
            return Err(SyntaxError { pos: new.pos, message });
        }
        *key = Some(new);
        Ok(())
    }

    fn value(&mut self, node: Node) -> Result<(), SyntaxError> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { body: Body::List(items), .. }) => items.push(node),
            Some(Open { body: Body::Map { members, key, merges }, .. }) => match key.take() {
                Some(k) if k.is_merge => merges.push(node),
                Some(k) => {
                    members.insert(k.text, Member { key: k.pos, text_key: k.is_text, node });
                }
                None => return Err(SyntaxError { pos: node.pos, message: "a list or map cannot be a key".into() }),
            },
        }
        Ok(())
    }

    fn slot(&mut self, anchor: usize) -> &mut Option<Anchored> {
        if self.anchors.len() <= anchor {
            self.anchors.resize_with(anchor + 1, || None);
        }
        &mut self.anchors[anchor]
    }

    fn keep_anchor(&mut self, anchor: usize, node: impl FnOnce() -> Node) {
        if anchor > 0 {
            let node = node();
            let (cost, depth) = weigh(&node);
            *self.slot(anchor) = Some(Anchored { node, cost, depth });
        }
    }

    fn alias(&mut self, anchor: usize, pos: Pos) -> Result<(), SyntaxError> {
        let Some(Some(Anchored { node, cost, depth })) = self.anchors.get(anchor) else {
            return Err(SyntaxError { pos, message: "this alias stands inside the value it refers to".into() });
        };
        self.expanded = self.expanded.saturating_add(*cost);
        if self.expanded > MAX_EXPANSION {
            let message = format!("aliases expand to more than {MAX_EXPANSION} values");
            return Err(SyntaxError { pos, message });
        }
        if self.open.len() + depth > MAX_DEPTH {
            return Err(too_deep(pos));
        }
        // The copy is where it was used; the values inside stay where they were written.
        let copy = Node { pos, value: node.value.clone() };
        if !self.expects_key() {
            return self.value(copy);
        }
        match copy.value {
            NodeValue::Scalar(s) => {
                let is_text = matches!(s, Scalar::Str(_));
                match s.into_value(super::Typing::Exact) {
                    Ok(crate::payload::Value::Str(text)) => self.key(Key { pos, text, is_text, is_merge: false }),
                    _ => Err(SyntaxError { pos, message: "an alias used as a key must be text".into() }),
                }
            }
            _ => Err(SyntaxError { pos, message: "a list or map cannot be a key".into() }),
        }
    }
}

fn too_deep(pos: Pos) -> SyntaxError {
    SyntaxError { pos, message: format!("lists and maps are nested deeper than {MAX_DEPTH} levels") }
}

fn scalar(text: Cow<'_, str>, plain: bool, tag: Option<&Tag>, pos: Pos) -> Result<Scalar, SyntaxError> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() => {
            tagged(&tag.suffix, &text).map_err(|message| SyntaxError { pos, message })
        }
        Some(_) => Ok(Scalar::Str(text.into_owned())),
        None if plain => Ok(resolve(&text)),
        None => Ok(Scalar::Str(text.into_owned())),
    }
}

/// Adds the members `members` does not have yet, so explicit and earlier keys win.
fn merge_into(members: &mut NodeMap, merge: Node) -> Result<(), SyntaxError> {
    match merge.value {
        NodeValue::Map(more) => {
            for (key, member) in more {
                members.entry(key).or_insert(member);
            }
            Ok(())
        }
        NodeValue::List(items) if items.iter().all(|i| i.as_map().is_some()) => {
            items.into_iter().try_for_each(|item| merge_into(members, item))
        }
        _ => Err(SyntaxError {
            pos: merge.pos,
            message: "map merge requires map or sequence of maps as the value".into(),
        }),
    }
}

/// (values and text of the tree in units of [`MAX_EXPANSION`], its depth)
fn weigh(node: &Node) -> (usize, usize) {
    let fold = |(cost, depth): (usize, usize), child: &Node| {
        let (c, d) = weigh(child);
        (cost.saturating_add(c), depth.max(d + 1))
    };
    match &node.value {
        NodeValue::Scalar(Scalar::Str(s)) => (1 + s.len() / 64, 0),
        NodeValue::Scalar(_) => (1, 0),
        NodeValue::List(items) => items.iter().fold((1, 1), fold),
        NodeValue::Map(members) => members.iter().fold((1, 1), |acc, (k, m)| {
            let (cost, depth) = fold(acc, &m.node);
            (cost.saturating_add(1 + k.len() / 64), depth)
        }),
    }
}
