//! The `base64` module: the standard alphabet with padding.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use wippy_runtime::Error;

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Raise, Ret};

pub static MODULE: Module = Module {
    name: "base64",
    value: ModuleValue::Table(&[member!("encode", encode), member!("decode", decode)]),
    class: &["encoding", "deterministic"],
    description: "Base64 text from bytes and back",
};

const ENGINE: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

fn encode(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let Some(data) = call.real_str(1) else { return call.fail(Error::invalid("string expected")) };
    call.push_str(ENGINE.encode(data));
    Ok(Ret::ONE)
}

fn decode(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let Some(text) = call.real_str(1) else { return call.fail(Error::invalid("string expected")) };
    let compact: Vec<u8> = text.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    match ENGINE.decode(compact) {
        Ok(data) => {
            call.push_str(data);
            Ok(Ret::ONE)
        }
        Err(_) => call.fail(Error::invalid(format!("illegal base64 data at input byte {}", fault(text)))),
    }
}

/// Where the original's decoder reports the first fault: it reads groups of four and counts line breaks.
fn fault(text: &[u8]) -> usize {
    let skip = |mut at: usize| {
        while let Some(b'\r' | b'\n') = text.get(at) {
            at += 1;
        }
        at
    };
    let (mut at, mut digits) = (0, 0);
    loop {
        at = skip(at);
        let Some(&b) = text.get(at) else { return text.len().saturating_sub(digits) };
        at += 1;
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => digits = (digits + 1) % 4,
            b'=' if digits == 2 => {
                at = skip(at);
                return match text.get(at) {
                    None => text.len(),
                    Some(b'=') => skip(at + 1),
                    Some(_) => at - 1,
                };
            }
            b'=' if digits == 3 => return skip(at),
            _ => return at - 1,
        }
    }
}
