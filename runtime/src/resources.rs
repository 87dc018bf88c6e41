//! What entries offer for use by id: stores, databases. A service puts a value
//! in under the interface that others use it by, and takes it out when its entry
//! goes; whoever has one keeps it until then and after. Changes count at once.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::registry::EntryId;

struct Offer {
    kind: String,
    /// An `Arc<T>`.
    value: Box<dyn Any + Send + Sync>,
}

/// Why there is nothing to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    Missing,
    /// The kind of the entry, which offers something else.
    Other(String),
}

/// See the module comment.
#[derive(Default)]
pub struct Resources(RwLock<HashMap<EntryId, Offer>>);

impl Resources {
    /// Offers `value` as a `T` (mostly a trait object), in place of what `id` offered before.
    pub fn put<T: ?Sized + Send + Sync + 'static>(&self, id: &EntryId, kind: &str, value: Arc<T>) {
        self.0.write().insert(id.clone(), Offer { kind: kind.to_owned(), value: Box::new(value) });
    }
    pub fn remove(&self, id: &EntryId) {
        self.0.write().remove(id);
    }
    pub fn get<T: ?Sized + Send + Sync + 'static>(&self, id: &EntryId) -> Result<Arc<T>, Unusable> {
        let all = self.0.read();
        let offer = all.get(id).ok_or(Unusable::Missing)?;
        offer.value.downcast_ref::<Arc<T>>().cloned().ok_or_else(|| Unusable::Other(offer.kind.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Shape: Send + Sync {
        fn sides(&self) -> u8;
    }
    impl Shape for u8 {
        fn sides(&self) -> u8 {
            *self
        }
    }

    #[test]
    fn a_resource_is_found_by_id_and_interface() {
        let (all, id) = (Resources::default(), EntryId::parse("app:square"));
        assert_eq!(all.get::<dyn Shape>(&id).err(), Some(Unusable::Missing));
        all.put::<dyn Shape>(&id, "shape", Arc::new(4u8));
        assert_eq!(all.get::<dyn Shape>(&id).map(|s| s.sides()), Ok(4));
        assert_eq!(all.get::<u8>(&id), Err(Unusable::Other("shape".into())));
        all.remove(&id);
        assert_eq!(all.get::<dyn Shape>(&id).err(), Some(Unusable::Missing));
    }
}
