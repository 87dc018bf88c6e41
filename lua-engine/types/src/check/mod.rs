//! The checker: one walk over the tree in the order the program runs, with what is known at each point.
//!
//! `stat` walks statements, `expr` types expressions, `table` what tables give and take, `call` and `function` the
//! two ends of a call, `narrow` what a test tells. Whatever cannot be found out is [`Ty::Undetermined`] and silent:
//! a false report refuses a valid program. The walk visits every node once, and a few times what a test is about
//! ([`MAX_AGAIN`]); it stops at [`MAX_DEPTH`].

mod call;
mod class;
mod expr;
mod function;
mod member;
mod narrow;
mod operator;
mod stat;
mod table;

use crate::algebra::{accepts_nil, has_nil, union};
use crate::diagnostic::{Code, Diagnostic, Lines};
use crate::flow::{Flow, PathId};
use crate::hash::{Map, Set};
use crate::lower::Lower;
use crate::scope::{Scopes, SymbolId, SymbolKind};
use crate::ty::{Results, Ty};
use crate::{Checked, Imports, Manifest};
use std::rc::Rc;
use wippy_lua_syntax::{Node, SyntaxKind, Tree};

/// Levels of statements and expressions that are looked into; what is deeper is undetermined.
const MAX_DEPTH: u32 = 150;
/// Expressions in each other that are looked at a second time: each level is a factor as large as the nesting.
const MAX_AGAIN: u32 = 1;
/// Diagnostics kept for one source.
const MAX_DIAGNOSTICS: usize = 500;

/// A function (or the chunk) whose body is being walked.
struct Frame {
    function: u32,
    /// Index of the node of its body; none for the chunk.
    body: Option<usize>,
    /// What its annotation says it returns.
    declared: Option<Rc<Results>>,
    /// What its `return`s give.
    returns: Vec<Results>,
    vararg: Option<Ty>,
}

/// Two variables of which exactly one is nil.
#[derive(Clone)]
struct Link {
    value: PathId,
    error: PathId,
    versions: (u32, u32),
    /// `local value, error = T:is(subject)`: the subject, its version, and `T`.
    subject: Option<(PathId, u32, Ty)>,
}

pub(crate) struct Checker<'t, 'e> {
    scopes: Scopes<'t>,
    flow: Flow<'t>,
    lower: Lower<'t, 'e>,
    imports: &'e Imports,
    /// Annotations of variables.
    declared: Vec<Option<Ty>>,
    /// Constants in variables that are only set once, by symbol.
    exact: Vec<Option<Ty>>,
    links: Map<PathId, Link>,
    classes: class::Classes<'t>,
    /// Names of members of the runtime that the source asks for before it uses them.
    asked: Set<&'t str>,
    frames: Vec<Frame>,
    lines: Lines<'t>,
    diagnostics: Vec<Diagnostic>,
    depth: u32,
    /// Nothing is reported while this is not 0.
    quiet: u32,
    /// Expressions around this one that are looked at a second time.
    again: u32,
}

/// Checks a chunk. With `values` types are read as values of a program, and only the types of the manifest are of use.
pub(crate) fn check(tree: &Tree, imports: &Imports, values: bool) -> Checked {
    let scopes = Scopes::new(tree);
    if scopes.incomplete {
        return Checked { manifest: Manifest::unknown(), diagnostics: vec![] };
    }
    let mut checker = Checker {
        declared: vec![None; scopes.symbols.len()],
        exact: vec![None; scopes.symbols.len()],
        flow: Flow::new(scopes.symbols.len()),
        scopes,
        lower: Lower::new(imports, false),
        imports,
        links: Map::default(),
        classes: class::Classes::default(),
        asked: Set::default(),
        frames: vec![Frame {
            function: 0,
            body: None,
            declared: None,
            returns: vec![],
            vararg: Some(Ty::Undetermined),
        }],
        lines: Lines::new(tree.source()),
        diagnostics: vec![],
        depth: 0,
        quiet: 0,
        again: 0,
    };
    checker.lower.values = values;
    if let Some(block) = tree.root().child(SyntaxKind::Block) {
        checker.lower.announce(block);
        checker.statements(block);
    }
    checker.finish()
}

impl<'t> Checker<'t, '_> {
    fn finish(mut self) -> Checked {
        let returns = self.frames.pop().map(|f| f.returns).unwrap_or_default();
        let export = match returns.len() {
            0 if self.flow.dead => Ty::Undetermined,
            0 => Ty::Nil,
            _ => union(returns.iter().map(|r| table::given_away(&r.nth(0)))),
        };
        let types = self.lower.exported();
        let defs = std::mem::take(&mut self.lower.defs);
        let manifest = Manifest { export, types, _defs: defs, _imports: self.imports.all() };
        self.diagnostics.sort_by_key(|d| (d.line, d.column, d.code));
        Checked { manifest, diagnostics: self.diagnostics }
    }

    /// Number of the function being walked.
    fn function(&self) -> u32 {
        self.frames.last().map_or(0, |f| f.function)
    }

    fn report(&mut self, code: Code, node: Node<'t>, message: String) {
        self.report_at(code, node.range(), message);
    }

    /// Reports with advice, if there is any.
    fn report_helped(&mut self, code: Code, node: Node<'t>, message: String, help: Option<String>) {
        let before = self.diagnostics.len();
        self.report(code, node, message);
        if let Some(reported) = self.diagnostics.get_mut(before) {
            reported.help = help;
        }
    }

    fn report_at(&mut self, code: Code, range: std::ops::Range<u32>, message: String) {
        if self.quiet > 0 || self.flow.dead || self.diagnostics.len() >= MAX_DIAGNOSTICS {
            return;
        }
        let (line, column) = self.lines.place(range.start);
        let severity = code.severity();
        self.diagnostics.push(Diagnostic { code, severity, message, range, line, column, notes: vec![], help: None });
    }

    /// Runs `f` without reporting anything.
    fn quietly<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        self.quiet += 1;
        let result = f(self);
        self.quiet -= 1;
        result
    }

    /// The type of an expression that is typed elsewhere as well. Inside of another one such it is undetermined.
    fn again(&mut self, node: Node<'t>) -> Ty {
        if self.again >= MAX_AGAIN {
            return Ty::Undetermined;
        }
        self.again += 1;
        let ty = self.quietly(|c| c.expr(node));
        self.again -= 1;
        ty
    }

    /// Runs `f` one level deeper, or gives `otherwise` when that is too deep.
    fn deeper<R>(&mut self, otherwise: R, f: impl FnOnce(&mut Self) -> R) -> R {
        if self.depth >= MAX_DEPTH {
            return otherwise;
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    // ----- variables -----

    /// The path an expression reads, if it is one.
    fn path_of(&mut self, node: Node<'t>) -> Option<PathId> {
        match node.kind() {
            SyntaxKind::NameExpr => {
                let symbol = self.scopes.symbol_of(node)?;
                Some(self.flow.root(symbol))
            }
            SyntaxKind::ParenExpr => self.path_of(node.children().next()?),
            SyntaxKind::FieldExpr => {
                let name = crate::scope::member_token(node)?.text();
                let base = self.deeper(None, |c| c.path_of(node.children().next()?))?;
                self.flow.field(base, name)
            }
            SyntaxKind::IndexExpr => {
                let key = node.children().nth(1)?;
                let name = expr::string_key(key)?;
                let base = self.deeper(None, |c| c.path_of(node.children().next()?))?;
                self.flow.field(base, name)
            }
            _ => None,
        }
    }

    /// What is known of a path without looking at the types of what it goes through.
    fn known(&self, path: PathId) -> Option<Ty> {
        let known = self.flow.fact(path)?;
        let root = self.flow.root_of(path);
        let symbol = self.scopes.get(root);
        if known.function != self.function() {
            // The code here runs some time later: nobody knows how often the variable was set until then.
            let set = if symbol.kind == SymbolKind::Global { 1 } else { 0 };
            if symbol.writes > set {
                return self.flow.is_root(path).then(|| self.settled(root));
            }
            if !self.flow.is_root(path) && has_nil(&known.ty) {
                return Some(Ty::Undetermined);
            }
        }
        Some(known.ty.clone())
    }

    /// The type of a variable at a time nothing is known about.
    fn settled(&self, symbol: SymbolId) -> Ty {
        match &self.declared[symbol.0 as usize] {
            Some(declared) if !accepts_nil(declared) => declared.clone(),
            _ => Ty::Undetermined,
        }
    }

    /// The type of a variable here.
    fn variable(&mut self, symbol: SymbolId) -> Ty {
        let path = self.flow.root(symbol);
        if let Some(known) = self.known(path) {
            return known;
        }
        // Any call may have set it.
        if self.scopes.get(symbol).closure_writes {
            return self.settled(symbol);
        }
        self.declared[symbol.0 as usize].clone().unwrap_or(Ty::Undetermined)
    }

    /// Notes what a test has shown about a path.
    fn learn(&mut self, path: PathId, ty: Ty) {
        let root = self.flow.root_of(path);
        let function = self.function();
        if self.scopes.get(root).closure_writes && has_nil(&ty) {
            self.flow.is_fragile(path);
        }
        self.flow.learn(path, ty, function);
    }

    /// Notes that a path has been given a value.
    fn set(&mut self, path: PathId, ty: Option<Ty>) {
        let function = self.function();
        self.flow.assign(path, ty, function);
    }

    /// Forgets about everything that is assigned somewhere in a loop, or behind a label.
    fn doubt_assigned(&mut self, within: usize) {
        let Some(range) = self.scopes.within.get(&within).cloned() else { return };
        for n in range {
            let target = self.scopes.assigned[n];
            let path = match target.kind() {
                SyntaxKind::FunctionName => {
                    let plain = crate::scope::name_tokens(target).count() == 1;
                    self.scopes.symbol_of(target).filter(|_| plain).map(|s| self.flow.root(s))
                }
                _ => self.path_of(target),
            };
            let Some(path) = path else { continue };
            let root = self.flow.root_of(path);
            let keeps =
                self.flow.is_root(path) && self.declared[root.0 as usize].as_ref().is_some_and(|d| !expr::is_union(d));
            self.set(path, (!keeps).then_some(Ty::Undetermined));
        }
    }
}
