//! What components leave for each other: one value a type, written once while
//! components load, sealed before any of them starts.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::error::{Error, Result};

#[derive(Default)]
struct Values {
    by_type: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    sealed: bool,
}

/// See the module comment.
#[derive(Default)]
pub struct AppContext(RwLock<Values>);

impl AppContext {
    /// Errors: Internal `cannot overwrite AppContext key: key already set`, `cannot modify sealed AppContext`; both
    /// mean a programming error and end the boot.
    pub fn set<T: ?Sized + Send + Sync + 'static>(&self, value: Arc<T>) -> Result<()> {
        let mut values = self.0.write();
        if values.sealed {
            return Err(Error::internal("cannot modify sealed AppContext").detail("key", type_name::<T>()));
        }
        let old = values.by_type.insert(TypeId::of::<T>(), Box::new(value));
        if let Some(old) = old {
            values.by_type.insert(TypeId::of::<T>(), old);
            let error = Error::internal("cannot overwrite AppContext key: key already set");
            return Err(error.detail("key", type_name::<T>()));
        }
        Ok(())
    }
    pub fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.read().by_type.get(&TypeId::of::<T>())?.downcast_ref::<Arc<T>>().cloned()
    }
    /// The value of a component that this one requires. Errors: Internal, naming the type that nobody has set.
    pub fn need<T: ?Sized + Send + Sync + 'static>(&self) -> Result<Arc<T>> {
        self.get().ok_or_else(|| Error::internal(format!("nothing provides {}", type_name::<T>())))
    }
    pub(super) fn seal(&self) {
        self.0.write().sealed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Greeter: Send + Sync {
        fn greet(&self) -> u8;
    }
    impl Greeter for u8 {
        fn greet(&self) -> u8 {
            *self
        }
    }

    #[test]
    fn is_written_once_and_then_sealed() {
        let context = AppContext::default();
        assert!(context.need::<dyn Greeter>().err().unwrap().to_string().contains("Greeter"));
        context.set::<dyn Greeter>(Arc::new(7u8)).unwrap();
        let twice = context.set::<dyn Greeter>(Arc::new(8u8)).unwrap_err();
        assert_eq!(twice.message(), "cannot overwrite AppContext key: key already set");
        assert_eq!(context.need::<dyn Greeter>().unwrap().greet(), 7);
        context.seal();
        let late = context.set(Arc::new(1u64)).unwrap_err();
        assert_eq!(late.message(), "cannot modify sealed AppContext");
    }
}
