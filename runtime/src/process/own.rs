//! Limits that code sets itself, below those of its host: the field `limits`
//! of an entry, or of a single evaluation. They can only lower.

use std::num::NonZero;

use crate::duration;
use crate::error::{Error, Result};
use crate::payload::{Map, Value};
use crate::registry::decode::Fields;
use crate::size;

/// See the module comment. `None`: what the host says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnLimits {
    /// Bytes of memory.
    pub memory: Option<NonZero<usize>>,
    /// Nanoseconds of CPU, as `limits.cpu.call` of a host.
    pub call: Option<NonZero<u64>>,
    /// Nanoseconds of a slice.
    pub slice: Option<NonZero<u64>>,
}

const KNOWN: &str = "memory, call, slice";

impl OwnLimits {
    /// The field `limits` of an entry. Errors (Invalid) name the field.
    pub fn decode(fields: &Fields<'_>) -> Result<OwnLimits> {
        OwnLimits::decode_beside(fields, &[])
    }
    /// As [`OwnLimits::decode`], where the field holds `others`, too.
    pub fn decode_beside(fields: &Fields<'_>, others: &[&str]) -> Result<OwnLimits> {
        let Some(own) = fields.map("limits")? else { return Ok(OwnLimits::default()) };
        let own = own.iter().filter(|(key, _)| !others.contains(&key.as_str()));
        OwnLimits::read(own).map_err(|(key, text)| fields.error(&format!("limits.{key}"), text))
    }
    /// From a map as programs give it. Errors: Invalid.
    pub fn of(map: &Map) -> Result<OwnLimits> {
        OwnLimits::read(map).map_err(|(key, text)| Error::invalid(format!("limits.{key}: {text}")))
    }
    fn read<'a>(
        map: impl IntoIterator<Item = (&'a String, &'a Value)>,
    ) -> std::result::Result<OwnLimits, (&'a str, String)> {
        let mut limits = OwnLimits::default();
        for (key, value) in map {
            let wrong = |text: String| (key.as_str(), text);
            match key.as_str() {
                "memory" => limits.memory = Some(bytes(value).map_err(wrong)?),
                "call" => limits.call = Some(time(value, 1_000_000).map_err(wrong)?),
                "slice" => limits.slice = Some(time(value, 10_000).map_err(wrong)?),
                _ => return Err(wrong(format!("unknown field, expected one of {KNOWN}"))),
            }
        }
        Ok(limits)
    }
    pub fn is_none(&self) -> bool {
        *self == OwnLimits::default()
    }
}

fn bytes(value: &Value) -> std::result::Result<NonZero<usize>, String> {
    let amount = match (value.as_str(), value.as_int()) {
        (Some(text), _) => size::parse(text).map_err(|e| e.to_string())?,
        (None, Some(n)) => u64::try_from(n).unwrap_or(0),
        _ => return Err(format!("expected a size such as 16MiB, got {}", value.type_name())),
    };
    usize::try_from(amount).ok().and_then(NonZero::new).ok_or_else(|| "must be greater than 0".to_owned())
}

fn time(value: &Value, least: u64) -> std::result::Result<NonZero<u64>, String> {
    let text = value.as_str();
    let text = text.ok_or_else(|| format!("expected duration string such as 5s, got {}", value.type_name()))?;
    let nanos = duration::parse_std(text).map_err(|e| e.to_string())?.as_nanos() as u64;
    let least_text = || format!("must be at least {}", duration::format(least as i64));
    NonZero::new(nanos).filter(|n| n.get() >= least).ok_or_else(least_text)
}

/// The lower of a host's limit, where 0 is none, and an own one.
pub(super) fn lower<T: Copy + Ord + Default>(host: T, own: Option<T>) -> T {
    match own {
        None => host,
        Some(own) if host == T::default() => own,
        Some(own) => own.min(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_limits_can_only_lower() {
        assert_eq!([lower(0, None), lower(0, Some(5)), lower(3, Some(5)), lower(7, Some(5))], [0, 5, 3, 5]);
        let map = |key: &str, value: Value| Map::from([(key.to_owned(), value)]);
        let told = |key, value| OwnLimits::of(&map(key, value)).map_err(|e| e.to_string());
        assert_eq!(told("memory", "1KiB".into()).unwrap().memory, NonZero::new(1024));
        assert_eq!(told("call", "2s".into()).unwrap().call, NonZero::new(2_000_000_000));
        assert_eq!(told("call", "1us".into()).unwrap_err(), "limits.call: must be at least 1ms");
        assert_eq!(told("memory", 0.into()).unwrap_err(), "limits.memory: must be greater than 0");
        let unknown = "limits.cpu: unknown field, expected one of memory, call, slice";
        assert_eq!(told("cpu", "1s".into()).unwrap_err(), unknown);
    }
}
