//! WIT values as programs see them, written straight into a flat buffer.

use wasmtime::component::Val;
use wasmtime::component::types::Type;
use wippy_runtime::payload::FlatWriter;

/// Writes one value of type `ty`. Errors: a number Lua has no integer for, a type without plain form.
pub fn lift(w: &mut FlatWriter<'_>, value: &Val, ty: &Type) -> Result<(), String> {
    match (value, ty) {
        (Val::Bool(b), _) => w.bool(*b),
        (Val::S8(n), _) => w.int(i64::from(*n)),
        (Val::U8(n), _) => w.int(i64::from(*n)),
        (Val::S16(n), _) => w.int(i64::from(*n)),
        (Val::U16(n), _) => w.int(i64::from(*n)),
        (Val::S32(n), _) => w.int(i64::from(*n)),
        (Val::U32(n), _) => w.int(i64::from(*n)),
        (Val::S64(n), _) => w.int(*n),
        (Val::U64(n), _) => w.int(unsigned(*n)?),
        (Val::Float32(f), _) => w.float(f64::from(*f)),
        (Val::Float64(f), _) => w.float(*f),
        (Val::Char(c), _) => w.int(i64::from(u32::from(*c))),
        (Val::String(text), _) => w.str(text.as_bytes()),
        (Val::List(items), Type::List(list)) => {
            let ty = list.ty();
            w.list(items.len() as u32);
            items.iter().try_for_each(|item| lift(w, item, &ty))?;
        }
        (Val::Record(values), Type::Record(record)) => {
            let at = w.position();
            w.map(0);
            let mut count = 0;
            for ((name, value), field) in values.iter().zip(record.fields()) {
                if !matches!(value, Val::Option(None)) {
                    w.str(name.as_bytes());
                    lift(w, value, &field.ty)?;
                    count += 1;
                }
            }
            w.patch_count(at, count);
        }
        (Val::Tuple(items), Type::Tuple(tuple)) => {
            w.list(items.len() as u32);
            items.iter().zip(tuple.types()).try_for_each(|(item, ty)| lift(w, item, &ty))?;
        }
        (Val::Option(None), _) => w.nil(),
        (Val::Option(Some(value)), Type::Option(option)) => lift(w, value, &option.ty())?,
        (Val::Enum(name), Type::Enum(e)) => w.int(e.names().position(|n| n == name).unwrap_or_default() as i64),
        (Val::Flags(set), Type::Flags(flags)) => w.int(mask(set, flags.names())?),
        (Val::Variant(name, payload), Type::Variant(variant)) => {
            let ty = variant.cases().find(|case| case.name == name).and_then(|case| case.ty);
            tagged(w, name, payload.as_deref().zip(ty))?;
        }
        (Val::Result(Ok(payload)), Type::Result(result)) => tagged(w, "ok", payload.as_deref().zip(result.ok()))?,
        (Val::Result(Err(payload)), Type::Result(result)) => tagged(w, "err", payload.as_deref().zip(result.err()))?,
        // The instance behind a handle is gone when anybody could use it.
        (Val::Resource(_), _) => w.int(0),
        _ => return Err("unsupported type: it has no plain form".into()),
    }
    Ok(())
}

/// `{name = payload}`, `{}` without one.
fn tagged(w: &mut FlatWriter<'_>, name: &str, payload: Option<(&Val, Type)>) -> Result<(), String> {
    match payload {
        None => w.map(0),
        Some((value, ty)) => {
            w.map(1);
            w.str(name.as_bytes());
            lift(w, value, &ty)?;
        }
    }
    Ok(())
}

/// An unsigned number as an integer.
pub fn unsigned(n: u64) -> Result<i64, String> {
    i64::try_from(n).map_err(|_| "unsupported value: uint64 overflows lua integer".into())
}

fn mask<'a>(set: &[String], names: impl Iterator<Item = &'a str>) -> Result<i64, String> {
    let mut mask = 0_i64;
    for (i, _) in names.enumerate().filter(|(_, name)| set.iter().any(|s| s == name)) {
        if i > 62 {
            return Err("unsupported value: flags overflow lua integer".into());
        }
        mask |= 1 << i;
    }
    Ok(mask)
}
