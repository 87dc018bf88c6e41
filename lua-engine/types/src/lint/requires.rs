//! `require` of a name that the entry does not declare.

use super::Findings;
use crate::diagnostic::Code;
use crate::literal;
use crate::scope::{Scopes, SymbolKind, required_module};
use crate::suggest;
use wippy_lua_syntax::{SyntaxKind, Tree};

/// Reports what is required by a literal name and neither among `declared` nor set by the source itself.
pub(super) fn check(tree: &Tree, scopes: &Scopes<'_>, declared: &[&str], findings: &mut Findings<'_>) {
    for call in tree.root().descendants().filter(|n| n.kind() == SyntaxKind::CallExpr) {
        let Some(token) = required_module(call) else { continue };
        let callee = call.children().next().and_then(|callee| scopes.symbol_of(callee));
        let own = callee.is_none_or(|s| scopes.get(s).kind != SymbolKind::Global || scopes.get(s).writes > 0);
        let name = literal::string(token.text());
        let set = scopes.globals.get(name.as_str()).is_some_and(|s| scopes.get(*s).writes > 0);
        if own || set || declared.contains(&name.as_str()) {
            continue;
        }
        let message = format!("require(\"{name}\") is not declared in imports or modules");
        findings.add_helped(Code::W0008, token.range(), message, suggest::name(&name, declared));
    }
}
