//! Reading fields, methods and elements.

use super::{Checker, table};
use crate::algebra::{any_member, optional, union, without_nil};
use crate::builtin;
use crate::diagnostic::Code;
use crate::generics::with_receiver;
use crate::suggest;
use crate::ty::{Shape, Ty};
use crate::value::METHODS;
use std::borrow::Cow;
use wippy_lua_syntax::{Node, SyntaxKind};

/// What one type says about a member.
pub(super) enum Found {
    Type(Ty),
    /// There is none.
    Missing,
    /// The value cannot be indexed at all.
    NoTable,
    /// Nobody knows.
    Unclear,
}

/// Whether a type has named fields rather than elements.
pub(super) fn has_fields(ty: &Ty) -> bool {
    any_member(ty, &mut |m| match m {
        Ty::Of(c) => matches!(c.shape, Shape::Record(_) | Shape::Intersection(_)),
        _ => false,
    })
}

/// Looks a member up in a type that is no union.
pub(super) fn member(ty: &Ty, name: &str) -> Found {
    ty.look_behind(|resolved| member_behind(resolved, ty, name))
}

/// As [`member`], of a type whose names were looked through.
fn member_behind(resolved: &Ty, ty: &Ty, name: &str) -> Found {
    let Some(shape) = resolved.shape() else {
        return match resolved {
            Ty::String | Ty::Str(_) => builtin::manifest("string")
                .and_then(|m| m.export.as_record()?.field(name).map(|f| f.ty.clone()))
                .map_or(Found::Unclear, Found::Type),
            Ty::Boolean | Ty::Bool(_) | Ty::Number | Ty::Integer | Ty::Int(_) | Ty::Float(_) => Found::NoTable,
            _ => Found::Unclear,
        };
    };
    match shape {
        Shape::Record(record) => match record.field(name) {
            Some(field) => {
                let ty = with_receiver(&field.ty, ty);
                Found::Type(if field.optional { optional(ty) } else { ty })
            }
            None if record.open => Found::Unclear,
            None => Found::Missing,
        },
        Shape::Map(key, value) if crate::relate::fits(&Ty::str(name), key) => Found::Type(without_nil(value)),
        Shape::Intersection(parts) => {
            let mut unclear = false;
            for part in parts {
                match member(part, name) {
                    Found::Type(ty) => return Found::Type(ty),
                    Found::Unclear => unclear = true,
                    _ => {}
                }
            }
            if unclear { Found::Unclear } else { Found::Missing }
        }
        Shape::Param(param) => match &param.bound {
            Some(bound) => match member(bound, name) {
                Found::Type(ty) => Found::Type(ty),
                _ => Found::Unclear,
            },
            None => Found::Unclear,
        },
        _ => Found::Unclear,
    }
}

/// What a type says that is no union and has the member, or of which nobody knows.
pub(super) fn simply(ty: &Ty, name: &str) -> Option<Found> {
    ty.look_behind(|resolved| {
        if resolved.is_nil() || resolved.members().len() > 1 {
            return None;
        }
        match member_behind(resolved, ty, name) {
            Found::Missing | Found::NoTable => None,
            found => Some(found),
        }
    })
}

/// What all members of a type say.
#[derive(Default)]
pub(super) struct Survey {
    pub found: Vec<Ty>,
    pub has: Vec<Ty>,
    pub lacks: Vec<Ty>,
    pub no_table: bool,
    pub unclear: bool,
}

pub(super) fn survey(ty: &Ty, name: &str) -> Survey {
    let mut survey = Survey::default();
    let resolved = ty.resolved();
    let members = if resolved.members().len() > 1 { resolved.members() } else { std::slice::from_ref(ty) };
    for part in members {
        let inner = part.resolved();
        if inner.is_nil() {
            continue;
        }
        // A union behind a name inside a union.
        if inner.members().len() > 1 {
            survey.unclear = true;
            continue;
        }
        match member(part, name) {
            Found::Type(ty) => {
                survey.found.push(ty);
                survey.has.push(part.clone());
            }
            Found::Missing => survey.lacks.push(part.clone()),
            Found::NoTable => {
                survey.no_table = true;
                survey.lacks.push(part.clone());
            }
            Found::Unclear => survey.unclear = true,
        }
    }
    survey
}

impl<'t> Checker<'t, '_> {
    /// `base.name`, reporting what is not there.
    pub(super) fn read_field(&mut self, base: &Ty, name: &'t str, node: Node<'t>) -> Ty {
        let found = match simply(base, name) {
            Some(Found::Type(ty)) => return ty,
            Some(_) => Survey { unclear: true, ..Survey::default() },
            None => survey(base, name),
        };
        if found.unclear {
            self.report_misspelt(Code::E0004, base, name, node);
            return Ty::Undetermined;
        }
        if found.lacks.is_empty() {
            let mut types = found.found;
            return match types.len() {
                0 => Ty::Undetermined,
                1 => types.swap_remove(0),
                _ => union(types),
            };
        }
        // Somebody in this source writes such a field: the declaration does not tell everything.
        if self.scopes.assigned_fields.contains_key(name) && !found.no_table {
            return Ty::Undetermined;
        }
        let list =
            |types: &[Ty]| types.iter().map(table::shown).map(|t| t.to_string()).collect::<Vec<_>>().join(" and ");
        if !found.has.is_empty() {
            let message = format!("field '{name}' missing on {} (present on {})", list(&found.lacks), list(&found.has));
            self.report(Code::E0004, node, message);
        } else if found.no_table {
            self.report(Code::E0000, node, format!("cannot index type {}", table::shown(&without_nil(base))));
        } else {
            let shown = table::shown(&without_nil(base));
            let help = suggest::member(&found.lacks, name);
            self.report_helped(Code::E0004, node, format!("field '{name}' does not exist on type {shown}"), help);
        }
        Ty::Undetermined
    }

    /// A member that something of the runtime does not have, but nearly. Names that are like no other may be those of
    /// another version. Who asks whether there is such a member gets an answer, and may use it where there is.
    pub(super) fn report_misspelt(&mut self, code: Code, base: &Ty, name: &'t str, node: Node<'t>) {
        // `string.kind()` and the like are about the type.
        if base.is_undetermined() || self.scopes.assigned_fields.contains_key(name) || METHODS.contains(&name) {
            return;
        }
        let library = matches!(base, Ty::String | Ty::Str(_)).then(|| builtin::module("string")).flatten();
        let owner = library.map_or_else(|| base.resolved(), |m| Cow::Owned(m.export.clone()));
        if !owner.as_record().is_some_and(|r| r.complete) {
            return;
        }
        if is_asked_about(node) {
            self.asked.insert(name);
        }
        if self.asked.contains(name) {
            return;
        }
        let Some(help) = suggest::member(&[owner.into_owned()], name) else { return };
        let shown = builtin::table_name(base).unwrap_or_else(|| table::shown(base).to_string());
        let message = match code {
            Code::E0022 => format!("no method {name} on type {shown}"),
            _ => format!("field '{name}' does not exist on type {shown}"),
        };
        self.report_helped(code, node, message, Some(help));
    }

    /// `base[key]` with a key that is no field name.
    pub(super) fn read_index(&mut self, base: &Ty, key: &Ty, node: Node<'t>) -> Ty {
        let mut elements = vec![];
        let inner = without_nil(base);
        let resolved = inner.resolved();
        for part in resolved.members() {
            let part = part.resolved();
            match (&*part, part.shape()) {
                (_, Some(Shape::Array(element))) => elements.push(without_nil(element)),
                (_, Some(Shape::Map(_, value))) => elements.push(without_nil(value)),
                (_, Some(Shape::Record(r)))
                    if !r.open && !r.interface && !r.fields.is_empty() && resolved.members().len() == 1 =>
                {
                    if crate::relate::fits(key, &Ty::String) && !key.is_undetermined() && *key != Ty::Never {
                        self.report(Code::E0000, node, format!("cannot index type {}", table::shown(&inner)));
                    }
                    return Ty::Undetermined;
                }
                (Ty::Boolean | Ty::Bool(_) | Ty::Number | Ty::Integer | Ty::Int(_) | Ty::Float(_), _)
                    if resolved.members().len() == 1 =>
                {
                    self.report(Code::E0000, node, format!("cannot index type {}", table::shown(&inner)));
                    return Ty::Undetermined;
                }
                _ => return Ty::Undetermined,
            }
        }
        union(elements)
    }
}

/// Whether an expression is only looked at: compared, tested, or given to `type`.
fn is_asked_about(node: Node<'_>) -> bool {
    use SyntaxKind::*;
    let mut at = node;
    while let Some(parent) = at.parent() {
        let operator = parent.tokens().next().map(|t| t.kind());
        match parent.kind() {
            ParenExpr | ExprList | Arguments => {}
            BinaryExpr => return matches!(operator, Some(And | Or | Eq | NotEq)),
            UnaryExpr => return operator == Some(Not),
            IfStat | ElseifClause | WhileStat | RepeatStat => return true,
            CallExpr => {
                let callee = parent.children().next();
                return callee.is_some_and(|c| c != at && c.text() == "type");
            }
            _ => return false,
        }
        at = parent;
    }
    false
}
