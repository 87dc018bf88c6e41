//! The lossless syntax tree: every byte of the source is in exactly one token, every token below the root.
//!
//! The whole tree is three flat arrays (text, tokens, nodes in the order they begin), so building it costs two
//! allocations, walking it touches memory in order, and dropping it never recurses. A node is known by its place
//! in the array and the range of tokens it covers. Depth is bounded by [`MAX_DEPTH`], so consumers may recurse.
//! This file knows no grammar; typed views are in [`crate::ast`].

use crate::kind::SyntaxKind;
use crate::lexer::RawToken;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// No node is deeper than this below the root (the root has depth 0). Sources that would need more are reported
/// as errors and their deepest nodes are left out, their tokens kept.
pub const MAX_DEPTH: usize = 1000;

/// A syntax tree with its source text. Cheap to clone.
#[derive(Clone)]
pub struct Tree {
    pub(crate) data: Arc<TreeData>,
}

pub(crate) struct TreeData {
    pub(crate) source: Box<str>,
    /// All tokens and a final `Eof`.
    pub(crate) tokens: Vec<RawToken>,
    /// All nodes in preorder; the root first.
    pub(crate) nodes: Vec<NodeData>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeData {
    pub(crate) kind: SyntaxKind,
    pub(crate) parent: u32,
    /// Index after the last descendant.
    pub(crate) next: u32,
    pub(crate) first_token: u32,
    pub(crate) end_token: u32,
}

impl Tree {
    /// The root, always of kind [`SyntaxKind::Chunk`].
    pub fn root(&self) -> Node<'_> {
        Node { tree: &self.data, id: 0 }
    }

    /// The source text the tree was made from.
    pub fn source(&self) -> &str {
        &self.data.source
    }

    /// All tokens from first to last, trivia included; their texts make up the source.
    pub fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        (0..self.data.tokens.len() as u32 - 1).map(|id| Token { tree: &self.data, id })
    }

    /// The number of nodes.
    pub fn node_count(&self) -> usize {
        self.data.nodes.len()
    }

    /// The number of tokens, trivia included.
    pub fn token_count(&self) -> usize {
        self.data.tokens.len() - 1
    }

    /// The token that covers byte `offset`, or none at or past the end.
    pub fn token_at(&self, offset: u32) -> Option<Token<'_>> {
        if offset as usize >= self.data.source.len() {
            return None;
        }
        let after = self.data.tokens.partition_point(|t| t.start <= offset);
        Some(Token { tree: &self.data, id: after.checked_sub(1)? as u32 })
    }

    /// Indented listing of nodes and tokens (blanks left out), for tests and debugging.
    pub fn dump(&self) -> String {
        let mut out = String::new();
        let mut open: Vec<Node<'_>> = vec![];
        let mut nodes = self.root().descendants().peekable();
        for token in self.tokens() {
            while open.last().is_some_and(|n| n.data().end_token <= token.id) {
                open.pop();
            }
            while let Some(node) = nodes.next_if(|n| n.data().first_token <= token.id) {
                while open.last().is_some_and(|n| n.data().next <= node.id) {
                    open.pop();
                }
                out.push_str(&"  ".repeat(open.len()));
                out.push_str(&format!("{:?}\n", node.kind()));
                open.push(node);
            }
            while open.last().is_some_and(|n| n.data().end_token <= token.id) {
                open.pop();
            }
            if token.kind() != SyntaxKind::Whitespace {
                out.push_str(&format!("{}{:?} {:?}\n", "  ".repeat(open.len()), token.kind(), token.text()));
            }
        }
        for node in nodes {
            while open.last().is_some_and(|n| n.data().next <= node.id) {
                open.pop();
            }
            out.push_str(&format!("{}{:?}\n", "  ".repeat(open.len()), node.kind()));
            open.push(node);
        }
        out
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dump())
    }
}

/// A node of a tree; a cheap handle.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t TreeData,
    id: u32,
}

/// A token of a tree; a cheap handle.
#[derive(Clone, Copy)]
pub struct Token<'t> {
    tree: &'t TreeData,
    id: u32,
}

/// A node or a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element<'t> {
    Node(Node<'t>),
    Token(Token<'t>),
}

impl<'t> Node<'t> {
    fn data(self) -> &'t NodeData {
        &self.tree.nodes[self.id as usize]
    }

    pub fn kind(self) -> SyntaxKind {
        self.data().kind
    }

    /// Place of the node among all nodes in preorder; stable for one tree, usable as a key.
    pub fn index(self) -> usize {
        self.id as usize
    }

    /// Byte range, from the first to the last token, without trivia around it (the root covers everything).
    pub fn range(self) -> Range<u32> {
        let data = self.data();
        let start = self.tree.tokens[data.first_token as usize].start;
        if data.first_token == data.end_token {
            return start..start;
        }
        start..self.tree.tokens[data.end_token as usize].start
    }

    /// The source text of [`range`](Self::range).
    pub fn text(self) -> &'t str {
        let range = self.range();
        self.tree.source.get(range.start as usize..range.end as usize).unwrap_or("")
    }

    /// The enclosing node; none for the root.
    pub fn parent(self) -> Option<Node<'t>> {
        (self.id != 0).then(|| Node { tree: self.tree, id: self.data().parent })
    }

    /// Direct child nodes in source order.
    pub fn children(self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        let end = self.data().next;
        let mut id = self.id + 1;
        std::iter::from_fn(move || {
            let node = (id < end).then_some(Node { tree: self.tree, id })?;
            id = node.data().next;
            Some(node)
        })
    }

    /// The first direct child of a kind.
    pub fn child(self, kind: SyntaxKind) -> Option<Node<'t>> {
        self.children().find(|n| n.kind() == kind)
    }

    /// This node and everything below it, in preorder.
    pub fn descendants(self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        (self.id..self.data().next).map(move |id| Node { tree: self.tree, id })
    }

    /// The node after this one and all its descendants in preorder, in the whole tree.
    pub fn next_outside(self) -> Option<Node<'t>> {
        let id = self.data().next;
        ((id as usize) < self.tree.nodes.len()).then_some(Node { tree: self.tree, id })
    }

    /// The node after this one in preorder, in the whole tree.
    pub fn next_preorder(self) -> Option<Node<'t>> {
        let id = self.id + 1;
        ((id as usize) < self.tree.nodes.len()).then_some(Node { tree: self.tree, id })
    }

    /// Direct children, nodes and tokens (trivia included), in source order.
    pub fn elements(self) -> impl Iterator<Item = Element<'t>> + use<'t> {
        let mut children = self.children().peekable();
        let mut token = self.data().first_token;
        let end = self.data().end_token;
        std::iter::from_fn(move || {
            if let Some(node) = children.next_if(|n| n.data().first_token <= token) {
                token = node.data().end_token;
                return Some(Element::Node(node));
            }
            let found = (token < end).then_some(Token { tree: self.tree, id: token })?;
            token += 1;
            Some(Element::Token(found))
        })
    }

    /// Direct tokens without trivia, in source order.
    pub fn tokens(self) -> impl Iterator<Item = Token<'t>> + use<'t> {
        let NodeData { first_token: mut at, end_token: end, next, .. } = *self.data();
        let mut child = self.id + 1;
        std::iter::from_fn(move || {
            loop {
                while let Some(data) = self.tree.nodes.get(child as usize).filter(|_| child < next)
                    && data.first_token <= at
                {
                    (at, child) = (data.end_token, data.next);
                }
                let token = (at < end).then_some(Token { tree: self.tree, id: at })?;
                at += 1;
                if !token.kind().is_trivia() {
                    return Some(token);
                }
            }
        })
    }

    /// The first direct token of a kind.
    pub fn token(self, kind: SyntaxKind) -> Option<Token<'t>> {
        self.tokens().find(|t| t.kind() == kind)
    }

    /// The first token covered, at whatever depth.
    pub fn first_token(self) -> Option<Token<'t>> {
        let data = self.data();
        (data.first_token < data.end_token).then_some(Token { tree: self.tree, id: data.first_token })
    }

    /// The last token covered, at whatever depth.
    pub fn last_token(self) -> Option<Token<'t>> {
        let data = self.data();
        (data.first_token < data.end_token).then(|| Token { tree: self.tree, id: data.end_token - 1 })
    }

    /// The first token after this node that is no trivia.
    pub fn following_token(self) -> Option<Token<'t>> {
        let tokens = self.tree.tokens.get(self.data().end_token as usize..)?;
        let ahead = tokens.iter().position(|t| !t.kind.is_trivia())?;
        (tokens[ahead].kind != SyntaxKind::Eof)
            .then_some(Token { tree: self.tree, id: self.data().end_token + ahead as u32 })
    }
}

impl<'t> Token<'t> {
    /// Place of the token among all tokens, trivia included; stable for one tree, usable as a key.
    pub fn index(self) -> usize {
        self.id as usize
    }

    pub fn kind(self) -> SyntaxKind {
        self.tree.tokens[self.id as usize].kind
    }

    /// Byte range.
    pub fn range(self) -> Range<u32> {
        let id = self.id as usize;
        self.tree.tokens[id].start..self.tree.tokens[id + 1].start
    }

    pub fn text(self) -> &'t str {
        let range = self.range();
        self.tree.source.get(range.start as usize..range.end as usize).unwrap_or("")
    }

    /// The innermost node that holds this token.
    pub fn parent(self) -> Node<'t> {
        // Nodes begin in order, so the last one that begins at or before the token is in the right subtree.
        let after = self.tree.nodes.partition_point(|n| n.first_token <= self.id);
        let mut node = Node { tree: self.tree, id: after.saturating_sub(1) as u32 };
        while node.data().end_token <= self.id {
            match node.parent() {
                Some(parent) => node = parent,
                None => break,
            }
        }
        node
    }

    /// The token before this one, trivia included.
    pub fn previous(self) -> Option<Token<'t>> {
        Some(Token { tree: self.tree, id: self.id.checked_sub(1)? })
    }

    /// The token after this one, trivia included.
    pub fn next(self) -> Option<Token<'t>> {
        let id = self.id + 1;
        (id as usize + 1 < self.tree.tokens.len()).then_some(Token { tree: self.tree, id })
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.id == other.id
    }
}

impl Eq for Node<'_> {}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:?}", self.kind(), self.range())
    }
}

impl PartialEq for Token<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.id == other.id
    }
}

impl Eq for Token<'_> {}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:?} {:?}", self.kind(), self.range(), self.text())
    }
}
