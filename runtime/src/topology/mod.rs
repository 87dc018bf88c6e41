//! Who is related to whom: monitors, links, names, groups. Monitors and links
//! live in the control blocks of the processes, so they need no global lock.
//!
//! Whoever changes the relations of two processes locks them one after the
//! other, never both: the side that can refuse (the target) comes first, and a
//! process that ends in between is noticed because its relations are closed.

pub mod groups;
mod names;
mod relations;

pub use names::{NameScope, Names};
