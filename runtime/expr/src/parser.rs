//! A precedence-climbing parser. Bounded in nodes and in depth; names of `let`
//! are resolved to slots here.

use std::sync::Arc;

use indexmap::IndexSet;
use regex::RegexBuilder;

use crate::ast::{Binary, Kind as Of, Link, LoopParts, Node, Path, Pointer, Step, StepKind, Unary};
use crate::builtins::{self, Loop};
use crate::error::Fault;
use crate::lexer::{Kind, Token, starts_name, tokens};
use crate::value::Value;

/// Most nodes of an expression.
pub const MAX_NODES: usize = 10_000;
/// How deep an expression may nest.
pub const MAX_DEPTH: u16 = 100;
/// Longest source, in bytes.
pub const MAX_SOURCE: usize = 1 << 20;
/// Largest compiled regular expression, in bytes.
pub(crate) const MAX_PATTERN: usize = 1 << 18;

type Result<T> = std::result::Result<T, Fault>;

#[derive(Debug)]
pub(crate) struct Parsed {
    pub root: Node,
    /// How many its variables need.
    pub slots: usize,
    /// Those of the environment, each once.
    pub names: IndexSet<Arc<str>>,
    /// Bytes it takes, about.
    pub weight: usize,
}

pub(crate) fn parse(source: &str) -> Result<Parsed> {
    if source.len() > MAX_SOURCE {
        return Err(Fault::new(0, "expression is too long"));
    }
    let tokens = tokens(source)?;
    let mut parser = Parser {
        tokens,
        next: 0,
        nodes: 0,
        depth: 0,
        loops: 0,
        variables: Vec::new(),
        slots: 0,
        names: IndexSet::new(),
        patterns: 0,
    };
    let root = parser.sequence()?;
    match parser.current().kind {
        Kind::End => {
            let weight = source.len() * 4 + parser.nodes * 256 + parser.patterns * MAX_PATTERN;
            Ok(Parsed { root, slots: parser.slots, names: parser.names, weight })
        }
        _ => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    nodes: usize,
    depth: u16,
    /// Predicates around the place.
    loops: usize,
    /// Variables in sight; their place is their slot.
    variables: Vec<String>,
    slots: usize,
    names: IndexSet<Arc<str>>,
    patterns: usize,
}

impl Parser {
    fn current(&self) -> &Token {
        // The last token is the end, which is never taken.
        &self.tokens[self.next]
    }
    fn take(&mut self) -> Token {
        let token = self.current().clone();
        if token.kind != Kind::End {
            self.next += 1;
        }
        token
    }
    fn at_operator(&self, text: &str) -> bool {
        self.current().is_operator(text)
    }
    fn at_bracket(&self, text: &str) -> bool {
        self.current().is_bracket(text)
    }
    fn accept(&mut self, text: &str) -> bool {
        let found = self.at_operator(text) || self.at_bracket(text);
        self.next += usize::from(found);
        found
    }
    fn unexpected(&self) -> Fault {
        Fault::new(self.current().at, format!("unexpected token {}", self.current()))
    }
    fn expect(&mut self, text: &str) -> Result<()> {
        if self.accept(text) { Ok(()) } else { Err(self.unexpected()) }
    }
    fn name(&mut self) -> Result<Token> {
        if self.current().kind == Kind::Identifier { Ok(self.take()) } else { Err(self.unexpected()) }
    }
    fn count(&mut self, at: u32) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Fault::new(at, "compilation failed: expression exceeds maximum allowed nodes"));
        }
        Ok(())
    }
    fn node(&mut self, at: u32, kind: Of) -> Result<Node> {
        self.count(at)?;
        let node = Node::new(at, kind);
        if node.height > MAX_DEPTH { Err(Fault::new(at, "expression is nested too deeply")) } else { Ok(node) }
    }
    fn constant(&mut self, at: u32, value: Value) -> Result<Node> {
        self.node(at, Of::Constant(value))
    }

    fn sequence(&mut self) -> Result<Node> {
        let at = self.current().at;
        let mut all = vec![self.expression(0)?];
        while self.accept(";") {
            // As in the reference, nothing may follow the last one.
            if self.current().kind == Kind::End || self.at_bracket(")") || self.at_bracket("}") {
                break;
            }
            all.push(self.expression(0)?);
        }
        match all.len() {
            1 => Ok(all.remove(0)),
            _ => self.node(at, Of::Sequence(all)),
        }
    }

    fn expression(&mut self, precedence: u16) -> Result<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::new(self.current().at, "expression is nested too deeply"));
        }
        let node = match precedence {
            0 if self.at_operator("let") => self.variable(),
            0 if self.at_operator("if") => self.branch(),
            _ => self.operators(precedence),
        };
        self.depth -= 1;
        node
    }

    fn operators(&mut self, precedence: u16) -> Result<Node> {
        let mut left = self.primary()?;
        let mut coalesced = false;
        while self.current().kind == Kind::Operator {
            let at = self.current().at;
            if self.at_operator("|") {
                if precedence > 0 {
                    break;
                }
                self.take();
                let name = self.name()?;
                let call = self.call(name, vec![left])?;
                left = self.postfix(call)?;
                coalesced = false;
                continue;
            }
            let negated = self.at_operator("not");
            let token = if negated { &self.tokens[self.next + 1] } else { self.current() };
            let Some((op, level)) = Binary::parse(&token.text).filter(|_| token.kind == Kind::Operator) else {
                if negated {
                    return Err(self.unexpected());
                }
                break;
            };
            if negated && !op.can_be_negated() {
                return Err(Fault::new(token.at, format!("unexpected token {token}")));
            }
            if level < precedence {
                break;
            }
            if coalesced && op != Binary::Coalesce {
                let message = format!(
                    "Operator ({}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses.",
                    token.text
                );
                return Err(Fault::new(token.at, message));
            }
            self.next += 1 + usize::from(negated);
            let right = self.expression(if op == Binary::Power { level } else { level + 1 })?;
            let pattern = if op == Binary::Matches { pattern(&right)? } else { None };
            self.patterns += usize::from(pattern.is_some());
            left = self.link(left, Link { op, negated, pattern, at, right })?;
            coalesced = op == Binary::Coalesce;
        }
        if precedence == 0 { self.conditional(left) } else { Ok(left) }
    }

    /// `left` with one more operator: in its own list if that is of the same precedence.
    fn link(&mut self, mut left: Node, link: Link) -> Result<Node> {
        let (at, comparison, level) = (link.at, link.op.is_comparison(), link.op.precedence());
        let longer = match &mut left.kind {
            Of::Compare(_, links) if comparison => Some(links),
            Of::Chain(_, links) if !comparison && link.op != Binary::Power && links[0].op.precedence() == level => {
                Some(links)
            }
            _ => None,
        };
        if let Some(links) = longer {
            self.count(at)?;
            left.height = left.height.max(link.right.height + 1);
            links.push(link);
            return Ok(left);
        }
        let (first, links) = (Box::new(left), vec![link]);
        self.node(at, if comparison { Of::Compare(first, links) } else { Of::Chain(first, links) })
    }

    fn conditional(&mut self, mut node: Node) -> Result<Node> {
        while self.at_operator("?") {
            let at = self.take().at;
            node = if self.accept(":") {
                let other = self.expression(0)?;
                self.node(at, Of::Elvis(Box::new([node, other])))?
            } else {
                let yes = self.expression(0)?;
                self.expect(":")?;
                let no = self.expression(0)?;
                self.node(at, Of::If(Box::new([node, yes, no])))?
            };
        }
        Ok(node)
    }

    fn branch(&mut self) -> Result<Node> {
        let at = self.take().at;
        let condition = self.expression(0)?;
        self.expect("{")?;
        let yes = self.sequence()?;
        self.expect("}")?;
        self.expect("else")?;
        let no = if self.at_operator("if") {
            self.expression(0)?
        } else {
            self.expect("{")?;
            let no = self.sequence()?;
            self.expect("}")?;
            no
        };
        let node = self.node(at, Of::If(Box::new([condition, yes, no])))?;
        self.postfix(node)
    }

    fn variable(&mut self) -> Result<Node> {
        let at = self.take().at;
        let name = self.name()?;
        if builtins::is_builtin(&name.text) {
            return Err(Fault::new(name.at, format!("cannot redeclare builtin {}", name.text)));
        }
        if self.variables.contains(&name.text) {
            return Err(Fault::new(name.at, format!("cannot redeclare variable {}", name.text)));
        }
        self.expect("=")?;
        let value = self.expression(0)?;
        self.expect(";")?;
        let slot = self.variables.len();
        self.variables.push(name.text);
        self.slots = self.slots.max(slot + 1);
        let body = self.sequence()?;
        self.variables.pop();
        self.node(at, Of::Let(slot as u16, Box::new([value, body])))
    }

    fn primary(&mut self) -> Result<Node> {
        let token = self.current().clone();
        if token.kind == Kind::Operator
            && let Some((op, level)) = Unary::parse(&token.text)
        {
            self.take();
            let inner = self.expression(level)?;
            let node = self.node(token.at, Of::Unary(op, Box::new(inner)))?;
            return self.postfix(node);
        }
        if self.accept("(") {
            let inner = self.sequence()?;
            self.expect(")")?;
            return self.postfix(inner);
        }
        if token.is_operator("#") || token.is_operator(".") {
            if self.loops == 0 {
                return Err(Fault::new(token.at, format!("unexpected token {token}")));
            }
            let node = self.pointer(&token)?;
            return self.postfix(node);
        }
        if self.accept("::") {
            let name = self.name()?;
            let node = self.call(name, Vec::new())?;
            return self.postfix(node);
        }
        let node = self.secondary(token)?;
        self.postfix(node)
    }

    /// `#` and its relatives; a `.` is left for the member behind it.
    fn pointer(&mut self, token: &Token) -> Result<Node> {
        let mut pointer = Pointer::Item;
        if self.accept("#") && self.current().kind == Kind::Identifier && self.current().at == token.at + 1 {
            let name = self.take();
            pointer = match name.text.as_str() {
                "index" => Pointer::Index,
                "acc" => Pointer::Accumulator,
                other => return Err(Fault::new(token.at, format!("unknown pointer #{other}"))),
            };
        }
        self.node(token.at, Of::Pointer(pointer))
    }

    fn secondary(&mut self, token: Token) -> Result<Node> {
        let at = token.at;
        match token.kind {
            Kind::Identifier => {
                self.take();
                if self.at_bracket("(") && !matches!(token.text.as_str(), "true" | "false" | "nil") {
                    return self.call(token, Vec::new());
                }
                let kind = match token.text.as_str() {
                    "true" => Of::Constant(Value::Bool(true)),
                    "false" => Of::Constant(Value::Bool(false)),
                    "nil" => Of::Constant(Value::Nil),
                    "$env" => {
                        self.global("$env");
                        Of::Environment
                    }
                    name => match self.variables.iter().rposition(|v| v == name) {
                        Some(slot) => Of::Local(slot as u16),
                        None => Of::Name(self.global(name)),
                    },
                };
                self.node(at, kind)
            }
            Kind::Number => {
                self.take();
                let value = number(&token)?;
                self.constant(at, value)
            }
            Kind::String => {
                self.take();
                self.constant(at, Value::text(&token.text))
            }
            Kind::Bytes => {
                self.take();
                let bytes: Vec<u8> = token.text.chars().map(|c| c as u8).collect();
                self.constant(at, Value::Bytes(bytes.into()))
            }
            Kind::Bracket if token.text == "[" => self.list(at),
            Kind::Bracket if token.text == "{" => self.map(at),
            _ => Err(self.unexpected()),
        }
    }

    /// A name of the environment.
    fn global(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.names.insert(name.clone());
        name
    }

    fn list(&mut self, at: u32) -> Result<Node> {
        self.take();
        let items = self.separated("]")?;
        self.node(at, Of::List(items))
    }

    /// Expressions and commas up to `close`, which is taken; a comma may stand last.
    fn separated(&mut self, close: &str) -> Result<Vec<Node>> {
        let mut items = Vec::new();
        while !self.accept(close) {
            if !items.is_empty() {
                self.expect(",")?;
                if self.accept(close) {
                    break;
                }
            }
            items.push(self.expression(0)?);
        }
        Ok(items)
    }

    fn map(&mut self, at: u32) -> Result<Node> {
        self.take();
        let mut pairs = Vec::new();
        while !self.accept("}") {
            if !pairs.is_empty() {
                self.expect(",")?;
                if self.accept("}") {
                    break;
                }
            }
            let token = self.current().clone();
            let key = match token.kind {
                Kind::Identifier | Kind::Number | Kind::String => {
                    self.take();
                    self.constant(token.at, Value::text(&token.text))?
                }
                _ if token.is_bracket("(") => self.expression(0)?,
                _ => {
                    let message = "a map key must be a quoted string, a number, a identifier, or an expression enclosed \
                                   in parentheses (unexpected token ";
                    return Err(Fault::new(token.at, format!("{message}{token})")));
                }
            };
            self.expect(":")?;
            pairs.push((key, self.expression(0)?));
        }
        self.node(at, Of::Map(pairs))
    }

    /// A call of `name`, whose `(` comes next; `arguments` stood before a pipe.
    fn call(&mut self, name: Token, mut arguments: Vec<Node>) -> Result<Node> {
        self.expect("(")?;
        if let Some(which) = Loop::parse(&name.text) {
            return self.predicate_call(name.at, which, arguments.pop());
        }
        let rest = self.separated(")")?;
        arguments.extend(rest);
        let kind = match builtins::find(&name.text) {
            Some(builtin) => Of::Builtin(builtin, arguments),
            None => Of::Call(name.text.into(), arguments),
        };
        self.node(name.at, kind)
    }

    fn predicate_call(&mut self, at: u32, which: Loop, piped: Option<Node>) -> Result<Node> {
        let mut first = piped.is_some();
        let list = match piped {
            Some(list) => list,
            None => self.expression(0)?,
        };
        // Whether one more argument comes; only what is optional may be missing.
        let mut more = |parser: &mut Parser, optional: bool| -> Result<bool> {
            if std::mem::take(&mut first) {
                return Ok(!(optional && parser.at_bracket(")")));
            }
            if optional && parser.at_bracket(")") {
                return Ok(false);
            }
            parser.expect(",")?;
            Ok(!(optional && parser.at_bracket(")")))
        };
        let mut predicate = None;
        if more(self, which.predicate_is_optional())? {
            predicate = Some(self.predicate()?);
        }
        let mut extra = None;
        if predicate.is_some() && which.takes_extra() && more(self, true)? {
            extra = Some(self.expression(0)?);
        }
        self.accept(",");
        self.expect(")")?;
        self.node(at, Of::Loop(which, Box::new(LoopParts { list, predicate, extra })))
    }

    fn predicate(&mut self) -> Result<Node> {
        let braces = self.accept("{");
        self.loops += 1;
        let node = if braces { self.sequence()? } else { self.expression(0)? };
        self.loops -= 1;
        if braces {
            self.expect("}")?;
        } else if self.at_operator(";") {
            return Err(Fault::new(self.current().at, "wrap predicate with brackets { and }"));
        }
        Ok(node)
    }

    fn postfix(&mut self, base: Node) -> Result<Node> {
        let mut steps = Vec::new();
        loop {
            let at = self.current().at;
            let optional = self.at_operator("?.");
            // After a bare `.` of a predicate the member still stands there, too.
            let member = optional || self.at_operator(".");
            if member {
                self.take();
            }
            if self.at_bracket("[") && (!member || optional) {
                self.take();
                let kind = self.index_or_slice()?;
                self.count(at)?;
                steps.push(Step { kind, optional, at });
                continue;
            }
            if !member {
                break;
            }
            let name = self.take();
            let word = name.kind == Kind::Operator && name.text.starts_with(starts_name);
            if name.kind != Kind::Identifier && !word {
                return Err(Fault::new(name.at, "expected name"));
            }
            let kind = if self.accept("(") {
                StepKind::Method(name.text.into(), self.separated(")")?)
            } else {
                StepKind::Member(name.text.into())
            };
            self.count(at)?;
            steps.push(Step { kind, optional, at: name.at });
        }
        if steps.is_empty() {
            return Ok(base);
        }
        let keys = steps.iter().map_while(|s| match &s.kind {
            StepKind::Member(key) if !s.optional => Some(key.clone()),
            _ => None,
        });
        let keys: Box<[Arc<str>]> = keys.collect();
        let at = base.at;
        self.node(at, Of::Path(Box::new(base), Path { keys, steps }))
    }

    /// What is between brackets, behind the first one.
    fn index_or_slice(&mut self) -> Result<StepKind> {
        let bound = |parser: &mut Parser| -> Result<Option<Node>> {
            if parser.at_bracket("]") { Ok(None) } else { parser.expression(0).map(Some) }
        };
        if self.accept(":") {
            let to = bound(self)?;
            self.expect("]")?;
            return Ok(StepKind::Slice(None, to));
        }
        let from = self.expression(0)?;
        if self.accept(":") {
            let to = bound(self)?;
            self.expect("]")?;
            return Ok(StepKind::Slice(Some(from), to));
        }
        self.expect("]")?;
        Ok(match from.kind {
            Of::Constant(Value::Str(key)) => StepKind::Member(key),
            kind => StepKind::Index(Node { kind, ..from }),
        })
    }
}

/// The compiled pattern, if it is a literal.
fn pattern(right: &Node) -> Result<Option<regex::Regex>> {
    let Of::Constant(Value::Str(text)) = &right.kind else { return Ok(None) };
    match RegexBuilder::new(text).size_limit(MAX_PATTERN).build() {
        Ok(pattern) => Ok(Some(pattern)),
        Err(e) => Err(Fault::new(right.at, format!("error parsing regexp: {}", reason(&e)))),
    }
}

/// The last line of what the parser of regular expressions says.
pub(crate) fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

fn number(token: &Token) -> Result<Value> {
    let text = token.text.replace('_', "");
    let integer = |digits: &str, radix: u32, what: &str| match i64::from_str_radix(digits, radix) {
        Ok(n) => Ok(Value::Int(n)),
        Err(_) => Err(Fault::new(token.at, format!("invalid {what} literal: {}", token.text))),
    };
    match text.get(..2) {
        Some("0x" | "0X") => integer(&text[2..], 16, "hex"),
        Some("0o" | "0O") => integer(&text[2..], 8, "octal"),
        Some("0b" | "0B") => integer(&text[2..], 2, "binary"),
        _ if text.contains(['.', 'e', 'E']) => match text.parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(Value::Float(n)),
            _ => Err(Fault::new(token.at, format!("invalid float literal: {}", token.text))),
        },
        _ => integer(&text, 10, "integer"),
    }
}
