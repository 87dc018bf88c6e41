//! The Lua module `store`. Values are copied out of the program as plain data
//! when they are written, and made anew each time they are read.

use std::sync::Arc;
use std::time::Duration;

use wippy_lua::modules::stream::Held;
use wippy_lua::modules::{Module, ModuleValue};
use wippy_lua::native::{Call, Function, Member, Object, Raise, Ret, Type};
use wippy_lua::process::InProcess;
use wippy_lua::{member, native};
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::registry::EntryId;
use wippy_runtime::stores::{Condition, Range, Record, Writing, key as stored_key};
use wippy_runtime::{Error, Kind, Result as Outcome};

use crate::commands::{Acquire, Acquired, Delete, Get, Has, Info, List, Put};

pub static MODULE: Module = Module {
    name: "store",
    value: ModuleValue::Table(&[
        member!("get", acquire),
        Member::table("backend", BACKENDS),
        Member::table("consistency", CONSISTENCIES),
    ]),
    class: &["storage"],
    description: "Key-value stores",
};

const BACKENDS: &[Member] = &[
    Member::str("KV_RAFT", "kv.raft"),
    Member::str("KV_CRDT", "kv.crdt"),
    Member::str("MEMORY", "memory"),
    Member::str("SQL", "sql"),
    Member::str("UNKNOWN", "unknown"),
];
const CONSISTENCIES: &[Member] = &[
    Member::str("LINEARIZABLE", "linearizable"),
    Member::str("EVENTUAL", "eventual"),
    Member::str("LOCAL", "local"),
    Member::str("UNKNOWN", "unknown"),
];

/// Records a page has unless told, and at most.
const DEFAULT_PAGE: i64 = 100;
const MAX_PAGE: i64 = 1000;

/// A store, as programs have it.
pub struct StoreObject {
    held: Held,
}

impl Object for StoreObject {
    const EXPECTED: &'static str = "store.Store";
    const METHODS: &'static [Member] = &[
        member!("info", info),
        member!("get", get),
        member!("entry", entry),
        member!("list", list),
        member!("put", put),
        member!("set", set),
        member!("delete", delete),
        member!("has", has),
        member!("release", release),
    ];
    const OPERATORS: &'static [Function] = &[native!("__tostring", describe)];
}

fn acquire(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = call.text(1)?;
    if id.is_empty() {
        return call.fail(Error::invalid("resource id is required"));
    }
    match call.ask(Acquire { id: EntryId::parse(&id) })? {
        Ok(id) => {
            let held = Held::new(call, id)?;
            call.push_object(StoreObject { held });
            Ok(Ret::ONE)
        }
        Err(e) if is_denied(&e) => Err(raised(&e)),
        Err(e) => call.fail(e),
    }
}

fn is_denied(e: &Error) -> bool {
    *e.kind() == Kind::PERMISSION_DENIED
}

fn raised(e: &Error) -> Raise {
    Raise::text(e.to_string())
}

/// The store in argument 1. Errors: it was released.
fn store(call: &Call<'_>) -> Result<Outcome<Arc<Acquired>>, Raise> {
    let id = call.userdata::<StoreObject>(1)?.held.id();
    let held = call.engine()?.control().and_then(|control| control.held::<Acquired>(id));
    Ok(held.ok_or_else(|| Error::invalid("store is released")))
}

/// The store, and the key in argument 2.
fn store_and_key(call: &Call<'_>) -> Result<Outcome<(Arc<Acquired>, String)>, Raise> {
    let store = match store(call)? {
        Ok(store) => store,
        Err(e) => return Ok(Err(e)),
    };
    let key = call.text(2)?;
    Ok(if key.is_empty() { Err(Error::invalid("key is required")) } else { Ok((store, stored_key(&key))) })
}

/// Takes the value out of an [`Outcome`], or ends the function with `nil, err` or `false, err`.
macro_rules! valid {
    ($call:ident, $outcome:expr, $failed:ident) => {
        match $outcome {
            Ok(value) => value,
            Err(e) => return $call.$failed(e),
        }
    };
}

fn describe(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let released = store(call)?.is_err();
    call.push_str(if released { "store.Store{released}" } else { "store.Store{}" });
    Ok(Ret::ONE)
}

fn release(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = call.userdata::<StoreObject>(1)?.held.id();
    if let Some(control) = call.engine()?.control() {
        control.release(id);
    }
    call.push_bool(true);
    Ok(Ret::ONE)
}

fn info(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let from = valid!(call, store(call)?, fail);
    let info = valid!(call, call.ask(Info { from })?, fail);
    call.push_table(0, 7);
    for (name, text) in [("backend", info.backend), ("consistency", info.consistency)] {
        call.push_str(text);
        call.set_field(-2, name);
    }
    let flags = [
        ("durable", info.durable),
        ("list", true),
        ("ttl", true),
        ("versioned", info.versioned),
        ("conditional_put", info.conditional_put),
    ];
    for (name, on) in flags {
        call.push_bool(on);
        call.set_field(-2, name);
    }
    call.fine()
}

fn get(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (from, key) = valid!(call, store_and_key(call)?, fail);
    call.request(Get { from, key }, |call, record| match record {
        Ok(record) => {
            call.decode_one(&mut record.value.reader())?;
            call.fine()
        }
        Err(e) if is_denied(&e) => Err(raised(&e)),
        Err(e) => call.fail(e),
    })
}

fn entry(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (from, key) = valid!(call, store_and_key(call)?, fail);
    call.request(Get { from, key }, answer_record)
}

fn answer_record(call: &mut Call<'_>, record: Outcome<Record>) -> Result<Ret, Raise> {
    push_record(call, &valid!(call, record, fail))?;
    call.fine()
}

fn push_record(call: &Call<'_>, record: &Record) -> Result<(), Raise> {
    call.push_table(0, 3);
    call.push_str(&record.key);
    call.set_field(-2, "key");
    call.decode_one(&mut record.value.reader())?;
    call.set_field(-2, "value");
    call.push_str(record.version.to_string());
    call.set_field(-2, "version");
    Ok(())
}

fn has(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (from, key) = valid!(call, store_and_key(call)?, fail_false);
    call.request(Has { from, key }, |call, has| match has {
        Ok(has) => {
            call.push_bool(has);
            call.fine()
        }
        Err(e) if is_denied(&e) => Err(raised(&e)),
        Err(e) => call.fail_false(e),
    })
}

fn delete(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (from, key) = valid!(call, store_and_key(call)?, fail);
    call.request(Delete { from, key }, |call, was_there| match was_there {
        Ok(was_there) => {
            call.push_bool(was_there);
            call.fine()
        }
        Err(e) if is_denied(&e) => Err(raised(&e)),
        Err(e) => call.fail(e),
    })
}

/// The value in argument 3 as a store keeps it.
fn value(call: &Call<'_>) -> Outcome<Arc<Flat>> {
    if call.is_nil_or_none(3) {
        return Err(Error::invalid("value is required"));
    }
    let mut value = call.stack_data(3).map_err(|e| e.with_kind(Kind::INTERNAL))?;
    forget_shape(&mut value);
    let flat = Flat::of(&[value]);
    let control = call.engine().ok().and_then(|engine| engine.control());
    match control.map_or(0, |control| control.host.limits.message) {
        limit if limit > 0 && flat.len() > limit => {
            Err(Error::limit_exceeded(format!("a value may have {limit} bytes, this one has {}", flat.len())))
        }
        _ => Ok(Arc::new(flat)),
    }
}

/// What is empty comes back as an empty table that is neither list nor map.
fn forget_shape(value: &mut Value) {
    match value {
        Value::Map(map) if map.is_empty() => *value = Value::List(Vec::new()),
        Value::Map(map) => map.values_mut().for_each(forget_shape),
        Value::List(list) => list.iter_mut().for_each(forget_shape),
        _ => {}
    }
}

/// A time to live in seconds; what is not above 0 is none, and so is what no clock can say.
fn ttl(seconds: f64) -> Option<Duration> {
    if seconds > 0.0 { Duration::try_from_secs_f64(seconds).ok() } else { None }
}

fn set(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (from, key) = valid!(call, store_and_key(call)?, fail);
    // An argument that is there must be a number, nil too.
    let ttl = if call.type_of(4) == Type::None { None } else { ttl(call.float(4)?) };
    let how = Ok(Writing { ttl, condition: Condition::Always });
    call.request(Put { from, key, value: value(call), how }, |call, written| match written {
        Ok(_) => {
            call.push_bool(true);
            call.fine()
        }
        Err(e) if is_denied(&e) => Err(raised(&e)),
        Err(e) => call.fail(e),
    })
}

fn put(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (from, key) = valid!(call, store_and_key(call)?, fail);
    let (value, how) = (value(call), writing(call));
    call.request(Put { from, key, value, how }, answer_record)
}

/// Pushes the option `name` of the table in argument `i`; `None` without table or option.
fn option(call: &mut Call<'_>, i: i32, name: &str) -> Option<Type> {
    if call.type_of(i) != Type::Table {
        return None;
    }
    match call.get_field(i, name) {
        Type::Nil | Type::None => {
            call.pop(1);
            None
        }
        found => Some(found),
    }
}

fn check_options(call: &Call<'_>, i: i32) -> Outcome<()> {
    match call.type_of(i) {
        Type::None | Type::Nil | Type::Table => Ok(()),
        _ => Err(Error::invalid("options must be a table")),
    }
}

/// The options of `put` in argument 4.
fn writing(call: &mut Call<'_>) -> Outcome<Writing> {
    check_options(call, 4)?;
    let mut how = Writing::default();
    if option(call, 4, "ttl").is_some() {
        let seconds = call.number(-1).filter(|seconds| *seconds >= 0.0);
        how.ttl = ttl(seconds.ok_or_else(|| Error::invalid("ttl must be a non-negative number"))?);
        call.pop(1);
    }
    if let Some(found) = option(call, 4, "only_if_absent") {
        if found != Type::Boolean {
            return Err(Error::invalid("only_if_absent must be a boolean"));
        }
        if call.truth(-1) {
            how.condition = Condition::IfAbsent;
        }
        call.pop(1);
    }
    if let Some(found) = option(call, 4, "if_version") {
        let version = match found {
            Type::String => call.bytes(-1).and_then(|text| std::str::from_utf8(text).ok()?.parse::<u64>().ok()),
            // A float beyond 2^53 does not say which version it means.
            _ if call.is_integer(-1) => call.integer(-1).and_then(|n| u64::try_from(n).ok()),
            _ => call.integer(-1).and_then(|n| u64::try_from(n).ok()).filter(|n| *n < 1 << 53),
        };
        let version = version.filter(|version| *version > 0);
        let version = version.ok_or_else(|| Error::invalid("if_version must be a positive version"))?;
        if how.condition == Condition::IfAbsent {
            return Err(Error::invalid("only_if_absent and if_version are mutually exclusive"));
        }
        how.condition = Condition::IfVersion(version);
        call.pop(1);
    }
    Ok(how)
}

fn list(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let from = valid!(call, store(call)?, fail);
    let (prefix, after) = (text_option(call, "prefix"), text_option(call, "after"));
    let shown = prefix.clone().unwrap_or_default();
    let range =
        check_options(call, 2).and_then(|()| Ok(Range { prefix: prefix?, after: after?, limit: page_size(call)? }));
    call.request(List { from, prefix: shown, range }, |call, page| {
        let page = valid!(call, page, fail);
        call.push_table(0, 3);
        call.push_table(page.items.len(), 0);
        for (n, record) in (1..).zip(&page.items) {
            push_record(call, record)?;
            call.set_index(-2, n);
        }
        call.set_field(-2, "items");
        call.push_str(page.items.last().map_or("", |last| &last.key));
        call.set_field(-2, "cursor");
        call.push_bool(page.has_more);
        call.set_field(-2, "has_more");
        call.fine()
    })
}

/// The text option `name` of `list`, empty if it is not there.
fn text_option(call: &mut Call<'_>, name: &str) -> Outcome<String> {
    if option(call, 2, name).is_none() {
        return Ok(String::new());
    }
    let text = call.bytes(-1).map(|text| String::from_utf8_lossy(text).into_owned());
    call.pop(1);
    text.ok_or_else(|| Error::invalid(format!("{name} must be a string")))
}

fn page_size(call: &mut Call<'_>) -> Outcome<usize> {
    if option(call, 2, "limit").is_none() {
        return Ok(DEFAULT_PAGE as usize);
    }
    let limit = call.integer(-1).filter(|n| *n >= 0);
    call.pop(1);
    match limit {
        Some(0) => Ok(DEFAULT_PAGE as usize),
        Some(n) => Ok(n.min(MAX_PAGE) as usize),
        None => Err(Error::invalid("limit must be a non-negative integer")),
    }
}
