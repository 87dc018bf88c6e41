//! Searching entries by kind, name and meta fields.
//!
//! A filter maps criteria to values; an entry must meet all of them. Criteria
//! that mean nothing (unknown keys, a pattern that is no text, an invalid
//! regular expression) are logged and ignored, so a filter of only those finds
//! everything. Results are cached by generation of the state and filter, hence
//! never stale. Expressions are the `regex` crate's, which like RE2 run in
//! linear time.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use regex::Regex;

use super::core::{Registry, Snapshot};
use super::entry::Entry;
use super::state::State;
use crate::payload::{Map, Value};

/// Memory one compiled expression may take, in bytes.
const REGEX_SIZE_LIMIT: usize = 1 << 20;
/// Entries that all cached results may hold together.
const MAX_CACHED_ENTRIES: usize = 1_000_000;

/// Longer filters and expressions, in bytes: not cached and ignored respectively.
const MAX_KEY: usize = 16 * 1024;

type Found = Arc<[Arc<Entry>]>;

/// Searches with bounded caches of results and expressions.
pub struct Finder {
    results: Mutex<Results>,
    expressions: Mutex<LruCache<Box<str>, Option<Regex>>>,
}

struct Results {
    cache: LruCache<Box<str>, Found>,
    /// Of the state that all cached results belong to.
    generation: u64,
    /// Sum of the lengths of all cached results.
    held: usize,
}

enum Criterion {
    /// A part of the entry against text with at most one `*`.
    Part(Part, Glob),
    MetaEquals(String, Value),
    MetaMatches(String, Regex),
    MetaContains(String, String),
    MetaStarts(String, String),
    MetaEnds(String, String),
}

#[derive(Clone, Copy)]
enum Part {
    Kind,
    Name,
    Ns,
    Id,
}

enum Glob {
    Exact(String),
    Around(String, String),
}

impl Glob {
    fn new(text: &str) -> Glob {
        match text.split_once('*') {
            Some((start, end)) => Glob::Around(start.to_owned(), end.to_owned()),
            None => Glob::Exact(text.to_owned()),
        }
    }
    fn matches(&self, text: &str) -> bool {
        match self {
            Glob::Exact(t) => t == text,
            Glob::Around(start, end) => {
                text.strip_prefix(start.as_str()).is_some_and(|rest| rest.ends_with(end.as_str()))
            }
        }
    }
}

impl Criterion {
    fn holds(&self, entry: &Entry) -> bool {
        let text = |field: &String| entry.meta.get(field).and_then(Value::as_str);
        match self {
            Criterion::Part(part, glob) => glob.matches(match part {
                Part::Kind => &entry.kind,
                Part::Name => entry.id.name(),
                Part::Ns => entry.id.ns(),
                Part::Id => entry.id.as_str(),
            }),
            Criterion::MetaEquals(field, value) => entry.meta.get(field) == Some(value),
            Criterion::MetaMatches(field, regex) => text(field).is_some_and(|t| regex.is_match(t)),
            Criterion::MetaStarts(field, start) => text(field).is_some_and(|t| t.starts_with(start)),
            Criterion::MetaEnds(field, end) => text(field).is_some_and(|t| t.ends_with(end)),
            Criterion::MetaContains(field, part) => match entry.meta.get(field) {
                Some(Value::Str(t)) => t.contains(part),
                Some(Value::List(list)) => list.iter().filter_map(Value::as_str).any(|t| t.contains(part)),
                _ => false,
            },
        }
    }
}

impl Finder {
    /// Sizes of the caches, each at least 1.
    pub fn new(query_cache_size: usize, regex_cache_size: usize) -> Finder {
        let size = |n: usize| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
        let results = Results { cache: LruCache::new(size(query_cache_size)), generation: 0, held: 0 };
        Finder { results: Mutex::new(results), expressions: Mutex::new(LruCache::new(size(regex_cache_size))) }
    }

    /// The matching entries by (namespace, name).
    pub fn find(&self, snapshot: &Snapshot, filter: &Map) -> Found {
        let key = cache_key(filter);
        if key.len() > MAX_KEY {
            return self.search(&snapshot.state, filter).into();
        }
        if let Some(found) = self.results.lock().get(snapshot.generation, &key) {
            return found;
        }
        let found: Found = self.search(&snapshot.state, filter).into();
        self.results.lock().put(snapshot.generation, key, found.clone());
        found
    }

    /// Searches without the result cache.
    pub fn search(&self, state: &State, filter: &Map) -> Vec<Arc<Entry>> {
        let criteria: Vec<Criterion> = filter.iter().filter_map(|(k, v)| self.criterion(k, v)).collect();
        state.iter().filter(|e| criteria.iter().all(|c| c.holds(e))).cloned().collect()
    }

    fn criterion(&self, key: &str, value: &Value) -> Option<Criterion> {
        if let Some(part) = key.strip_prefix('.') {
            let part = match part {
                "kind" => Part::Kind,
                "name" => Part::Name,
                "ns" => Part::Ns,
                "id" => Part::Id,
                _ => return None,
            };
            return Some(Criterion::Part(part, Glob::new(value.as_str()?)));
        }
        if let Some(field) = key.strip_prefix("meta.") {
            return Some(Criterion::MetaEquals(field.to_owned(), value.clone()));
        }
        let mut rest = key.chars();
        let operator = rest.next();
        let (Some(operator @ ('~' | '*' | '^' | '$')), Some(field)) = (operator, rest.as_str().strip_prefix("meta."))
        else {
            tracing::warn!(key, "search criterion ignored: unknown key");
            return None;
        };
        let (field, text) = (field.to_owned(), value.as_str()?);
        Some(match operator {
            '~' => Criterion::MetaMatches(field, self.expression(text)?),
            '*' => Criterion::MetaContains(field, text.to_owned()),
            '^' => Criterion::MetaStarts(field, text.to_owned()),
            _ => Criterion::MetaEnds(field, text.to_owned()),
        })
    }

    fn expression(&self, text: &str) -> Option<Regex> {
        if let Some(known) = self.expressions.lock().get(text) {
            return known.clone();
        }
        if text.len() > MAX_KEY {
            tracing::warn!("search criterion ignored: expression longer than {MAX_KEY} bytes");
            return None;
        }
        let compiled = regex::RegexBuilder::new(text).size_limit(REGEX_SIZE_LIMIT).build();
        let compiled =
            compiled.inspect_err(|e| tracing::warn!(expression = text, "search criterion ignored: {e}")).ok();
        self.expressions.lock().put(text.into(), compiled.clone());
        compiled
    }
}

impl Results {
    fn get(&mut self, generation: u64, key: &str) -> Option<Found> {
        if generation == self.generation { self.cache.get(key).cloned() } else { None }
    }

    fn put(&mut self, generation: u64, key: Box<str>, found: Found) {
        if generation < self.generation {
            return;
        }
        if generation > self.generation {
            (self.generation, self.held) = (generation, 0);
            self.cache.clear();
        }
        self.held += found.len();
        if let Some((_, old)) = self.cache.push(key, found) {
            self.held -= old.len();
        }
        while self.held > MAX_CACHED_ENTRIES {
            let Some((_, old)) = self.cache.pop_lru() else { break };
            self.held -= old.len();
        }
    }
}

/// The filter as text that is the same for equal filters only.
fn cache_key(filter: &Map) -> Box<str> {
    let mut pairs: Vec<_> = filter.iter().collect();
    pairs.sort_by_key(|(k, _)| k.as_str());
    let mut key = String::new();
    for (k, v) in pairs {
        // Debug output quotes texts and names variants, so nothing runs together.
        let _ = write!(key, "{k:?}={v:?};");
    }
    key.into()
}

impl Registry {
    /// The entries that meet all criteria, by (namespace, name). Keys:
    /// `.kind`, `.name`, `.ns`, `.id` (text, one `*` allowed); `meta.F` (equal
    /// in type and value); `~meta.F` (regular expression), `*meta.F` (contains),
    /// `^meta.F` (starts), `$meta.F` (ends). An empty filter finds everything.
    pub fn find(&self, filter: &Map) -> Arc<[Arc<Entry>]> {
        self.find_in(&self.snapshot(), filter)
    }

    /// [`Registry::find`] in the current or an earlier snapshot of this registry.
    pub fn find_in(&self, snapshot: &Snapshot, filter: &Map) -> Arc<[Arc<Entry>]> {
        // Only an installed state has its generation to itself.
        if self.snapshot().state.is_same(&snapshot.state) {
            self.0.finder.find(snapshot, filter)
        } else {
            self.0.finder.search(&snapshot.state, filter).into()
        }
    }
}
