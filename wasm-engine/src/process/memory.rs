//! The account of a guest's memories, tables and instances: what the host and
//! the entry allow, and what the process shows as its memory.
//!
//! A growth beyond the limit fails as the guest expects it: `memory.grow` gives
//! -1. A guest that asks again before it has waited for anything is ended, and
//! one that traps meanwhile has trapped for want of memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wasmtime::ResourceLimiter;
use wippy_runtime::Error;
use wippy_runtime::process::Control;

/// Bytes of a table element.
const ELEMENT: usize = 16;
/// Of one guest, each: a memory takes a slot of address space however small it is.
const MAX_MEMORIES: usize = 32;
const MAX_TABLES: usize = 256;

/// See the module comment.
pub struct Memory {
    control: Arc<Control>,
    used: usize,
    /// What was used before the growth that was granted last.
    before: usize,
    limit: usize,
    /// Why it was refused, since it has waited last.
    refused: Option<Error>,
}

impl Memory {
    pub fn new(control: Arc<Control>) -> Memory {
        let limit = match control.memory_limit() {
            0 => usize::MAX,
            limit => limit,
        };
        Memory { control, used: 0, before: 0, limit, refused: None }
    }
    /// Bytes; `usize::MAX` for any number.
    pub fn limit(&self) -> usize {
        self.limit
    }
    /// Takes what the instances need beside memories and tables. Errors: LimitExceeded.
    pub fn take(&mut self, bytes: usize) -> Result<(), Error> {
        self.grow(0, bytes)
    }
    /// The guest waits now.
    pub fn rest(&mut self) {
        self.refused = None;
    }
    /// Why the guest was refused memory, if it was before it stopped.
    pub fn refusal(&self) -> Option<&Error> {
        self.refused.as_ref()
    }

    fn grow(&mut self, current: usize, desired: usize) -> Result<(), Error> {
        let used = (self.used - current.min(self.used)).saturating_add(desired);
        if used > self.limit {
            let text = format!("not enough memory: {used} bytes are wanted and {} allowed", self.limit);
            return Err(Error::limit_exceeded(text));
        }
        self.before = self.used;
        self.set(used);
        Ok(())
    }
    fn set(&mut self, used: usize) {
        self.used = used;
        self.control.memory.store(used as u64, Ordering::Relaxed);
    }
    /// For a guest that asks. Errors, which end it: it was refused before.
    fn ask(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            // The guest's own maximum: it is told, as always.
            return Ok(false);
        }
        match self.grow(current, desired) {
            Ok(()) => Ok(true),
            Err(e) => self.refuse(e).map(|()| false),
        }
    }
    fn refuse(&mut self, error: Error) -> wasmtime::Result<()> {
        match self.refused.replace(error.clone()) {
            None => Ok(()),
            Some(_) => Err(wasmtime::Error::new(error)),
        }
    }
    /// What was granted could not be had.
    fn failed(&mut self, error: &wasmtime::Error) -> wasmtime::Result<()> {
        self.set(self.before);
        self.refuse(Error::limit_exceeded(format!("not enough memory: {error:#}")))
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.ask(current, desired, maximum)
    }
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.failed(&error)
    }
    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(ELEMENT);
        self.ask(bytes(current), bytes(desired), maximum.map(bytes))
    }
    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.failed(&error)
    }
    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
    fn tables(&self) -> usize {
        MAX_TABLES
    }
}
