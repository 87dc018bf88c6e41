//! JSON web tokens: HS256, HS384, HS512 and RS256.
//!
//! Who verifies names the algorithm; what a token says about itself must agree,
//! so that nobody can choose a weaker one.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::Hmac;
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use wippy_lua::native::{Call, Raise, Ret};
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::{Error, Kind, Result as Outcome};

use super::{Crypto, mac, rsa};
use crate::work;

/// Bytes of a token that is looked at.
const MAX_TOKEN: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
}

impl Algorithm {
    fn named(name: &str) -> Option<Algorithm> {
        Some(match name {
            "HS256" => Algorithm::Hs256,
            "HS384" => Algorithm::Hs384,
            "HS512" => Algorithm::Hs512,
            "RS256" => Algorithm::Rs256,
            _ => return None,
        })
    }
    fn name(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::Hs384 => "HS384",
            Algorithm::Hs512 => "HS512",
            Algorithm::Rs256 => "RS256",
        }
    }
    /// The keyed digest, unless keys of this algorithm come in pairs.
    fn digest(self, key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Algorithm::Hs256 => Some(mac::<Hmac<Sha256>>(key, text)),
            Algorithm::Hs384 => Some(mac::<Hmac<Sha384>>(key, text)),
            Algorithm::Hs512 => Some(mac::<Hmac<Sha512>>(key, text)),
            Algorithm::Rs256 => None,
        }
    }
}

pub fn encode(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.any(1)?;
    let key = call.str(2)?;
    let name = if call.is_nil_or_none(3) { "HS256".into() } else { call.text(3)? };
    // What it does not know is signed with the default, as the reference says.
    let algorithm = Algorithm::named(&name).unwrap_or(Algorithm::Hs256);
    let claims = match call.stack_data(1) {
        Ok(Value::Map(claims)) => claims,
        Ok(_) => return call.fail(Error::invalid("failed to convert payload to map")),
        Err(e) => return call.fail(e),
    };
    let key = key.to_vec();
    let little = algorithm != Algorithm::Rs256;
    work::give::<Crypto>(call, little, move || token(claims, &key, algorithm).map(String::into_bytes))
}

fn token(mut claims: Map, key: &[u8], algorithm: Algorithm) -> Outcome<String> {
    let mut header = Map::from_iter([("alg".into(), algorithm.name().into()), ("typ".into(), "JWT".into())]);
    if let Some(Value::Map(_)) = claims.get("_header")
        && let Some(Value::Map(more)) = claims.shift_remove("_header")
    {
        header.extend(more);
    }
    let part = |map: Map| {
        let json = serde_json::to_vec(&Value::Map(sorted(map))).map_err(|e| Error::invalid(e.to_string()))?;
        Ok::<_, Error>(BASE64_URL_SAFE_NO_PAD.encode(json))
    };
    let text = format!("{}.{}", part(header)?, part(claims)?);
    let signature = match algorithm.digest(key, text.as_bytes()) {
        Some(digest) => digest,
        None => {
            rsa::sign(key, text.as_bytes()).map_err(|why| Error::invalid(format!("invalid RSA private key: {why}")))?
        }
    };
    Ok(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}

/// One order of keys, so that equal claims give equal tokens.
fn sorted(mut map: Map) -> Map {
    map.sort_unstable_keys();
    for value in map.values_mut() {
        sort(value);
    }
    map
}

fn sort(value: &mut Value) {
    match value {
        Value::Map(map) => *map = sorted(std::mem::take(map)),
        Value::List(list) => list.iter_mut().for_each(sort),
        _ => {}
    }
}

pub fn verify(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (token, key) = (call.str(1)?, call.str(2)?);
    let name = if call.is_nil_or_none(3) { "HS256".into() } else { call.text(3)? };
    let needs_end = if call.is_nil_or_none(4) { true } else { call.bool(4)? };
    let now = call.state().surroundings().unix_nanos();
    match claims(token, key, &name).and_then(|claims| valid(&claims, needs_end, now).map(|()| claims)) {
        Ok(claims) => {
            call.push_value(&Value::Map(claims))?;
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

fn malformed(why: impl std::fmt::Display) -> Error {
    Error::internal(format!("token is malformed: {why}"))
}

/// The claims of a token whose signature is good. Errors: Internal.
fn claims(token: &[u8], key: &[u8], name: &str) -> Outcome<Map> {
    let token = std::str::from_utf8(token).ok().filter(|token| token.len() <= MAX_TOKEN);
    let parts: Vec<&str> = token.unwrap_or_default().split('.').collect();
    let &[head, body, signature] = &parts[..] else {
        return Err(malformed("token contains an invalid number of segments"));
    };
    let bytes = |part: &str, what: &str| {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(part);
        decoded.map_err(|e| malformed(format_args!("could not base64 decode {what}: {e}")))
    };
    let json = |part: &str, what: &str| {
        let parsed = serde_json::from_slice(&bytes(part, what)?);
        parsed.map_err(|e| malformed(format_args!("could not JSON decode {what}: {e}")))
    };
    let header: serde_json::Value = json(head, "header")?;
    let serde_json::Value::Object(claims) = json(body, "claim")? else {
        return Err(malformed("could not JSON decode claim: it is no object"));
    };
    let signature = bytes(signature, "signature")?;
    let said = header.get("alg").and_then(|alg| alg.as_str()).unwrap_or_default();
    let invalid = |why: &str| Error::internal(format!("token signature is invalid: {why}"));
    let algorithm = Algorithm::named(name).filter(|algorithm| algorithm.name() == said);
    let algorithm = algorithm.ok_or_else(|| invalid(&format!("signing method {said} is invalid")))?;
    let text = [head, body].join(".");
    let good = match algorithm.digest(key, text.as_bytes()) {
        Some(digest) => digest.ct_eq(&signature).into(),
        None => rsa::verify(key, text.as_bytes(), &signature)
            .map_err(|why| Error::internal(format!("token is unverifiable: error while executing keyfunc: {why}")))?,
    };
    if !good {
        return Err(invalid("signature is invalid"));
    }
    Ok(claims.into_iter().map(|(name, value)| (name, floats(value))).collect())
}

/// JSON whose numbers are all floats, as the reference gives them.
fn floats(json: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Number(n) => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        Json::Array(items) => items.into_iter().map(floats).collect(),
        Json::Object(members) => Value::Map(members.into_iter().map(|(k, v)| (k, floats(v))).collect()),
        other => other.into(),
    }
}

/// Whether the claims hold at `now`, in nanoseconds since 1970.
fn valid(claims: &Map, needs_end: bool, now: i64) -> Outcome<()> {
    let invalid = |why: String| Error::new(Kind::INTERNAL, format!("token has invalid claims: {why}")).retryable(false);
    let time = |name: &str| match claims.get(name) {
        None | Some(Value::Nil) => Ok(None),
        Some(Value::Float(seconds)) => Ok(Some(*seconds)),
        Some(_) => Err(invalid(format!("invalid type for claim: {name} is invalid"))),
    };
    let now = now as f64 / 1e9;
    match time("exp")? {
        None if needs_end => {
            return Err(invalid("token is missing required claim: exp claim is required".to_owned()));
        }
        Some(end) if now >= end => return Err(invalid("token is expired".to_owned())),
        _ => {}
    }
    match time("nbf")? {
        Some(begin) if now < begin => Err(invalid("token is not valid yet".to_owned())),
        _ => Ok(()),
    }
}
