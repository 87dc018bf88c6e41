//! Whether a Lua value belongs to a type, and if not, where it goes wrong.
//!
//! Fields are looked at where they lie in the table, raw, without making Lua strings; only what has parts is put on
//! the stack. A fault is described on the way out, and only if somebody wants to know it. Contains `unsafe`: the walk
//! runs on the stack of a native call, whose tables nobody changes meanwhile. Limits: [`MAX_DEPTH`] values in each
//! other, [`MAX_STEPS`] values looked at.

use std::ffi::c_char;
use std::fmt::Write;

use wippy_lua_types::ty::Ty;
use wippy_lua_vm::sys::{self, Content, Part};
use wippy_runtime::Error;
use wippy_runtime::payload::Map;

use super::RuntimeType;
use super::object::TypeObject;
use super::schema::{Check, Entries, Id, Rule, Schema, Slot, Test};
use crate::modules::errors::ErrorObject;
use crate::native::{Stack, Type, ffi};

/// Nested type steps until a value is refused; a value that contains itself always is.
const MAX_DEPTH: u32 = 64;
/// Values looked at in one validation: a few hundred milliseconds.
const MAX_STEPS: u32 = 10_000_000;
/// Steps that cost as much as one call in Lua.
const STEPS_A_CALL: u32 = 16;
/// Bytes of an offending value that are shown.
const MAX_SHOWN: usize = 200;

/// What is wrong with a value.
#[derive(Debug, Default)]
pub(super) struct Fault {
    /// From the inside out.
    path: Vec<Step>,
    message: String,
    expected: String,
    got: String,
    constraint: Option<&'static str>,
}

#[derive(Debug)]
enum Step {
    Field(String),
    /// In brackets.
    Key(String),
}

impl Fault {
    fn path(&self) -> String {
        let mut text = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Field(name) if text.is_empty() => text.push_str(name),
                Step::Field(name) => _ = write!(text, ".{name}"),
                Step::Key(key) => _ = write!(text, "[{key}]"),
            }
        }
        text
    }
    /// The error that `T:is(v)` gives.
    pub fn into_error(self) -> Error {
        let path = self.path();
        let mut details = Map::new();
        let text = match path.is_empty() {
            true => self.message,
            false => {
                details.insert("field".to_owned(), path.as_str().into());
                format!("{path}: {}", self.message)
            }
        };
        details.insert("expected".to_owned(), self.expected.as_str().into());
        details.insert("got".to_owned(), self.got.as_str().into());
        if let Some(constraint) = self.constraint {
            details.insert("constraint".to_owned(), constraint.into());
        }
        Error::invalid(text).with_retryable(None).with_details(Some(details))
    }
}

/// A fault, or that nobody wants to know it.
pub(super) type Wrong = Option<Box<Fault>>;

/// Whether the value at slot `i` belongs to the type. With `told` an error describes the fault.
pub(super) fn validate(stack: &Stack<'_>, i: i32, ty: &RuntimeType, told: bool) -> Result<(), Wrong> {
    let schema = ty.schema.get_or_init(|| {
        // SAFETY: a live state; the text is only read.
        Schema::new(ty.value.ty(), &|text| unsafe { sys::wippy_hash(stack.raw(), text.as_ptr().cast(), text.len()) })
    });
    let i = stack.absolute(i);
    let part = part_at(stack, i);
    let mut walk = Walk { stack, schema, quiet: u32::from(!told), steps: 0 };
    // Every level keeps at most a key and a value.
    if !stack.reserve(2 * MAX_DEPTH as i32 + 8) {
        return Err(walk.fault(|| limit("stack limit exceeded")));
    }
    let top = stack.top();
    let result = walk.check(0, &Seen { part, slot: i }, 0);
    let steps = walk.steps;
    // SAFETY: only what the walk has pushed lies above; the fuel is that of the running state.
    unsafe {
        ffi::lua_settop(stack.raw(), top);
        if steps > STEPS_A_CALL {
            let fuel = sys::wippy_getfuel(stack.raw());
            sys::wippy_setfuel(stack.raw(), fuel.saturating_sub((steps / STEPS_A_CALL) as i32).max(1));
        }
    }
    result
}

/// The value in a stack slot as a part of a table would be shown.
fn part_at(stack: &Stack<'_>, i: i32) -> Part {
    let mut part = Part::NONE;
    // SAFETY: reads only; nothing is converted.
    unsafe {
        part.kind = ffi::lua_type(stack.raw(), i).max(ffi::LUA_TNIL);
        match part.kind {
            ffi::LUA_TSTRING => {
                let text = stack.bytes(i).unwrap_or_default();
                part.size = text.len();
                part.content = Content { text: text.as_ptr().cast() };
            }
            ffi::LUA_TNUMBER if stack.is_integer(i) => {
                part.kind = Part::INTEGER;
                part.content = Content { integer: stack.integer(i).unwrap_or_default() };
            }
            ffi::LUA_TNUMBER => part.content = Content { number: stack.number(i).unwrap_or_default() },
            ffi::LUA_TBOOLEAN => part.size = usize::from(stack.truth(i)),
            _ => {}
        }
    }
    part
}

/// A value; one with parts lies in a slot.
struct Seen {
    part: Part,
    slot: i32,
}

impl Seen {
    fn number(&self) -> Option<f64> {
        // SAFETY: the kind tells what there is.
        unsafe {
            match self.part.kind {
                Part::INTEGER => Some(self.part.content.integer as f64),
                ffi::LUA_TNUMBER => Some(self.part.content.number),
                _ => None,
            }
        }
    }
    fn is_integer(&self) -> bool {
        self.part.kind == Part::INTEGER || self.number().is_some_and(|n| n.is_finite() && n.fract() == 0.0)
    }
    /// The bytes of a string: as long as what the walk has come from keeps it, which is until it ends.
    fn text(&self) -> Option<&[u8]> {
        // SAFETY: the kind tells what there is; the value that holds the string is on the stack and unchanged.
        (self.part.kind == ffi::LUA_TSTRING)
            .then(|| unsafe { std::slice::from_raw_parts(self.part.content.text.cast::<u8>(), self.part.size) })
    }
    fn is_table(&self) -> bool {
        self.part.kind == ffi::LUA_TTABLE
    }
    fn is_nil(&self) -> bool {
        self.part.kind == ffi::LUA_TNIL
    }
}

fn limit(what: &str) -> Fault {
    let message = format!("expected type, got {what}");
    Fault { message, expected: "type".to_owned(), got: what.to_owned(), ..Fault::default() }
}

struct Walk<'w, 's> {
    stack: &'w Stack<'s>,
    schema: &'w Schema,
    /// Faults are not described while this is not 0.
    quiet: u32,
    steps: u32,
}

impl Walk<'_, '_> {
    #[cold]
    fn fault(&self, describe: impl FnOnce() -> Fault) -> Wrong {
        (self.quiet == 0).then(|| Box::new(describe()))
    }

    #[cold]
    fn mismatch(&self, ty: &Ty, value: &Seen) -> Wrong {
        self.fault(|| {
            let (expected, got) = (ty.to_string(), self.type_name(value));
            Fault { message: format!("expected {expected}, got {got}"), expected, got, ..Fault::default() }
        })
    }

    fn type_name(&self, value: &Seen) -> String {
        let name = match value.part.kind {
            ffi::LUA_TNIL => Type::Nil,
            ffi::LUA_TBOOLEAN => Type::Boolean,
            ffi::LUA_TNUMBER | Part::INTEGER => Type::Number,
            ffi::LUA_TSTRING => Type::String,
            ffi::LUA_TTABLE => Type::Table,
            ffi::LUA_TFUNCTION => Type::Function,
            ffi::LUA_TTHREAD => Type::Thread,
            _ if self.stack.object_at::<TypeObject>(value.slot).is_some() => return "type".to_owned(),
            _ => Type::Userdata,
        };
        name.name().to_owned()
    }

    /// Whether a value passes, without a description of the fault.
    fn passes(&mut self, id: Id, value: &Seen, depth: u32) -> bool {
        self.quiet += 1;
        let passed = self.check(id, value, depth).is_ok();
        self.quiet -= 1;
        passed
    }

    fn check(&mut self, id: Id, value: &Seen, depth: u32) -> Result<(), Wrong> {
        let schema = self.schema;
        let node = schema.node(id);
        self.steps += 1;
        let kind = value.part.kind;
        let fits = match &node.check {
            Check::Anything => true,
            Check::Nothing => false,
            Check::Nil => value.is_nil(),
            Check::Boolean => kind == ffi::LUA_TBOOLEAN,
            Check::Number => kind == ffi::LUA_TNUMBER || kind == Part::INTEGER,
            Check::Integer => value.is_integer(),
            Check::String => kind == ffi::LUA_TSTRING,
            Check::Table => value.is_table(),
            Check::Function => kind == ffi::LUA_TFUNCTION,
            Check::Bool(b) => kind == ffi::LUA_TBOOLEAN && (value.part.size != 0) == *b,
            Check::Int(n) => self.is_int(value, *n),
            Check::Float(f) => value.number() == Some(*f),
            Check::Text(text) => value.text() == Some(text.as_bytes()),
            Check::Optional(inner) => return if value.is_nil() { Ok(()) } else { self.check(*inner, value, depth) },
            Check::Unresolved(name) => {
                return Err(self.fault(|| {
                    let (expected, got) = (name.to_string(), self.type_name(value));
                    Fault { message: format!("unresolved type {name}"), expected, got, ..Fault::default() }
                }));
            }
            Check::Error => value.is_table() || self.is_error(value),
            _ if depth >= MAX_DEPTH || matches!(node.check, Check::Endless) => {
                return Err(self.fault(|| limit("recursion limit exceeded")));
            }
            _ if self.steps > MAX_STEPS => return Err(self.fault(|| limit("size limit exceeded"))),
            Check::Same(other) => return self.check(*other, value, depth + 1),
            Check::Any(members) => members.iter().any(|member| self.passes(*member, value, depth)),
            Check::All(parts) => return parts.iter().try_for_each(|part| self.check(*part, value, depth)),
            Check::Annotated(inner, rules) => {
                self.check(*inner, value, depth)?;
                return rules.iter().try_for_each(|rule| self.obeys(rule, value));
            }
            Check::Array(_) | Check::Map(_) | Check::Record(_) | Check::Tuple(_) if value.is_table() => {
                return self.table(&node.check, value.slot, depth + 1);
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(self.mismatch(&node.ty, value)) }
    }

    fn is_int(&self, value: &Seen, n: i64) -> bool {
        // SAFETY: the kind tells what there is.
        match value.part.kind {
            Part::INTEGER => unsafe { value.part.content.integer == n },
            _ => value.number() == Some(n as f64),
        }
    }

    fn is_error(&self, value: &Seen) -> bool {
        value.part.kind == ffi::LUA_TUSERDATA && self.stack.object_at::<ErrorObject>(value.slot).is_some()
    }

    /// Whether the parts of the table in a slot are right.
    fn table(&mut self, check: &Check, slot: i32, depth: u32) -> Result<(), Wrong> {
        match check {
            Check::Record(slots) => slots.iter().try_for_each(|field| self.field(field, slot, depth)),
            Check::Array(element) => {
                for i in 1..=self.stack.raw_len(slot) as i64 {
                    self.element(*element, slot, i, depth, true)?;
                }
                Ok(())
            }
            Check::Tuple(parts) => {
                parts.iter().zip(1..).try_for_each(|(part, i)| self.element(*part, slot, i, depth, false))
            }
            Check::Map(entries) => self.entries(entries, slot, depth),
            _ => Ok(()),
        }
    }

    fn field(&mut self, field: &Slot, table: i32, depth: u32) -> Result<(), Wrong> {
        let (mut part, top) = (Part::NONE, self.stack.top());
        // SAFETY: the slot holds a table; room for one value a level was made.
        unsafe {
            let (text, len) = (field.name.as_ptr().cast::<c_char>(), field.name.len());
            sys::wippy_look(self.stack.raw(), table, text, len, field.hash, &mut part);
        }
        let value = Seen { part, slot: top + 1 };
        let result = if value.is_nil() {
            match field.optional || self.passes(field.check, &value, depth) {
                true => Ok(()),
                false => Err(self.missing(field)),
            }
        } else {
            self.check(field.check, &value, depth)
        };
        self.drop_pushed(&value);
        result.map_err(|wrong| within(wrong, || Step::Field(field.name.to_string())))
    }

    #[cold]
    fn missing(&self, field: &Slot) -> Wrong {
        let node = self.schema.node(field.check);
        if let Check::Unresolved(name) = &node.check {
            let message = format!("unresolved type {name}");
            return self.fault(|| Fault {
                message,
                expected: name.to_string(),
                got: "nil".to_owned(),
                ..Fault::default()
            });
        }
        self.fault(|| Fault {
            message: "required field missing".to_owned(),
            expected: node.ty.to_string(),
            got: "nil".to_owned(),
            ..Fault::default()
        })
    }

    fn element(&mut self, id: Id, table: i32, i: i64, depth: u32, holes: bool) -> Result<(), Wrong> {
        let (mut part, top) = (Part::NONE, self.stack.top());
        // SAFETY: as in `field`.
        unsafe { sys::wippy_lookat(self.stack.raw(), table, i, &mut part) };
        if holes && part.kind == ffi::LUA_TNIL {
            return Ok(());
        }
        let value = Seen { part, slot: top + 1 };
        let result = self.check(id, &value, depth);
        self.drop_pushed(&value);
        result.map_err(|wrong| within(wrong, || Step::Key(i.to_string())))
    }

    fn entries(&mut self, entries: &Entries, table: i32, depth: u32) -> Result<(), Wrong> {
        let l = self.stack.raw();
        let sequence = self.stack.raw_len(table) as i64;
        let mut place = 0;
        let mut pair = [Part::NONE; 2];
        // SAFETY: the slot holds a table that nobody changes; room for two values a level was made.
        while unsafe { sys::wippy_visit(l, table, &mut place, &mut pair) } != 0 {
            // SAFETY: the kind tells what there is.
            let in_sequence =
                pair[0].kind == Part::INTEGER && (1..=sequence).contains(unsafe { &pair[0].content.integer });
            let text = pair[0].kind == ffi::LUA_TSTRING;
            if (text && !entries.texts) || (in_sequence && !entries.sequence) {
                continue;
            }
            let compound = |part: &Part| {
                !matches!(part.kind, ffi::LUA_TSTRING | ffi::LUA_TNUMBER | Part::INTEGER | ffi::LUA_TBOOLEAN)
            };
            let both = compound(&pair[0]) || compound(&pair[1]);
            let top = self.stack.top();
            if both {
                // SAFETY: as above.
                unsafe { sys::wippy_pushvisited(l, table, place) };
            }
            let (key, value) = (Seen { part: pair[0], slot: top + 1 }, Seen { part: pair[1], slot: top + 2 });
            let result = match self.check(entries.key, &key, depth) {
                Err(wrong) => Err(within(wrong, || Step::Key("key".to_owned()))),
                Ok(()) => self.check(entries.value, &value, depth).map_err(|wrong| within(wrong, || self.step(&key))),
            };
            if both {
                // SAFETY: what was pushed above.
                unsafe { ffi::lua_settop(l, top) };
            }
            result?;
        }
        Ok(())
    }

    fn step(&self, key: &Seen) -> Step {
        match key.text() {
            Some(text) => Step::Field(String::from_utf8_lossy(text).into_owned()),
            None => Step::Key(self.shown(key)),
        }
    }

    /// Drops what looking a value up has pushed, if anything.
    fn drop_pushed(&self, value: &Seen) {
        if value.part.kind >= ffi::LUA_TTABLE && value.part.kind != Part::INTEGER {
            // SAFETY: lowers the top to what it was.
            unsafe { ffi::lua_settop(self.stack.raw(), value.slot - 1) };
        }
    }

    fn obeys(&self, rule: &Rule, value: &Seen) -> Result<(), Wrong> {
        let message = match &rule.test {
            Test::Min(min) if value.number().is_some_and(|n| n < *min) => "value below minimum",
            Test::Max(max) if value.number().is_some_and(|n| n > *max) => "value above maximum",
            Test::MinLen(min) if self.length(value).is_some_and(|n| n < *min) => "length below minimum",
            Test::MaxLen(max) if self.length(value).is_some_and(|n| n > *max) => "length above maximum",
            Test::Pattern(regex) if self.written(value).is_some_and(|text| !regex.is_match(&text)) => {
                "pattern mismatch"
            }
            Test::Broken(message) if self.written(value).is_some() => message,
            _ => return Ok(()),
        };
        Err(self.fault(|| Fault {
            message: message.to_owned(),
            expected: rule.arg.clone(),
            got: self.shown(value),
            constraint: Some(rule.name),
            ..Fault::default()
        }))
    }

    fn length(&self, value: &Seen) -> Option<u64> {
        match value.is_table() {
            true => Some(self.stack.raw_len(value.slot) as u64),
            false => self.written(value).map(|text| text.len() as u64),
        }
    }

    /// The text of a string or number.
    fn written<'v>(&self, value: &'v Seen) -> Option<std::borrow::Cow<'v, [u8]>> {
        match value.text() {
            Some(text) => Some(text.into()),
            None => value.number().map(|_| self.shown(value).into_bytes().into()),
        }
    }

    /// A value as people read it.
    fn shown(&self, value: &Seen) -> String {
        // SAFETY: the kind tells what there is; a number is pushed and its text made in place.
        unsafe {
            match value.part.kind {
                ffi::LUA_TSTRING => {
                    let text = value.text().unwrap_or_default();
                    let cut = if text.len() > MAX_SHOWN { &text[..MAX_SHOWN] } else { text };
                    let more = if cut.len() < text.len() { "..." } else { "" };
                    format!("{}{more}", String::from_utf8_lossy(cut))
                }
                Part::INTEGER => value.part.content.integer.to_string(),
                ffi::LUA_TNUMBER => {
                    self.stack.push_float(value.part.content.number);
                    ffi::lua_tolstring(self.stack.raw(), -1, std::ptr::null_mut());
                    let text = String::from_utf8_lossy(self.stack.bytes(-1).unwrap_or_default()).into_owned();
                    ffi::lua_settop(self.stack.raw(), -2);
                    text
                }
                ffi::LUA_TBOOLEAN => (value.part.size != 0).to_string(),
                _ => self.type_name(value),
            }
        }
    }
}

/// A fault inside of something.
fn within(wrong: Wrong, step: impl FnOnce() -> Step) -> Wrong {
    wrong.map(|mut fault| {
        fault.path.push(step());
        fault
    })
}
