//! Gradual type checker and lint rules of wippy's Lua dialect.
//!
//! [`check`] walks the syntax tree of one module, given the manifests of what it imports, and gives its own manifest
//! and what is wrong with it; a caller keeps manifests and checks anew only what depends on a change. [`lint`] looks
//! for habits rather than faults. The crate knows neither the VM nor files nor the registry. It never blocks or
//! panics, whatever the source: depth, size of types and steps of comparison are bounded, and what is beyond the
//! bounds (or cannot be known) is undetermined, which is never reported.
//!
//! Where to read on: `ty` (types), `algebra` and `relate` (what can be done with them), `lower` (from syntax to
//! types), `scope` and `flow` (variables), `check` (the walk), `builtin` (the runtime's modules), `value` (types as
//! values of a running program).

#![forbid(unsafe_code)]

mod algebra;
pub mod builtin;
mod check;
mod diagnostic;
mod flow;
mod generics;
mod hash;
pub mod lint;
mod literal;
mod lower;
mod manifest;
mod relate;
mod scope;
mod show;
mod suggest;
pub mod ty;
pub mod value;

pub use diagnostic::{Code, Diagnostic, Severity};
pub use manifest::{Imports, Manifest};
pub use ty::Ty;
pub use value::TypeValue;
pub use wippy_lua_syntax::SyntaxError;

use wippy_lua_syntax::{SyntaxKind, Tree};

/// What checking a module gives.
#[derive(Debug)]
pub struct Checked {
    pub manifest: Manifest,
    /// In the order of the source; errors only.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks one module. The tree should have no syntax errors; with some, more may be reported than is wrong.
pub fn check(tree: &Tree, imports: &Imports) -> Checked {
    check::check(tree, imports, false)
}

/// Whether a value of type `from` may stand where `to` is declared.
pub fn assignable(from: &Ty, to: &Ty) -> bool {
    relate::fits(from, to)
}

/// The type a text describes, as in an annotation; undetermined if it is not one.
pub fn read_type(text: &str) -> Ty {
    let parsed = wippy_lua_syntax::parse(&format!("local x: {text}"));
    let imports = Imports::default();
    let annotation = parsed.root.root().descendants().find(|n| n.kind() == SyntaxKind::TypeAnnotation);
    let ty = annotation.filter(|_| parsed.errors.is_empty()).and_then(|a| a.children().next());
    ty.map_or(Ty::Undetermined, |ty| lower::Lower::new(&imports, false).ty(ty))
}

/// The union of two types, in normal form.
pub fn union_of(a: &Ty, b: &Ty) -> Ty {
    algebra::union([a.clone(), b.clone()])
}
