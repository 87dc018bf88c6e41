//! The storages that need no file: memory, fixed values, and what the
//! operating system handed to the program.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use wippy_runtime::Result;
use wippy_runtime::env::{Storage, read_only};

/// Values that live as long as the program.
#[derive(Default)]
pub struct Memory(RwLock<BTreeMap<String, String>>);

impl Storage for Memory {
    fn get(&self, key: &str) -> Result<Option<String>> {
        Ok(self.0.read().get(key).cloned())
    }
    fn set(&self, key: &str, value: &str) -> Result<()> {
        self.0.write().insert(key.to_owned(), value.to_owned());
        Ok(())
    }
    fn list(&self) -> Result<BTreeMap<String, String>> {
        Ok(self.0.read().clone())
    }
}

/// The values an entry gives.
pub struct Static(pub BTreeMap<String, String>);

impl Storage for Static {
    fn get(&self, key: &str) -> Result<Option<String>> {
        Ok(self.0.get(key).cloned())
    }
    fn set(&self, _: &str, _: &str) -> Result<()> {
        Err(read_only())
    }
    fn list(&self) -> Result<BTreeMap<String, String>> {
        Ok(self.0.clone())
    }
}

/// The environment of the operating system's process. What is not UTF-8 is shown with U+FFFD.
pub struct Os;

impl Storage for Os {
    fn get(&self, key: &str) -> Result<Option<String>> {
        // The standard library panics on such names.
        if key.is_empty() || key.contains(['=', '\0']) {
            return Ok(None);
        }
        Ok(std::env::var_os(key).map(|v| v.to_string_lossy().into_owned()))
    }
    fn set(&self, _: &str, _: &str) -> Result<()> {
        Err(read_only())
    }
    fn list(&self) -> Result<BTreeMap<String, String>> {
        let text = |s: std::ffi::OsString| s.to_string_lossy().into_owned();
        Ok(std::env::vars_os().map(|(k, v)| (text(k), text(v))).collect())
    }
}
