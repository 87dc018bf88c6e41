//! Turns a source into plain Lua 5.4 of the same length: type syntax becomes blanks, line ends stay.
//!
//! So every line and column the VM reports is the author's. Two things are more than blanking: a statement that
//! ended in erased text and is followed by `(` gets a `;` in its place (Lua would read a call), and literals the
//! dialect reads differently are rewritten (see [`crate::literal`]). Types are not looked at; what else somebody
//! wants to have replaced, [`erase_with`] replaces.

use crate::error::SyntaxError;
use crate::kind::SyntaxKind;
use crate::tree::{Node, Tree};
use crate::{Parse, literal};
use std::ops::Range;

/// Plain Lua and what was taken out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Plain Lua 5.4 of the same length as the source (but for what was replaced), with the same number of lines.
    pub text: String,
    /// The `type` and `interface` declarations at the top level of the chunk, in source order.
    pub types: Vec<TypeDecl>,
}

/// A type declaration at the top level of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDecl {
    pub name: String,
    /// True for `interface`, false for `type`.
    pub interface: bool,
    /// Bytes of the whole declaration.
    pub range: Range<u32>,
}

/// Parses `source` and erases its type syntax.
///
/// # Errors
/// All syntax errors of the source (at most [`crate::MAX_ERRORS`]).
pub fn erase(source: &str) -> Result<Erased, Vec<SyntaxError>> {
    erase_with(source, |_| vec![])
}

/// A part of a source and the text that takes its place.
pub type Replacement = (Range<u32>, String);

/// As [`erase`], with the ranges that `replace` gives (tokens outside of all types, in the order of the source)
/// replaced. The texts hold no line ends.
///
/// # Errors
/// As [`erase`]; `replace` is not asked then.
pub fn erase_with(source: &str, replace: impl FnOnce(&Tree) -> Vec<Replacement>) -> Result<Erased, Vec<SyntaxError>> {
    erase_parsed(&crate::parse(source), replace)
}

/// As [`erase_with`], for a source that was parsed already.
///
/// # Errors
/// As [`erase`]; `replace` is not asked then.
pub fn erase_parsed(
    parsed: &Parse,
    replace: impl FnOnce(&Tree) -> Vec<Replacement>,
) -> Result<Erased, Vec<SyntaxError>> {
    if !parsed.errors.is_empty() {
        return Err(parsed.errors.clone());
    }
    let replacements = replace(&parsed.root);
    Ok(erased(parsed, replacements))
}

fn erased(parsed: &Parse, replacements: Vec<Replacement>) -> Erased {
    let tree = &parsed.root;
    let mut out = Output { source: tree.source(), text: String::with_capacity(tree.source().len()), done: 0 };
    let rewritten = |at: &u32| {
        let token = tree.token_at(*at)?;
        Some((token.range(), literal::rewrite(token.text())))
    };
    let mut edits: Vec<Replacement> = parsed.foreign_literals.iter().filter_map(rewritten).collect();
    if !replacements.is_empty() {
        edits.extend(replacements);
        edits.sort_by_key(|(range, _)| range.start);
    }
    let mut edits = edits.into_iter().peekable();
    let mut next = Some(tree.root());
    while let Some(node) = next {
        if !is_erased(node.kind()) {
            next = node.next_preorder();
            continue;
        }
        let erased = node.range();
        while let Some(edit) = edits.next_if(|(range, _)| range.start < erased.start) {
            out.replace(edit);
        }
        while edits.next_if(|(range, _)| range.start < erased.end).is_some() {}
        out.blank(erased, needs_separator(node));
        next = node.next_outside();
    }
    edits.for_each(|edit| out.replace(edit));
    out.copy_to(tree.source().len());
    Erased { text: out.text, types: top_level_types(tree) }
}

/// Nodes that plain Lua must not see.
fn is_erased(kind: SyntaxKind) -> bool {
    use SyntaxKind::*;
    matches!(kind, TypeAnnotation | TypeParams | ReturnTypes | CastTarget | NonNilMark | TypeStat | InterfaceStat)
}

/// Whether the text around an erased node would run into a following `(`.
fn needs_separator(node: Node<'_>) -> bool {
    use SyntaxKind::*;
    let ends_statement = matches!(node.kind(), CastTarget | NonNilMark | TypeStat | InterfaceStat);
    ends_statement && node.following_token().is_some_and(|t| t.kind() == LParen)
}

fn top_level_types(tree: &Tree) -> Vec<TypeDecl> {
    let Some(block) = tree.root().child(SyntaxKind::Block) else { return vec![] };
    block
        .children()
        .filter_map(|stat| {
            let interface = match stat.kind() {
                SyntaxKind::TypeStat => false,
                SyntaxKind::InterfaceStat => true,
                _ => return None,
            };
            // `type` itself is an ordinary name, so the declared one is the second.
            let name = stat.tokens().nth(1)?.text().to_owned();
            Some(TypeDecl { name, interface, range: stat.range() })
        })
        .collect()
}

/// The text made so far; `done` bytes of the source are dealt with.
struct Output<'s> {
    source: &'s str,
    text: String,
    done: usize,
}

impl Output<'_> {
    fn copy_to(&mut self, end: usize) {
        self.text.push_str(self.source.get(self.done..end).unwrap_or(""));
        self.done = end;
    }

    fn blank(&mut self, range: Range<u32>, separator: bool) {
        self.copy_to(range.start as usize);
        let end = range.end as usize;
        let erased = self.source.as_bytes().get(self.done..end).unwrap_or(&[]);
        for (i, byte) in erased.iter().enumerate() {
            self.text.push(match byte {
                b'\n' => '\n',
                b'\r' => '\r',
                _ if i == 0 && separator => ';',
                _ => ' ',
            });
        }
        self.done = end;
    }

    fn replace(&mut self, (range, text): Replacement) {
        self.copy_to(range.start as usize);
        self.text.push_str(&text);
        self.done = range.end as usize;
    }
}
