//! Rules about variables: unused ones, and names that hide others.

use super::Findings;
use crate::diagnostic::Code;
use crate::literal;
use crate::scope::{Scopes, Symbol, SymbolKind};

pub(super) fn check(scopes: &Scopes<'_>, findings: &mut Findings<'_>) {
    for symbol in &scopes.symbols {
        unused(symbol, findings);
        if symbol.shadows && !symbol.name.starts_with('_') {
            let message = format!("variable '{}' shadows a variable in an outer scope", symbol.name);
            findings.add(Code::W0007, symbol.range.clone(), message);
        }
    }
}

fn unused(symbol: &Symbol<'_>, findings: &mut Findings<'_>) {
    let name = symbol.name;
    if symbol.reads > 0 || name.starts_with('_') {
        return;
    }
    let (code, message) = match (symbol.kind, symbol.required) {
        (SymbolKind::Local, Some(module)) => {
            (Code::W0006, format!("imported module '{}' is never used", literal::string(module.text())))
        }
        (SymbolKind::Local | SymbolKind::Function, None) => {
            (Code::W0004, format!("variable '{name}' is declared but never used"))
        }
        (SymbolKind::LoopVar, _) => (Code::W0004, format!("loop variable '{name}' is declared but never used")),
        (SymbolKind::Param, _) if name != "self" => (Code::W0005, format!("parameter '{name}' is unused")),
        _ => return,
    };
    findings.add(code, symbol.range.clone(), message);
}
