//! `${…}` placeholders in text, as used by the configuration file and by entries.
//!
//! [`expand`] finds them and leaves their meaning to the caller; [`interpolate`]
//! is the meaning entries give them. Results are never expanded again.
//! Forms: `${env:NAME}`, `${env:NAME|default}`, `${name}`, `${name|default}`;
//! `$${` is a literal `${`. Anything else between braces is left as it is.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::payload::Value;

/// One placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder<'a> {
    /// Written with `env:`.
    pub env: bool,
    pub name: &'a str,
    pub default: Option<&'a str>,
}

/// Longest text an expansion may reach, in bytes.
pub const MAX_TEXT: usize = 16 << 20;

/// Replaces every placeholder of `text` by what `meaning` gives; `None` leaves it
/// as written. A text that is exactly one placeholder takes the value's type.
pub fn expand(text: &str, meaning: &mut dyn FnMut(Placeholder<'_>) -> Result<Option<Value>>) -> Result<Option<Value>> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at]); // The first `$` escapes: `$${` gives `${`.
            out.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let end = tail.find('}');
        let found = end.and_then(|end| parse(&tail[2..end]).map(|p| (p, end + 1)));
        let Some((placeholder, len)) = found else {
            out.push_str("${");
            rest = &tail[2..];
            continue;
        };
        match meaning(placeholder)? {
            Some(value) if tail.len() == text.len() && len == text.len() => return Ok(Some(value)),
            Some(value) => out.push_str(&as_text(&value)),
            None => out.push_str(&tail[..len]),
        }
        if out.len() > MAX_TEXT {
            return Err(Error::limit_exceeded(format!("text expands to more than {} MiB", MAX_TEXT >> 20)));
        }
        rest = &tail[len..];
    }
    out.push_str(rest);
    Ok(Some(Value::Str(out)))
}

fn parse(body: &str) -> Option<Placeholder<'_>> {
    let (name, default) = body.split_once('|').map_or((body, None), |(name, default)| (name, Some(default)));
    if let Some(name) = name.strip_prefix("env:") {
        let ok = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-'));
        return ok.then_some(Placeholder { env: true, name, default });
    }
    let first = name.chars().next()?;
    let ok = (first.is_alphanumeric() || first == '_')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
    ok.then_some(Placeholder { env: false, name, default })
}

fn as_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Str(s) => Cow::Borrowed(s),
        Value::Nil => Cow::Borrowed(""),
        Value::Bool(b) => Cow::Owned(b.to_string()),
        Value::Int(i) => Cow::Owned(i.to_string()),
        Value::Float(f) => Cow::Owned(f.to_string()),
        other => Cow::Owned(crate::yaml::to_string(other).trim_end().to_owned()),
    }
}

/// The value a text from a command line or an environment means: `true`/`false`,
/// a canonical decimal integer, a number with `.`, `e` or `E`, else text.
pub fn typed(text: &str) -> Value {
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(i) = text.parse::<i64>()
        && i.to_string() == text
    {
        return Value::Int(i);
    }
    let numeric = text.contains(['.', 'e', 'E']) && text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match text.parse::<f64>() {
        Ok(f) if numeric && f.is_finite() => Value::Float(f),
        _ => Value::Str(text.to_owned()),
    }
}

/// Asks the environment for a name; `None`: not found. A variable's own default counts as its value.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Result<Option<String>>;

/// `text` with its placeholders replaced, in the meaning that entries give them when they are decoded; `None` if it
/// has none. A name that is not found and has no default is a `NotFound`; `${name}` without `env:` counts only as
/// `${NAME|default}` with a name of `[A-Z0-9_]+`.
pub fn interpolate(text: &str, lookup: Lookup<'_>) -> Result<Option<Value>> {
    expand(text, &mut |p| resolve(p, lookup))
}

fn resolve(p: Placeholder<'_>, lookup: Lookup<'_>) -> Result<Option<Value>> {
    let upper = p.name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if !p.env && (p.default.is_none() || !upper) {
        return Ok(None);
    }
    let default = p.default.map(typed);
    match (lookup(p.name)?, default) {
        (Some(text), Some(default)) => Ok(Some(as_type_of(text, &default))),
        (Some(text), None) => Ok(Some(Value::Str(text))),
        (None, Some(default)) => Ok(Some(default)),
        (None, None) => Err(Error::not_found(format!("environment variable not found: {}", p.name))),
    }
}

/// `text` with the type of `like` if it can be read so.
fn as_type_of(text: String, like: &Value) -> Value {
    let value = match like {
        Value::Bool(_) => text.parse().ok().map(Value::Bool),
        Value::Int(_) => text.parse().ok().map(Value::Int).or_else(|| text.parse().ok().map(Value::Float)),
        Value::Float(_) => text.parse().ok().map(Value::Float),
        _ => None,
    };
    value.unwrap_or(Value::Str(text))
}

/// Whether `text` holds a placeholder that asks the environment.
pub fn asks_environment(text: &str) -> bool {
    let mut found = false;
    let _ = expand(text, &mut |p| {
        found |= p.env || p.default.is_some();
        Ok(None)
    });
    found
}
