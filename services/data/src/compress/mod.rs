//! The Lua module `compress`: arguments and errors. The formats are in
//! `formats`, what only zstd has in `zstd`.

mod formats;
mod zstd;

use wippy_lua::member;
use wippy_lua::modules::{Module, ModuleValue};
use wippy_lua::native::{Call, Member, Raise, Ret, Type};
use wippy_runtime::{Error, Result as Outcome};

use crate::work;
use formats::Format;

pub static MODULE: Module = Module {
    name: "compress",
    value: ModuleValue::Table(&[
        Member::table(
            "gzip",
            &[member!("encode", |c| encode(c, Format::Gzip)), member!("decode", |c| decode(c, Format::Gzip))],
        ),
        Member::table(
            "deflate",
            &[member!("encode", |c| encode(c, Format::Deflate)), member!("decode", |c| decode(c, Format::Deflate))],
        ),
        Member::table(
            "zlib",
            &[member!("encode", |c| encode(c, Format::Zlib)), member!("decode", |c| decode(c, Format::Zlib))],
        ),
        Member::table(
            "brotli",
            &[member!("encode", |c| encode(c, Format::Brotli)), member!("decode", |c| decode(c, Format::Brotli))],
        ),
        Member::table(
            "zstd",
            &[
                member!("encode", |c| encode(c, Format::Zstd)),
                member!("decode", |c| decode(c, Format::Zstd)),
                member!("train_dict", zstd::train_dict),
                member!("inspect_dict", zstd::inspect_dict),
            ],
        ),
    ]),
    class: &["encoding", "deterministic"],
    description: "Compression: gzip, deflate, zlib, brotli, zstd",
};

/// What the work of this module is asked for as.
pub struct Compress;

impl work::Area for Compress {
    const NAME: &'static str = "compress";
}

/// Bytes that are compressed inside the step.
const LITTLE_IN: usize = 2 << 10;
/// Bytes a decoder may give inside the step.
const LITTLE_OUT: usize = 64 << 10;
/// Bytes a decoder may give unless told, and at most.
const DEFAULT_MAX: usize = 128 << 20;
const MAX_MAX: i64 = 1 << 30;

/// Pushes the option `name` of the table in argument 2; nil without table.
fn option(call: &Call<'_>, name: &str) -> Type {
    match call.type_of(2) {
        Type::Table => call.get_field(2, name),
        _ => {
            call.push_nil();
            Type::Nil
        }
    }
}

/// A number among the options, its fraction cut off; what is no number is not there.
fn number(call: &mut Call<'_>, name: &str) -> Option<i64> {
    option(call, name);
    let n = call.integer(-1).or_else(|| call.number(-1).map(|f| f as i64));
    call.pop(1);
    n
}

fn dictionary(call: &mut Call<'_>) -> Outcome<Option<Vec<u8>>> {
    let dict = match option(call, "dict") {
        Type::Nil | Type::None => Ok(None),
        _ => match call.bytes(-1) {
            Some(dict) if !dict.is_empty() => Ok(Some(dict.to_vec())),
            _ => Err(Error::invalid("dict must be a non-empty string")),
        },
    };
    call.pop(1);
    dict
}

fn input(call: &Call<'_>) -> Outcome<Vec<u8>> {
    match call.real_str(1) {
        None => Err(Error::invalid("string expected")),
        Some([]) => Err(Error::invalid("input data cannot be empty")),
        Some(data) => Ok(data.to_vec()),
    }
}

fn encode(call: &mut Call<'_>, format: Format) -> Result<Ret, Raise> {
    let arguments = input(call).and_then(|data| {
        let level = format.level(number(call, "level"))?;
        let dict = if format == Format::Zstd { dictionary(call)? } else { None };
        Ok((data, level, dict))
    });
    match arguments {
        Ok((data, level, dict)) => {
            let little = data.len() <= LITTLE_IN && dict.is_none();
            work::give::<Compress>(call, little, move || format.encode(&data, level, dict.as_deref()))
        }
        Err(e) => call.fail(e),
    }
}

fn decode(call: &mut Call<'_>, format: Format) -> Result<Ret, Raise> {
    let arguments = input(call).and_then(|data| {
        let max = number(call, "max_size").filter(|n| (1..=MAX_MAX).contains(n)).map_or(DEFAULT_MAX, |n| n as usize);
        let dict = if format == Format::Zstd { dictionary(call)? } else { None };
        Ok((data, max, dict))
    });
    match arguments {
        Ok((data, max, dict)) => {
            // What comes out is not known, unless it is bounded.
            let little = max <= LITTLE_OUT && data.len() <= LITTLE_OUT && dict.is_none();
            work::give::<Compress>(call, little, move || format.decode(&data, max, dict.as_deref()))
        }
        Err(e) => call.fail(e),
    }
}
