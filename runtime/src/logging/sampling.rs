//! Thins out floods: per second and message the first hundred records, then
//! every hundredth. The messages of one second are remembered by hash, in a
//! table of fixed size: two messages that share a slot share a count.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::record::Record;
use crate::clock::Nanos;

const FIRST: u32 = 100;
const THEN: u32 = 100;
const SLOTS: usize = 4096;
const SECOND: u64 = 1_000_000_000;

/// See the module comment.
pub(super) struct Sampler {
    second: u64,
    counts: Vec<u32>,
}

impl Default for Sampler {
    fn default() -> Sampler {
        Sampler { second: 0, counts: vec![0; SLOTS] }
    }
}

impl Sampler {
    pub fn admits(&mut self, now: Nanos, record: &Record) -> bool {
        if now / SECOND != self.second {
            self.second = now / SECOND;
            self.counts.fill(0);
        }
        let mut hasher = DefaultHasher::new();
        (record.level as i8, &record.message).hash(&mut hasher);
        let count = &mut self.counts[hasher.finish() as usize % SLOTS];
        *count += 1;
        *count <= FIRST || (*count - FIRST).is_multiple_of(THEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::Level;
    use crate::payload::Map;

    #[test]
    fn the_first_hundred_then_every_hundredth_each_second() {
        let record = |message: &str| Record {
            level: Level::Info,
            logger: String::new(),
            message: message.to_owned(),
            fields: Map::new(),
            time: 0,
            caller: String::new(),
        };
        let mut sampler = Sampler::default();
        let admitted = (0..1000).filter(|_| sampler.admits(5, &record("flood"))).count();
        assert_eq!(admitted, 109);
        assert!(sampler.admits(5, &record("another")));
        assert!(sampler.admits(SECOND, &record("flood")));
    }
}
