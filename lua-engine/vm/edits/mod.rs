//! The edits of Lua's sources, one file a purpose. Each opens with what it
//! changes, why, and the invariants it keeps. Groups apply in this order, each
//! seeing the result of those before it.

use crate::edit::Edit;

mod collector;
mod core;
mod dialect;
mod errors;
mod freeze;
mod fuel;
mod numbers;
mod share;
mod size;

pub const GROUPS: &[&[Edit]] = &[
    core::EDITS,
    share::EDITS,
    size::EDITS,
    freeze::EDITS,
    fuel::EDITS,
    collector::EDITS,
    numbers::EDITS,
    errors::EDITS,
    dialect::EDITS,
];
