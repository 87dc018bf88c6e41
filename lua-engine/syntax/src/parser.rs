//! The machinery of the parser: a cursor over the tokens, error reporting and recovery, and a list of events from
//! which the tree is built at the end.
//!
//! The grammar (in [`crate::grammar`]) drives this and never sees trivia. Every rule that can call itself passes
//! [`Parser::nested`], so the stack is bounded whatever the input. After an error the parser is *confused*: further
//! errors stay silent until a statement starts anew or an expected token is found, so one mistake is one message.
//! This file knows no grammar.

use crate::error::{MAX_ERRORS, RawError};
use crate::kind::SyntaxKind::{self, *};
use crate::lexer::{RawToken, shorten};
use crate::tree::{MAX_DEPTH, NodeData};

/// Nesting of statements and expressions that is accepted, counted as the Lua compiler counts it (its limit is
/// 200, a few levels of which are taken before it starts).
pub const MAX_NESTING: u32 = 190;

#[derive(Debug, Clone, Copy)]
enum Event {
    /// Opens a node; `outer` is the distance to the event of a node that was put around it later, or 0.
    Start {
        kind: SyntaxKind,
        outer: u32,
    },
    Finish,
    /// Takes one token.
    Token,
    /// Takes two adjacent tokens as one of another kind.
    Joined(SyntaxKind),
}

/// A node that is being parsed.
pub(crate) struct Marker(usize);

/// A node that is complete and may still get another around it.
#[derive(Clone, Copy)]
pub(crate) struct Completed {
    event: usize,
    pub(crate) kind: SyntaxKind,
}

pub(crate) struct Parser<'s> {
    source: &'s str,
    tokens: &'s [RawToken],
    /// Index of the current token, never trivia.
    at: usize,
    /// Index of the token taken last.
    last: Option<usize>,
    events: Vec<Event>,
    errors: Vec<RawError>,
    depth: u32,
    confused: bool,
    /// Set when nesting is too deep: the rest of the text is skipped.
    given_up: bool,
}

impl<'s> Parser<'s> {
    pub(crate) fn new(source: &'s str, tokens: &'s [RawToken], errors: Vec<RawError>) -> Self {
        let mut parser = Parser {
            source,
            tokens,
            at: 0,
            last: None,
            events: Vec::with_capacity(tokens.len() * 2),
            errors,
            depth: 0,
            confused: false,
            given_up: false,
        };
        parser.skip_trivia();
        parser
    }

    // ----- reading -----

    fn skip_trivia(&mut self) {
        while self.tokens[self.at].kind.is_trivia() {
            self.at += 1;
        }
    }

    pub(crate) fn current(&self) -> SyntaxKind {
        if self.given_up { Eof } else { self.tokens[self.at].kind }
    }

    pub(crate) fn at(&self, kind: SyntaxKind) -> bool {
        self.current() == kind
    }

    /// Index of the `n`th token from the current one, trivia not counted.
    fn ahead(&self, n: usize) -> usize {
        let mut at = self.at;
        for _ in 0..n {
            if self.tokens[at].kind == Eof {
                break;
            }
            at += 1;
            while self.tokens[at].kind.is_trivia() {
                at += 1;
            }
        }
        at
    }

    /// Kind of the `n`th token from the current one, trivia not counted.
    pub(crate) fn nth(&self, n: usize) -> SyntaxKind {
        if self.given_up { Eof } else { self.tokens[self.ahead(n)].kind }
    }

    /// Place of the cursor, for loops that must see progress.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    fn text_of(&self, at: usize) -> &'s str {
        let start = self.tokens[at].start as usize;
        let end = self.tokens.get(at + 1).map_or(start, |t| t.start as usize);
        self.source.get(start..end).unwrap_or("")
    }

    /// Text of the current token.
    pub(crate) fn text(&self) -> &'s str {
        if self.given_up { "" } else { self.text_of(self.at) }
    }

    /// Text between the token taken last (or the start) and the current one.
    fn gap(&self) -> &'s str {
        let start = self.last.map_or(0, |last| self.tokens[last + 1].start as usize);
        self.source.get(start..self.tokens[self.at].start as usize).unwrap_or("")
    }

    /// Whether a line ended between the token taken last and the current one.
    pub(crate) fn on_new_line(&self) -> bool {
        self.last.is_none() || self.gap().bytes().any(|b| b == b'\n' || b == b'\r')
    }

    /// Whether the current token is directly followed by one of `kind`, without even a blank.
    pub(crate) fn followed_directly_by(&self, kind: SyntaxKind) -> bool {
        !self.given_up && self.tokens.get(self.at + 1).is_some_and(|t| t.kind == kind)
    }

    /// Whether a label starts here: `::`, blanks or tabs, a name, blanks or tabs, `::`.
    pub(crate) fn at_label(&self) -> bool {
        let blanks_only = |from: usize, to: usize| {
            (from + 1..to)
                .all(|i| self.tokens[i].kind == Whitespace && self.text_of(i).bytes().all(|b| b == b' ' || b == b'\t'))
        };
        if !self.at(ColonColon) {
            return false;
        }
        let (name, close) = (self.ahead(1), self.ahead(2));
        self.tokens[name].kind == Ident
            && self.tokens[close].kind == ColonColon
            && blanks_only(self.at, name)
            && blanks_only(name, close)
    }

    /// Line of the token at `position`, from 1. Costs a walk over the text: for error messages only.
    pub(crate) fn line_at(&self, position: usize) -> usize {
        let end = self.tokens[position].start as usize;
        let bytes = &self.source.as_bytes()[..end];
        let ends = |(i, b): (usize, &u8)| *b == b'\n' || (*b == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
        1 + bytes.iter().enumerate().filter(|x| ends(*x)).count()
    }

    // ----- taking -----

    /// Takes the current token.
    pub(crate) fn bump(&mut self) {
        if self.current() == Eof {
            return;
        }
        self.events.push(Event::Token);
        self.last = Some(self.at);
        self.at += 1;
        self.skip_trivia();
    }

    /// Takes the current token and the one directly behind it as one of `kind`.
    pub(crate) fn bump_joined(&mut self, kind: SyntaxKind) {
        self.events.push(Event::Joined(kind));
        self.last = Some(self.at + 1);
        self.at += 2;
        self.skip_trivia();
    }

    /// Takes the current token if it is of `kind`.
    pub(crate) fn eat(&mut self, kind: SyntaxKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    /// Takes a token of `kind`, or reports that `what` was expected. Finding it ends confusion.
    pub(crate) fn expect(&mut self, kind: SyntaxKind, what: &str) -> bool {
        if self.eat(kind) {
            self.confused = false;
            return true;
        }
        self.unexpected(what);
        false
    }

    /// Like [`expect`](Self::expect) for the token that closes what was opened at `opened` (a position).
    pub(crate) fn expect_closing(&mut self, kind: SyntaxKind, what: &str, opened: usize) -> bool {
        if self.eat(kind) {
            self.confused = false;
            return true;
        }
        if !self.silent() {
            let line = self.line_at(opened);
            let opener = self.text_of(opened);
            self.unexpected(&format!("{what} to close '{opener}' at line {line}"));
        }
        false
    }

    // ----- errors -----

    fn silent(&self) -> bool {
        self.confused || self.given_up || self.errors.len() >= 2 * MAX_ERRORS
    }

    pub(crate) fn is_confused(&self) -> bool {
        self.confused || self.given_up
    }

    pub(crate) fn clear_confusion(&mut self) {
        self.confused = false;
    }

    /// Reports an error at the current token without becoming confused.
    pub(crate) fn note(&mut self, message: impl Into<String>) {
        if !self.silent() {
            let start = self.tokens[self.at].start;
            let end = self.tokens.get(self.at + 1).map_or(start, |t| t.start);
            self.errors.push(RawError { range: start..end, message: message.into() });
        }
    }

    /// Reports an error at the current token; the parser is confused afterwards.
    pub(crate) fn error(&mut self, message: impl Into<String>) {
        self.note(message);
        self.confused = true;
    }

    /// Reports that `what` was expected at the current token.
    pub(crate) fn unexpected(&mut self, what: &str) {
        if self.silent() {
            self.confused = true;
            return;
        }
        // The lexer has already complained about this one.
        if self.current() != Unknown {
            let found = self.describe();
            self.note(format!("unexpected {found}, expected {what}"));
        }
        self.confused = true;
    }

    /// The current token as a person would call it.
    pub(crate) fn describe(&self) -> String {
        match self.current() {
            Eof => "end of file".to_owned(),
            Ident => format!("identifier '{}'", shorten(self.text())),
            Number => format!("number '{}'", shorten(self.text())),
            Str => "string".to_owned(),
            kind if kind.is_type_word() => format!("reserved word '{}'", self.text()),
            Bang if self.followed_directly_by(Assign) => "'!='".to_owned(),
            _ => format!("'{}'", shorten(self.text())),
        }
    }

    /// Runs a rule one level deeper, or gives up on the rest of the text if that is too deep.
    pub(crate) fn nested<R>(&mut self, rule: impl FnOnce(&mut Self) -> R) -> Option<R> {
        if self.depth >= MAX_NESTING {
            self.error("chunk has too many syntax levels");
            self.given_up = true;
            return None;
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        Some(result)
    }

    // ----- nodes -----

    pub(crate) fn start(&mut self) -> Marker {
        self.events.push(Event::Start { kind: Tombstone, outer: 0 });
        Marker(self.events.len() - 1)
    }

    pub(crate) fn complete(&mut self, marker: Marker, kind: SyntaxKind) -> Completed {
        if let Event::Start { kind: slot, .. } = &mut self.events[marker.0] {
            *slot = kind;
        }
        self.events.push(Event::Finish);
        Completed { event: marker.0, kind }
    }

    /// Forgets a marker; what was parsed since belongs to the enclosing node.
    pub(crate) fn abandon(&mut self, marker: Marker) {
        if marker.0 + 1 == self.events.len() {
            self.events.pop();
        }
    }

    /// Starts a node around a complete one.
    pub(crate) fn precede(&mut self, inner: Completed) -> Marker {
        let marker = self.start();
        if let Event::Start { outer, .. } = &mut self.events[inner.event] {
            *outer = (marker.0 - inner.event) as u32;
        }
        marker
    }

    /// Ends parsing: what is needed to build the tree.
    pub(crate) fn finish(self) -> Parsed {
        Parsed { events: self.events, errors: self.errors }
    }
}

/// Events and errors of a finished parse.
pub(crate) struct Parsed {
    events: Vec<Event>,
    pub(crate) errors: Vec<RawError>,
}

impl Parsed {
    /// Builds the nodes, joins tokens in place, and reports nesting beyond [`MAX_DEPTH`].
    pub(crate) fn build(mut self, tokens: &mut Vec<RawToken>) -> (Vec<NodeData>, Vec<RawError>) {
        let mut builder =
            Builder { tokens, read: 0, write: 0, nodes: Vec::with_capacity(self.events.len() / 3), open: vec![] };
        let mut chain = vec![];
        for i in 0..self.events.len() {
            match self.events[i] {
                Event::Start { kind: Tombstone, outer: 0 } => {}
                Event::Start { .. } => {
                    // Nodes put around this one open before it, the last of them first.
                    let mut next = i;
                    while let Event::Start { kind, outer } = self.events[next] {
                        self.events[next] = Event::Start { kind: Tombstone, outer: 0 };
                        chain.push(kind);
                        if outer == 0 {
                            break;
                        }
                        next += outer as usize;
                    }
                    for kind in chain.drain(..).rev().filter(|k| *k != Tombstone) {
                        builder.open(kind, &mut self.errors);
                    }
                }
                Event::Finish => builder.close(),
                Event::Token => builder.token(None),
                Event::Joined(kind) => builder.token(Some(kind)),
            }
        }
        builder.end();
        (builder.nodes, self.errors)
    }
}

/// An open node that is left out because it is too deep.
const LEFT_OUT: u32 = u32::MAX;

struct Builder<'a> {
    tokens: &'a mut Vec<RawToken>,
    read: usize,
    write: usize,
    nodes: Vec<NodeData>,
    open: Vec<u32>,
}

impl Builder<'_> {
    fn move_token(&mut self) {
        self.tokens[self.write] = self.tokens[self.read];
        self.read += 1;
        self.write += 1;
    }

    fn move_trivia(&mut self) {
        while self.tokens[self.read].kind.is_trivia() {
            self.move_token();
        }
    }

    fn open(&mut self, kind: SyntaxKind, errors: &mut Vec<RawError>) {
        if self.open.len() > MAX_DEPTH {
            if self.open.last() != Some(&LEFT_OUT) {
                let start = self.tokens[self.read].start;
                let message = "expression has too many parts".to_owned();
                errors.push(RawError { range: start..start, message });
            }
            self.open.push(LEFT_OUT);
            return;
        }
        // The root begins with the text, everything else with its first token.
        if !self.nodes.is_empty() {
            self.move_trivia();
        }
        let parent = self.open.last().copied().unwrap_or(0);
        let id = self.nodes.len() as u32;
        let at = self.write as u32;
        self.nodes.push(NodeData { kind, parent, next: id + 1, first_token: at, end_token: at });
        self.open.push(id);
    }

    fn close(&mut self) {
        // The root is closed by `end`, after the last trivia.
        if self.open.len() <= 1 {
            return;
        }
        if let Some(id) = self.open.pop().filter(|id| *id != LEFT_OUT) {
            self.seal(id);
        }
    }

    fn seal(&mut self, id: u32) {
        let next = self.nodes.len() as u32;
        let node = &mut self.nodes[id as usize];
        node.next = next;
        node.end_token = self.write as u32;
    }

    fn token(&mut self, joined: Option<SyntaxKind>) {
        self.move_trivia();
        self.move_token();
        if let Some(kind) = joined {
            self.read += 1;
            self.tokens[self.write - 1].kind = kind;
        }
    }

    /// Gives the root everything that is left and drops the room that joining has freed.
    fn end(&mut self) {
        while self.tokens[self.read].kind != Eof {
            self.move_token();
        }
        self.seal(0);
        self.tokens[self.write] = self.tokens[self.read];
        self.tokens.truncate(self.write + 1);
    }
}
