//! Settings of the program: the variables that its registry declares.
#![allow(unsafe_code)]

use alloc::string::String;
use alloc::vec::Vec;

use crate::Result;
use crate::abi::{imports, returned};

/// A declared variable, by its name or the id of its entry.
/// Errors: PermissionDenied; NotFound `environment variable not found`.
pub fn get(key: &str) -> Result<String> {
    // SAFETY: the key lives over the call; the runtime writes the answer and hands it over.
    unsafe { Ok(returned(|ret| imports::environment_get(key.as_ptr(), key.len(), ret)).take()?.take_text()) }
}

/// Errors: as of [`get`]; PermissionDenied `environment variable is read-only`.
pub fn set(key: &str, value: &str) -> Result<()> {
    let (key, value) = (key.as_bytes(), value.as_bytes());
    // SAFETY: the texts live over the call; the runtime writes the answer.
    unsafe {
        returned(|ret| imports::environment_set(key.as_ptr(), key.len(), value.as_ptr(), value.len(), ret)).take()
    }
}

/// All values by name, without those the process may not read.
pub fn all() -> Result<Vec<(String, String)>> {
    // SAFETY: the runtime writes the answer and hands it over.
    unsafe {
        let pairs = returned(|ret| imports::environment_all(ret)).take()?.take();
        Ok(pairs.into_iter().map(|pair| (pair.key.take_text(), pair.value.take_text())).collect())
    }
}
