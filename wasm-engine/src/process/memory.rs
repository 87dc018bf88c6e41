//! The account of a guest's memories and tables: what the host and the entry
//! allow, and what the process shows as its memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wasmtime::ResourceLimiter;
use wippy_runtime::Error;
use wippy_runtime::process::Control;

/// Bytes of a table element.
const ELEMENT: usize = 16;

/// See the module comment.
pub struct Memory {
    control: Arc<Control>,
    used: usize,
    limit: usize,
}

impl Memory {
    /// `limit` in bytes, of the entry; 0 for none. The host's counts as well.
    pub fn new(control: Arc<Control>, limit: usize) -> Memory {
        let limits = [limit, control.host.limits.memory];
        let limit = limits.into_iter().filter(|l| *l > 0).min().unwrap_or(usize::MAX);
        Memory { control, used: 0, limit }
    }

    fn grow(&mut self, current: usize, desired: usize) -> wasmtime::Result<bool> {
        let used = (self.used - current.min(self.used)).saturating_add(desired);
        if used > self.limit {
            let text = format!("not enough memory: {used} bytes are wanted and {} allowed", self.limit);
            return Err(wasmtime::Error::new(Error::limit_exceeded(text)));
        }
        self.used = used;
        self.control.memory.store(used as u64, Ordering::Relaxed);
        Ok(true)
    }
    fn refused(error: &wasmtime::Error) -> wasmtime::Error {
        wasmtime::Error::new(Error::limit_exceeded(format!("not enough memory: {error:#}")))
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        match maximum {
            // The guest's own maximum: it is told, as always.
            Some(maximum) if desired > maximum => Ok(false),
            _ => self.grow(current, desired),
        }
    }
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(Memory::refused(&error))
    }
    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        match maximum {
            Some(maximum) if desired > maximum => Ok(false),
            _ => self.grow(current.saturating_mul(ELEMENT), desired.saturating_mul(ELEMENT)),
        }
    }
    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(Memory::refused(&error))
    }
}
