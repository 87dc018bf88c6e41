//! What a run holds open: streams, files, transactions. Each has a number that
//! the guest keeps in its place; what is still open when the run ends, however
//! it ends, is let go in reverse order.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// Names something held. Never used twice, so that what a pooled program kept from an earlier call names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeldId(u64);

/// Things one process may hold at a time, whatever its host allows.
const MAX_HELD: usize = 65_536;

static NEXT: AtomicU64 = AtomicU64::new(1);

type Thing = Arc<dyn Any + Send + Sync>;

/// See the module comment.
#[derive(Default)]
pub(crate) struct Held {
    /// In ascending order of ids.
    open: Vec<(HeldId, Thing)>,
}

impl Held {
    /// At most `limit` things, 0 for the most there may be. Errors: LimitExceeded.
    pub fn add(&mut self, thing: Thing, limit: usize) -> Result<HeldId, Error> {
        let limit = if limit == 0 { MAX_HELD } else { limit.min(MAX_HELD) };
        if self.open.len() >= limit {
            return Err(Error::limit_exceeded(format!("a process may hold {limit} open resources")));
        }
        let id = HeldId(NEXT.fetch_add(1, Ordering::Relaxed));
        self.open.push((id, thing));
        Ok(id)
    }
    pub fn get(&self, id: HeldId) -> Option<Thing> {
        let at = self.open.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(self.open[at].1.clone())
    }
    pub fn remove(&mut self, id: HeldId) -> Option<Thing> {
        let at = self.open.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(self.open.remove(at).1)
    }
    pub fn take_all(&mut self) -> Released {
        Released(std::mem::take(&mut self.open))
    }
}

/// Lets go when it is dropped, the youngest first.
pub(crate) struct Released(Vec<(HeldId, Thing)>);

impl Drop for Released {
    fn drop(&mut self) {
        while let Some(thing) = self.0.pop() {
            drop(thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_as_many_as_the_limit_says() {
        let mut held = Held::default();
        let first = held.add(Arc::new(1), 2).unwrap();
        let second = held.add(Arc::new("two"), 2).unwrap();
        let full = held.add(Arc::new(3), 2).unwrap_err();
        assert_eq!(full.message(), "a process may hold 2 open resources");
        assert!(held.remove(first).is_some() && held.remove(first).is_none() && held.get(first).is_none());
        let third = held.add(Arc::new(3), 2).unwrap();
        assert!(third > second && held.get(second).is_some());
    }
}
