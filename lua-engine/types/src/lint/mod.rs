//! The lint rules: what is legal and mostly a mistake.
//!
//! Rules about variables read the table of [`Scopes`]; rules about statements walk the tree. None of them looks at
//! types. Names that begin with `_` are meant to be ignored.

mod statements;
mod variables;

use crate::diagnostic::{Code, Diagnostic, Lines};
use crate::scope::Scopes;
use std::ops::Range;
use wippy_lua_syntax::Tree;

/// All findings of the rules, in the order of the source.
pub fn lint(tree: &Tree) -> Vec<Diagnostic> {
    let scopes = Scopes::new(tree);
    if scopes.incomplete {
        return vec![];
    }
    let mut findings = Findings { lines: Lines::new(tree.source()), all: vec![] };
    statements::check(tree, &scopes, &mut findings);
    variables::check(&scopes, &mut findings);
    findings.all.sort_by_key(|d| (d.line, d.column, d.code));
    findings.all
}

struct Findings<'t> {
    lines: Lines<'t>,
    all: Vec<Diagnostic>,
}

impl Findings<'_> {
    fn add(&mut self, code: Code, range: Range<u32>, message: String) {
        let (line, column) = self.lines.place(range.start);
        let severity = code.severity();
        self.all.push(Diagnostic { code, severity, message, range, line, column, notes: vec![], help: None });
    }
}
