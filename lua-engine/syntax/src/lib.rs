//! Lossless, error-tolerant parser of wippy's Lua dialect: Lua 5.3 plus type annotations, type declarations,
//! generics and casts.
//!
//! [`parse`] gives a tree that holds every byte of the source and all syntax errors at once; [`erase`] gives plain
//! Lua 5.4 of the same length, in which the type syntax is blank, for the compiler. The crate knows neither the VM
//! nor the meaning of types nor files; it never blocks, and any text at all is fine as input: nesting, depth of
//! the tree, number of errors and size of the source are bounded.
//!
//! Where to read on: `lexer`, then `grammar`, then `tree`; `ast` is what a checker uses.

#![forbid(unsafe_code)]

mod erase;
mod error;
mod grammar;
mod kind;
mod lexer;
mod literal;
mod parser;
mod tree;

pub use erase::{Erased, Replacement, TypeDecl, erase, erase_parsed, erase_with};
pub use error::{MAX_ERRORS, SyntaxError};
pub use kind::SyntaxKind;
pub use parser::MAX_NESTING;
pub use tree::{Element, MAX_DEPTH, Node, Token, Tree};

use error::RawError;
use lexer::RawToken;
use std::sync::Arc;

/// Sources of more bytes than this are refused with an error; nothing in them is looked at.
pub const MAX_SOURCE: usize = 64 << 20;

/// A parsed source: the tree is complete whatever the errors.
#[derive(Debug, Clone)]
pub struct Parse {
    /// The tree; [`Tree::root`] is its root node.
    pub root: Tree,
    /// All syntax errors in source order, at most [`MAX_ERRORS`].
    pub errors: Vec<SyntaxError>,
    /// Where literals begin that Lua reads differently; for the eraser.
    foreign_literals: Vec<u32>,
}

/// Parses a source text.
pub fn parse(source: &str) -> Parse {
    let mut lexed = if source.len() > MAX_SOURCE { too_large(source) } else { lexer::lex(source) };
    let mut parser = parser::Parser::new(source, &lexed.tokens, lexed.errors);
    grammar::chunk(&mut parser);
    let (nodes, errors) = parser.finish().build(&mut lexed.tokens);
    let data = tree::TreeData { source: source.into(), tokens: lexed.tokens, nodes };
    let errors = error::locate(source, errors);
    Parse { root: Tree { data: Arc::new(data) }, errors, foreign_literals: lexed.foreign_literals }
}

/// A source that is too large is one token without meaning.
fn too_large(source: &str) -> lexer::Lexed {
    let end = u32::try_from(source.len()).unwrap_or(u32::MAX);
    let message = format!("source is larger than {MAX_SOURCE} bytes");
    lexer::Lexed {
        tokens: vec![RawToken { kind: SyntaxKind::Unknown, start: 0 }, RawToken { kind: SyntaxKind::Eof, start: end }],
        errors: vec![RawError { range: 0..0, message }],
        foreign_literals: vec![],
    }
}
