//! Functions that ask a predicate about the elements of a list.

use indexmap::IndexMap;

use super::{Answer, lists};
use crate::eval::{Budget, Text, truth};
use crate::types::Ty;
use crate::value::{Key, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loop {
    All,
    Any,
    None,
    One,
    Filter,
    Map,
    Find,
    FindIndex,
    FindLast,
    FindLastIndex,
    Count,
    Sum,
    GroupBy,
    SortBy,
    Reduce,
}

impl Loop {
    pub const ALL: [(&'static str, Loop); 15] = [
        ("all", Loop::All),
        ("any", Loop::Any),
        ("none", Loop::None),
        ("one", Loop::One),
        ("filter", Loop::Filter),
        ("map", Loop::Map),
        ("find", Loop::Find),
        ("findIndex", Loop::FindIndex),
        ("findLast", Loop::FindLast),
        ("findLastIndex", Loop::FindLastIndex),
        ("count", Loop::Count),
        ("sum", Loop::Sum),
        ("groupBy", Loop::GroupBy),
        ("sortBy", Loop::SortBy),
        ("reduce", Loop::Reduce),
    ];

    pub fn parse(name: &str) -> Option<Loop> {
        Loop::ALL.iter().find(|l| l.0 == name).map(|l| l.1)
    }
    pub fn name(self) -> &'static str {
        Loop::ALL.iter().find(|l| l.1 == self).map_or("", |l| l.0)
    }
    pub fn predicate_is_optional(self) -> bool {
        matches!(self, Loop::Count | Loop::Sum)
    }
    /// Whether one more argument may follow the predicate.
    pub fn takes_extra(self) -> bool {
        matches!(self, Loop::SortBy | Loop::Reduce)
    }
    pub fn wants_bool(self) -> bool {
        !matches!(self, Loop::Map | Loop::Sum | Loop::GroupBy | Loop::SortBy | Loop::Reduce)
    }
    pub fn result(self) -> Ty {
        match self {
            Loop::All | Loop::Any | Loop::None | Loop::One => Ty::Bool,
            Loop::Filter | Loop::Map | Loop::SortBy => Ty::List,
            Loop::Count => Ty::Int,
            Loop::GroupBy => Ty::Map,
            _ => Ty::Any,
        }
    }
    fn goes_backwards(self) -> bool {
        matches!(self, Loop::FindLast | Loop::FindLastIndex)
    }
}

/// One of them at work: asks for elements, takes answers.
pub(crate) struct Task<'i> {
    which: Loop,
    items: &'i [Value],
    /// Elements asked for.
    asked: usize,
    done: bool,
    count: i64,
    /// What is summed up, reduced or found.
    result: Value,
    kept: Vec<Value>,
    groups: IndexMap<Key, Vec<Value>>,
    descending: bool,
}

impl<'i> Task<'i> {
    pub fn new(which: Loop, items: &'i [Value], extra: Option<Value>) -> Result<Task<'i>, Text> {
        let mut task = Task {
            which,
            items,
            asked: 0,
            done: false,
            count: 0,
            result: Value::Nil,
            kept: Vec::new(),
            groups: IndexMap::new(),
            descending: false,
        };
        match (which, extra) {
            (Loop::Sum, _) => task.result = Value::Int(0),
            (Loop::SortBy, Some(order)) => task.descending = lists::descending(&order)?,
            (Loop::Reduce, Some(start)) => task.result = start,
            (Loop::Reduce, None) => {
                task.result = items.first().cloned().ok_or("reduce of empty array with no initial value")?;
                task.asked = 1;
            }
            _ => {}
        }
        Ok(task)
    }

    /// The next element to ask about.
    pub fn next(&mut self) -> Option<usize> {
        if self.done || self.asked >= self.items.len() {
            return None;
        }
        self.asked += 1;
        Some(if self.which.goes_backwards() { self.items.len() - self.asked } else { self.asked - 1 })
    }

    /// `#acc`.
    pub fn accumulator(&self) -> Value {
        if self.which == Loop::Reduce { self.result.clone() } else { Value::Nil }
    }

    pub fn take(&mut self, i: usize, answer: Value, budget: &mut Budget) -> Result<(), Text> {
        if self.which.wants_bool() {
            return self.decide(i, truth(&answer)?, budget);
        }
        match self.which {
            Loop::Sum => self.result = lists::add(&self.result, &answer)?,
            Loop::Reduce => self.result = answer,
            Loop::GroupBy => {
                budget.grow(1)?;
                let key = answer.key().ok_or_else(|| format!("cannot group by {}", answer.type_name()))?;
                self.groups.entry(key).or_default().push(self.items[i].clone());
            }
            _ => {
                budget.grow(1)?;
                self.kept.push(answer);
            }
        }
        Ok(())
    }

    fn decide(&mut self, i: usize, yes: bool, budget: &mut Budget) -> Result<(), Text> {
        self.count += i64::from(yes);
        match self.which {
            Loop::All => self.done = !yes,
            Loop::Any | Loop::None => self.done = yes,
            Loop::Filter if yes => {
                budget.grow(1)?;
                self.kept.push(self.items[i].clone());
            }
            Loop::Find | Loop::FindLast if yes => (self.result, self.done) = (self.items[i].clone(), true),
            Loop::FindIndex | Loop::FindLastIndex if yes => (self.result, self.done) = (Value::Int(i as i64), true),
            _ => {}
        }
        Ok(())
    }

    pub fn finish(self, budget: &mut Budget) -> Answer {
        Ok(match self.which {
            Loop::All => Value::Bool(!self.done),
            Loop::Any => Value::Bool(self.done),
            Loop::None => Value::Bool(!self.done),
            Loop::One => Value::Bool(self.count == 1),
            Loop::Count => Value::Int(self.count),
            Loop::Filter | Loop::Map => Value::list(self.kept)?,
            Loop::SortBy => {
                let order = lists::sorted(&self.kept, self.descending, budget)?;
                Value::list(order.into_iter().map(|i| self.items[i].clone()).collect())?
            }
            Loop::GroupBy => {
                let groups = self.groups.into_iter().map(|(k, v)| Ok((k, Value::list(v)?)));
                Value::map(groups.collect::<Result<_, Text>>()?)?
            }
            _ => self.result,
        })
    }
}
