//! The `logger` module: its value is a Logger object.

use std::sync::LazyLock;

use wippy_lua_vm::share::Constant;
use wippy_runtime::payload::{Map, Value};

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Object, Raise, Ret, Type, constant};
use crate::state::LogLevel;

pub static MODULE: Module = Module {
    name: "logger",
    value: ModuleValue::Constant(&ROOT),
    class: &["io"],
    description: "Structured log records",
};

static ROOT: LazyLock<Constant> = LazyLock::new(|| constant(Logger::default()));

/// Constant fields and name of the records of one logger.
#[derive(Default)]
struct Logger {
    name: String,
    fields: Map,
}

impl Object for Logger {
    const EXPECTED: &'static str = "logger";
    const METHODS: &'static [Member] = &[
        member!("debug", |c| write(c, LogLevel::Debug)),
        member!("info", |c| write(c, LogLevel::Info)),
        member!("warn", |c| write(c, LogLevel::Warn)),
        member!("error", |c| write(c, LogLevel::Error)),
        member!("with", with),
        member!("named", named),
    ];
}

fn write(call: &mut Call<'_>, level: LogLevel) -> Result<Ret, Raise> {
    let logger = call.userdata::<Logger>(1)?;
    let message = call.text(2)?;
    let mut fields = logger.fields.clone();
    add_fields(call, 3, &mut fields)?;
    call.log(level, &message, &logger.name, &fields);
    Ok(Ret::NONE)
}

/// Adds the fields of the table in argument `i`: string keys only.
fn add_fields(call: &mut Call<'_>, i: i32, fields: &mut Map) -> Result<(), Raise> {
    if call.is_nil_or_none(i) {
        return Ok(());
    }
    call.table(i)?;
    let key = call.top() + 1;
    call.push_nil();
    while call.next(i) {
        if call.type_of(key) == Type::String {
            // What cannot be shown must not make logging fail.
            let value = match call.stack_value(key + 1) {
                Ok(Value::Error(e)) => Value::Str(e.to_string()),
                Ok(value) => value,
                Err(e) => Value::Str(format!("<{e}>")),
            };
            fields.insert(call.key_text(key), value);
        }
        call.pop(1);
    }
    Ok(())
}

fn with(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let logger = call.userdata::<Logger>(1)?;
    call.table(2)?;
    let mut fields = logger.fields.clone();
    add_fields(call, 2, &mut fields)?;
    call.push_object(Logger { name: logger.name.clone(), fields });
    Ok(Ret::ONE)
}

fn named(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let logger = call.userdata::<Logger>(1)?;
    let name = call.text(2)?;
    if name.is_empty() {
        return Err(call.bad_argument(2, "name cannot be empty"));
    }
    let name = if logger.name.is_empty() { name.into_owned() } else { format!("{}.{name}", logger.name) };
    call.push_object(Logger { name, fields: logger.fields.clone() });
    Ok(Ret::ONE)
}
