//! Types on their way from one process to another: a number in the message, which this node knows the type by.
//!
//! A type gets its number when it is first sent, and keeps it while anybody has the type. Where the number means
//! nothing (another node, a store, a type that is gone) the text that goes with it is left.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;
use wippy_lua_vm::sys;

use super::RuntimeType;
use super::object::TypeObject;
use crate::native::Stack;

#[derive(Default)]
struct Numbers {
    last: u32,
    known: HashMap<i64, Weak<RuntimeType>>,
}

static NUMBERS: LazyLock<Mutex<Numbers>> = LazyLock::new(Mutex::default);

impl TypeObject {
    /// The number and text that stand for the type in messages.
    pub(crate) fn ticket<'t>(&'t self, stack: &Stack<'_>) -> (i64, &'t str) {
        let number = *self.ty.number.get_or_init(|| {
            // The upper half is of this node alone: drawn from the seed of its hashes.
            // SAFETY: a live state; the text is only read.
            let node = unsafe { sys::wippy_hash(stack.raw(), c"types".as_ptr(), 5) };
            let mut numbers = NUMBERS.lock();
            numbers.last = numbers.last.wrapping_add(1);
            let number = (i64::from(node) << 32) | i64::from(numbers.last);
            numbers.known.insert(number, Arc::downgrade(&self.ty));
            number
        });
        (number, &self.ty.text)
    }
}

impl Stack<'_> {
    /// Pushes the type that a number in a message stands for; false (nothing pushed) if it is not known.
    pub(crate) fn push_arrived(&self, number: i64) -> bool {
        let found = NUMBERS.lock().known.get(&number).and_then(Weak::upgrade);
        let known = found.is_some();
        if let Some(ty) = found {
            self.push_handle(ty);
        }
        known
    }
}

/// Forgets a type that nobody has any more.
pub(super) fn forget(number: i64) {
    NUMBERS.lock().known.remove(&number);
}
