//! The `eval_runner` module.

use wippy_runtime::Error;
use wippy_runtime::payload::{Flat, Map, Value};
use wippy_runtime::process::OwnLimits;

use super::request::{Compile, Evaluate, Selection, Where};
use crate::member;
use crate::modules::security::{ActorObject, ScopeObject};
use crate::modules::{Module, ModuleValue};
use crate::native::{Call, Member, Object, Raise, Ret, Type};
use crate::process::Engine;

pub static MODULE: Module = Module {
    name: "eval_runner",
    value: ModuleValue::Table(&[member!("run", run), member!("compile", compile)]),
    class: &["process", "nondeterministic"],
    description: "Evaluation of Lua source in a sandbox",
};

/// A source that compiles, and what it would be given.
struct Program {
    method: String,
    modules: Vec<&'static str>,
}

impl Object for Program {
    const EXPECTED: &'static str = "Program";
    const METHODS: &'static [Member] = &[member!("method", program_method), member!("modules", program_modules)];
}

fn program_method(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let program = call.userdata::<Program>(1)?;
    call.push_str(&program.method);
    Ok(Ret::ONE)
}

fn program_modules(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let program = call.userdata::<Program>(1)?;
    call.push_table(program.modules.len(), 0);
    for (i, name) in program.modules.iter().enumerate() {
        call.push_str(name);
        call.set_index(-2, i as i64 + 1);
    }
    Ok(Ret::ONE)
}

fn run(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.table(1)?;
    let request = configured(call)?;
    call.request(request, |call, reply| call.answer(reply))
}

/// `compile(source, method?, options?)`; the answer is made from arguments 1 and 2, which stay where they are.
fn compile(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let source = call.str(1)?.to_vec();
    call.opt_str(2)?;
    let mut selection = Selection::default();
    if call.type_of(3) == Type::Table {
        selection.modules = texts(call, 3, "modules");
        selection.imports = pairs(call, 3, "imports");
    }
    call.request(Compile { source, selection }, |call, reply| match reply {
        Ok(modules) => {
            let method = call.opt_str(2)?.map(|m| String::from_utf8_lossy(m).into_owned()).unwrap_or_default();
            call.push_object(Program { method, modules });
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

/// The request in the table in argument 1. What has a wrong type is told by the request, after its first permission.
fn configured(call: &mut Call<'_>) -> Result<Evaluate, Raise> {
    let limit = Engine::of(call).map_or(usize::MAX, Engine::message_limit);
    let source = field(call, 1, "source", |call| call.bytes(-1).map(<[u8]>::to_vec)).unwrap_or_default();
    let mut request = Evaluate {
        problem: source.is_empty().then(|| Error::invalid("source is required")),
        source,
        method: text(call, "method").unwrap_or_default(),
        args: field(call, 1, "args", |call| arguments(call, limit)).unwrap_or(Ok(Flat::new()))?,
        selection: Selection {
            modules: texts(call, 1, "modules"),
            imports: pairs(call, 1, "imports"),
            classes: texts(call, 1, "allow_classes"),
        },
        place: Where { host: text(call, "host"), ..Where::default() },
        globals: field(call, 1, "custom_modules", |call| globals(call, limit)).unwrap_or_else(|| Ok(Vec::new()))?,
    };
    request.place.actor = field(call, 1, "actor", |call| Some(call.object_at::<ActorObject>(-1)?.0.clone()));
    request.place.scope = field(call, 1, "scope", |call| Some(call.object_at::<ScopeObject>(-1)?.0.clone()));
    request.place.context = map(call, "context")?.unwrap_or_default();
    match map(call, "limits")?.as_ref().map_or(Ok(OwnLimits::default()), OwnLimits::of) {
        Ok(limits) => request.place.limits = limits,
        Err(e) => request.problem = request.problem.or(Some(e)),
    }
    Ok(request)
}

/// Reads field `key` of the table at `t`, which is on top of the stack meanwhile.
fn field<T>(call: &mut Call<'_>, t: i32, key: &str, read: impl FnOnce(&mut Call<'_>) -> Option<T>) -> Option<T> {
    call.reserve(8);
    call.get_field(t, key);
    let top = call.top();
    let value = read(call);
    call.truncate(top - 1);
    value
}

fn text(call: &mut Call<'_>, key: &str) -> Option<String> {
    let read = |call: &mut Call<'_>| call.bytes(-1).map(|text| String::from_utf8_lossy(text).into_owned());
    field(call, 1, key, read).filter(|text| !text.is_empty())
}

/// The texts of a list; other values are ignored.
fn texts(call: &mut Call<'_>, t: i32, key: &str) -> Vec<String> {
    let read = |call: &mut Call<'_>| {
        let mut all = Vec::new();
        for i in 1..=list_length(call) {
            if call.get_index(-1, i) == Type::String {
                all.extend(call.bytes(-1).map(|text| String::from_utf8_lossy(text).into_owned()));
            }
            call.pop(1);
        }
        Some(all)
    };
    field(call, t, key, read).unwrap_or_default()
}

/// The texts of a table by their keys, in the order of these; other values are ignored.
fn pairs(call: &mut Call<'_>, t: i32, key: &str) -> Vec<(String, String)> {
    let read = |call: &mut Call<'_>| {
        if call.type_of(-1) != Type::Table {
            return None;
        }
        let table = call.top();
        let mut all = Vec::new();
        call.push_nil();
        while call.next(table) {
            if call.type_of(-2) == Type::String
                && call.type_of(-1) == Type::String
                && let (Some(alias), Some(id)) = (call.bytes(-2), call.bytes(-1))
            {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                all.push((text(alias), text(id)));
            }
            call.pop(1);
        }
        all.sort();
        Some(all)
    };
    field(call, t, key, read).unwrap_or_default()
}

/// The length of the list on top, 0 for anything else.
fn list_length(call: &Call<'_>) -> i64 {
    if call.type_of(-1) == Type::Table { call.raw_len(-1) as i64 } else { 0 }
}

fn map(call: &mut Call<'_>, key: &str) -> Result<Option<Map>, Raise> {
    let read = |call: &mut Call<'_>| (call.type_of(-1) == Type::Table).then(|| call.value(-1));
    match field(call, 1, key, read).transpose()? {
        Some(Value::Map(map)) => Ok(Some(map)),
        _ => Ok(None),
    }
}

/// The items of the list on top, one encoded value after the other.
fn arguments(call: &mut Call<'_>, limit: usize) -> Option<Result<Flat, Raise>> {
    let mut flat = Flat::new();
    for i in 1..=list_length(call) {
        call.get_index(-1, i);
        let top = call.top();
        let encoded = call.encode(top, top, &mut flat, limit);
        call.pop(1);
        if let Err(e) = encoded {
            return Some(Err(e.into()));
        }
    }
    Some(Ok(flat))
}

/// The members of the table on top, each encoded.
fn globals(call: &mut Call<'_>, limit: usize) -> Option<Result<Vec<(String, Flat)>, Raise>> {
    if call.type_of(-1) != Type::Table {
        return None;
    }
    let table = call.top();
    let mut all = Vec::new();
    call.push_nil();
    while call.next(table) {
        if call.type_of(-2) == Type::String
            && let Some(name) = call.bytes(-2).map(|name| String::from_utf8_lossy(name).into_owned())
        {
            let (top, mut flat) = (call.top(), Flat::new());
            if let Err(e) = call.encode(top, top, &mut flat, limit) {
                return Some(Err(e.into()));
            }
            all.push((name, flat));
        }
        call.pop(1);
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Some(Ok(all))
}
