//! The lint rules: what is legal and mostly a mistake.
//!
//! Rules about variables read the table of [`Scopes`]; rules about statements walk the tree. None of them looks at
//! types. Names that begin with `_` are meant to be ignored.

mod requires;
mod statements;
mod variables;

use crate::diagnostic::{Code, Diagnostic, Lines};
use crate::scope::Scopes;
use std::ops::Range;
use wippy_lua_syntax::Tree;

/// All findings of the rules, in the order of the source.
pub fn lint(tree: &Tree) -> Vec<Diagnostic> {
    run(tree, None)
}

/// As [`lint`], of the source of an entry: whatever it requires should be among the names `declared`.
pub fn lint_entry(tree: &Tree, declared: &[&str]) -> Vec<Diagnostic> {
    run(tree, Some(declared))
}

fn run(tree: &Tree, declared: Option<&[&str]>) -> Vec<Diagnostic> {
    let scopes = Scopes::new(tree);
    if scopes.incomplete {
        return vec![];
    }
    let mut findings = Findings { lines: Lines::new(tree.source()), all: vec![] };
    statements::check(tree, &scopes, &mut findings);
    variables::check(&scopes, &mut findings);
    if let Some(declared) = declared {
        requires::check(tree, &scopes, declared, &mut findings);
    }
    findings.all.sort_by_key(|d| (d.line, d.column, d.code));
    findings.all
}

struct Findings<'t> {
    lines: Lines<'t>,
    all: Vec<Diagnostic>,
}

impl Findings<'_> {
    fn add(&mut self, code: Code, range: Range<u32>, message: String) {
        self.add_helped(code, range, message, None);
    }

    fn add_helped(&mut self, code: Code, range: Range<u32>, message: String, help: Option<String>) {
        let (line, column) = self.lines.place(range.start);
        let severity = code.severity();
        self.all.push(Diagnostic { code, severity, message, range, line, column, notes: vec![], help });
    }
}
