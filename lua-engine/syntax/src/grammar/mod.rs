//! The grammar of the dialect: Lua 5.3 plus annotations, type declarations, generics and casts.
//!
//! Plain recursive descent over [`Parser`]; each function parses one rule and leaves one node. `stat` holds
//! statements and function bodies, `expr` expressions, `types` type expressions. Functions never fail: what is
//! missing is reported and left out. Names and scopes are not looked at.

mod expr;
mod stat;
mod types;

use crate::kind::SyntaxKind::{self, *};
use crate::parser::Parser;

/// Parses a whole source text.
pub(crate) fn chunk(p: &mut Parser<'_>) {
    let chunk = p.start();
    stat::top_level(p);
    p.complete(chunk, Chunk);
}

/// Takes a name that is declared or read: reserved words are refused with a message that says so.
fn name(p: &mut Parser<'_>, what: &str) -> bool {
    if p.current().is_type_word() {
        p.note(format!("'{}' is a reserved word and cannot be used as a name here", p.text()));
        p.bump();
        return true;
    }
    p.expect(Ident, what)
}

/// Takes a name where only a name can stand (after `.` or `:`, as a key): reserved words of the type syntax are
/// fine there.
fn member_name(p: &mut Parser<'_>, what: &str) -> bool {
    if is_member_name(p.current()) {
        p.bump();
        p.clear_confusion();
        return true;
    }
    p.unexpected(what);
    false
}

fn is_member_name(kind: SyntaxKind) -> bool {
    kind == Ident || kind.is_type_word()
}
