//! Maps for what a checker looks up all the time: quick to hash, and seeded, so that a source cannot choose names that
//! all fall into one place.

use foldhash::fast::RandomState;

pub(crate) type Map<K, V> = std::collections::HashMap<K, V, RandomState>;
pub(crate) type Set<K> = std::collections::HashSet<K, RandomState>;

/// A map with room for `count` things.
pub(crate) fn map<K, V>(count: usize) -> Map<K, V> {
    Map::with_capacity_and_hasher(count, RandomState::default())
}
