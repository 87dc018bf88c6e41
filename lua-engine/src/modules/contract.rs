//! The `contract` module: contracts, and instances of their bindings, whose
//! methods are calls of functions.

use std::sync::Arc;

use wippy_runtime::contracts::commands::{
    CallMethod, DefaultBinding, FindImplementations, GetContract, OpenBinding, ResolveMethod,
};
use wippy_runtime::contracts::{Binding, Definition, Method, Schema};
use wippy_runtime::payload::{Flat, Map, Value};
use wippy_runtime::registry::EntryId;
use wippy_runtime::{Error, Kind};

use super::overlay::{self, Overlaid, Overlay, Rules, is_table, read_options};
use super::{Module, ModuleValue, future};
use crate::native::{Call, Function, Member, Object, Raise, Ret, Type};
use crate::process::module::{encode_args, text_map};
use crate::{member, native};

pub static MODULE: Module = Module {
    name: "contract",
    value: ModuleValue::Table(&[
        member!("get", get),
        member!("open", open),
        member!("find_implementations", find_implementations),
        member!("is", is),
    ]),
    class: &["workflow"],
    description: "Contracts and the functions that implement them",
};

// ---- contracts

/// A contract as it was when it was asked for, and settings for the instances it opens.
#[derive(Clone)]
struct Contract {
    definition: Arc<Definition>,
    overlay: Overlay,
}

impl Object for Contract {
    const EXPECTED: &'static str = "Contract";
    const METHODS: &'static [Member] = &[
        member!("id", contract_id),
        member!("methods", contract_methods),
        member!("method", contract_method),
        member!("implementations", contract_implementations),
        member!("open", contract_open),
        member!("with_context", overlay::with_context::<Contract>),
        member!("with_actor", overlay::with_actor::<Contract>),
        member!("with_scope", overlay::with_scope::<Contract>),
        member!("with_options", overlay::with_options::<Contract>),
    ];
}

impl Overlaid for Contract {
    const RULES: Rules = Rules {
        context: "contract.context",
        no_context: "not allowed to use contracts with custom context",
        security: "contract.security",
        no_security: "not allowed to use contracts with custom security context",
    };
    fn overlay_mut(&mut self) -> &mut Overlay {
        &mut self.overlay
    }
}

fn get(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = EntryId::parse(&call.text(1)?);
    match call.ask(GetContract { id })? {
        Ok(definition) => call.push_object(Contract { definition, overlay: Overlay::default() }),
        Err(e) => return call.fail(e),
    }
    Ok(Ret::ONE)
}

fn push_ids(call: &Call<'_>, ids: &[EntryId]) {
    call.push_table(ids.len(), 0);
    for (i, id) in ids.iter().enumerate() {
        call.push_str(id.as_str());
        call.set_index(-2, i as i64 + 1);
    }
}

fn find_implementations(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let contract = EntryId::parse(&call.text(1)?);
    match call.ask(FindImplementations { contract, contract_held: false })? {
        Ok(ids) => push_ids(call, &ids),
        Err(e) => return call.fail(e),
    }
    Ok(Ret::ONE)
}

fn contract_id(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_str(call.userdata::<Contract>(1)?.definition.id.as_str());
    Ok(Ret::ONE)
}

fn push_schemas(call: &Call<'_>, name: &str, schemas: &[Schema]) -> Result<(), Raise> {
    if schemas.is_empty() {
        return Ok(());
    }
    call.push_table(schemas.len(), 0);
    for (i, schema) in schemas.iter().enumerate() {
        call.push_table(0, 2);
        call.push_str(&schema.format);
        call.set_field(-2, "format");
        call.push_value(&schema.definition)?;
        call.set_field(-2, "definition");
        call.set_index(-2, i as i64 + 1);
    }
    call.set_field(-2, name);
    Ok(())
}

fn push_method(call: &Call<'_>, method: &Method) -> Result<(), Raise> {
    call.push_table(0, 4);
    call.push_str(&method.name);
    call.set_field(-2, "name");
    call.push_str(&method.description);
    call.set_field(-2, "description");
    push_schemas(call, "input_schemas", &method.input_schemas)?;
    push_schemas(call, "output_schemas", &method.output_schemas)
}

fn contract_methods(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let definition = &call.userdata::<Contract>(1)?.definition;
    call.push_table(definition.methods.len(), 0);
    for (i, method) in definition.methods.iter().enumerate() {
        push_method(call, method)?;
        call.set_index(-2, i as i64 + 1);
    }
    Ok(Ret::ONE)
}

fn contract_method(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let definition = &call.userdata::<Contract>(1)?.definition;
    let name = call.text(2)?;
    match definition.method(&name) {
        Some(method) => push_method(call, method)?,
        None => {
            let text = format!("method '{name}' not found in contract '{}'", definition.id);
            return call.fail(Error::not_found(text));
        }
    }
    Ok(Ret::ONE)
}

fn contract_implementations(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let contract = call.userdata::<Contract>(1)?.definition.id.clone();
    match call.ask(FindImplementations { contract, contract_held: true })? {
        Ok(ids) => push_ids(call, &ids),
        Err(e) => return call.fail(e),
    }
    call.fine()
}

fn contract_open(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let contract = call.userdata::<Contract>(1)?;
    let named = match call.is_nil_or_none(2) {
        false => parse_binding(&call.text(2)?),
        true => call.ask(DefaultBinding { contract: contract.definition.id.clone() })?.map(|id| (id, Map::new())),
    };
    let (id, mut values) = match named {
        Ok(named) => named,
        Err(e) => return call.fail(e),
    };
    let mut overlay = contract.overlay.clone();
    values.extend(overlay.values().iter().map(|(key, value)| (key.clone(), value.clone())));
    if is_table(call, 3) {
        values.extend(text_map(call, 3, false)?.unwrap_or_default());
    }
    overlay.set_values(values);
    open_binding(call, id, overlay)
}

// ---- opening

fn open(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (id, mut values) = match parse_binding(&call.text(1)?) {
        Ok(parsed) => parsed,
        Err(e) => return call.fail(e),
    };
    if is_table(call, 2) {
        values.extend(text_map(call, 2, false)?.unwrap_or_default());
    }
    let mut overlay = Overlay::default();
    overlay.set_values(values);
    if is_table(call, 3) {
        match read_options(call, 3)? {
            Ok(options) => overlay.options = Some(options),
            Err(e) => return call.fail(e),
        }
    }
    open_binding(call, id, overlay)
}

fn open_binding(call: &mut Call<'_>, id: EntryId, overlay: Overlay) -> Result<Ret, Raise> {
    match call.ask(OpenBinding { id })? {
        Ok(binding) => call.push_object(Instance { binding, overlay }),
        Err(e) => return call.fail(e),
    }
    Ok(Ret::ONE)
}

/// The id of a binding and the scope values in its query: `app:impl?tenant=t1&limit=5`.
/// Errors (Invalid): the query is malformed.
fn parse_binding(text: &str) -> Result<(EntryId, Map), Error> {
    let Some((id, query)) = text.split_once('?') else { return Ok((EntryId::parse(text), Map::new())) };
    let mut values = Map::new();
    for part in query.split('&').filter(|p| !p.is_empty()) {
        if part.contains(';') {
            return Err(Error::invalid("invalid binding query: invalid semicolon separator in query"));
        }
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = scope_value(unescape(value)?);
        values.entry(unescape(key)?).or_insert(value);
    }
    Ok((EntryId::parse(id), values))
}

/// Booleans and numbers as such, everything else as text.
fn scope_value(text: String) -> Value {
    match text.as_str() {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(n) = text.parse::<i64>() {
        return Value::Int(n);
    }
    // Words such as `inf` and `nan` are texts.
    let looks_like_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match text.parse::<f64>() {
        Ok(f) if looks_like_number && f.is_finite() => Value::Float(f),
        _ => Value::Str(text),
    }
}

/// Decodes `%XX` and `+`.
fn unescape(text: &str) -> Result<String, Error> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'+' => out.push(b' '),
            b'%' => {
                let hex = bytes.get(i + 1..i + 3).filter(|h| h.iter().all(u8::is_ascii_hexdigit));
                let byte = hex.and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok());
                let Some(byte) = byte else {
                    let shown: String = text[i..].chars().take(3).collect();
                    return Err(Error::invalid(format!("invalid binding query: invalid URL escape {shown:?}")));
                };
                out.push(byte);
                i += 2;
            }
            other => out.push(other),
        }
        i += 1;
    }
    Ok(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

// ---- instances

/// An open binding. Its members are the methods of its contracts, each also as `NAME_async`.
struct Instance {
    binding: Arc<Binding>,
    overlay: Overlay,
}

/// A table of the members that were used, by name.
const MEMBERS: i32 = 1;
const ASYNC: &str = "_async";

impl Object for Instance {
    const EXPECTED: &'static str = "Instance";
    const METHODS: &'static [Member] = &[];
    const OPERATORS: &'static [Function] = &[native!("__index", member_of)];
    const SLOTS: i32 = 1;
}

const CALL: Function = native!("method", call_now);
const CALL_ASYNC: Function = native!("method", call_async);

/// `__index`: the function that calls a method, nil for other names.
fn member_of(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let instance = call.userdata::<Instance>(1)?;
    let Some(Ok(name)) = call.real_str(2).map(std::str::from_utf8) else {
        call.push_nil();
        return Ok(Ret::ONE);
    };
    if call.get_slot(1, MEMBERS) != Type::Table {
        call.pop(1);
        call.push_table(0, 2);
        call.push_copy(-1);
        call.set_slot(1, MEMBERS);
    }
    let members = call.top();
    if call.get_field(members, name) != Type::Nil {
        return Ok(Ret::ONE);
    }
    let (method, function) = match name.strip_suffix(ASYNC) {
        _ if instance.binding.has_method(name) => (name, CALL),
        Some(method) if instance.binding.has_method(method) => (method, CALL_ASYNC),
        _ => return Ok(Ret::ONE),
    };
    call.push_str(method);
    call.push_bound(function);
    call.push_copy(-1);
    call.set_field(members, name);
    Ok(Ret::ONE)
}

/// The call of the method that the running function is bound to.
fn method_call(call: &mut Call<'_>) -> Result<Result<CallMethod, Error>, Raise> {
    let instance = call.userdata::<Instance>(1)?;
    let inherited = instance.overlay.for_caller(call)?;
    let method = String::from_utf8_lossy(call.bound_text()).into_owned();
    let resolve = ResolveMethod { binding: instance.binding.id.clone(), method, values: inherited.values.clone() };
    let method = match call.ask(resolve)? {
        Ok(method) => method,
        Err(e) => return Ok(Err(e)),
    };
    let args = encode_args(call, 2, Flat::new());
    let options = instance.overlay.options.clone();
    Ok(args.map(|args| CallMethod { method, args, inherited: Some(inherited), options }))
}

fn call_now(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match method_call(call)? {
        Ok(request) => call.request(request, |call, reply| call.answer(reply)),
        Err(e) => call.fail(e),
    }
}

fn call_async(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let request = method_call(call)?.map_err(|e| match *e.kind() == Kind::PERMISSION_DENIED {
        true => e,
        false => e.with_kind(Kind::INTERNAL),
    });
    future::begin(call, request)
}

fn is(call: &mut Call<'_>) -> Result<Ret, Raise> {
    if call.type_of(1) != Type::Userdata {
        return Err(call.expected(1, "userdata"));
    }
    let contract = EntryId::parse(&call.text(2)?);
    let same = call.object::<Instance>(1).is_some_and(|i| i.binding.implements(&contract));
    call.push_bool(same);
    Ok(Ret::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let shown = |text: &str| match parse_binding(text) {
            Ok((id, values)) => format!("{id} {values:?}"),
            Err(e) => format!("{:?}: {e}", e.kind()),
        };
        let cases = [
            ("app:impl", "app:impl {}"),
            ("app:impl?", "app:impl {}"),
            (
                "app:impl?a=x&b=5&c=-2.5&d=true&e=false",
                r#"app:impl {"a": Str("x"), "b": Int(5), "c": Float(-2.5), "d": Bool(true), "e": Bool(false)}"#,
            ),
            ("app:impl?a=1&a=2&&b", r#"app:impl {"a": Int(1), "b": Str("")}"#),
            ("app:impl?k%20y=a+b%26&u=%C3%A4", r#"app:impl {"k y": Str("a b&"), "u": Str("ä")}"#),
            (
                "app:impl?a=inf&b=nan&c=1e400&d=1e3&e=0x1&f=True",
                r#"app:impl {"a": Str("inf"), "b": Str("nan"), "c": Str("1e400"), "d": Float(1000.0), "e": Str("0x1"), "f": Str("True")}"#,
            ),
            ("app:impl?a=b=c", r#"app:impl {"a": Str("b=c")}"#),
            ("app:impl?a=%zz", r#"Invalid: invalid binding query: invalid URL escape "%zz""#),
            ("app:impl?a=%4", r#"Invalid: invalid binding query: invalid URL escape "%4""#),
            ("app:impl?a=%ä", r#"Invalid: invalid binding query: invalid URL escape "%ä""#),
            ("app:impl?a=1;b=2", "Invalid: invalid binding query: invalid semicolon separator in query"),
            ("", " {}"),
        ];
        for (text, want) in cases {
            assert_eq!(shown(text), want, "{text}");
        }
    }
}
