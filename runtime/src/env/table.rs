//! Which storages and variables there are, and who holds a public name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Storage, Variable};
use crate::error::{Error, Result};
use crate::registry::EntryId;

/// Routers that may stand behind each other.
const MAX_DEPTH: usize = 8;

#[derive(Clone)]
enum Backing {
    Storage(Arc<dyn Storage>),
    Router(Arc<Router>),
}

struct Router {
    storages: Vec<EntryId>,
    /// Values that were found or written.
    seen: Mutex<HashMap<String, String>>,
}

/// A value: a look-up works on one, a change makes another.
#[derive(Clone, Default)]
pub(super) struct Table {
    storages: BTreeMap<EntryId, Backing>,
    variables: BTreeMap<EntryId, Arc<Variable>>,
    /// The variables that claim a public name, in the order they came.
    claims: HashMap<String, Vec<EntryId>>,
}

pub(super) fn unknown() -> Error {
    Error::not_found("environment variable not found")
}

fn no_backend(id: &EntryId) -> Error {
    Error::not_found("environment storage backend not found").detail("storage", id.as_str())
}

impl Table {
    pub fn put_storage(&mut self, id: &EntryId, storage: Arc<dyn Storage>) {
        self.storages.insert(id.clone(), Backing::Storage(storage));
    }
    pub fn put_router(&mut self, id: &EntryId, storages: Vec<EntryId>) {
        let router = Router { storages, seen: Mutex::default() };
        self.storages.insert(id.clone(), Backing::Router(Arc::new(router)));
    }
    pub fn remove_storage(&mut self, id: &EntryId) {
        self.storages.remove(id);
    }
    pub fn has_storage(&self, id: &EntryId) -> bool {
        self.storages.contains_key(id)
    }

    pub fn put_variable(&mut self, variable: Variable) {
        let same_name = self.variables.get(&variable.id).is_some_and(|old| old.name == variable.name);
        if !same_name {
            self.remove_variable(&variable.id);
            if !variable.name.is_empty() {
                self.claims.entry(variable.name.clone()).or_default().push(variable.id.clone());
            }
        }
        self.variables.insert(variable.id.clone(), Arc::new(variable));
    }
    pub fn remove_variable(&mut self, id: &EntryId) {
        let Some(old) = self.variables.remove(id) else { return };
        if let Some(claims) = self.claims.get_mut(&old.name) {
            claims.retain(|c| c != id);
            if claims.is_empty() {
                self.claims.remove(&old.name);
            }
        }
    }

    /// The variable with a public name: the first that claims it and has a storage, else the first.
    fn holder(&self, name: &str) -> Option<&Arc<Variable>> {
        let mut claims = self.claims.get(name)?.iter().filter_map(|id| self.variables.get(id));
        claims.clone().find(|v| self.has_storage(&v.storage)).or_else(|| claims.next())
    }
    pub fn refusal(&self, id: &EntryId) -> Option<Error> {
        let variable = self.variables.get(id)?;
        if !self.has_storage(&variable.storage) {
            return Some(Error::not_found("referenced storage not found").detail("storage", variable.storage.as_str()));
        }
        let holder = self.holder(&variable.name).filter(|h| h.id != *id)?;
        let taken = Error::already_exists(format!("variable name already exists: {}", variable.name));
        Some(taken.detail("holder", holder.id.as_str()))
    }
    /// The variable that `name` means to code of the namespace `ns`.
    pub fn find(&self, name: &str, ns: &str) -> Result<&Arc<Variable>> {
        let by_id = |id: EntryId| {
            let variable = self.variables.get(&id)?;
            // One whose public name belongs to another does not exist for programs.
            let held = variable.name.is_empty() || self.holder(&variable.name).is_some_and(|h| h.id == id);
            held.then_some(variable)
        };
        let found = self
            .holder(name)
            .or_else(|| by_id(EntryId::resolve(name, ns)))
            .or_else(|| by_id(EntryId::parse(name)))
            .ok_or_else(unknown)?;
        if self.has_storage(&found.storage) { Ok(found) } else { Err(no_backend(&found.storage)) }
    }

    fn backing(&self, id: &EntryId, depth: usize) -> Result<&Backing> {
        if depth > MAX_DEPTH {
            return Err(Error::invalid("router storages refer to each other").detail("storage", id.as_str()));
        }
        self.storages.get(id).ok_or_else(|| no_backend(id))
    }

    pub fn value(&self, storage: &EntryId, key: &str) -> Result<Option<String>> {
        self.value_at(storage, key, 0)
    }
    fn value_at(&self, storage: &EntryId, key: &str, depth: usize) -> Result<Option<String>> {
        let router = match self.backing(storage, depth)? {
            Backing::Storage(storage) => return storage.get(key),
            Backing::Router(router) => router,
        };
        if let Some(value) = router.seen.lock().get(key) {
            return Ok(Some(value.clone()));
        }
        for storage in &router.storages {
            if let Some(value) = self.value_at(storage, key, depth + 1)? {
                // What was written meanwhile is newer.
                return Ok(Some(router.seen.lock().entry(key.to_owned()).or_insert(value).clone()));
            }
        }
        Ok(None)
    }

    pub fn set(&self, storage: &EntryId, key: &str, value: &str) -> Result<()> {
        self.set_at(storage, key, value, 0)
    }
    fn set_at(&self, storage: &EntryId, key: &str, value: &str, depth: usize) -> Result<()> {
        match self.backing(storage, depth)? {
            Backing::Storage(storage) => storage.set(key, value),
            Backing::Router(router) => {
                let first = router.storages.first().ok_or_else(|| no_backend(storage))?;
                self.set_at(first, key, value, depth + 1)?;
                router.seen.lock().insert(key.to_owned(), value.to_owned());
                Ok(())
            }
        }
    }

    pub fn all(&self) -> Result<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        let mut lists = BTreeMap::new();
        // A router has nothing of its own.
        for (id, backing) in &self.storages {
            let Backing::Storage(storage) = backing else { continue };
            let list = storage.list().map_err(|e| {
                let kind = e.kind().clone();
                Error::new(kind, format!("cannot list environment storage {id}")).because(e)
            })?;
            for (key, value) in &list {
                all.entry(key.clone()).or_insert_with(|| value.clone());
            }
            lists.insert(id, list);
        }
        for variable in self.variables.values().filter(|v| self.refusal(&v.id).is_none()) {
            let key = variable.key();
            let value = match lists.get(&variable.storage) {
                Some(list) => list.get(key).cloned(),
                None => self.value(&variable.storage, key)?,
            };
            all.extend(value.map(|v| (key.to_owned(), v)));
        }
        Ok(all)
    }

    pub fn blocks(&self, storage: &EntryId) -> bool {
        self.blocks_at(storage, 0)
    }
    fn blocks_at(&self, storage: &EntryId, depth: usize) -> bool {
        match self.backing(storage, depth) {
            Ok(Backing::Storage(storage)) => storage.blocks(),
            Ok(Backing::Router(router)) => router.storages.iter().any(|s| self.blocks_at(s, depth + 1)),
            // The look-up will say what is wrong.
            Err(_) => true,
        }
    }
    pub fn any_blocks(&self) -> bool {
        self.storages.values().any(|b| matches!(b, Backing::Storage(s) if s.blocks()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, Storage, Variable, read_only};
    use super::*;

    /// `KEY=VALUE` pairs that cannot be written.
    struct Fixed(&'static [(&'static str, &'static str)]);

    impl Storage for Fixed {
        fn get(&self, key: &str) -> Result<Option<String>> {
            Ok(self.list()?.remove(key))
        }
        fn set(&self, _: &str, _: &str) -> Result<()> {
            Err(read_only())
        }
        fn list(&self) -> Result<BTreeMap<String, String>> {
            Ok(self.0.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        }
    }

    #[derive(Default)]
    struct Memory(Mutex<BTreeMap<String, String>>);

    impl Storage for Memory {
        fn get(&self, key: &str) -> Result<Option<String>> {
            Ok(self.0.lock().get(key).cloned())
        }
        fn set(&self, key: &str, value: &str) -> Result<()> {
            self.0.lock().insert(key.into(), value.into());
            Ok(())
        }
        fn list(&self) -> Result<BTreeMap<String, String>> {
            Ok(self.0.lock().clone())
        }
    }

    fn id(text: &str) -> EntryId {
        EntryId::parse(text)
    }

    fn variable(entry: &str, name: &str, storage: &str, default: &str) -> Variable {
        Variable { id: id(entry), name: name.into(), storage: id(storage), default: default.into(), readonly: false }
    }

    fn shown(result: Result<impl std::fmt::Display>) -> String {
        result.map_or_else(|e| format!("{:?} {e}", e.kind()), |v| v.to_string())
    }

    #[test]
    fn looks_names_up() {
        let env = Environment::default();
        let values = Fixed(&[("HOST", "h"), ("EMPTY", ""), ("app:key", "private"), ("OTHER", "o")]);
        env.put_storage(&id("app:fixed"), Arc::new(values));
        env.put_variable(variable("app:host", "HOST", "app:fixed", "dflt"));
        env.put_variable(variable("app:empty", "EMPTY", "app:fixed", ""));
        env.put_variable(variable("app:unset", "UNSET", "app:fixed", "dflt"));
        env.put_variable(variable("app:key", "", "app:fixed", ""));
        env.put_variable(variable("app:lost", "LOST", "app:none", "dflt"));
        const UNKNOWN: &str = "NotFound environment variable not found";
        let cases = [
            ("HOST", "", "h"),
            ("app:host", "", "h"),
            ("host", "app", "h"),
            ("host", "other", UNKNOWN),
            ("EMPTY", "app", UNKNOWN),
            ("UNSET", "app", "dflt"),
            ("app:key", "", "private"),
            ("key", "app", "private"),
            // A value without a variable is not visible.
            ("OTHER", "app", UNKNOWN),
            ("", "app", UNKNOWN),
            ("LOST", "app", "NotFound environment storage backend not found"),
        ];
        for (name, ns, want) in cases {
            assert_eq!(shown(env.get(name, ns)), want, "{name} in {ns:?}");
        }
        assert_eq!(shown(env.set("HOST", "", "x").map(|()| "")), "PermissionDenied storage is read-only");
        env.put_variable(Variable { readonly: true, ..variable("app:host", "HOST", "app:fixed", "") });
        assert_eq!(shown(env.set("HOST", "", "x").map(|()| "")), "PermissionDenied environment variable is read-only");
        assert_eq!(shown(env.set("NONE", "", "x").map(|()| "")), UNKNOWN);
    }

    #[test]
    fn a_public_name_has_one_holder_and_goes_to_the_next() {
        let env = Environment::default();
        env.put_storage(&id("app:a"), Arc::new(Fixed(&[("NAME", "a")])));
        env.put_storage(&id("app:b"), Arc::new(Fixed(&[("NAME", "b")])));
        env.put_variable(variable("app:lost", "NAME", "app:none", ""));
        env.put_variable(variable("app:one", "NAME", "app:a", ""));
        env.put_variable(variable("app:two", "NAME", "app:b", ""));
        assert_eq!(shown(env.get("NAME", "")), "a");
        assert_eq!(shown(env.get("app:two", "")), "NotFound environment variable not found");
        let refused = env.refusal(&id("app:two")).unwrap();
        assert_eq!(shown(Err::<&str, _>(refused)), "AlreadyExists variable name already exists: NAME");
        let refused = env.refusal(&id("app:lost")).unwrap();
        assert_eq!(shown(Err::<&str, _>(refused)), "NotFound referenced storage not found");
        assert!(env.refusal(&id("app:one")).is_none());
        env.remove_variable(&id("app:one"));
        assert_eq!(shown(env.get("NAME", "")), "b");
        assert!(env.refusal(&id("app:two")).is_none());
        // A new default keeps the place, another name gives it up.
        env.put_variable(variable("app:three", "NAME", "app:a", ""));
        env.put_variable(variable("app:two", "NAME", "app:b", "x"));
        assert_eq!(shown(env.get("NAME", "")), "b");
        env.put_variable(variable("app:two", "ELSE", "app:b", "x"));
        assert_eq!(shown(env.get("NAME", "")), "a");
        assert_eq!(shown(env.get("ELSE", "")), "x");
    }

    #[test]
    fn a_router_asks_in_order_and_remembers() {
        let env = Environment::default();
        let (top, below) = (Arc::new(Memory::default()), Arc::new(Memory::default()));
        env.put_storage(&id("app:top"), top.clone());
        env.put_storage(&id("app:below"), below.clone());
        env.put_storage(&id("app:fixed"), Arc::new(Fixed(&[("C", "fixed")])));
        env.put_router(&id("app:inner"), vec![id("app:below"), id("app:fixed")]);
        env.put_router(&id("app:router"), vec![id("app:top"), id("app:inner")]);
        for name in ["A", "B", "C", "D"] {
            env.put_variable(variable(&format!("app:{name}"), name, "app:router", ""));
        }
        top.set("A", "").unwrap();
        below.set("A", "shadowed").unwrap();
        below.set("B", "below").unwrap();
        // The first storage that knows the key has the say, even with an empty value.
        assert_eq!(shown(env.get("A", "")), "NotFound environment variable not found");
        assert_eq!(shown(env.get("B", "")), "below");
        assert_eq!(shown(env.get("C", "")), "fixed");
        below.set("B", "later").unwrap();
        below.set("D", "found late").unwrap();
        assert_eq!(shown(env.get("B", "")), "below");
        assert_eq!(shown(env.get("D", "")), "found late");
        env.set("B", "", "written").unwrap();
        assert_eq!(shown(env.get("B", "")), "written");
        assert_eq!(top.get("B").unwrap().unwrap(), "written");
        let all: Vec<String> = env.all().unwrap().into_iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(all, ["A=", "B=written", "C=fixed", "D=found late"]);
        env.remove_storage(&id("app:below"));
        env.put_variable(variable("app:E", "E", "app:router", ""));
        assert_eq!(shown(env.get("E", "")), "NotFound environment storage backend not found");
        // A circle ends with an error.
        env.put_router(&id("app:inner"), vec![id("app:router")]);
        assert_eq!(shown(env.get("E", "")), "Invalid router storages refer to each other");
        assert!(env.blocks("E", "") && !env.any_blocks());
    }
}
