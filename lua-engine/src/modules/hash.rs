//! The `hash` module: digests, FNV and HMAC. The data comes first, the secret second.

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use wippy_runtime::Error;

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Raise, Ret};

pub static MODULE: Module = Module {
    name: "hash",
    value: ModuleValue::Table(MEMBERS),
    class: &["encoding", "security", "deterministic"],
    description: "Digests, FNV hashes and keyed digests of bytes",
};

const MEMBERS: &[Member] = &[
    member!("md5", |c| digest(c, |d| Md5::digest(d).to_vec())),
    member!("sha1", |c| digest(c, |d| Sha1::digest(d).to_vec())),
    member!("sha256", |c| digest(c, |d| Sha256::digest(d).to_vec())),
    member!("sha512", |c| digest(c, |d| Sha512::digest(d).to_vec())),
    member!("fnv32", fnv32),
    member!("fnv64", fnv64),
    member!("hmac_sha256", |c| hmac(c, mac::<Hmac<Sha256>>)),
    member!("hmac_sha512", |c| hmac(c, mac::<Hmac<Sha512>>)),
    member!("hmac_sha1", |c| hmac(c, mac::<Hmac<Sha1>>)),
    member!("hmac_md5", |c| hmac(c, mac::<Hmac<Md5>>)),
];

fn digest(call: &mut Call<'_>, f: fn(&[u8]) -> Vec<u8>) -> Result<Ret, Raise> {
    match call.real_str(1) {
        Some(data) => result(call, &f(data), 2),
        None => call.fail(Error::invalid("data must be a string")),
    }
}

fn hmac(call: &mut Call<'_>, f: fn(&[u8], &[u8]) -> Vec<u8>) -> Result<Ret, Raise> {
    let Some(data) = call.real_str(1) else { return call.fail(Error::invalid("data must be a string")) };
    let Some(secret) = call.real_str(2) else { return call.fail(Error::invalid("secret must be a string")) };
    result(call, &f(secret, data), 3)
}

fn mac<M: Mac + KeyInit>(secret: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// The digest as lower-case hex, or raw when argument `raw` is true.
fn result(call: &Call<'_>, digest: &[u8], raw: i32) -> Result<Ret, Raise> {
    if call.arg_count() >= raw && call.truth(raw) {
        call.push_str(digest);
    } else {
        call.push_str(hex(digest));
    }
    call.fine()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| char::from_digit(d.into(), 16).unwrap_or('0')).collect()
}

/// FNV-1: multiply, then xor.
fn fnv32(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let Some(data) = call.real_str(1) else { return call.fail(Error::invalid("data must be a string")) };
    let hash = data.iter().fold(0x811c_9dc5_u32, |h, b| h.wrapping_mul(0x0100_0193) ^ u32::from(*b));
    call.push_float(f64::from(hash));
    call.fine()
}

fn fnv64(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let Some(data) = call.real_str(1) else { return call.fail(Error::invalid("data must be a string")) };
    let hash =
        data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| h.wrapping_mul(0x0000_0100_0000_01b3) ^ u64::from(*b));
    call.push_float(hash as f64);
    call.fine()
}
