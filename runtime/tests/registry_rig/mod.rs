//! Entries in short form and a handler that keeps its own books, so that tests
//! can compare what handlers believe with what the registry says.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_runtime::events::Bus;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::*;
use wippy_runtime::{Error, Result};

/// An entry of kind `test.unit` whose data is `{v, needs}`; `needs` are `imports`.
pub fn unit(id: &str, v: i64, needs: &[&str]) -> Entry {
    let imports: Map = needs.iter().map(|n| (n.to_string(), Value::from(*n))).collect();
    let data = Map::from([("v".to_owned(), Value::Int(v)), ("imports".to_owned(), imports.into())]);
    entry(id, "test.unit", data.into())
}

pub fn entry(id: &str, kind: &str, data: Value) -> Entry {
    Entry { id: EntryId::parse(id), kind: kind.into(), meta: Map::new(), data, origin: None }
}

/// Owns `test.*`: insists that imports exist, refuses on demand, logs every call.
#[derive(Default)]
pub struct Books {
    pub held: Mutex<BTreeMap<String, Value>>,
    pub log: Mutex<Vec<String>>,
    /// Calls (as logged) that are refused, with the error.
    pub refuse: Mutex<Vec<(String, Error)>>,
    pub once: Mutex<Option<String>>,
    pub panic_at: Mutex<Option<String>>,
}

impl Books {
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock())
    }
    pub fn refuse(&self, call: &str, error: Error) {
        self.refuse.lock().push((call.into(), error));
    }
    /// Refuses a call the first time only.
    pub fn refuse_once(&self, call: &str) {
        *self.once.lock() = Some(call.into());
    }
    pub fn calm(&self) {
        self.refuse.lock().clear();
        *self.panic_at.lock() = None;
    }
    fn note(&self, call: String) -> Result<()> {
        assert!(self.panic_at.lock().as_deref() != Some(&call), "secret text of a panic");
        if self.once.lock().take_if(|c| *c == call).is_some() {
            return Err(Error::invalid("refused once"));
        }
        let refused = self.refuse.lock().iter().find(|(c, _)| *c == call).map(|(_, e)| e.clone());
        self.log.lock().push(call);
        refused.map_or(Ok(()), Err)
    }
    fn check_imports(&self, entry: &Entry) -> Result<()> {
        let held = self.held.lock();
        let imports = entry.field("imports").and_then(Value::as_map);
        let missing = imports.into_iter().flatten().find(|(_, id)| !held.contains_key(id.as_str().unwrap_or("")));
        missing.map_or(Ok(()), |(name, _)| Err(Error::not_found(format!("node with ID {name} not found"))))
    }
}

impl EntryHandler for Books {
    fn name(&self) -> &str {
        "books"
    }
    fn kinds(&self) -> &[&str] {
        &["test.*"]
    }
    fn known_kinds(&self) -> &[&str] {
        &["test.unit"]
    }
    fn begin(&self) -> Result<()> {
        self.note("begin".into())
    }
    fn commit(&self) -> Result<()> {
        self.note("commit".into())
    }
    fn discard(&self) {
        let _ = self.note("discard".into());
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        self.check_imports(entry)?;
        self.note(format!("create {}", entry.id))?;
        assert!(self.held.lock().insert(entry.id.to_string(), entry.data.clone()).is_none());
        Ok(())
    }
    fn update(&self, old: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        self.check_imports(new)?;
        self.note(format!("update {}", new.id))?;
        assert_eq!(self.held.lock().insert(new.id.to_string(), new.data.clone()).as_ref(), Some(&old.data));
        Ok(())
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.note(format!("delete {}", entry.id))?;
        assert_eq!(self.held.lock().remove(entry.id.as_str()).as_ref(), Some(&entry.data));
        Ok(())
    }
}

pub struct Rig {
    pub registry: Registry,
    pub books: Arc<Books>,
}

pub fn rig_with(history: Arc<dyn History>) -> Rig {
    let registry = Registry::new(Config::default(), history, Bus::new());
    let books = Arc::new(Books::default());
    registry.add_handler(books.clone());
    Rig { registry, books }
}

pub fn rig() -> Rig {
    rig_with(Arc::new(MemoryHistory::new()))
}

impl Rig {
    /// `id=v` of all units, in order; also checks that the handler agrees.
    pub fn content(&self) -> String {
        let snapshot = self.registry.snapshot();
        let units = snapshot.state.iter().filter(|e| e.kind.starts_with("test."));
        let books: BTreeMap<String, Value> = units.clone().map(|e| (e.id.to_string(), e.data.clone())).collect();
        assert_eq!(books, *self.books.held.lock(), "handler and registry agree");
        let shown = |e: &Arc<Entry>| format!("{}={}", e.id, e.field("v").and_then(Value::as_int).unwrap_or(-1));
        units.map(shown).collect::<Vec<_>>().join(" ")
    }
    /// The ids of all versions.
    pub fn versions(&self) -> Vec<u64> {
        self.registry.versions().unwrap().iter().map(|v| v.id).collect()
    }
}
