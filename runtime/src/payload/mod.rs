//! Values that cross process borders.
//!
//! [`Value`] is the plain-data tree used off the hot path (registry entries,
//! configuration, error details, event data). [`Flat`] is the one-buffer form
//! in which messages, arguments and results travel; engines encode into and
//! decode from it without building a tree. `docs/FLAT.md` describes its bytes.

mod flat;
pub mod msgpack;
mod value;

pub use flat::{Flat, FlatReader, FlatWriter, Tag};
pub use value::{Map, Value};
