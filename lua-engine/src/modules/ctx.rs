//! The `ctx` module: a read-only view of the context values of the running
//! process or call.

use std::sync::Arc;

use wippy_runtime::Error;
use wippy_runtime::payload::{Map, Value};

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Raise, Ret};
use crate::process::Engine;

pub static MODULE: Module = Module {
    name: "ctx",
    value: ModuleValue::Table(&[member!("get", get), member!("all", all)]),
    class: &["deterministic", "workflow"],
    description: "Context values handed down to this code",
};

fn values(call: &Call<'_>) -> Result<Arc<Map>, Error> {
    let control = Engine::of(call).and_then(Engine::control);
    control.map(|c| c.frame().inherited.values.clone()).ok_or_else(|| Error::internal("no context"))
}

/// What programs see of a value: numbers without subtype, nil for what is no plain data.
fn visible(value: &Value) -> Value {
    match value {
        Value::Int(n) => Value::Float(*n as f64),
        Value::Error(_) => Value::Nil,
        Value::List(list) => list.iter().map(visible).collect(),
        Value::Map(map) => Value::Map(map.iter().map(|(k, v)| (k.clone(), visible(v))).collect()),
        other => other.clone(),
    }
}

fn get(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let key = call.text(1)?;
    if key.is_empty() {
        return call.fail(Error::invalid("empty key"));
    }
    let values = match values(call) {
        Ok(values) => values,
        Err(e) => return call.fail(e),
    };
    match values.get(&*key) {
        Some(value) => call.push_value(&visible(value))?,
        None => return call.fail(Error::not_found(format!("key not found: {key}"))),
    }
    call.fine()
}

fn all(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let values = match values(call) {
        Ok(values) => values,
        Err(e) => return call.fail(e),
    };
    call.push_table(0, values.len());
    for (key, value) in &*values {
        call.push_value(&visible(value))?;
        call.set_field(-2, key);
    }
    call.fine()
}
