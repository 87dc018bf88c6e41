//! Runs expressions. Every node is a step of a budget and whatever is built is
//! charged, so every run ends.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use indexmap::IndexMap;
use regex::RegexBuilder;

use crate::ast::{Binary, Kind, Link, LoopParts, Node, Path, Pointer, Step, StepKind, Unary};
use crate::builtins::{self, Loop};
use crate::error::Fault;
use crate::parser::{MAX_PATTERN, reason};
use crate::value::{Key, TooLarge, Value};
use crate::{Env, Limits};

/// Why something could not be computed; its place is added on the way up.
pub(crate) type Text = Cow<'static, str>;

impl From<TooLarge> for Text {
    fn from(e: TooLarge) -> Text {
        Cow::Owned(e.to_string())
    }
}

/// What a run may still use.
pub(crate) struct Budget {
    steps: u64,
    memory: u64,
}

impl Budget {
    pub fn new(limits: Limits) -> Budget {
        Budget { steps: limits.steps, memory: limits.memory }
    }
    /// Errors: `step budget exceeded`.
    #[inline]
    pub fn step(&mut self, n: u64) -> Result<(), Text> {
        match self.steps.checked_sub(n) {
            Some(rest) => self.steps = rest,
            None => {
                self.steps = 0;
                return Err("step budget exceeded".into());
            }
        }
        Ok(())
    }
    /// For `n` values built. Errors: `memory budget exceeded`.
    pub fn grow(&mut self, n: u64) -> Result<(), Text> {
        match self.memory.checked_sub(n) {
            Some(rest) => self.memory = rest,
            None => return Err("memory budget exceeded".into()),
        }
        self.step(n)
    }
    /// For a text of so many bytes.
    pub fn text(&mut self, bytes: usize) -> Result<(), Text> {
        self.grow(bytes as u64 / 16)
    }
}

/// Where a run takes place.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'e> {
    pub env: Option<&'e dyn Env>,
    /// Nanoseconds since 1970.
    pub now: &'e dyn Fn() -> i64,
}

/// The element a predicate looks at.
struct Place {
    item: Value,
    index: i64,
    accumulator: Value,
}

pub(crate) struct Run<'e> {
    around: Surroundings<'e>,
    budget: Budget,
    /// By slot.
    variables: Vec<Value>,
    places: Vec<Place>,
}

type Result<T, E = Fault> = std::result::Result<T, E>;

impl<'e> Run<'e> {
    pub fn new(around: Surroundings<'e>, limits: Limits, slots: usize) -> Run<'e> {
        Run { around, budget: Budget::new(limits), variables: vec![Value::Nil; slots], places: Vec::new() }
    }

    /// Of the budget.
    pub fn steps_left(&self) -> u64 {
        self.budget.steps
    }

    pub fn node(&mut self, node: &Node) -> Result<Value> {
        let at = |text: Text| Fault::new(node.at, text);
        self.budget.step(1).map_err(at)?;
        match &node.kind {
            Kind::Constant(value) => Ok(value.clone()),
            Kind::Name(name) => self.name(name).map_err(at),
            Kind::Environment => Ok(self.around.env.map_or(Value::Nil, |env| env.all())),
            Kind::Local(slot) => Ok(self.variables[usize::from(*slot)].clone()),
            Kind::Pointer(pointer) => Ok(match (self.places.last(), pointer) {
                (None, _) => Value::Nil,
                (Some(place), Pointer::Item) => place.item.clone(),
                (Some(place), Pointer::Index) => Value::Int(place.index),
                (Some(place), Pointer::Accumulator) => place.accumulator.clone(),
            }),
            Kind::List(items) => {
                self.budget.grow(items.len() as u64).map_err(at)?;
                let items = self.all(items)?;
                Value::list(items).map_err(|e| at(e.into()))
            }
            Kind::Map(pairs) => {
                self.budget.grow(pairs.len() as u64).map_err(at)?;
                let mut map = IndexMap::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let Value::Str(name) = self.node(key)? else {
                        return Err(Fault::new(key.at, "a map key must be a string"));
                    };
                    map.insert(Key::Str(name), self.node(value)?);
                }
                Value::map(map).map_err(|e| at(e.into()))
            }
            Kind::Unary(op, inner) => {
                let value = self.node(inner)?;
                unary(*op, &value).map_err(at)
            }
            Kind::Chain(first, links) => {
                let mut left = self.node(first)?;
                for link in links {
                    left = self.link(left, link)?;
                }
                Ok(left)
            }
            Kind::Compare(first, links) => {
                let mut left = self.node(first)?;
                for link in links {
                    let right = self.node(&link.right)?;
                    let holds = compare(link.op, &left, &right).map_err(|t| Fault::new(link.at, t))?;
                    if !holds {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Kind::If(nodes) => {
                let [condition, yes, no] = &**nodes;
                if self.bool(condition)? { self.node(yes) } else { self.node(no) }
            }
            Kind::Elvis(nodes) => {
                let [condition, other] = &**nodes;
                if self.bool(condition)? { Ok(Value::Bool(true)) } else { self.node(other) }
            }
            Kind::Let(slot, nodes) => {
                let [value, body] = &**nodes;
                self.variables[usize::from(*slot)] = self.node(value)?;
                self.node(body)
            }
            Kind::Sequence(nodes) => {
                let mut last = Value::Nil;
                for node in nodes {
                    last = self.node(node)?;
                }
                Ok(last)
            }
            Kind::Path(base, path) => self.path(base, path),
            Kind::Builtin(builtin, arguments) => {
                let arguments = self.all(arguments)?;
                builtin.run(&mut self.budget, self.around.now, &arguments).map_err(at)
            }
            Kind::Loop(which, parts) => self.predicate(node.at, *which, parts),
            Kind::Call(name, _) => Err(at(format!("{name} is not a function").into())),
        }
    }

    fn all(&mut self, nodes: &[Node]) -> Result<Vec<Value>> {
        nodes.iter().map(|n| self.node(n)).collect()
    }

    fn name(&self, name: &str) -> Result<Value, Text> {
        match self.around.env {
            Some(env) => Ok(env.get(name)?.unwrap_or_default()),
            None => Err(format!("cannot fetch {name} from <nil>").into()),
        }
    }

    fn bool(&mut self, node: &Node) -> Result<bool> {
        let value = self.node(node)?;
        truth(&value).map_err(|t| Fault::new(node.at, t))
    }

    fn link(&mut self, left: Value, link: &Link) -> Result<Value> {
        let at = |text: Text| Fault::new(link.at, text);
        match link.op {
            Binary::Or => {
                return if truth(&left).map_err(at)? { Ok(left) } else { self.bool(&link.right).map(Value::Bool) };
            }
            Binary::And => {
                return if truth(&left).map_err(at)? { self.bool(&link.right).map(Value::Bool) } else { Ok(left) };
            }
            Binary::Coalesce => return if left.is_nil() { self.node(&link.right) } else { Ok(left) },
            _ => {}
        }
        let right = self.node(&link.right)?;
        let value = self.operate(&left, link, &right).map_err(at)?;
        match value {
            Value::Bool(b) if link.negated => Ok(Value::Bool(!b)),
            value => Ok(value),
        }
    }

    fn operate(&mut self, left: &Value, link: &Link, right: &Value) -> Result<Value, Text> {
        let cost = left.size().min(right.size());
        if cost > 16 {
            self.budget.step(cost)?;
        }
        Ok(match link.op {
            Binary::Equal => Value::Bool(left == right),
            Binary::NotEqual => Value::Bool(left != right),
            Binary::In => Value::Bool(self.contains(left, right)?),
            Binary::Matches => Value::Bool(self.matches(left, link, right)?),
            Binary::Contains | Binary::StartsWith | Binary::EndsWith => {
                let (text, part) = match (left, right) {
                    (Value::Nil, _) | (_, Value::Nil) => return Ok(Value::Bool(false)),
                    (Value::Str(text), Value::Str(part)) => (text, part),
                    _ => return Err(mismatch(left, link.op.text(), right)),
                };
                self.budget.step(text.len() as u64 / 64)?;
                Value::Bool(match link.op {
                    Binary::Contains => text.contains(&**part),
                    Binary::StartsWith => text.starts_with(&**part),
                    _ => text.ends_with(&**part),
                })
            }
            Binary::Range => self.range(left, right)?,
            Binary::Add => match (left, right) {
                (Value::Str(a), Value::Str(b)) => {
                    self.budget.text(a.len() + b.len())?;
                    Value::Str([&**a, &**b].concat().into())
                }
                _ => arithmetic(left, link.op, right)?,
            },
            op => arithmetic(left, op, right)?,
        })
    }

    fn contains(&mut self, needle: &Value, hay: &Value) -> Result<bool, Text> {
        match hay {
            Value::Nil => Ok(false),
            Value::List(list) => {
                let simple = needle.size() == 1;
                self.budget.step(if simple { list.items().len() as u64 / 4 } else { hay.size() })?;
                Ok(list.items().contains(needle))
            }
            Value::Map(map) => match needle {
                Value::Nil => Ok(false),
                needle => Ok(needle.key().is_some_and(|key| map.at(&key).is_some())),
            },
            _ => Err(format!("operator \"in\" not defined on {}", hay.type_name()).into()),
        }
    }

    fn matches(&mut self, left: &Value, link: &Link, right: &Value) -> Result<bool, Text> {
        let bytes = match left {
            Value::Nil => return Ok(false),
            Value::Str(text) => text,
            _ => return Err(mismatch(left, "matches", right)),
        };
        self.budget.step(bytes.len() as u64 / 8)?;
        match (&link.pattern, right) {
            (Some(pattern), _) => Ok(pattern.is_match(bytes)),
            (None, Value::Nil) => Ok(false),
            (None, Value::Str(pattern)) => {
                // Compiling costs far more than looking.
                self.budget.step(1_000 + 10 * pattern.len() as u64)?;
                let pattern = RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build();
                let pattern = pattern.map_err(|e| format!("error parsing regexp: {}", reason(&e)))?;
                Ok(pattern.is_match(bytes))
            }
            _ => Err(mismatch(left, "matches", right)),
        }
    }

    fn range(&mut self, from: &Value, to: &Value) -> Result<Value, Text> {
        let (Value::Int(from), Value::Int(to)) = (from, to) else { return Err(mismatch(from, "..", to)) };
        if from > to {
            return Ok(Value::list(Vec::new())?);
        }
        self.budget.grow(to.abs_diff(*from).saturating_add(1))?;
        Ok(Value::list((*from..=*to).map(Value::Int).collect())?)
    }

    fn path(&mut self, base: &Node, path: &Path) -> Result<Value> {
        let mut steps = &path.steps[..];
        let reached = match (&base.kind, self.around.env) {
            (Kind::Name(name), Some(env)) if !path.keys.is_empty() => env.reach(name, &path.keys),
            _ => None,
        };
        let mut value = match reached {
            Some(value) => {
                self.budget.step(1).map_err(|t| Fault::new(base.at, t))?;
                steps = &steps[path.keys.len()..];
                value
            }
            None => self.node(base)?,
        };
        for step in steps {
            if value.is_nil() && step.optional {
                return Ok(Value::Nil);
            }
            value = self.step(value, step)?;
        }
        Ok(value)
    }

    fn step(&mut self, value: Value, step: &Step) -> Result<Value> {
        let at = |text: Text| Fault::new(step.at, text);
        self.budget.step(1).map_err(at)?;
        match &step.kind {
            StepKind::Member(name) => match &value {
                Value::Map(map) => Ok(map.get(name).cloned().unwrap_or_default()),
                _ => Err(at(format!("cannot fetch {name} from {}", value.type_name()).into())),
            },
            StepKind::Index(key) => {
                let key = self.node(key)?;
                index(&value, &key).map_err(at)
            }
            StepKind::Slice(from, to) => {
                let from = from.as_ref().map(|n| self.bound(n)).transpose()?;
                let to = to.as_ref().map(|n| self.bound(n)).transpose()?;
                self.slice(&value, from, to).map_err(at)
            }
            StepKind::Method(name, arguments) => {
                let arguments = self.all(arguments)?;
                builtins::method(&mut self.budget, &value, name, &arguments).map_err(at)
            }
        }
    }

    fn bound(&mut self, node: &Node) -> Result<i64> {
        match self.node(node)? {
            Value::Int(n) => Ok(n),
            Value::Float(n) => Ok(n as i64),
            other => Err(Fault::new(node.at, format!("non-integer slice index {}", other.type_name()))),
        }
    }

    fn slice(&mut self, value: &Value, from: Option<i64>, to: Option<i64>) -> Result<Value, Text> {
        let bounds = |len: usize| {
            let len = len as i64;
            let place = |n: i64| if n < 0 { n.saturating_add(len).max(0) } else { n.min(len) };
            let to = to.map_or(len, place);
            let from = from.map_or(0, place).min(to);
            from as usize..to as usize
        };
        match value {
            Value::List(list) => {
                let items = &list.items()[bounds(list.items().len())];
                self.budget.grow(items.len() as u64)?;
                Ok(Value::list(items.to_vec())?)
            }
            Value::Str(text) => {
                let bytes = &text.as_bytes()[bounds(text.len())];
                self.budget.text(bytes.len())?;
                Ok(Value::from_bytes(bytes))
            }
            Value::Bytes(bytes) => {
                let bytes = &bytes[bounds(bytes.len())];
                self.budget.text(bytes.len())?;
                Ok(Value::from_bytes(bytes))
            }
            _ => Err(format!("cannot slice {}", value.type_name()).into()),
        }
    }

    fn predicate(&mut self, at: u32, which: Loop, parts: &LoopParts) -> Result<Value> {
        let LoopParts { list, predicate, extra } = parts;
        let Value::List(items) = self.node(list)? else {
            return Err(Fault::new(list.at, format!("builtin {} takes only array", which.name())));
        };
        let extra = extra.as_ref().map(|n| self.node(n)).transpose()?;
        let items = items.items();
        let depth = self.places.len();
        let mut task = builtins::Task::new(which, items, extra).map_err(|t| Fault::new(at, t))?;
        while let Some(i) = task.next() {
            self.budget.step(1).map_err(|t| Fault::new(at, t))?;
            let answer = match predicate {
                None => items[i].clone(),
                Some(predicate) => {
                    let accumulator = task.accumulator();
                    self.places.push(Place { item: items[i].clone(), index: i as i64, accumulator });
                    let answer = self.node(predicate);
                    self.places.truncate(depth);
                    answer?
                }
            };
            task.take(i, answer, &mut self.budget)
                .map_err(|t| Fault::new(predicate.as_ref().map_or(at, |p| p.at), t))?;
        }
        task.finish(&mut self.budget).map_err(|t| Fault::new(at, t))
    }
}

pub(crate) fn truth(value: &Value) -> Result<bool, Text> {
    match value {
        Value::Bool(b) => Ok(*b),
        other => Err(format!("interface conversion: interface {{}} is {}, not bool", shown(other)).into()),
    }
}

/// As in conversions, where nil has no angle brackets.
fn shown(value: &Value) -> &'static str {
    if value.is_nil() { "nil" } else { value.type_name() }
}

fn mismatch(left: &Value, op: &str, right: &Value) -> Text {
    format!("invalid operation: {} {op} {}", left.type_name(), right.type_name()).into()
}

fn unary(op: Unary, value: &Value) -> Result<Value, Text> {
    match (op, value) {
        (Unary::Not, value) => Ok(Value::Bool(!truth(value)?)),
        (Unary::Plus, Value::Int(_) | Value::Float(_)) => Ok(value.clone()),
        (Unary::Minus, Value::Int(n)) => Ok(Value::Int(n.wrapping_neg())),
        (Unary::Minus, Value::Float(n)) => Ok(Value::Float(-n)),
        (Unary::Minus, Value::Duration(n)) => Ok(Value::Duration(n.wrapping_neg())),
        _ => Err(format!("invalid operation: {} {}", op.text(), value.type_name()).into()),
    }
}

fn compare(op: Binary, left: &Value, right: &Value) -> Result<bool, Text> {
    let order = order(left, right).ok_or_else(|| mismatch(left, op.text(), right))?;
    Ok(match op {
        Binary::Less => order == Some(Ordering::Less),
        Binary::Greater => order == Some(Ordering::Greater),
        Binary::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    })
}

/// `None` if the two have no order; `Some(None)` if one is not a number.
pub(crate) fn order(left: &Value, right: &Value) -> Option<Option<Ordering>> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(Some(a.cmp(b))),
        (Value::Str(a), Value::Str(b)) => Some(Some(a.cmp(b))),
        (Value::Time(a), Value::Time(b)) => Some(Some(a.total().cmp(&b.total()))),
        (Value::Duration(a), Value::Duration(b)) => Some(Some(a.cmp(b))),
        _ => Some(left.as_float()?.partial_cmp(&right.as_float()?)),
    }
}

fn arithmetic(left: &Value, op: Binary, right: &Value) -> Result<Value, Text> {
    if let (Value::Int(a), Value::Int(b)) = (left, right) {
        match op {
            Binary::Add => return Ok(Value::Int(a.wrapping_add(*b))),
            Binary::Subtract => return Ok(Value::Int(a.wrapping_sub(*b))),
            Binary::Multiply => return Ok(Value::Int(a.wrapping_mul(*b))),
            Binary::Modulo if *b == 0 => return Err("integer divide by zero".into()),
            Binary::Modulo => return Ok(Value::Int(a.wrapping_rem(*b))),
            _ => {}
        }
    }
    let (Some(a), Some(b)) = (left.as_float(), right.as_float()) else {
        return of_time(left, op, right).ok_or_else(|| mismatch(left, op.text(), right));
    };
    Ok(Value::Float(match op {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Power => a.powf(b),
        _ => return Err(mismatch(left, op.text(), right)),
    }))
}

/// What an operator makes of times and durations. Sums that do not fit wrap around.
fn of_time(left: &Value, op: Binary, right: &Value) -> Option<Value> {
    Some(match (left, op, right) {
        (Value::Time(t), Binary::Add, Value::Duration(d)) | (Value::Duration(d), Binary::Add, Value::Time(t)) => {
            Value::Time(Arc::new(t.add(*d)))
        }
        (Value::Time(t), Binary::Subtract, Value::Duration(d)) => Value::Time(Arc::new(t.add(d.wrapping_neg()))),
        (Value::Time(a), Binary::Subtract, Value::Time(b)) => Value::Duration(a.since(b)),
        (Value::Duration(a), Binary::Add, Value::Duration(b)) => Value::Duration(a.wrapping_add(*b)),
        (Value::Duration(a), Binary::Subtract, Value::Duration(b)) => Value::Duration(a.wrapping_sub(*b)),
        (Value::Duration(d), Binary::Multiply, Value::Int(n))
        | (Value::Int(n), Binary::Multiply, Value::Duration(d)) => Value::Duration(d.wrapping_mul(*n)),
        (Value::Duration(d), Binary::Multiply, n) | (n, Binary::Multiply, Value::Duration(d)) => {
            Value::Duration((*d as f64 * n.as_float()?) as i64)
        }
        _ => return None,
    })
}

/// The element of `value` at `key`.
fn index(value: &Value, key: &Value) -> Result<Value, Text> {
    let nowhere = || Text::Owned(format!("cannot fetch {key} from {}", value.type_name()));
    if let Value::Map(map) = value {
        return Ok(key.key().and_then(|k| map.at(&k).cloned()).unwrap_or_default());
    }
    let place = match key {
        Value::Int(n) => *n,
        Value::Float(n) => *n as i64,
        _ => return Err(nowhere()),
    };
    let at = |len: usize| {
        let at = if place < 0 { place.saturating_add(len as i64) } else { place };
        let found = usize::try_from(at).ok().filter(|at| *at < len);
        found.ok_or_else(|| Text::Owned(format!("index out of range: {place} (array length is {len})")))
    };
    Ok(match value {
        Value::List(list) => list.items()[at(list.items().len())?].clone(),
        Value::Str(text) => Value::Int(text.as_bytes()[at(text.len())?].into()),
        Value::Bytes(bytes) => Value::Int(bytes[at(bytes.len())?].into()),
        _ => return Err(nowhere()),
    })
}
