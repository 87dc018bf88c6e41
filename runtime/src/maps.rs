//! Hash maps for what is looked up on the way of a message or a start.
//!
//! The hash is foldhash's, seeded anew in each run: a tenth of the time of the standard library's, and against
//! chosen keys not as strong, so maps that strangers fill at will keep the standard one.

use std::collections::{HashMap, HashSet};

/// See the module comment.
pub type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
/// See the module comment.
pub type FastSet<K> = HashSet<K, foldhash::fast::RandomState>;
