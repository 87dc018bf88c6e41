//! The Lua module `crypto`: random values, keyed digests, authenticated
//! encryption, key derivation and tokens (`jwt`, whose RSA keys `rsa` reads).
//!
//! Randomness is the node's. Ciphers and digests are those of RustCrypto, RSA is
//! ring's; nothing of that kind is written here.

mod jwt;
mod rsa;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, AeadCore, KeyInit, Payload};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AesGcm, Nonce};
use chacha20poly1305::ChaCha20Poly1305;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use wippy_lua::member;
use wippy_lua::modules::{Module, ModuleValue};
use wippy_lua::native::{Call, Member, Raise, Ret};
use wippy_runtime::{Error, Result as Outcome};

use crate::work;

pub static MODULE: Module = Module {
    name: "crypto",
    value: ModuleValue::Table(&[
        Member::table(
            "random",
            &[member!("bytes", random_bytes), member!("string", random_string), member!("uuid", random_uuid)],
        ),
        Member::table("hmac", &[member!("sha256", hmac_sha256), member!("sha512", hmac_sha512)]),
        Member::table("encrypt", &[member!("aes", encrypt_aes), member!("chacha20", encrypt_chacha20)]),
        Member::table("decrypt", &[member!("aes", decrypt_aes), member!("chacha20", decrypt_chacha20)]),
        Member::table("jwt", &[member!("encode", jwt::encode), member!("verify", jwt::verify)]),
        member!("pbkdf2", pbkdf2),
        member!("constant_time_compare", constant_time_compare),
    ]),
    class: &["security", "nondeterministic", "workflow"],
    description: "Random values, encryption, keyed digests, key derivation and tokens",
};

/// What the work of this module is asked for as.
pub struct Crypto;

impl work::Area for Crypto {
    const NAME: &'static str = "crypto";
}

/// Bytes of random values.
const MAX_RANDOM: i64 = 1 << 20;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Bytes that are encrypted inside the step.
const LITTLE: usize = 64 << 10;

fn random(call: &Call<'_>, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    call.state().surroundings().random(&mut bytes);
    bytes
}

fn length(call: &Call<'_>) -> Result<Outcome<usize>, Raise> {
    Ok(match call.int(1)? {
        ..=0 => Err(Error::invalid("length must be a positive integer")),
        n if n > MAX_RANDOM => Err(Error::invalid("length exceeds maximum allowed size (1MB)")),
        n => Ok(n as usize),
    })
}

fn random_bytes(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match length(call)? {
        Ok(length) => {
            call.push_str(random(call, length));
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

fn random_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    const DEFAULT: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let charset = if call.is_nil_or_none(2) { DEFAULT } else { call.str(2)? };
    match length(call)? {
        Ok(_) if charset.is_empty() => call.fail(Error::invalid("charset cannot be empty")),
        Ok(length) => {
            let text: Vec<u8> = random(call, length).iter().map(|b| charset[usize::from(*b) % charset.len()]).collect();
            call.push_str(text);
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

fn random_uuid(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut bytes = [0; 16];
    call.state().surroundings().random(&mut bytes);
    call.push_str(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string());
    call.fine()
}

fn hmac_sha256(call: &mut Call<'_>) -> Result<Ret, Raise> {
    keyed(call, mac::<Hmac<Sha256>>)
}

fn hmac_sha512(call: &mut Call<'_>) -> Result<Ret, Raise> {
    keyed(call, mac::<Hmac<Sha512>>)
}

fn keyed(call: &mut Call<'_>, digest: fn(&[u8], &[u8]) -> Vec<u8>) -> Result<Ret, Raise> {
    let (key, data) = (call.str(1)?, call.str(2)?);
    if key.is_empty() {
        return call.fail(Error::invalid("key cannot be empty"));
    }
    let hex: String = digest(key, data).iter().map(|b| format!("{b:02x}")).collect();
    call.push_str(hex);
    call.fine()
}

fn mac<M: Mac + hmac::digest::KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = <M as hmac::digest::KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// A cipher with its key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cipher {
    Aes,
    ChaCha20,
}

impl Cipher {
    fn check_key(self, key: &[u8]) -> Outcome<()> {
        match (self, key.len()) {
            (Cipher::Aes, 16 | 24 | 32) | (Cipher::ChaCha20, 32) => Ok(()),
            (Cipher::Aes, _) => Err(Error::invalid("key must be 16, 24, or 32 bytes")),
            (Cipher::ChaCha20, _) => Err(Error::invalid("key must be 32 bytes")),
        }
    }
    /// Encrypts with a nonce of [`NONCE`] bytes. The key was checked.
    fn seal(self, key: &[u8], nonce: &[u8], text: Payload<'_, '_>) -> Option<Vec<u8>> {
        fn with<C: Aead + KeyInit + AeadCore<NonceSize = U12>>(
            key: &[u8],
            nonce: &[u8],
            text: Payload<'_, '_>,
        ) -> Option<Vec<u8>> {
            C::new_from_slice(key).ok()?.encrypt(Nonce::from_slice(nonce), text).ok()
        }
        match (self, key.len()) {
            (Cipher::ChaCha20, _) => with::<ChaCha20Poly1305>(key, nonce, text),
            (_, 16) => with::<AesGcm<Aes128, U12>>(key, nonce, text),
            (_, 24) => with::<AesGcm<Aes192, U12>>(key, nonce, text),
            _ => with::<AesGcm<Aes256, U12>>(key, nonce, text),
        }
    }
    /// Takes back [`Cipher::seal`]; `None` if the text, the nonce or the additional data are not those that were sealed.
    fn open(self, key: &[u8], nonce: &[u8], sealed: Payload<'_, '_>) -> Option<Vec<u8>> {
        fn with<C: Aead + KeyInit + AeadCore<NonceSize = U12>>(
            key: &[u8],
            nonce: &[u8],
            sealed: Payload<'_, '_>,
        ) -> Option<Vec<u8>> {
            C::new_from_slice(key).ok()?.decrypt(Nonce::from_slice(nonce), sealed).ok()
        }
        match (self, key.len()) {
            (Cipher::ChaCha20, _) => with::<ChaCha20Poly1305>(key, nonce, sealed),
            (_, 16) => with::<AesGcm<Aes128, U12>>(key, nonce, sealed),
            (_, 24) => with::<AesGcm<Aes192, U12>>(key, nonce, sealed),
            _ => with::<AesGcm<Aes256, U12>>(key, nonce, sealed),
        }
    }
    fn not_authentic(self) -> Error {
        Error::internal(match self {
            Cipher::Aes => "cipher: message authentication failed",
            Cipher::ChaCha20 => "chacha20poly1305: message authentication failed",
        })
    }
}

/// What is encrypted or decrypted.
struct Sealing {
    data: Vec<u8>,
    key: Vec<u8>,
    /// Additional data; empty if the argument is no string.
    aad: Vec<u8>,
}

impl Sealing {
    fn arguments(call: &Call<'_>) -> Result<Sealing, Raise> {
        let aad = call.real_str(3).unwrap_or_default().to_vec();
        Ok(Sealing { data: call.str(1)?.to_vec(), key: call.str(2)?.to_vec(), aad })
    }
}

fn encrypt_aes(call: &mut Call<'_>) -> Result<Ret, Raise> {
    encrypt(call, Cipher::Aes)
}

fn encrypt_chacha20(call: &mut Call<'_>) -> Result<Ret, Raise> {
    encrypt(call, Cipher::ChaCha20)
}

fn encrypt(call: &mut Call<'_>, cipher: Cipher) -> Result<Ret, Raise> {
    let Sealing { data, key, aad } = Sealing::arguments(call)?;
    if let Err(e) = cipher.check_key(&key) {
        return call.fail(e);
    }
    let mut sealed = random(call, NONCE);
    work::give::<Crypto>(call, data.len() <= LITTLE, move || {
        let text = cipher.seal(&key, &sealed, Payload { msg: &data, aad: &aad });
        sealed.extend(text.ok_or_else(|| Error::internal("the data is too long to be encrypted"))?);
        Ok(sealed)
    })
}

fn decrypt_aes(call: &mut Call<'_>) -> Result<Ret, Raise> {
    decrypt(call, Cipher::Aes)
}

fn decrypt_chacha20(call: &mut Call<'_>) -> Result<Ret, Raise> {
    decrypt(call, Cipher::ChaCha20)
}

fn decrypt(call: &mut Call<'_>, cipher: Cipher) -> Result<Ret, Raise> {
    let Sealing { data, key, aad } = Sealing::arguments(call)?;
    if let Err(e) = cipher.check_key(&key) {
        return call.fail(e);
    }
    if data.len() < NONCE + TAG {
        return call.fail(Error::invalid("encrypted data too short"));
    }
    work::give::<Crypto>(call, data.len() <= LITTLE, move || {
        let (nonce, sealed) = data.split_at(NONCE);
        cipher.open(&key, nonce, Payload { msg: sealed, aad: &aad }).ok_or_else(|| cipher.not_authentic())
    })
}

const MAX_ITERATIONS: i64 = 10_000_000;
/// Bytes of a derived key.
const MAX_KEY: i64 = 1 << 20;
/// Rounds of the digest, in all blocks of a key: a minute of work.
const MAX_ROUNDS: u64 = 100_000_000;
/// Rounds that are done inside the step.
const LITTLE_ROUNDS: u64 = 100;

fn pbkdf2(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (password, salt) = (call.str(1)?.to_vec(), call.str(2)?.to_vec());
    let (iterations, length) = (call.int(3)?, call.int(4)?);
    let name = if call.is_nil_or_none(5) { "sha256".into() } else { call.text(5)? };
    let wrong = match &*name {
        _ if password.is_empty() => Some("password cannot be empty".to_owned()),
        _ if salt.is_empty() => Some("salt cannot be empty".to_owned()),
        _ if iterations <= 0 => Some("iterations must be positive".to_owned()),
        _ if iterations > MAX_ITERATIONS => Some(format!("iterations exceeds maximum ({MAX_ITERATIONS})")),
        _ if length <= 0 => Some("key length must be positive".to_owned()),
        "sha256" | "sha512" => None,
        other => Some(format!("unsupported hash function: {other}")),
    };
    if let Some(wrong) = wrong {
        return call.fail(Error::invalid(wrong));
    }
    let sha256 = name == "sha256";
    let bytes = if sha256 { 32 } else { 64 };
    let rounds = (iterations as u64).saturating_mul((length as u64).div_ceil(bytes));
    if length > MAX_KEY || rounds > MAX_ROUNDS {
        let text = format!("a key may have {MAX_KEY} bytes and take {MAX_ROUNDS} rounds of the digest");
        return call.fail(Error::limit_exceeded(text));
    }
    work::give::<Crypto>(call, rounds <= LITTLE_ROUNDS, move || {
        let mut key = vec![0; length as usize];
        match sha256 {
            true => ::pbkdf2::pbkdf2_hmac::<Sha256>(&password, &salt, iterations as u32, &mut key),
            false => ::pbkdf2::pbkdf2_hmac::<Sha512>(&password, &salt, iterations as u32, &mut key),
        }
        Ok(key)
    })
}

fn constant_time_compare(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let equal: bool = call.str(1)?.ct_eq(call.str(2)?).into();
    call.push_bool(equal);
    Ok(Ret::ONE)
}
