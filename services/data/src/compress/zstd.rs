//! Zstandard: its levels, and dictionaries that many small texts share.

use std::io;

use wippy_lua::native::{Call, Raise, Ret, Type};
use wippy_runtime::{Error, Result as Outcome};
use zstd::stream::read::Decoder;

use super::formats::{Failure, up_to};
use super::{Compress, number};
use crate::work;

/// The first bytes of a frame, and of a dictionary.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
const DICT_MAGIC: [u8; 4] = [0x37, 0xA4, 0x30, 0xEC];
/// Where a dictionary has its id: four bytes, little endian.
const DICT_ID: std::ops::Range<usize> = 4..8;
const DICT_SIZE: std::ops::RangeInclusive<i64> = 256..=1_048_576;
const DEFAULT_DICT_SIZE: i64 = 114_688;
/// Bytes a sample needs to be of any use.
const USEFUL: usize = 8;

/// The reference knows four speeds.
fn speed(level: i64) -> i32 {
    match level {
        ..=3 => 1,
        4..=6 => 3,
        7..=9 => 7,
        _ => 11,
    }
}

pub fn encode(data: &[u8], level: i64, dict: Option<&[u8]>) -> io::Result<Vec<u8>> {
    match dict {
        None => zstd::bulk::compress(data, speed(level)),
        Some(dict) if header_size(dict).is_none() => Err(io::Error::other("invalid dictionary")),
        Some(dict) => zstd::bulk::Compressor::with_dictionary(speed(level), dict)?.compress(data),
    }
}

/// At most `max` bytes; `dict` is a valid dictionary.
pub fn decode(data: &[u8], max: usize, dict: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
    // Frames to be skipped have sixteen first bytes.
    let skipped = matches!(data, [first, 0x2A, 0x4D, 0x18, ..] if first & 0xF0 == 0x50);
    if !data.starts_with(&MAGIC) && !skipped {
        return Err(Failure::Broken("invalid input: magic number mismatch".to_owned()));
    }
    let wanted = zstd::zstd_safe::get_dict_id_from_frame(data).map_or(0, |id| id.get());
    if wanted != 0 && wanted != dict.map_or(0, id) {
        return Err(Failure::Broken("unknown dictionary".to_owned()));
    }
    match dict {
        None => up_to(Decoder::with_buffer(data)?, max),
        Some(dict) => up_to(Decoder::with_dictionary(data, dict)?, max),
    }
}

fn id(dict: &[u8]) -> u32 {
    dict.get(DICT_ID).and_then(|id| id.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Bytes of a dictionary in front of its content; `None` if it is none.
pub fn header_size(dict: &[u8]) -> Option<usize> {
    if !dict.starts_with(&DICT_MAGIC) || id(dict) == 0 {
        return None;
    }
    let size = library_header_size(dict);
    (size > DICT_ID.end && size <= dict.len()).then_some(size)
}

/// What the library says, a huge number for an error.
#[allow(unsafe_code)]
fn library_header_size(dict: &[u8]) -> usize {
    // SAFETY: reads at most `len` bytes from the pointer.
    unsafe { zstd::zstd_safe::zstd_sys::ZDICT_getDictHeaderSize(dict.as_ptr().cast(), dict.len()) }
}

/// The samples of the list in argument 1.
fn samples(call: &mut Call<'_>) -> Outcome<Vec<Vec<u8>>> {
    if call.type_of(1) != Type::Table {
        return Err(Error::invalid("samples must be a table of strings"));
    }
    let count = call.raw_len(1);
    if count == 0 {
        return Err(Error::invalid("samples table cannot be empty"));
    }
    let mut samples = Vec::with_capacity(count);
    for n in 1..=count {
        call.get_index(1, n as i64);
        let sample = call.bytes(-1).map(<[u8]>::to_vec);
        call.pop(1);
        match sample {
            None => return Err(Error::invalid("samples entries must be strings")),
            Some(sample) if sample.is_empty() => return Err(Error::invalid("samples entries cannot be empty")),
            Some(sample) => samples.push(sample),
        }
    }
    if !samples.iter().any(|sample| sample.len() >= USEFUL) {
        return Err(Error::invalid("at least one sample must be 8 bytes or longer"));
    }
    Ok(samples)
}

pub fn train_dict(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let arguments = samples(call).and_then(|samples| {
        let size = number(call, "size").unwrap_or(DEFAULT_DICT_SIZE);
        if !DICT_SIZE.contains(&size) {
            return Err(Error::invalid("dict size must be between 256 and 1048576"));
        }
        let id = u32::try_from(number(call, "id").unwrap_or(0));
        let id = id.map_err(|_| Error::invalid("dict id must fit in uint32"))?;
        if !(1..=22).contains(&number(call, "level").unwrap_or(3)) {
            return Err(Error::invalid("level must be between 1 and 22"));
        }
        Ok((samples, size as usize, if id == 0 { random_id(call) } else { id }))
    });
    match arguments {
        Ok((samples, size, id)) => work::give::<Compress>(call, false, move || {
            let mut dict = zstd::dict::from_samples(&samples, size).map_err(|e| Error::internal(e.to_string()))?;
            match dict.get_mut(DICT_ID) {
                Some(place) => place.copy_from_slice(&id.to_le_bytes()),
                None => return Err(Error::internal("training gave no dictionary")),
            }
            Ok(dict)
        }),
        Err(e) => call.fail(e),
    }
}

/// Not zero.
fn random_id(call: &Call<'_>) -> u32 {
    let mut bytes = [0; 4];
    call.state().surroundings().random(&mut bytes);
    u32::from_le_bytes(bytes).max(1)
}

pub fn inspect_dict(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let dict = match call.real_str(1) {
        None => return call.fail(Error::invalid("dictionary must be a string")),
        Some([]) => return call.fail(Error::invalid("dictionary cannot be empty")),
        Some(dict) => dict,
    };
    let Some(header) = header_size(dict) else { return call.fail(Error::invalid("invalid zstd dictionary")) };
    call.push_table(0, 2);
    for (name, number) in [("id", i64::from(id(dict))), ("content_size", (dict.len() - header) as i64)] {
        call.push_int(number);
        call.set_field(-2, name);
    }
    call.fine()
}
