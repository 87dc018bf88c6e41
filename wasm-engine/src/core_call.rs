//! Calls of core modules, whose types come from a signature in the entry. Texts
//! follow the canonical ABI: pointer and length in memory that the guest's own
//! allocator gave.

use wasmtime::{ExternType, Func, Instance, Memory, Store, Val, ValType};
use wippy_runtime::payload::{Flat, FlatWriter, Value};

use crate::process::GuestState;
use crate::signature::{Primitive, Signature};
use crate::values::{lift, lower};

/// Names the allocator may have, in the order of preference.
const ALLOCATORS: [&str; 4] = ["cabi_realloc", "canonical_abi_realloc", "allocate", "alloc"];

/// Why a call failed.
pub enum Problem {
    Text(String),
    Stopped(wasmtime::Error),
}

impl From<wasmtime::Error> for Problem {
    fn from(error: wasmtime::Error) -> Problem {
        Problem::Stopped(error)
    }
}

fn text(text: impl Into<String>) -> Problem {
    Problem::Text(text.into())
}

/// What a tool chain wants to run before anything else.
pub fn initializer<T: 'static>(store: &mut Store<T>, instance: &Instance) -> Option<Func> {
    let is_plain = |func: &Func, store: &Store<T>| {
        let ty = func.ty(store);
        ty.params().len() == 0 && ty.results().len() == 0
    };
    ["_start", "_initialize"].into_iter().find_map(|name| {
        let func = instance.get_func(&mut *store, name)?;
        is_plain(&func, store).then_some(func)
    })
}

/// Runs the [`initializer`].
pub async fn initialize(store: &mut Store<GuestState>, instance: &Instance) -> wasmtime::Result<()> {
    match initializer(store, instance) {
        Some(func) => func.call_async(&mut *store, &[], &mut []).await,
        None => Ok(()),
    }
}

/// Calls `method`; the result is one value.
pub async fn call(
    store: &mut Store<GuestState>,
    instance: &Instance,
    method: &str,
    signature: &Signature,
    args: &[Value],
) -> Result<Flat, Problem> {
    let func = instance.get_func(&mut *store, method).ok_or_else(|| text(format!("function {method} not found")))?;
    let encode = |problem: String| text(format!("encode params: {problem}"));
    lower::check_count(args.len(), signature.params.len()).map_err(encode)?;
    let mut params = Vec::with_capacity(args.len() + 1);
    for (i, (value, ty)) in args.iter().zip(&signature.params).enumerate() {
        let misfit = |m| encode(lower::at_parameter(i, &m));
        if *ty == Primitive::String {
            let string = lower::string(value).map_err(misfit)?;
            let (pointer, length) = store_text(store, instance, string).await?;
            params.extend([Val::I32(pointer), Val::I32(length)]);
        } else {
            params.push(scalar(value, *ty).map_err(misfit)?);
        }
    }
    let results = &signature.results[..];
    let mut raw = match results {
        [] => vec![],
        [Primitive::String] | [_, _, ..] => vec![Val::I32(0)],
        [ty] => vec![Val::default_for_ty(&core_type(*ty)).unwrap_or(Val::I32(0))],
    };
    check_types(store, &func, method, &params, &raw)?;
    func.call_async(&mut *store, &params, &mut raw).await?;
    let memory = instance.get_memory(&mut *store, "memory");
    let mut flat = Flat::new();
    flat.append(|w| match (results, &raw[..]) {
        ([], _) => {
            w.map(0);
            Ok(())
        }
        ([ty], [value]) if *ty != Primitive::String => write(w, value, *ty),
        ([_], [pointer]) => {
            let bytes = read_text(store, memory, address(pointer), 0)?;
            w.str(bytes);
            Ok(())
        }
        (types, [pointer]) => {
            w.list(types.len() as u32);
            several(w, store, memory, address(pointer), types)
        }
        _ => Err("decode results: the function gives no result".to_owned()),
    })
    .map_err(text)?;
    Ok(flat)
}

/// The core type of a primitive.
pub fn core_type(ty: Primitive) -> ValType {
    match ty {
        Primitive::S64 | Primitive::U64 => ValType::I64,
        Primitive::F32 => ValType::F32,
        Primitive::F64 => ValType::F64,
        _ => ValType::I32,
    }
}

/// Says in the words of the entry that its signature is not that of the code.
fn check_types(
    store: &Store<GuestState>,
    func: &Func,
    method: &str,
    params: &[Val],
    results: &[Val],
) -> Result<(), Problem> {
    let ty = func.ty(store);
    let fits = |wanted: &mut dyn Iterator<Item = ValType>, values: &[Val]| {
        let wanted: Vec<ValType> = wanted.collect();
        wanted.len() == values.len()
            && wanted.iter().zip(values).all(|(w, v)| match v {
                Val::I32(_) => w.is_i32(),
                Val::I64(_) => w.is_i64(),
                Val::F32(_) => w.is_f32(),
                Val::F64(_) => w.is_f64(),
                _ => false,
            })
    };
    match fits(&mut ty.params(), params) && fits(&mut ty.results(), results) {
        true => Ok(()),
        false => Err(text(format!("the signature in wit does not match function {method}, which is {ty}"))),
    }
}

/// One value as the core type that stands for it.
pub fn scalar(value: &Value, ty: Primitive) -> Result<Val, crate::values::Misfit> {
    Ok(match ty {
        Primitive::Bool => Val::I32(lower::boolean(value)?.into()),
        Primitive::S8 => Val::I32(lower::exact::<i8>(value, "uint8/int8")?.into()),
        Primitive::U8 => Val::I32(lower::exact::<u8>(value, "uint8/int8")?.into()),
        Primitive::S16 => Val::I32(lower::exact::<i16>(value, "uint16/int16")?.into()),
        Primitive::U16 => Val::I32(lower::exact::<u16>(value, "uint16/int16")?.into()),
        Primitive::S32 | Primitive::U32 => Val::I32(lower::wrapped(value, "uint32/int32")? as i32),
        Primitive::S64 | Primitive::U64 => Val::I64(lower::wrapped(value, "uint64/int64")?),
        Primitive::F32 => Val::F32((lower::float(value, "float32")? as f32).to_bits()),
        Primitive::F64 => Val::F64(lower::float(value, "float64")?.to_bits()),
        Primitive::Char => Val::I32(u32::from(lower::character(value)?) as i32),
        Primitive::String => return Err(lower::mismatch(value, "string")),
    })
}

/// Puts a text into the guest's memory: pointer and length.
async fn store_text(store: &mut Store<GuestState>, instance: &Instance, string: &str) -> Result<(i32, i32), Problem> {
    let n = string.len();
    let failed = || text(format!("encode params: failed to allocate {n} bytes for string data"));
    let length = i32::try_from(n).map_err(|_| failed())?;
    let is_func = |name: &&&str| {
        let ty = instance.get_export(&mut *store, name).map(|e| e.ty(&*store));
        matches!(ty, Some(ExternType::Func(_)))
    };
    let allocator = ALLOCATORS.iter().find(is_func).and_then(|name| instance.get_func(&mut *store, name));
    let allocator = allocator.ok_or_else(failed)?;
    let params = match allocator.ty(&*store).params().len() {
        4 => vec![Val::I32(0), Val::I32(0), Val::I32(1), Val::I32(length)],
        _ => vec![Val::I32(length)],
    };
    let mut pointer = [Val::I32(0)];
    check_types(store, &allocator, "allocator", &params, &pointer)?;
    allocator.call_async(&mut *store, &params, &mut pointer).await?;
    let memory = instance.get_memory(&mut *store, "memory").ok_or_else(failed)?;
    let at = address(&pointer[0]);
    memory.write(&mut *store, at, string.as_bytes()).map_err(|_| failed())?;
    Ok((at as u32 as i32, length))
}

/// A pointer as an index into the memory.
fn address(value: &Val) -> usize {
    value.i32().map_or(0, |p| p as u32 as usize)
}

fn bytes(store: &Store<GuestState>, memory: Option<Memory>, at: usize, n: usize) -> Result<&[u8], String> {
    let outside = || format!("load indirect result: {n} bytes at {at} are outside of the memory");
    let memory = memory.ok_or_else(|| "load indirect result: the module exports no memory".to_owned())?;
    memory.data(store).get(at..at.saturating_add(n)).ok_or_else(outside)
}

fn word(store: &Store<GuestState>, memory: Option<Memory>, at: usize) -> Result<u32, String> {
    let b = bytes(store, memory, at, 4)?;
    Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// The text whose pointer and length lie at `at + offset`.
fn read_text(store: &Store<GuestState>, memory: Option<Memory>, at: usize, offset: usize) -> Result<&[u8], String> {
    let (pointer, length) = (word(store, memory, at + offset)?, word(store, memory, at + offset + 4)?);
    bytes(store, memory, pointer as usize, length as usize)
}

/// A value as programs see it.
pub fn write(w: &mut FlatWriter<'_>, value: &Val, ty: Primitive) -> Result<(), String> {
    let (i32, i64) = (value.i32().unwrap_or_default(), value.i64().unwrap_or_default());
    match ty {
        Primitive::Bool => w.bool(i32 & 1 == 1),
        Primitive::S8 => w.int(i64::from(i32 as i8)),
        Primitive::U8 => w.int(i64::from(i32 as u8)),
        Primitive::S16 => w.int(i64::from(i32 as i16)),
        Primitive::U16 => w.int(i64::from(i32 as u16)),
        Primitive::S32 => w.int(i64::from(i32)),
        Primitive::U32 => w.int(i64::from(i32 as u32)),
        Primitive::S64 => w.int(i64),
        Primitive::U64 => w.int(lift::unsigned(i64 as u64)?),
        Primitive::F32 => w.float(f64::from(value.f32().unwrap_or_default())),
        Primitive::F64 => w.float(value.f64().unwrap_or_default()),
        Primitive::Char => match char::from_u32(i32 as u32) {
            Some(c) => w.int(i64::from(u32::from(c))),
            None => return Err(format!("decode results: {i32} is no code point")),
        },
        Primitive::String => return Err("decode results: a text has no single word".into()),
    }
    Ok(())
}

/// Several results, behind one pointer.
fn several(
    w: &mut FlatWriter<'_>,
    store: &Store<GuestState>,
    memory: Option<Memory>,
    at: usize,
    types: &[Primitive],
) -> Result<(), String> {
    let mut offset = 0_usize;
    for ty in types {
        offset = offset.next_multiple_of(ty.align());
        if *ty == Primitive::String {
            let content = read_text(store, memory, at, offset)?;
            if std::str::from_utf8(content).is_err() {
                let hex: String = content.iter().take(32).map(|b| format!("{b:02x}")).collect();
                return Err(format!("[decode] invalid_utf8: invalid UTF-8 sequence: {hex}"));
            }
            w.str(content);
        } else {
            let raw = bytes(store, memory, at + offset, ty.size())?;
            let mut eight = [0; 8];
            eight[..raw.len()].copy_from_slice(raw);
            let number = u64::from_le_bytes(eight);
            let value = match core_type(*ty) {
                ValType::I64 => Val::I64(number as i64),
                ValType::F32 => Val::F32(number as u32),
                ValType::F64 => Val::F64(number),
                _ => Val::I32(number as u32 as i32),
            };
            write(w, &value, *ty)?;
        }
        offset += ty.size();
    }
    Ok(())
}
