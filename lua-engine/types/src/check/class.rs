//! Classes as Lua writes them: a table of functions that is the `__index` of its objects.
//!
//! A constructor mostly stands before the methods of its class, so what is known of the table while the constructor is
//! walked is not what its objects will have. Here all functions that the chunk puts into such a table are read from
//! their annotations, whatever comes first. A table that anything else may write to, and a function that is not the
//! only one of its name, are left out.

use super::Checker;
use crate::hash::Map;
use crate::scope::{SymbolId, SymbolKind, member_token, name_tokens};
use crate::ty::{Field, Ty};
use std::rc::Rc;
use wippy_lua_syntax::{Node, SyntaxKind};

/// What is known of the classes of a chunk.
#[derive(Default)]
pub(super) struct Classes<'t> {
    /// Where something is put into a variable's table, once somebody has asked: names of functions, and `C.__index`.
    targets: Option<Map<SymbolId, Vec<Node<'t>>>>,
    functions: Map<SymbolId, Rc<[Member]>>,
}

/// A function of a class.
struct Member {
    field: Field,
    /// Index of the node behind the statement that makes it.
    made: usize,
}

impl<'t> Checker<'t, '_> {
    /// The functions that objects with a metatable, `C` or `{__index = C}`, will have and the class has not at a node,
    /// by name.
    pub(super) fn functions_to_come(&mut self, meta: Node<'t>, at: Node<'t>) -> Vec<Field> {
        let class = match meta.kind() {
            SyntaxKind::TableExpr => meta.children().find_map(|field| {
                let named = field.kind() == SyntaxKind::NamedField && field.first_token()?.text() == "__index";
                field.children().next().filter(|_| named)
            }),
            _ => Some(meta),
        };
        let class = class.filter(|c| c.kind() == SyntaxKind::NameExpr);
        class.and_then(|c| self.scopes.symbol_of(c)).map_or_else(Vec::new, |class| self.later_functions(class, at))
    }

    fn later_functions(&mut self, class: SymbolId, at: Node<'t>) -> Vec<Field> {
        let functions = match self.classes.functions.get(&class) {
            Some(known) => known.clone(),
            None => {
                let functions: Rc<[Member]> = self.read_functions(class).unwrap_or_default().into();
                self.classes.functions.insert(class, functions.clone());
                functions
            }
        };
        functions.iter().filter(|f| f.made > at.index()).map(|f| f.field.clone()).collect()
    }

    /// What `self` is in a method: what is known of the class, and its functions still to come.
    pub(super) fn receiver_of(&mut self, class: SymbolId, at: Node<'t>) -> Ty {
        let known = self.variable(class);
        let Some(record) = known.as_record().filter(|r| r.open && !r.interface) else { return known };
        let to_come = self.later_functions(class, at);
        if to_come.is_empty() {
            return known;
        }
        let mut record = record.clone();
        to_come.into_iter().for_each(|field| record.set(field));
        Ty::record(record)
    }

    /// The functions that statements put into the table of a variable, by name; none if others may write to it.
    fn read_functions(&mut self, class: SymbolId) -> Option<Vec<Member>> {
        let info = self.scopes.get(class);
        if info.kind != SymbolKind::Local || info.writes > 0 || info.indexed {
            return None;
        }
        if self.classes.targets.is_none() {
            self.classes.targets = Some(self.targets());
        }
        let targets = self.classes.targets.as_ref()?.get(&class)?.clone();
        let mut members: Vec<Member> = vec![];
        for target in targets {
            match target.kind() {
                SyntaxKind::FunctionName => members.push(self.member_of_class(target)?),
                _ if self.is_set_to_itself(target) => {}
                _ => return None,
            }
        }
        members.sort_by(|a, b| (&a.field.name, a.made).cmp(&(&b.field.name, b.made)));
        members.dedup_by(|later, first| {
            let same = later.field.name == first.field.name;
            if same {
                (first.field.ty, first.made) = (Ty::Undetermined, later.made);
            }
            same
        });
        Some(members)
    }

    /// The function that a statement with the name `C.f` or `C:m` makes.
    fn member_of_class(&mut self, target: Node<'t>) -> Option<Member> {
        let name = name_tokens(target).nth(1)?.text();
        let stat = target.parent()?;
        let made = stat.next_outside().map_or(usize::MAX, |next| next.index());
        let plain = name_tokens(target).count() == 2 && is_statement_of_chunk(stat);
        let body = stat.child(SyntaxKind::FunctionBody).filter(|_| plain);
        let ty = match body.filter(|_| !self.scopes.assigned_fields.contains_key(name)) {
            Some(body) => {
                let mut signature = self.lower.at_top(|lower| lower.signature(body));
                signature.method = target.token(SyntaxKind::Colon).is_some();
                Ty::function(signature)
            }
            None => Ty::Undetermined,
        };
        let name = self.lower.name(name);
        Some(Member { field: Field { name, ty, optional: false, readonly: false }, made })
    }

    fn targets(&self) -> Map<SymbolId, Vec<Node<'t>>> {
        let mut targets: Map<SymbolId, Vec<Node<'t>>> = Map::default();
        for target in &self.scopes.assigned {
            let owner = match target.kind() {
                SyntaxKind::FunctionName => name_tokens(*target).nth(1).map(|_| *target),
                SyntaxKind::FieldExpr if member_token(*target).is_some_and(|t| t.text() == "__index") => {
                    target.children().next().filter(|owner| owner.kind() == SyntaxKind::NameExpr)
                }
                _ => None,
            };
            if let Some(symbol) = owner.and_then(|owner| self.scopes.symbol_of(owner)) {
                targets.entry(symbol).or_default().push(*target);
            }
        }
        targets
    }

    /// `C.__index = C`
    fn is_set_to_itself(&self, target: Node<'t>) -> bool {
        let list = target.parent();
        let values = list.and_then(|list| list.parent()).and_then(|stat| stat.child(SyntaxKind::ExprList));
        let alone = list.is_some_and(|list| list.children().count() == 1);
        values.and_then(|v| v.children().next()).is_some_and(|value| alone && self.is_own_index(target, value))
    }
}

/// Whether a statement is one of the chunk itself, where no branch is open.
pub(super) fn is_statement_of_chunk(stat: Node<'_>) -> bool {
    stat.parent().and_then(|block| block.parent()).is_some_and(|above| above.kind() == SyntaxKind::Chunk)
}
