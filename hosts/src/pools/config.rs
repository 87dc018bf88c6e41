//! The `pool` block of a function entry: its fields, the choice of a kind, and
//! the defaults.

use wippy_runtime::Result;
use wippy_runtime::registry::decode::Fields;

/// Instances a pool may be configured with at most.
const MAX_INSTANCES: i64 = 65_536;
/// Upper bound of a lazy pool that was chosen automatically.
const AUTO_MAX: usize = 100;
/// Upper bound of lazy and adaptive pools that were asked for.
const DEFAULT_MAX: usize = 16;
/// Instances of a static pool of unknown size.
const STATIC_WORKERS: usize = 8;

/// How a pool gets its instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// One instance; calls one after the other.
    Inline,
    /// Made on demand, dropped together after 30 s without calls.
    Lazy,
    /// A fixed set, made with the entry.
    Static,
    /// From 1 to a maximum, as the load asks for.
    Adaptive,
}

/// A validated `pool` block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    pub kind: PoolKind,
    /// Instances at most, at least 1.
    pub max: usize,
}

impl Default for PoolConfig {
    /// What an entry without `pool` gets.
    fn default() -> Self {
        PoolConfig { kind: PoolKind::Lazy, max: AUTO_MAX }
    }
}

impl PoolConfig {
    /// Reads the field `pool` of an entry's data. Errors (Invalid): `pool.size must be greater than 0 for non-flex
    /// pools`, `unknown pool type: X`, a field of a wrong type.
    pub fn decode(data: &Fields<'_>) -> Result<PoolConfig> {
        let Some(pool) = data.nested("pool")? else { return Ok(PoolConfig::default()) };
        let int = |key: &str| match pool.int(key, 0)? {
            n if n > MAX_INSTANCES => Err(pool.error(key, format_args!("must be at most {MAX_INSTANCES}, got {n}"))),
            n => Ok(n),
        };
        let raw = Raw {
            kind: pool.str_or("type", "")?,
            size: int("size")?,
            workers: int("workers")?,
            max_size: int("max_size")?,
        };
        // Read for their types only: waiting calls are kept by their callers, and warming up has no effect.
        pool.int("buffer", 0)?;
        pool.bool("warm_start", false)?;
        raw.choose().map_err(|(key, text)| pool.error(key, text))
    }
}

struct Raw<'a> {
    kind: &'a str,
    size: i64,
    workers: i64,
    max_size: i64,
}

impl Raw<'_> {
    fn choose(&self) -> Result<PoolConfig, (&'static str, String)> {
        let flexible = self.workers == 0 && (self.size == 0 || self.max_size > 0);
        if !flexible && self.size <= 0 {
            return Err(("size", "pool.size must be greater than 0 for non-flex pools".into()));
        }
        let positive = |n: i64| usize::try_from(n).ok().filter(|n| *n > 0);
        let max = |default| positive(self.max_size).unwrap_or(default);
        let workers = positive(self.workers).or(positive(self.size)).unwrap_or(STATIC_WORKERS);
        let (kind, max) = match self.kind {
            "" if flexible => (PoolKind::Lazy, max(AUTO_MAX)),
            "" if self.workers > 0 => (PoolKind::Static, workers),
            "" | "inline" => (PoolKind::Inline, 1),
            "lazy" => (PoolKind::Lazy, max(DEFAULT_MAX)),
            "static" => (PoolKind::Static, workers),
            "adaptive" => (PoolKind::Adaptive, max(DEFAULT_MAX)),
            other => return Err(("type", format!("unknown pool type: {other}"))),
        };
        Ok(PoolConfig { kind, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choice_table() {
        use PoolKind::*;
        // type, size, workers, max_size
        let cases = [
            (("", 0, 0, 0), Ok((Lazy, 100))),
            (("", 0, 0, 5), Ok((Lazy, 5))),
            (("", 4, 0, 5), Ok((Lazy, 5))),
            (("", 4, 0, 0), Ok((Inline, 1))),
            (("", 4, 2, 0), Ok((Static, 2))),
            (("", 0, 2, 0), Err("pool.size must be greater than 0 for non-flex pools")),
            (("", -1, 0, 0), Err("pool.size must be greater than 0 for non-flex pools")),
            (("static", 0, 0, 0), Ok((Static, 8))),
            (("static", 3, 0, 0), Ok((Static, 3))),
            (("static", 3, 5, 0), Ok((Static, 5))),
            (("lazy", 0, 0, 0), Ok((Lazy, 16))),
            (("lazy", 0, 0, 7), Ok((Lazy, 7))),
            (("adaptive", 0, 0, 0), Ok((Adaptive, 16))),
            (("inline", 0, 0, 0), Ok((Inline, 1))),
            (("elastic", 0, 0, 0), Err("unknown pool type: elastic")),
        ];
        for ((kind, size, workers, max_size), want) in cases {
            let got = Raw { kind, size, workers, max_size }.choose();
            let got = got.as_ref().map(|c| (c.kind, c.max)).map_err(|(_, text)| text.as_str());
            assert_eq!(got, want, "{kind:?} size {size} workers {workers} max {max_size}");
        }
    }
}
