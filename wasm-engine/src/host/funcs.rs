//! `wippy:runtime/funcs`: functions of the program, called with a text or bytes.
//! Asks for the permission that every call needs.

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;
use wippy_runtime::payload::{Flat, FlatWriter, Value};
use wippy_runtime::process::commands::CallFunction;
use wippy_runtime::registry::EntryId;

use crate::process::GuestState;
use crate::values::plain;

/// Adds the interface.
pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut funcs = linker.instance("wippy:runtime/funcs@0.1.0")?;
    funcs.func_wrap_async(
        "call-string",
        |mut cx: StoreContextMut<'_, GuestState>, (target, input): (String, String)| {
            Box::new(async move {
                let result = call(cx.data_mut(), target, |w| w.str(input.as_bytes())).await?;
                Ok((result.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),))
            })
        },
    )?;
    funcs.func_wrap_async(
        "call-bytes",
        |mut cx: StoreContextMut<'_, GuestState>, (target, input): (String, Vec<u8>)| {
            Box::new(async move { Ok((call(cx.data_mut(), target, |w| w.str(&input)).await?,)) })
        },
    )
}

async fn call(
    state: &mut GuestState,
    target: String,
    input: impl FnOnce(&mut FlatWriter<'_>),
) -> wasmtime::Result<Result<Vec<u8>, String>> {
    let id = EntryId::parse(&target);
    if id.ns().is_empty() || id.name().is_empty() {
        return Ok(Err(format!("invalid function target: {target}")));
    }
    let request = CallFunction { target, args: Flat::build(input), inherited: None, options: None };
    let reply = state.request(request).await?;
    let text = reply.and_then(|flat| if flat.is_empty() { Ok(Value::Nil) } else { plain::small(&mut flat.reader()) });
    Ok(text.map(printed).map_err(|e| e.to_string()))
}

/// A result as text; tables as JSON, which has more to say than an address.
fn printed(value: Value) -> Vec<u8> {
    match value {
        Value::Nil => Vec::new(),
        Value::Str(text) => text.into_bytes(),
        Value::Bytes(bytes) => bytes,
        Value::Bool(b) => b.to_string().into_bytes(),
        Value::Int(i) => i.to_string().into_bytes(),
        Value::Float(f) => f.to_string().into_bytes(),
        Value::Error(e) => e.to_string().into_bytes(),
        table => serde_json::to_vec(&table).unwrap_or_default(),
    }
}
