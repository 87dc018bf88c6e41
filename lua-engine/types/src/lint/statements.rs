//! Rules about statements: empty blocks, globals, comparisons of a thing with itself.

use super::Findings;
use crate::builtin;
use crate::diagnostic::Code;
use crate::scope::{Scopes, SymbolKind, name_tokens};
use wippy_lua_syntax::{Node, SyntaxKind, Tree};

pub(super) fn check(tree: &Tree, scopes: &Scopes<'_>, findings: &mut Findings<'_>) {
    for node in tree.root().descendants() {
        match node.kind() {
            SyntaxKind::IfStat => empty(node, "if", findings),
            SyntaxKind::WhileStat => empty(node, "while", findings),
            SyntaxKind::RepeatStat => empty(node, "repeat", findings),
            SyntaxKind::NumericForStat | SyntaxKind::GenericForStat => empty(node, "for", findings),
            SyntaxKind::TargetList => {
                for target in node.children().filter(|n| n.kind() == SyntaxKind::NameExpr) {
                    let message = format!("assignment to global variable '{}'; consider using 'local'", target.text());
                    global(target, target.text(), message, scopes, findings);
                }
            }
            SyntaxKind::FunctionName if name_tokens(node).count() == 1 => {
                let name = node.text();
                let message = format!("function '{name}' declared as global; consider using 'local function'");
                global(node, name, message, scopes, findings);
            }
            SyntaxKind::BinaryExpr => self_compare(node, findings),
            _ => {}
        }
    }
}

/// The block of a statement (the first one of an `if`) has nothing in it.
fn empty(node: Node<'_>, what: &str, findings: &mut Findings<'_>) {
    if node.child(SyntaxKind::Block).is_none_or(|b| b.children().all(|s| s.kind() == SyntaxKind::EmptyStat)) {
        findings.add(Code::W0001, node.range(), format!("empty {what} block"));
    }
}

fn global(node: Node<'_>, name: &str, message: String, scopes: &Scopes<'_>, findings: &mut Findings<'_>) {
    let symbol = scopes.symbol_of(node).map(|s| scopes.get(s));
    let known = builtin::module(name).is_some() || builtin::global(name).is_some() || matches!(name, "_G" | "_VERSION");
    if symbol.is_some_and(|s| s.kind == SymbolKind::Global) && !known {
        findings.add(Code::W0002, node.range(), message);
    }
}

fn self_compare(node: Node<'_>, findings: &mut Findings<'_>) {
    let Some(operator) = node.tokens().next().map(|t| t.kind()) else { return };
    let outcome = match operator {
        SyntaxKind::Eq | SyntaxKind::Le | SyntaxKind::Ge => "true",
        SyntaxKind::NotEq | SyntaxKind::Lt | SyntaxKind::Gt => "false",
        _ => return,
    };
    let mut sides = node.children();
    let (Some(left), Some(right)) = (sides.next(), sides.next()) else { return };
    if is_steady(left) && same_text(left, right) {
        let message = format!("comparison of identical expressions; result is always {outcome}");
        findings.add(Code::W0003, node.range(), message);
    }
}

/// Whether an expression gives the same value each time: no call is in it.
fn is_steady(node: Node<'_>) -> bool {
    let calls = [SyntaxKind::CallExpr, SyntaxKind::MethodCallExpr, SyntaxKind::FunctionExpr, SyntaxKind::TableExpr];
    !node.descendants().any(|n| calls.contains(&n.kind()))
}

/// Token by token, so that blanks and comments make no difference.
fn same_text(a: Node<'_>, b: Node<'_>) -> bool {
    let tokens = |n: Node<'_>| {
        let (first, last) = (n.first_token(), n.last_token().map_or(0, |t| t.range().end));
        let all = std::iter::successors(first, |t| t.next()).take_while(move |t| t.range().start < last);
        all.filter(|t| !t.kind().is_trivia()).map(|t| t.text().to_owned()).collect::<Vec<_>>()
    };
    tokens(a) == tokens(b)
}
