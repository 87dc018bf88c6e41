//! Entries with placeholders: what handlers see, what is stored, and what is
//! said when a value is missing. The handler that keeps books insists that it
//! is shown again what it was shown before.

mod registry_rig;

use std::sync::Arc;

use registry_rig::{Rig, entry, rig};
use wippy_runtime::Result;
use wippy_runtime::env::{Environment, Storage, Variable};
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::{ChangeSet, Entry, EntryHandler, EntryId, FieldOrigin, Origin};
use wippy_runtime::yaml::{Typing, parse};

/// Nothing but defaults.
struct Empty;

impl Storage for Empty {
    fn get(&self, _: &str) -> Result<Option<String>> {
        Ok(None)
    }
    fn set(&self, _: &str, _: &str) -> Result<()> {
        Err(wippy_runtime::env::read_only())
    }
    fn list(&self) -> Result<std::collections::BTreeMap<String, String>> {
        Ok(Default::default())
    }
}

/// Owns `env.variable`, whose data is the value.
struct Variables(Arc<Environment>);

impl Variables {
    fn put(&self, entry: &Entry) {
        self.0.put_variable(Variable {
            id: entry.id.clone(),
            name: entry.id.name().to_uppercase(),
            storage: EntryId::parse("app:empty"),
            default: entry.data.as_str().unwrap_or_default().to_owned(),
            readonly: true,
        });
    }
}

impl EntryHandler for Variables {
    fn name(&self) -> &str {
        "variables"
    }
    fn kinds(&self) -> &[&str] {
        &["env.variable"]
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        self.put(entry);
        Ok(())
    }
    fn update(&self, _: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        self.put(new);
        Ok(())
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.0.remove_variable(&entry.id);
        Ok(())
    }
}

fn world() -> (Rig, Arc<Environment>) {
    let rig = rig();
    let environment = Arc::new(Environment::default());
    environment.put_storage(&EntryId::parse("app:empty"), Arc::new(Empty));
    rig.registry.set_environment(environment.clone());
    rig.registry.add_handler(Arc::new(Variables(environment.clone())));
    (rig, environment)
}

fn value(text: &str) -> Value {
    parse(text).unwrap().root.unwrap().into_value(Typing::Exact).unwrap()
}

fn unit(id: &str, data: &str) -> Entry {
    entry(id, "test.unit", value(data))
}

fn variable(id: &str, value: &str) -> Entry {
    entry(id, "env.variable", value.into())
}

impl Rig {
    /// What the handler holds of an entry.
    fn held(&self, id: &str) -> Value {
        self.books.held.lock()[id].clone()
    }
}

#[test]
fn handlers_see_values_and_the_registry_keeps_the_text() {
    let (rig, _) = world();
    let text = "port: ${env:PORT|80}\naddr: \"${HOST|none}:${env:PORT}\"\nlist: [\"${env:app:host}\", {deep: \"${env:host}\"}]\n\
                debug: ${env:DEBUG|false}\nsource: \"print('${env:NOWHERE}')\"\nlua: \"$${env:PORT}\"\nplain: a";
    let unit = unit("app:a", text);
    let written = unit.data.clone();
    let changes = ChangeSet::new().create(unit).create(variable("app:port", "8080")).create(variable("app:host", "h"));
    rig.registry.apply(changes).unwrap();
    let shown = "port: 8080\naddr: \"h:8080\"\nlist: [h, {deep: h}]\n\
                 debug: false\nsource: \"print('${env:NOWHERE}')\"\nlua: \"${env:PORT}\"\nplain: a";
    assert_eq!(rig.held("app:a"), value(shown));
    assert_eq!(rig.registry.get(&EntryId::parse("app:a")).unwrap().data, written);
}

#[test]
fn a_handler_is_shown_again_what_it_was_shown() {
    let (rig, _) = world();
    let user = |v: i64| unit("app:user", &format!("port: ${{env:PORT}}\nv: {v}"));
    let shown = |port: &str, v: i64| value(&format!("port: \"{port}\"\nv: {v}"));
    rig.registry.apply(ChangeSet::new().create(user(1)).create(variable("app:port", "1"))).unwrap();
    rig.registry.apply(ChangeSet::new().update(variable("app:port", "2"))).unwrap();
    assert_eq!(rig.held("app:user"), shown("1", 1), "a new value reaches an entry with its next change");
    rig.registry.apply(ChangeSet::new().update(user(2))).unwrap();
    assert_eq!(rig.held("app:user"), shown("2", 2));

    // A change that fails brings back the old form, although the variable is taken back later.
    rig.books.refuse("create app:z", wippy_runtime::Error::invalid("no"));
    let changes = ChangeSet::new().update(variable("app:port", "3")).update(user(3)).create(unit("app:z", "v: 1"));
    rig.registry.apply(changes).unwrap_err();
    assert_eq!(rig.held("app:user"), shown("2", 2));
    let changes = ChangeSet::new()
        .update(variable("app:port", "4"))
        .delete(EntryId::parse("app:user"))
        .create(unit("app:z", "v: 1"));
    rig.registry.apply(changes).unwrap_err();
    assert_eq!(rig.held("app:user"), shown("2", 2));

    rig.registry.apply(ChangeSet::new().delete(EntryId::parse("app:port"))).unwrap();
    rig.registry.apply(ChangeSet::new().delete(EntryId::parse("app:user"))).unwrap();
    assert!(rig.books.held.lock().is_empty());
}

#[test]
fn a_missing_value_is_named_with_its_place() {
    let (rig, _) = world();
    let place = |path: &str, line, column| FieldOrigin { path: path.into(), line, column, file: None };
    let origin = |fields: &[FieldOrigin]| Some(Origin { fields: fields.into(), ..Origin::new("src/_index.yaml", 3) });
    let one = Entry { origin: origin(&[place("db.url", 7, 10)]), ..unit("app:one", "db: {url: \"x/${env:URL}\"}") };
    let two = Entry { origin: origin(&[]), ..unit("app:two", "list: [a, \"${env:KEY}\"]") };
    let fine = unit("app:fine", "a: ${env:URL|there}");
    let error = rig.registry.load_state(vec![one, two, fine], None).unwrap_err().to_string();
    let places = [
        "src/_index.yaml:7:10: entry app:one: field db.url: environment variable not found: URL",
        "src/_index.yaml:3: entry app:two: field list.1: environment variable not found: KEY",
    ];
    for place in places {
        assert!(error.contains(place), "{error}");
    }
    assert!(rig.books.held.lock().is_empty());
}

#[test]
fn fields_that_name_variables_wait_for_them_and_fall_back() {
    let (rig, environment) = world();
    let user = unit("aaa:user", "password_env: PW\nother_env: NONE\nempty_env: \"\"\nwrong_env: 5");
    let read = Arc::new(parking_lot::Mutex::new(Vec::new()));
    rig.registry.add_observer(Arc::new(Reader(environment, read.clone())));
    rig.registry.apply(ChangeSet::new().create(user).create(variable("zzz:pw", "secret"))).unwrap();
    let wrong = "entry aaa:user: field wrong_env: expected string, got integer";
    assert_eq!(*read.lock(), ["Some(\"secret\")", "None", "None", "None", wrong]);
}

/// Reads `*_env` fields as a handler does.
struct Reader(Arc<Environment>, Arc<parking_lot::Mutex<Vec<String>>>);

impl wippy_runtime::registry::Observer for Reader {
    fn kinds(&self) -> &[&str] {
        &["test.unit"]
    }
    fn changed(&self, op: &wippy_runtime::registry::Operation) {
        let fields = wippy_runtime::registry::decode::Fields::new(&op.entry).unwrap();
        for key in ["password", "other", "empty", "absent", "wrong"] {
            let found = self.0.field(&fields, key);
            self.1.lock().push(found.map_or_else(|e| e.to_string(), |v| format!("{v:?}")));
        }
    }
}

#[test]
fn entries_without_placeholders_are_shared_as_they_are() {
    let (rig, _) = world();
    let map = Map::from([("a".to_owned(), Value::from("$ {env:X}"))]);
    rig.registry.apply(ChangeSet::new().create(entry("app:a", "test.unit", map.clone().into()))).unwrap();
    assert_eq!(rig.held("app:a"), Value::Map(map));
}
