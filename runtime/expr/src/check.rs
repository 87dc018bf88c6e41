//! Checks an expression before it runs: unknown names, operands that can never
//! fit, wrong numbers of arguments.

use crate::Names;
use crate::ast::{Binary, Kind, Link, LoopParts, Node, Pointer, StepKind, Unary};
use crate::builtins::Loop;
use crate::error::Fault;
use crate::types::{Set, Ty};

type Result<T> = std::result::Result<T, Fault>;

/// The type of `root`.
pub(crate) fn check(root: &Node, names: &Names<'_>, slots: usize) -> Result<Ty> {
    Checker { names, variables: vec![Ty::Any; slots] }.node(root)
}

struct Checker<'n> {
    names: &'n Names<'n>,
    /// By slot.
    variables: Vec<Ty>,
}

impl Checker<'_> {
    fn node(&mut self, node: &Node) -> Result<Ty> {
        Ok(match &node.kind {
            Kind::Constant(value) => match value {
                crate::Value::Nil => Ty::Nil,
                crate::Value::Bool(_) => Ty::Bool,
                crate::Value::Int(_) => Ty::Int,
                crate::Value::Float(_) => Ty::Float,
                crate::Value::Str(_) => Ty::Str,
                crate::Value::Bytes(_) => Ty::Bytes,
                crate::Value::List(_) => Ty::List,
                crate::Value::Map(_) => Ty::Map,
                // There are no literals of these.
                crate::Value::Time(_) | crate::Value::Duration(_) | crate::Value::Zone(_) => Ty::Any,
            },
            Kind::Name(name) => self.name(node.at, name)?,
            Kind::Environment => Ty::Any,
            Kind::Local(slot) => self.variables[usize::from(*slot)],
            Kind::Pointer(Pointer::Index) => Ty::Int,
            Kind::Pointer(_) => Ty::Any,
            Kind::List(items) => {
                self.all(items)?;
                Ty::List
            }
            Kind::Map(pairs) => {
                for (key, value) in pairs {
                    self.node(key)?;
                    self.node(value)?;
                }
                Ty::Map
            }
            Kind::Unary(op, inner) => self.unary(node.at, *op, inner)?,
            Kind::Chain(first, links) => {
                let mut left = self.node(first)?;
                for link in links {
                    left = self.link(left, link)?.0;
                }
                left
            }
            Kind::Compare(first, links) => {
                let mut left = self.node(first)?;
                for link in links {
                    left = self.link(left, link)?.1;
                }
                Ty::Bool
            }
            Kind::If(nodes) => {
                let [condition, yes, no] = &**nodes;
                self.condition(condition)?;
                self.node(yes)?.join(self.node(no)?)
            }
            Kind::Elvis(nodes) => {
                let [condition, other] = &**nodes;
                self.condition(condition)?;
                self.node(other)?.join(Ty::Bool)
            }
            Kind::Let(slot, nodes) => {
                let [value, body] = &**nodes;
                self.variables[usize::from(*slot)] = self.node(value)?;
                self.node(body)?
            }
            Kind::Sequence(nodes) => self.all(nodes)?.pop().unwrap_or(Ty::Nil),
            Kind::Path(base, path) => {
                let mut ty = self.node(base)?;
                let mut sure = true;
                for step in &path.steps {
                    sure &= !step.optional;
                    ty = self.step(ty, step.at, &step.kind, step.optional)?;
                }
                if sure { ty } else { Ty::Any }
            }
            Kind::Builtin(builtin, arguments) => {
                let types = self.all(arguments)?;
                builtin.check_count(types.len()).map_err(|m| Fault::new(node.at, m))?;
                for (i, ty) in types.iter().enumerate() {
                    if !ty.is(builtin.parameter(i)) {
                        let message = format!("invalid argument for {} (type {ty})", builtin.name);
                        return Err(Fault::new(arguments[i].at, message));
                    }
                }
                builtin.result
            }
            Kind::Loop(which, parts) => self.predicate(*which, parts)?,
            Kind::Call(name, arguments) => {
                self.all(arguments)?;
                match self.name(node.at, name)? {
                    Ty::Any => Ty::Any,
                    other => return Err(Fault::new(node.at, format!("{other} is not callable"))),
                }
            }
        })
    }

    fn all(&mut self, nodes: &[Node]) -> Result<Vec<Ty>> {
        nodes.iter().map(|n| self.node(n)).collect()
    }

    fn name(&self, at: u32, name: &str) -> Result<Ty> {
        match self.names {
            Names::Any => Ok(Ty::Any),
            Names::Some(known) => Ok(known(name).unwrap_or(Ty::Any)),
            Names::Only(known) => known(name).ok_or_else(|| Fault::new(at, format!("unknown name {name}"))),
        }
    }

    fn condition(&mut self, node: &Node) -> Result<()> {
        match self.node(node)? {
            Ty::Bool | Ty::Any => Ok(()),
            ty => Err(Fault::new(node.at, format!("non-bool expression (type {ty}) used as condition"))),
        }
    }

    fn unary(&mut self, at: u32, op: Unary, inner: &Node) -> Result<Ty> {
        let ty = self.node(inner)?;
        let (takes, gives) = match op {
            Unary::Not => (Set::BOOL, Ty::Bool),
            Unary::Minus => (Set::NUMBER.or(Set::DURATION), ty),
            Unary::Plus => (Set::NUMBER, ty),
        };
        if ty == Ty::Nil || !ty.is(takes) {
            return Err(Fault::new(at, format!("invalid operation: {} (mismatched type {ty})", op.text())));
        }
        Ok(gives)
    }

    /// The types of the result and of what is right.
    fn link(&mut self, left: Ty, link: &Link) -> Result<(Ty, Ty)> {
        let right = self.node(&link.right)?;
        let both = |set: Set| left.is(set) && right.is(set) && left != Ty::Nil && right != Ty::Nil;
        let known = left != Ty::Any && right != Ty::Any;
        let found = match link.op {
            Binary::Or | Binary::And => both(Set::BOOL).then_some(Ty::Bool),
            Binary::Equal | Binary::NotEqual => comparable(left, right).then_some(Ty::Bool),
            Binary::Less | Binary::Greater | Binary::LessEqual | Binary::GreaterEqual => {
                let ordered = [Set::NUMBER, Set::STR, Set::TIME, Set::DURATION];
                ordered.into_iter().any(both).then_some(Ty::Bool)
            }
            Binary::In => match right {
                Ty::List | Ty::Any | Ty::Nil => Some(Ty::Bool),
                Ty::Map | Ty::Object(_) => left.is(Set::STR).then_some(Ty::Bool),
                _ => None,
            },
            Binary::Matches | Binary::Contains | Binary::StartsWith | Binary::EndsWith => {
                (left.is(Set::STR.or(Set::BYTES)) && right.is(Set::STR)).then_some(Ty::Bool)
            }
            Binary::Range => both(Set::INT).then_some(Ty::List),
            Binary::Add | Binary::Subtract | Binary::Multiply
                if known && let Some(ty) = of_time(link.op, left, right) =>
            {
                Some(ty)
            }
            Binary::Add if both(Set::STR) && known => Some(Ty::Str),
            Binary::Add if !known && [left, right].iter().all(|ty| ty.is(Set::TIME.or(Set::DURATION))) => Some(Ty::Any),
            Binary::Subtract | Binary::Multiply if !known && [left, right].iter().all(|ty| ty.is(TIMES)) => {
                Some(Ty::Any)
            }
            Binary::Add if both(Set::NUMBER) || both(Set::STR) => Some(if known { sum(left, right) } else { Ty::Any }),
            Binary::Add => None,
            Binary::Subtract | Binary::Multiply => {
                both(Set::NUMBER).then_some(if known { sum(left, right) } else { Ty::Any })
            }
            Binary::Divide | Binary::Power => both(Set::NUMBER).then_some(Ty::Float),
            Binary::Modulo => both(Set::INT).then_some(Ty::Int),
            Binary::Coalesce => Some(if left == Ty::Nil { right } else { left.join(right) }),
        };
        found.map(|ty| (ty, right)).ok_or_else(|| {
            let message = format!("invalid operation: {} (mismatched types {left} and {right})", link.op.text());
            Fault::new(link.at, message)
        })
    }

    fn step(&mut self, base: Ty, at: u32, step: &StepKind, optional: bool) -> Result<Ty> {
        let no_element = |what: Ty| Err(Fault::new(at, format!("type {base}[{what}] is undefined")));
        match step {
            StepKind::Member(name) => match base {
                Ty::Any | Ty::Map => Ok(Ty::Any),
                Ty::Nil if optional => Ok(Ty::Any),
                Ty::Object(members) => match members.iter().find(|m| m.0 == &**name) {
                    Some(member) => Ok(member.1),
                    None => Err(Fault::new(at, format!("type {base} has no field {name}"))),
                },
                Ty::List => {
                    Err(Fault::new(at, "array elements can only be selected using an integer (got string)".to_owned()))
                }
                _ => Err(Fault::new(at, format!("type {base} has no field {name}"))),
            },
            StepKind::Index(node) => match (base, self.node(node)?) {
                (Ty::Any | Ty::Map | Ty::Object(_), _) => Ok(Ty::Any),
                (Ty::Nil, _) if optional => Ok(Ty::Any),
                (Ty::List, ty) if ty.is(Set::INT) => Ok(Ty::Any),
                (Ty::List, ty) => {
                    Err(Fault::new(at, format!("array elements can only be selected using an integer (got {ty})")))
                }
                (_, ty) => no_element(ty),
            },
            StepKind::Slice(from, to) => {
                for bound in from.iter().chain(to) {
                    let ty = self.node(bound)?;
                    if !ty.is(Set::INT) {
                        return Err(Fault::new(bound.at, format!("non-integer slice index {ty}")));
                    }
                }
                match base {
                    Ty::Any | Ty::List | Ty::Str | Ty::Bytes => Ok(base),
                    Ty::Nil if optional => Ok(Ty::Any),
                    _ => Err(Fault::new(at, format!("cannot slice {base}"))),
                }
            }
            StepKind::Method(name, arguments) => {
                self.all(arguments)?;
                match base {
                    Ty::Nil if optional => Ok(Ty::Any),
                    // Which ones there are shows when it runs.
                    Ty::Any | Ty::Time | Ty::Duration | Ty::Zone => Ok(Ty::Any),
                    _ => Err(Fault::new(at, format!("type {base} has no method {name}"))),
                }
            }
        }
    }

    fn predicate(&mut self, which: Loop, parts: &LoopParts) -> Result<Ty> {
        let LoopParts { list, predicate, extra } = parts;
        let ty = self.node(list)?;
        if ty == Ty::Nil || !ty.is(Set::LIST) {
            return Err(Fault::new(list.at, format!("builtin {} takes only array (got {ty})", which.name())));
        }
        if let Some(predicate) = predicate {
            let ty = self.node(predicate)?;
            if which.wants_bool() && !matches!(ty, Ty::Bool | Ty::Any) {
                let message = format!("predicate should return boolean (got {ty})");
                return Err(Fault::new(predicate.at, message));
            }
        }
        if let Some(extra) = extra {
            self.node(extra)?;
        }
        Ok(which.result())
    }
}

/// What may stand beside `-` and `*`.
const TIMES: Set = Set::TIME.or(Set::DURATION).or(Set::NUMBER);

/// What an operator makes of times and durations.
fn of_time(op: Binary, left: Ty, right: Ty) -> Option<Ty> {
    Some(match (op, left, right) {
        (Binary::Add, Ty::Time, Ty::Duration) | (Binary::Add, Ty::Duration, Ty::Time) => Ty::Time,
        (Binary::Subtract, Ty::Time, Ty::Duration) => Ty::Time,
        (Binary::Subtract, Ty::Time, Ty::Time) => Ty::Duration,
        (Binary::Add | Binary::Subtract, Ty::Duration, Ty::Duration) => Ty::Duration,
        (Binary::Multiply, Ty::Duration, Ty::Int | Ty::Float) => Ty::Duration,
        (Binary::Multiply, Ty::Int | Ty::Float, Ty::Duration) => Ty::Duration,
        _ => return None,
    })
}

fn sum(left: Ty, right: Ty) -> Ty {
    if left == Ty::Int && right == Ty::Int { Ty::Int } else { Ty::Float }
}

fn comparable(left: Ty, right: Ty) -> bool {
    let free = |ty| matches!(ty, Ty::Any | Ty::Nil);
    let same = |set: Set| left.is(set) && right.is(set);
    free(left) || free(right) || left == right || same(Set::NUMBER) || same(Set::MAP)
}
