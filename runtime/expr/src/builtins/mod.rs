//! The functions of the language: which arguments each takes, and what it
//! gives. Those with predicates are in `loops`, the others here in one table.

mod convert;
mod lists;
mod loops;
mod numbers;
mod texts;
mod times;

pub(crate) use loops::{Loop, Task};

use crate::eval::{Budget, Text};
use crate::types::{Set, Ty};
use crate::value::Value;

type Answer = Result<Value, Text>;

/// What works: most functions need no clock.
#[derive(Clone, Copy)]
enum Work {
    Pure(fn(&mut Budget, &[Value]) -> Answer),
    /// Of nanoseconds since 1970.
    Now(fn(i64) -> Value),
}

pub(crate) struct Builtin {
    pub name: &'static str,
    /// What the parameters may be; the last one stands for all that follow if there may be more.
    parameters: &'static [Set],
    /// How many of them must be there.
    needed: usize,
    more: bool,
    pub result: Ty,
    work: Work,
}

impl std::fmt::Debug for Builtin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Builtin {
    /// Of argument `i` from 0.
    pub fn parameter(&self, i: usize) -> Set {
        self.parameters.get(i).or(self.parameters.last()).copied().unwrap_or(Set::ANY)
    }
    pub fn check_count(&self, n: usize) -> Result<(), String> {
        if n < self.needed {
            return Err(format!("not enough arguments to call {}", self.name));
        }
        if n > self.parameters.len() && !self.more {
            return Err(format!("too many arguments to call {}", self.name));
        }
        Ok(())
    }
    pub fn run(&self, budget: &mut Budget, now: &dyn Fn() -> i64, arguments: &[Value]) -> Answer {
        if let Some((_, wrong)) = arguments.iter().enumerate().find(|(i, v)| !self.parameter(*i).has(v)) {
            return Err(format!("invalid argument for {} (type {})", self.name, wrong.type_name()).into());
        }
        match self.work {
            Work::Pure(call) => call(budget, arguments),
            Work::Now(make) => Ok(make(now())),
        }
    }
}

const fn of(
    name: &'static str,
    parameters: &'static [Set],
    needed: usize,
    result: Ty,
    call: fn(&mut Budget, &[Value]) -> Answer,
) -> Builtin {
    Builtin { name, parameters, needed, more: false, result, work: Work::Pure(call) }
}

/// One that takes any number of arguments of a kind, at least one.
const fn any_number(
    name: &'static str,
    parameters: &'static [Set],
    result: Ty,
    call: fn(&mut Budget, &[Value]) -> Answer,
) -> Builtin {
    Builtin { name, parameters, needed: 1, more: true, result, work: Work::Pure(call) }
}

const ANY: Set = Set::ANY;
const INT: Set = Set::INT;
const NUM: Set = Set::NUMBER;
const STR: Set = Set::STR;
const LIST: Set = Set::LIST;
const MAP: Set = Set::MAP;
const LIST_OR_NIL: Set = LIST.or(Set::NIL);
const NUMBERS: Set = NUM.or(LIST);
const SIZED: Set = STR.or(LIST).or(MAP).or(Set::BYTES);

/// In the order of names.
static ALL: &[Builtin] = &[
    of("abs", &[NUM], 1, Ty::Any, numbers::abs),
    of("bitand", &[INT, INT], 2, Ty::Int, numbers::bitand),
    of("bitnand", &[INT, INT], 2, Ty::Int, numbers::bitnand),
    of("bitnot", &[INT], 1, Ty::Int, numbers::bitnot),
    of("bitor", &[INT, INT], 2, Ty::Int, numbers::bitor),
    of("bitshl", &[INT, INT], 2, Ty::Int, numbers::bitshl),
    of("bitshr", &[INT, INT], 2, Ty::Int, numbers::bitshr),
    of("bitushr", &[INT, INT], 2, Ty::Int, numbers::bitushr),
    of("bitxor", &[INT, INT], 2, Ty::Int, numbers::bitxor),
    of("ceil", &[NUM], 1, Ty::Float, numbers::ceil),
    any_number("concat", &[LIST], Ty::List, lists::concat),
    of("date", &[STR.or(Set::ZONE), STR, STR], 1, Ty::Time, times::date),
    of("duration", &[STR], 1, Ty::Duration, times::duration),
    of("first", &[LIST_OR_NIL], 1, Ty::Any, lists::first),
    of("flatten", &[LIST], 1, Ty::List, lists::flatten),
    of("float", &[NUM.or(STR)], 1, Ty::Float, convert::float),
    of("floor", &[NUM], 1, Ty::Float, numbers::floor),
    of("fromBase64", &[STR], 1, Ty::Str, convert::from_base64),
    of("fromJSON", &[STR], 1, Ty::Any, convert::from_json),
    of("fromPairs", &[LIST], 1, Ty::Map, lists::from_pairs),
    of("get", &[ANY, ANY], 2, Ty::Any, lists::get),
    of("hasPrefix", &[STR, STR], 2, Ty::Bool, texts::has_prefix),
    of("hasSuffix", &[STR, STR], 2, Ty::Bool, texts::has_suffix),
    of("indexOf", &[STR, STR], 2, Ty::Int, texts::index_of),
    of("int", &[NUM.or(STR)], 1, Ty::Int, convert::int),
    of("join", &[LIST, STR], 1, Ty::Str, texts::join),
    of("keys", &[MAP], 1, Ty::List, lists::keys),
    of("last", &[LIST_OR_NIL], 1, Ty::Any, lists::last),
    of("lastIndexOf", &[STR, STR], 2, Ty::Int, texts::last_index_of),
    of("len", &[SIZED], 1, Ty::Int, lists::len),
    of("lower", &[STR], 1, Ty::Str, texts::lower),
    any_number("max", &[NUMBERS], Ty::Any, numbers::max),
    any_number("mean", &[NUMBERS], Ty::Float, numbers::mean),
    any_number("median", &[NUMBERS], Ty::Float, numbers::median),
    any_number("min", &[NUMBERS], Ty::Any, numbers::min),
    Builtin { name: "now", parameters: &[], needed: 0, more: false, result: Ty::Time, work: Work::Now(times::now) },
    of("repeat", &[STR, INT], 2, Ty::Str, texts::repeat),
    of("replace", &[STR, STR, STR, INT], 3, Ty::Str, texts::replace),
    of("reverse", &[LIST], 1, Ty::List, lists::reverse),
    of("round", &[NUM], 1, Ty::Float, numbers::round),
    of("sort", &[LIST, STR], 1, Ty::List, lists::sort),
    of("split", &[STR, STR, INT], 2, Ty::List, texts::split),
    of("splitAfter", &[STR, STR, INT], 2, Ty::List, texts::split_after),
    of("string", &[ANY], 1, Ty::Str, convert::string),
    of("take", &[LIST, INT], 2, Ty::List, lists::take),
    of("timezone", &[STR], 1, Ty::Zone, times::timezone),
    of("toBase64", &[STR.or(Set::BYTES)], 1, Ty::Str, convert::to_base64),
    of("toJSON", &[ANY], 1, Ty::Str, convert::to_json),
    of("toPairs", &[MAP], 1, Ty::List, lists::to_pairs),
    of("trim", &[STR, STR], 1, Ty::Str, texts::trim),
    of("trimPrefix", &[STR, STR], 1, Ty::Str, texts::trim_prefix),
    of("trimSuffix", &[STR, STR], 1, Ty::Str, texts::trim_suffix),
    of("type", &[ANY], 1, Ty::Str, convert::type_of),
    of("uniq", &[LIST], 1, Ty::List, lists::uniq),
    of("upper", &[STR], 1, Ty::Str, texts::upper),
    of("values", &[MAP], 1, Ty::List, lists::values),
];

pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    ALL.binary_search_by(|b| b.name.cmp(name)).ok().map(|i| &ALL[i])
}

pub(crate) fn is_builtin(name: &str) -> bool {
    find(name).is_some() || Loop::parse(name).is_some()
}

/// The names of all functions, in order.
pub fn names() -> Vec<&'static str> {
    let mut all: Vec<&str> = ALL.iter().map(|b| b.name).chain(Loop::ALL.iter().map(|l| l.0)).collect();
    all.sort_unstable();
    all
}

/// Only times, durations and zones have methods.
pub(crate) fn method(budget: &mut Budget, value: &Value, name: &str, arguments: &[Value]) -> Answer {
    match value {
        Value::Nil => Err(format!("cannot fetch {name} from <nil>").into()),
        value => times::method(budget, value, name, arguments),
    }
}

/// The text in argument `i`, which the table says is one; `default` if it is not given.
fn text<'a>(arguments: &'a [Value], i: usize, default: &'a str) -> &'a str {
    arguments.get(i).and_then(Value::as_str).unwrap_or(default)
}

fn int(arguments: &[Value], i: usize) -> Option<i64> {
    match arguments.get(i) {
        Some(Value::Int(n)) => Some(*n),
        _ => None,
    }
}

/// The list in argument `i`, which the table says is one.
fn items(arguments: &[Value], i: usize) -> &[Value] {
    match arguments.get(i) {
        Some(Value::List(list)) => list.items(),
        _ => &[],
    }
}
