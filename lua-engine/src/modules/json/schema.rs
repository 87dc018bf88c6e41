//! Validation against JSON Schema, draft 2020-12.
//!
//! Compiled schemas are kept for the whole node, the most recently used ones;
//! nothing is fetched from the network. A failure says only that it is one.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use jsonschema::{PatternOptions, Validator};
use lru::LruCache;
use parking_lot::Mutex;
use wippy_runtime::Error;

use super::encode::encode;
use crate::native::{Call, Raise, Ret, Type};

/// Schemas kept.
const CACHE: NonZeroUsize = NonZeroUsize::new(100).expect("not zero");

static COMPILED: LazyLock<Mutex<LruCache<Vec<u8>, Arc<Validator>>>> =
    LazyLock::new(|| Mutex::new(LruCache::new(CACHE)));

pub(super) fn validate(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let schema = match schema(call) {
        Ok(schema) => schema,
        Err(e) => return call.fail_false(e),
    };
    let data = match call.type_of(2) {
        Type::None | Type::Nil => return call.fail_false(Error::invalid("data is required")),
        // What encodes as an empty array counts as an object here.
        Type::Table if is_empty(call) => Ok(b"{}".to_vec()),
        _ => encode(call, 2),
    };
    match data {
        Ok(data) => finish(call, &schema, &data),
        Err(e) => call.fail_false(e.with_kind(wippy_runtime::Kind::INVALID)),
    }
}

fn is_empty(call: &Call<'_>) -> bool {
    call.push_nil();
    let any = call.next(2);
    if any {
        call.drop_top(2);
    }
    !any
}

pub(super) fn validate_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let schema = match schema(call) {
        Ok(schema) => schema,
        Err(e) => return call.fail_false(e),
    };
    match call.real_str(2) {
        Some(data) => finish(call, &schema, data),
        None => call.fail_false(Error::invalid("data must be a JSON string")),
    }
}

fn schema(call: &Call<'_>) -> Result<Arc<Validator>, Error> {
    match call.type_of(1) {
        Type::None | Type::Nil => Err(Error::invalid("schema is required")),
        Type::String => compile(call.real_str(1).unwrap_or_default()),
        Type::Table => compile(&encode(call, 1).map_err(|e| e.with_kind(wippy_runtime::Kind::INVALID))?),
        _ => Err(Error::invalid("schema must be a string or table")),
    }
}

fn compile(text: &[u8]) -> Result<Arc<Validator>, Error> {
    if let Some(found) = COMPILED.lock().get(text) {
        return Ok(found.clone());
    }
    let schema: serde_json::Value =
        serde_json::from_slice(text).map_err(|e| Error::invalid(format!("invalid schema: {e}")))?;
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(false)
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|e| Error::invalid(format!("invalid schema: {e}")))?;
    let validator = Arc::new(validator);
    COMPILED.lock().put(text.to_vec(), validator.clone());
    Ok(validator)
}

fn finish(call: &Call<'_>, schema: &Validator, data: &[u8]) -> Result<Ret, Raise> {
    let valid = serde_json::from_slice(data).is_ok_and(|data| schema.is_valid(&data));
    if !valid {
        return call.fail_false(Error::invalid("evaluation failed"));
    }
    call.push_bool(true);
    Ok(Ret::ONE)
}
