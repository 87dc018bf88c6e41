//! Names: which declaration every name in a source means, and how each variable is used.
//!
//! One pass before checking. The checker needs to know early what happens to a variable later (is it assigned again,
//! in a closure perhaps; does a table get out of sight), the lint rules are made of nothing else. Types are not
//! looked at. Sources nested too deeply for the pass are marked [`Scopes::incomplete`].

use crate::hash::{Map, map};
use std::ops::Range;
use wippy_lua_syntax::{Node, SyntaxKind, Token, Tree};

/// Levels of nodes that are walked.
const MAX_DEPTH: u32 = 400;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SymbolId(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolKind {
    Local,
    /// `local function`
    Function,
    Param,
    /// The implicit `self` of a method.
    Receiver,
    LoopVar,
    Global,
}

/// A variable.
#[derive(Debug)]
pub struct Symbol<'t> {
    pub name: &'t str,
    pub kind: SymbolKind,
    /// Where the name is declared (first written, for globals).
    pub range: Range<u32>,
    /// The function it belongs to; 0 is the chunk.
    pub function: u32,
    /// Assignments besides the declaration.
    pub writes: u32,
    /// Assigned in a function other than its own.
    pub closure_writes: bool,
    /// Used in a function other than its own.
    pub captured: bool,
    pub reads: u32,
    /// Its value is given to somebody who may keep or change it.
    pub escapes: bool,
    /// Written through with a computed key.
    pub indexed: bool,
    /// Hides a variable of the same name.
    pub shadows: bool,
    /// `local x = require(...)`: the name of the module.
    pub required: Option<Token<'t>>,
}

impl Symbol<'_> {
    /// Whether a table in it can change behind the checker's back.
    pub fn loose(&self) -> bool {
        self.escapes || self.captured || self.writes > 0 || self.indexed
    }
}

const NONE: u32 = u32::MAX;
/// Names that are visible at one place of most sources.
const USUAL_NAMES: usize = 56;
/// Globals, functions and loops, and fields that are assigned, of most sources.
const USUAL_PARTS: usize = 14;

/// What the pass has found.
pub struct Scopes<'t> {
    pub symbols: Vec<Symbol<'t>>,
    /// Symbol of every `NameExpr` and `FunctionName`, by index of the node.
    uses: Vec<u32>,
    /// Symbol of every token that declares one, by index of the token.
    declared: Vec<u32>,
    pub globals: Map<&'t str, SymbolId>,
    /// Targets of all assignments, in the order of the source.
    pub assigned: Vec<Node<'t>>,
    /// For loops and function bodies (by index of the node) the part of `assigned` within.
    pub within: Map<usize, Range<usize>>,
    /// Numbers of functions by the index of their body's node.
    pub functions: Map<usize, u32>,
    /// How many assignments there are to a field of that name, on whatever table.
    pub assigned_fields: Map<&'t str, u32>,
    /// The `goto`s of every function, by its number.
    pub gotos: Vec<bool>,
    /// Whether there may be a `typeof` somewhere.
    pub typeofs: bool,
    pub incomplete: bool,
}

impl<'t> Scopes<'t> {
    pub fn new(tree: &'t Tree) -> Scopes<'t> {
        let typeofs = tree.source().contains("typeof");
        let scopes = Scopes {
            symbols: Vec::with_capacity(USUAL_NAMES),
            uses: vec![NONE; tree.node_count()],
            declared: vec![NONE; tree.token_count()],
            globals: map(USUAL_PARTS),
            assigned: vec![],
            within: map(USUAL_PARTS),
            functions: map(USUAL_PARTS),
            assigned_fields: Map::default(),
            gotos: vec![false],
            typeofs,
            incomplete: false,
        };
        let visible = map(USUAL_NAMES);
        let in_types = typeofs || tree.source().contains('@');
        let mut pass = Pass { scopes, visible, hidden: vec![], open: vec![], function: 0, depth: 0, in_types };
        for block in tree.root().children().filter(|n| n.kind() == SyntaxKind::Block) {
            pass.block(block);
        }
        pass.scopes
    }

    /// The variable a `NameExpr` or `FunctionName` means.
    pub fn symbol_of(&self, node: Node<'t>) -> Option<SymbolId> {
        self.uses.get(node.index()).filter(|s| **s != NONE).map(|s| SymbolId(*s))
    }

    /// The variable that a token declares.
    pub fn declared_at(&self, token: Token<'t>) -> Option<SymbolId> {
        self.declared.get(token.index()).filter(|s| **s != NONE).map(|s| SymbolId(*s))
    }

    pub fn get(&self, id: SymbolId) -> &Symbol<'t> {
        &self.symbols[id.0 as usize]
    }
}

/// The first child that is an expression or whatever else is first.
pub fn child(node: Node<'_>, n: usize) -> Option<Node<'_>> {
    node.children().nth(n)
}

/// The name after the `.` of a field expression or the `:` of a method call.
pub fn member_token(node: Node<'_>) -> Option<Token<'_>> {
    let mut tokens = node.tokens().skip_while(|t| !matches!(t.kind(), SyntaxKind::Dot | SyntaxKind::Colon));
    tokens.nth(1)
}

/// The names of a `FunctionName` or `ForNames`.
pub fn name_tokens(node: Node<'_>) -> impl Iterator<Item = Token<'_>> {
    node.tokens().filter(|t| !matches!(t.kind(), SyntaxKind::Dot | SyntaxKind::Colon | SyntaxKind::Comma))
}

/// How the value of an expression is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Given away.
    Value,
    /// Only looked at.
    Look,
    /// Written through with a computed key.
    Indexed,
}

struct Pass<'t> {
    scopes: Scopes<'t>,
    /// What each name means here.
    visible: Map<&'t str, SymbolId>,
    /// Names declared in the open blocks, with what they meant before.
    hidden: Vec<(&'t str, Option<SymbolId>)>,
    /// How many of them there were when each open block began.
    open: Vec<usize>,
    function: u32,
    depth: u32,
    /// Whether types may hold expressions.
    in_types: bool,
}

impl<'t> Pass<'t> {
    fn block(&mut self, block: Node<'t>) {
        self.open();
        block.children().for_each(|stat| self.node(stat, Use::Look));
        self.close();
    }

    fn open(&mut self) {
        self.open.push(self.hidden.len());
    }

    fn close(&mut self) {
        let start = self.open.pop().unwrap_or_default();
        while self.hidden.len() > start {
            match self.hidden.pop() {
                Some((name, Some(before))) => self.visible.insert(name, before),
                Some((name, None)) => self.visible.remove(name),
                None => None,
            };
        }
    }

    fn declare(&mut self, token: Token<'t>, kind: SymbolKind) -> SymbolId {
        let name = token.text();
        let id = self.symbol(name, kind, token.range());
        self.scopes.declared[token.index()] = id.0;
        self.scopes.symbols[id.0 as usize].shadows = self.show(name, id);
        id
    }

    /// Makes a name mean a symbol until the end of the block. Whether it meant another one before.
    fn show(&mut self, name: &'t str, id: SymbolId) -> bool {
        let before = self.visible.insert(name, id);
        self.hidden.push((name, before));
        before.is_some()
    }

    fn symbol(&mut self, name: &'t str, kind: SymbolKind, range: Range<u32>) -> SymbolId {
        let id = SymbolId(self.scopes.symbols.len() as u32);
        self.scopes.symbols.push(Symbol {
            name,
            kind,
            range,
            function: if kind == SymbolKind::Global { 0 } else { self.function },
            writes: 0,
            closure_writes: false,
            captured: false,
            reads: 0,
            escapes: false,
            indexed: false,
            shadows: false,
            required: None,
        });
        id
    }

    /// The symbol a name means here; globals come into being when they are first mentioned.
    fn find(&mut self, token: Token<'t>) -> SymbolId {
        let name = token.text();
        if let Some(id) = self.visible.get(name) {
            return *id;
        }
        if let Some(id) = self.scopes.globals.get(name) {
            return *id;
        }
        let id = self.symbol(name, SymbolKind::Global, token.range());
        self.scopes.globals.insert(name, id);
        id
    }

    fn touch(&mut self, node: Node<'t>, token: Token<'t>, write: bool, usage: Use) {
        let id = self.find(token);
        self.scopes.uses[node.index()] = id.0;
        let function = self.function;
        let symbol = &mut self.scopes.symbols[id.0 as usize];
        let foreign = symbol.function != function;
        symbol.captured |= foreign;
        if write {
            symbol.writes += 1;
            symbol.closure_writes |= foreign;
        } else {
            symbol.reads += 1;
            symbol.escapes |= usage == Use::Value;
            symbol.indexed |= usage == Use::Indexed;
        }
    }

    fn node(&mut self, node: Node<'t>, usage: Use) {
        if self.depth >= MAX_DEPTH {
            self.scopes.incomplete = true;
            return;
        }
        self.depth += 1;
        self.visit(node, usage);
        self.depth -= 1;
    }

    fn all(&mut self, node: Node<'t>, usage: Use) {
        node.children().for_each(|child| self.node(child, usage));
    }

    fn visit(&mut self, node: Node<'t>, usage: Use) {
        use SyntaxKind::*;
        match node.kind() {
            Block => self.block(node),
            LocalStat => self.local(node),
            LocalFunctionStat => {
                if let Some(name) = node.tokens().nth(2) {
                    self.declare(name, SymbolKind::Function);
                }
                self.all(node, Use::Value);
            }
            FunctionStat => self.function_stat(node),
            AssignStat => self.assign(node),
            FunctionBody => self.function_body(node, None),
            WhileStat | NumericForStat | GenericForStat | RepeatStat => self.loop_stat(node),
            GotoStat => {
                if let Some(has) = self.scopes.gotos.get_mut(self.function as usize) {
                    *has = true;
                }
            }
            ReturnStat | TableExpr | PositionalField | NamedField | FunctionExpr => self.all(node, Use::Value),
            IndexedField => self.all(node, Use::Value),
            NameExpr => {
                if let Some(name) = node.first_token() {
                    self.touch(node, name, false, usage);
                }
            }
            FieldExpr => self.all(node, if usage == Use::Indexed { usage } else { Use::Look }),
            IndexExpr => self.all(node, if usage == Use::Indexed { usage } else { Use::Look }),
            CallExpr => self.call(node),
            MethodCallExpr | Arguments => self.all(node, Use::Value),
            ParenExpr | CastExpr | NonNilExpr | ExprList => self.all(node, usage),
            BinaryExpr => {
                let passes = node.token(And).is_some() || node.token(Or).is_some();
                self.all(node, if passes { usage } else { Use::Look });
            }
            // Names in types are none of ours, but `typeof(x)` reads a variable.
            TypeAnnotation | ReturnTypes | TypeParams | CastTarget | TypeStat | InterfaceStat if !self.in_types => {}
            _ => self.all(node, Use::Look),
        }
    }

    fn local(&mut self, node: Node<'t>) {
        if let Some(values) = node.child(SyntaxKind::ExprList) {
            self.node(values, Use::Value);
        }
        let value = node.child(SyntaxKind::ExprList).and_then(|l| child(l, 0));
        let required = value.and_then(required_module);
        for (n, typed) in node.children().filter(|n| n.kind() == SyntaxKind::TypedName).enumerate() {
            self.all(typed, Use::Look);
            if let Some(name) = typed.first_token() {
                let id = self.declare(name, SymbolKind::Local);
                self.scopes.symbols[id.0 as usize].required = required.filter(|_| n == 0);
            }
        }
    }

    fn function_stat(&mut self, node: Node<'t>) {
        let path = node.child(SyntaxKind::FunctionName);
        if let Some(path) = path
            && let Some(root) = path.first_token()
        {
            let plain = name_tokens(path).count() == 1;
            self.touch(path, root, plain, Use::Look);
            self.scopes.assigned.push(path);
        }
        let method = path.and_then(|p| p.token(SyntaxKind::Colon));
        if let Some(body) = node.child(SyntaxKind::FunctionBody) {
            self.function_body(body, method);
        }
    }

    fn function_body(&mut self, body: Node<'t>, method: Option<Token<'t>>) {
        let outer = self.function;
        self.function = self.scopes.gotos.len() as u32;
        self.scopes.gotos.push(false);
        self.scopes.functions.insert(body.index(), self.function);
        let first = self.scopes.assigned.len();
        self.open();
        if let Some(colon) = method {
            let id = self.symbol("self", SymbolKind::Receiver, colon.range());
            self.scopes.declared[colon.index()] = id.0;
            self.show("self", id);
        }
        for part in body.children() {
            if part.kind() != SyntaxKind::ParamList {
                self.node(part, Use::Look);
                continue;
            }
            for param in part.children() {
                self.all(param, Use::Look);
                if param.kind() == SyntaxKind::TypedName
                    && let Some(name) = param.first_token()
                {
                    self.declare(name, SymbolKind::Param);
                }
            }
        }
        self.close();
        self.scopes.within.insert(body.index(), first..self.scopes.assigned.len());
        self.function = outer;
    }

    fn assign(&mut self, node: Node<'t>) {
        if let Some(values) = node.child(SyntaxKind::ExprList) {
            self.node(values, Use::Value);
        }
        for target in node.child(SyntaxKind::TargetList).into_iter().flat_map(|t| t.children()) {
            self.scopes.assigned.push(target);
            match target.kind() {
                SyntaxKind::NameExpr => {
                    if let Some(name) = target.first_token() {
                        self.touch(target, name, true, Use::Look);
                    }
                }
                SyntaxKind::FieldExpr => {
                    if let Some(name) = member_token(target) {
                        *self.scopes.assigned_fields.entry(name.text()).or_default() += 1;
                    }
                    self.all(target, Use::Look);
                }
                SyntaxKind::IndexExpr => {
                    if let Some(base) = child(target, 0) {
                        self.node(base, Use::Indexed);
                    }
                    target.children().skip(1).for_each(|key| self.node(key, Use::Value));
                }
                _ => self.node(target, Use::Value),
            }
        }
    }

    fn call(&mut self, node: Node<'t>) {
        let harmless = child(node, 0).is_some_and(|callee| {
            let name = callee.text();
            callee.kind() == SyntaxKind::NameExpr
                && matches!(name, "ipairs" | "pairs" | "next" | "type" | "tostring" | "tonumber" | "print" | "select")
                && !self.visible.contains_key(name)
        });
        for part in node.children() {
            match part.kind() {
                SyntaxKind::Arguments if harmless => {
                    part.children().for_each(|list| self.all(list, Use::Look));
                }
                SyntaxKind::Arguments => self.node(part, Use::Value),
                _ => self.node(part, Use::Look),
            }
        }
    }

    fn loop_stat(&mut self, node: Node<'t>) {
        let first = self.scopes.assigned.len();
        if node.kind() == SyntaxKind::RepeatStat {
            // The condition sees the locals of the body.
            self.open();
            for part in node.children() {
                match part.kind() {
                    SyntaxKind::Block => part.children().for_each(|stat| self.node(stat, Use::Look)),
                    _ => self.node(part, Use::Look),
                }
            }
            self.close();
        } else {
            let mut names = None;
            self.open();
            for part in node.children() {
                match part.kind() {
                    SyntaxKind::ForNames => names = Some(part),
                    SyntaxKind::Block => {
                        for name in names.into_iter().flat_map(name_tokens) {
                            self.declare(name, SymbolKind::LoopVar);
                        }
                        self.node(part, Use::Look);
                    }
                    _ => self.node(part, Use::Look),
                }
            }
            self.close();
        }
        self.scopes.within.insert(node.index(), first..self.scopes.assigned.len());
    }
}

/// The string in `require("x")`.
pub fn required_module(node: Node<'_>) -> Option<Token<'_>> {
    let callee = child(node, 0).filter(|c| node.kind() == SyntaxKind::CallExpr && c.text() == "require")?;
    debug_assert_eq!(callee.index(), node.index() + 1);
    let mut literals = node.child(SyntaxKind::Arguments)?.descendants().filter(|n| n.kind() == SyntaxKind::LiteralExpr);
    literals.next()?.first_token().filter(|t| t.kind() == SyntaxKind::Str)
}
