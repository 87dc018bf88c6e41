//! Expressions after parsing. Runs of operators of one precedence and of
//! postfixes lie in lists, not in each other, so that long expressions are
//! not deep; what is left of depth is bounded by the parser.

use std::sync::Arc;

use regex::Regex;

use crate::builtins::{Builtin, Loop};
use crate::value::Value;

#[derive(Debug)]
pub(crate) struct Node {
    pub kind: Kind,
    /// Offset in bytes of what errors point to.
    pub at: u32,
    /// 1 more than the highest inside.
    pub height: u16,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Constant(Value),
    /// A name of the environment.
    Name(Arc<str>),
    /// `$env`.
    Environment,
    /// A `let`, by its slot.
    Local(u16),
    Pointer(Pointer),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Unary(Unary, Box<Node>),
    /// Left-associative operators of one precedence, or one right-associative.
    Chain(Box<Node>, Vec<Link>),
    /// `<`, `<=`, `>`, `>=`: all must hold, each between neighbours.
    Compare(Box<Node>, Vec<Link>),
    If(Box<[Node; 3]>),
    /// `c ?: y`, where `c` is also the value.
    Elvis(Box<[Node; 2]>),
    /// Slot, value, body.
    Let(u16, Box<[Node; 2]>),
    Sequence(Vec<Node>),
    /// Members, indices, slices and methods.
    Path(Box<Node>, Path),
    Builtin(&'static Builtin, Vec<Node>),
    Loop(Loop, Box<LoopParts>),
    /// A function that no builtin is: its name and arguments.
    Call(Arc<str>, Vec<Node>),
}

#[derive(Debug)]
pub(crate) struct LoopParts {
    pub list: Node,
    pub predicate: Option<Node>,
    pub extra: Option<Node>,
}

#[derive(Debug)]
pub(crate) struct Path {
    /// The keys of the first steps, as far as they are plain members.
    pub keys: Box<[Arc<str>]>,
    pub steps: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub kind: StepKind,
    /// On nil the whole path is nil.
    pub optional: bool,
    pub at: u32,
}

#[derive(Debug)]
pub(crate) enum StepKind {
    Member(Arc<str>),
    Index(Node),
    Slice(Option<Node>, Option<Node>),
    Method(Arc<str>, Vec<Node>),
}

/// An operator and what is right of it.
#[derive(Debug)]
pub(crate) struct Link {
    pub op: Binary,
    /// `not in` and the like.
    pub negated: bool,
    /// Of `matches` with a literal.
    pub pattern: Option<Regex>,
    pub at: u32,
    pub right: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pointer {
    Item,
    Index,
    Accumulator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Minus,
    Plus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    In,
    Matches,
    Contains,
    StartsWith,
    EndsWith,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Coalesce,
}

/// Operators with their precedence; `|` is no value of [`Binary`], it is written away.
const OPERATORS: [(&str, Binary, u16); 24] = [
    ("or", Binary::Or, 10),
    ("||", Binary::Or, 10),
    ("and", Binary::And, 15),
    ("&&", Binary::And, 15),
    ("==", Binary::Equal, 20),
    ("!=", Binary::NotEqual, 20),
    ("<", Binary::Less, 20),
    (">", Binary::Greater, 20),
    ("<=", Binary::LessEqual, 20),
    (">=", Binary::GreaterEqual, 20),
    ("in", Binary::In, 20),
    ("matches", Binary::Matches, 20),
    ("contains", Binary::Contains, 20),
    ("startsWith", Binary::StartsWith, 20),
    ("endsWith", Binary::EndsWith, 20),
    ("..", Binary::Range, 25),
    ("+", Binary::Add, 30),
    ("-", Binary::Subtract, 30),
    ("*", Binary::Multiply, 60),
    ("/", Binary::Divide, 60),
    ("%", Binary::Modulo, 60),
    ("**", Binary::Power, 100),
    ("^", Binary::Power, 100),
    ("??", Binary::Coalesce, 500),
];

impl Binary {
    pub fn parse(text: &str) -> Option<(Binary, u16)> {
        OPERATORS.iter().find(|o| o.0 == text).map(|o| (o.1, o.2))
    }
    /// As it is mostly written.
    pub fn text(self) -> &'static str {
        OPERATORS.iter().rev().find(|o| o.1 == self).map_or("", |o| o.0)
    }
    pub fn precedence(self) -> u16 {
        OPERATORS.iter().find(|o| o.1 == self).map_or(0, |o| o.2)
    }
    pub fn is_comparison(self) -> bool {
        matches!(self, Binary::Less | Binary::Greater | Binary::LessEqual | Binary::GreaterEqual)
    }
    /// Whether `not` may stand before it.
    pub fn can_be_negated(self) -> bool {
        use Binary::*;
        matches!(self, In | Matches | Contains | StartsWith | EndsWith)
    }
}

impl Unary {
    pub fn parse(text: &str) -> Option<(Unary, u16)> {
        Some(match text {
            "not" | "!" => (Unary::Not, 50),
            "-" => (Unary::Minus, 90),
            "+" => (Unary::Plus, 90),
            _ => return None,
        })
    }
    pub fn text(self) -> &'static str {
        match self {
            Unary::Not => "not",
            Unary::Minus => "-",
            Unary::Plus => "+",
        }
    }
}

impl Kind {
    fn height(&self) -> u16 {
        fn of(node: &Node) -> u16 {
            node.height
        }
        fn highest<'n>(nodes: impl IntoIterator<Item = &'n Node>) -> u16 {
            nodes.into_iter().map(of).max().unwrap_or(0)
        }
        match self {
            Kind::Constant(_) | Kind::Name(_) | Kind::Environment | Kind::Local(_) | Kind::Pointer(_) => 0,
            Kind::List(items) | Kind::Sequence(items) | Kind::Builtin(_, items) | Kind::Call(_, items) => {
                highest(items)
            }
            Kind::Map(pairs) => pairs.iter().map(|(k, v)| of(k).max(of(v))).max().unwrap_or(0),
            Kind::Unary(_, node) => of(node),
            Kind::Chain(first, links) | Kind::Compare(first, links) => {
                of(first).max(highest(links.iter().map(|l| &l.right)))
            }
            Kind::If(nodes) => highest(&**nodes),
            Kind::Elvis(nodes) | Kind::Let(_, nodes) => highest(&**nodes),
            Kind::Path(base, path) => {
                let inside = path.steps.iter().map(|s| match &s.kind {
                    StepKind::Member(_) => 0,
                    StepKind::Index(node) => of(node),
                    StepKind::Slice(from, to) => highest(from.iter().chain(to)),
                    StepKind::Method(_, arguments) => highest(arguments),
                });
                of(base).max(inside.max().unwrap_or(0))
            }
            Kind::Loop(_, parts) => {
                let LoopParts { list, predicate, extra } = &**parts;
                of(list).max(highest(predicate.iter().chain(extra)))
            }
        }
    }
}

impl Node {
    pub fn new(at: u32, kind: Kind) -> Node {
        Node { height: kind.height() + 1, kind, at }
    }
}
