//! Who is related to whom: monitors, links, names. Relations live in
//! the control blocks of the processes, so nothing here is a global lock.
//!
//! Whoever changes the relations of two processes locks them one after the
//! other, never both: the side that can refuse (the target) comes first, and a
//! process that ends in between is noticed because its relations are closed.

mod names;
mod relations;

pub use names::{NameScope, Names};
