//! A store in memory. Every write has a version of its own, so versions of all
//! keys can be compared. What has expired is invisible at once, and gone with the
//! next write or sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_runtime::clock::Clock;
use wippy_runtime::payload::Flat;
use wippy_runtime::stores::{Condition, Page, Range, Record, Store, StoreInfo, Writing, key_not_found};
use wippy_runtime::{Error, Result};

/// Nanoseconds of the wall clock.
type Instant = i64;

struct Item {
    value: Arc<Flat>,
    version: u64,
    expires: Option<Instant>,
}

#[derive(Default)]
struct State {
    items: BTreeMap<String, Item>,
    /// The keys that expire, by when.
    expiries: BTreeSet<(Instant, String)>,
    /// Of the last write.
    version: u64,
    max_size: usize,
    closed: bool,
}

/// See the module comment.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl MemoryStore {
    /// A store of at most `max_size` keys.
    pub fn new(clock: Arc<dyn Clock>, max_size: usize) -> MemoryStore {
        MemoryStore { clock, state: Mutex::new(State { max_size, ..State::default() }) }
    }
    /// Counts for new keys; what is there stays.
    pub fn set_max_size(&self, max_size: usize) {
        self.state.lock().max_size = max_size;
    }
    /// An open store works; a closed one has lost its values.
    pub fn set_open(&self, open: bool) {
        let mut state = self.state.lock();
        state.closed = !open;
        if !open {
            state.items.clear();
            state.expiries.clear();
        }
    }
    /// Removes what has expired.
    pub fn sweep(&self) {
        let now = self.clock.wall();
        self.state.lock().purge(now);
    }

    fn open<T>(&self, work: impl FnOnce(&mut State, Instant) -> Result<T>) -> Result<T> {
        let now = self.clock.wall();
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::unavailable("store is closed"));
        }
        work(&mut state, now)
    }
}

impl State {
    fn purge(&mut self, now: Instant) {
        while let Some((at, key)) = self.expiries.pop_first() {
            if at >= now {
                self.expiries.insert((at, key));
                return;
            }
            self.items.remove(&key);
        }
    }
    fn live(&self, key: &str, now: Instant) -> Option<&Item> {
        self.items.get(key).filter(|item| item.expires.is_none_or(|at| now <= at))
    }
    /// Takes the key out, expired or not.
    fn take(&mut self, key: &str) -> bool {
        let Some(old) = self.items.remove(key) else { return false };
        if let Some(at) = old.expires {
            self.expiries.remove(&(at, key.to_owned()));
        }
        true
    }
    fn check(&self, key: &str, condition: Condition, now: Instant) -> Result<()> {
        match (condition, self.live(key, now)) {
            (Condition::IfAbsent, Some(_)) => Err(Error::already_exists("key already exists")),
            (Condition::IfVersion(_), None) => Err(key_not_found()),
            (Condition::IfVersion(wanted), Some(item)) if item.version != wanted => {
                Err(Error::conflict("version mismatch").retryable(true))
            }
            (_, None) if self.items.len() >= self.max_size => Err(Error::unavailable("store is full").retryable(true)),
            _ => Ok(()),
        }
    }
}

fn record(key: &str, item: &Item) -> Record {
    Record { key: key.to_owned(), value: item.value.clone(), version: item.version }
}

impl Store for MemoryStore {
    fn info(&self) -> StoreInfo {
        StoreInfo { backend: "memory", consistency: "local", durable: false, versioned: true, conditional_put: true }
    }
    fn get(&self, key: &str) -> Result<Record> {
        self.open(|state, now| state.live(key, now).map(|item| record(key, item)).ok_or_else(key_not_found))
    }
    fn has(&self, key: &str) -> Result<bool> {
        self.open(|state, now| Ok(state.live(key, now).is_some()))
    }
    fn list(&self, range: &Range) -> Result<Page> {
        self.open(|state, now| {
            state.purge(now);
            let from = match range.after >= range.prefix {
                true => Bound::Excluded(range.after.as_str()),
                false => Bound::Included(range.prefix.as_str()),
            };
            let from = if range.after.is_empty() { Bound::Included(range.prefix.as_str()) } else { from };
            let keys = state.items.range::<str, _>((from, Bound::Unbounded));
            let mut keys = keys.take_while(|(key, _)| key.starts_with(&range.prefix)).map(|(k, item)| record(k, item));
            let items = keys.by_ref().take(range.limit).collect();
            Ok(Page { items, has_more: keys.next().is_some() })
        })
    }
    fn put(&self, key: &str, value: Arc<Flat>, how: Writing) -> Result<Record> {
        self.open(|state, now| {
            state.purge(now);
            state.check(key, how.condition, now)?;
            state.take(key);
            state.version += 1;
            // An end beyond what the clock can say is none.
            let ttl = how.ttl.and_then(|ttl| i64::try_from(ttl.as_nanos()).ok());
            let item = Item { value, version: state.version, expires: ttl.and_then(|ttl| now.checked_add(ttl)) };
            let written = record(key, &item);
            if let Some(at) = item.expires {
                state.expiries.insert((at, key.to_owned()));
            }
            state.items.insert(key.to_owned(), item);
            Ok(written)
        })
    }
    fn delete(&self, key: &str) -> Result<bool> {
        self.open(|state, now| {
            let was_there = state.live(key, now).is_some();
            state.take(key);
            Ok(was_there)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;
    use wippy_runtime::clock::VirtualClock;
    use wippy_runtime::payload::Value;

    #[derive(Clone, Debug)]
    enum Step {
        Put(String, Option<u64>, u8),
        Delete(String),
        Pass(u64),
        List(String, String, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = || prop::sample::select(vec![":a", ":b", "a:", "a:b", "a:ba", "b:a"]).prop_map(str::to_owned);
        prop_oneof![
            (key(), prop::option::of(0..5u64), 0..3u8).prop_map(|(k, ttl, how)| Step::Put(k, ttl, how)),
            key().prop_map(Step::Delete),
            (1..4u64).prop_map(Step::Pass),
            ("[ab:]{0,2}", "[ab:]{0,2}", 0..4usize).prop_map(|(p, a, n)| Step::List(p, a, n)),
        ]
    }

    proptest! {
        /// The store does what a plain list of keys, versions and expiries says.
        #[test]
        fn agrees_with_a_plain_model(steps in prop::collection::vec(step(), 1..40)) {
            let clock = Arc::new(VirtualClock::new());
            let store = MemoryStore::new(clock.clone(), 4);
            let (mut model, mut now, mut version) = (BTreeMap::<String, (u64, Option<u64>)>::new(), 0, 0);
            for step in steps {
                model.retain(|_, (_, end)| end.is_none_or(|end| now <= end));
                match step {
                    Step::Pass(seconds) => {
                        now += seconds;
                        clock.advance(Duration::from_secs(seconds));
                    }
                    Step::Delete(key) => prop_assert_eq!(store.delete(&key), Ok(model.remove(&key).is_some())),
                    Step::Put(key, ttl, how) => {
                        let condition = match how {
                            0 => Condition::Always,
                            1 => Condition::IfAbsent,
                            _ => Condition::IfVersion(version),
                        };
                        let there = model.get(&key).map(|(version, _)| *version);
                        let refused = match condition {
                            Condition::IfAbsent if there.is_some() => Some("key already exists"),
                            Condition::IfVersion(_) if there.is_none() => Some("key not found"),
                            Condition::IfVersion(v) if there != Some(v) => Some("version mismatch"),
                            _ if there.is_none() && model.len() >= 4 => Some("store is full"),
                            _ => None,
                        };
                        let writing = Writing { ttl: ttl.map(Duration::from_secs), condition };
                        let got = store.put(&key, Arc::new(Flat::of(&[Value::Int(1)])), writing);
                        prop_assert_eq!(got.as_ref().err().map(Error::message), refused);
                        if let Ok(record) = got {
                            version += 1;
                            prop_assert_eq!(record.version, version);
                            model.insert(key, (version, ttl.map(|ttl| now + ttl)));
                        }
                    }
                    Step::List(prefix, after, limit) => {
                        let fits = |key: &&String| key.starts_with(&prefix) && (after.is_empty() || **key > after);
                        let all: Vec<String> = model.keys().filter(fits).cloned().collect();
                        let page = store.list(&Range { prefix, after, limit }).unwrap();
                        let keys: Vec<String> = page.items.iter().map(|r| r.key.clone()).collect();
                        prop_assert_eq!(&keys[..], &all[..limit.min(all.len())]);
                        prop_assert_eq!(page.has_more, all.len() > limit);
                    }
                }
                for key in [":a", "a:b", "b:a"] {
                    let live = model.get(key).filter(|(_, end)| end.is_none_or(|end| now <= end));
                    prop_assert_eq!(store.get(key).ok().map(|r| r.version), live.map(|(version, _)| *version));
                    prop_assert_eq!(store.has(key), Ok(live.is_some()));
                }
            }
        }
    }
}
