//! Apply, rollback, versions and branches, through the public API with a
//! handler that checks the registry's story against its own books.

mod registry_rig;

use std::sync::Arc;

use registry_rig::*;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::*;
use wippy_runtime::{Error, Kind, Result};

fn id(text: &str) -> EntryId {
    EntryId::parse(text)
}

#[test]
fn an_apply_makes_a_version_and_runs_in_dependency_order() {
    let rig = rig();
    let changes = ChangeSet::new()
        .create(unit("a:one", 1, &["b:two"]))
        .create(unit("b:two", 2, &["c:three"]))
        .create(unit("c:three", 3, &[]))
        .create(unit("a:zero", 0, &[]));
    let version = rig.registry.apply(changes).unwrap();
    assert_eq!((version.to_string(), version.parent), ("v1".into(), Some(0)));
    let log = rig.books.take_log();
    assert_eq!(log, ["begin", "create a:zero", "create c:three", "create b:two", "create a:one", "commit"]);
    assert_eq!(rig.content(), "a:one=1 a:zero=0 b:two=2 c:three=3");

    let changes = ChangeSet::new().delete(id("c:three")).delete(id("b:two")).delete(id("a:one"));
    rig.registry.apply(changes).unwrap();
    assert_eq!(rig.books.take_log(), ["begin", "delete a:one", "delete b:two", "delete c:three", "commit"]);
    assert_eq!(rig.content(), "a:zero=0");
    assert_eq!(rig.versions(), [0, 1, 2]);
}

#[test]
fn the_errors_of_operations() {
    let internal = |what: &str| format!("failed to apply changes: {what}");
    let cases = [
        (
            ChangeSet::new().create(unit("a:x", 2, &[])),
            Kind::CONFLICT,
            internal("invalid operation: entry already exists: {ns: a, name: x}"),
        ),
        (
            ChangeSet::new().update(entry("a:x", "test.other", Value::Int(1))),
            Kind::INVALID,
            internal("invalid operation: cannot change entry kind from test.unit to test.other for {ns: a, name: x}"),
        ),
        (
            ChangeSet::new().update(unit("a:y", 2, &[])),
            Kind::NOT_FOUND,
            internal(
                "unresolved dependencies after retry: a:y: invalid operation: entry does not exist: {ns: a, name: y}",
            ),
        ),
        (
            ChangeSet::new().delete(id("a:y")),
            Kind::NOT_FOUND,
            internal(
                "unresolved dependencies after retry: a:y: invalid operation: cannot delete non-existent entry: \
                 {ns: a, name: y}",
            ),
        ),
        (
            ChangeSet::new().create(entry("a:y", "test.unit", Value::Nil)),
            Kind::INVALID,
            internal("operation failed for entry a:y: entry a:y: configuration data is required"),
        ),
        (
            ChangeSet::new().create(entry("a:y", "test.unti.x", Value::Int(1))),
            Kind::INVALID,
            internal("entry a:y: unknown kind `test.unti.x`, did you mean `test.unit`?"),
        ),
        (
            ChangeSet::new().create(unit("a:y", 1, &["z:gone"])),
            Kind::NOT_FOUND,
            internal(
                "unresolved dependencies after retry: a:y: operation failed for entry a:y: \
                 node with ID z:gone not found",
            ),
        ),
    ];
    for (changes, kind, text) in cases {
        let rig = rig();
        rig.registry.apply(ChangeSet::new().create(unit("a:x", 1, &[]))).unwrap();
        let error = rig.registry.apply(changes).unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(*error.kind(), Kind::INTERNAL);
        assert!(error.chain().any(|e| *e.kind() == kind), "{error} holds {kind:?}");
        assert_eq!(rig.content(), "a:x=1");
        assert_eq!(rig.registry.current_version().id, 1);
    }
}

#[test]
fn an_unknown_kind_names_its_place_and_the_nearest_kind_and_nothing_happens() {
    let rig = rig();
    let mut bad = entry("shop:limits", "registry.entyr", Value::Nil);
    bad.origin = Some(Origin::new("src/_index.yaml", 7));
    let other = entry("shop:other", "zzz", Value::Nil);
    let absent = entry("shop:pay", "queue.driver.sqs", Value::Nil);
    let changes = ChangeSet::new().create(unit("a:x", 1, &[])).create(bad).create(other).create(absent);
    let error = rig.registry.apply(changes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to apply changes: 3 problems:\n  src/_index.yaml:7: entry shop:limits: unknown kind \
         `registry.entyr`, did you mean `registry.entry`?\n  entry shop:other: unknown kind `zzz`\n  \
         entry shop:pay: kind `queue.driver.sqs` is not supported by this build"
    );
    assert!(rig.books.take_log().is_empty());
}

#[test]
fn a_refusal_midway_takes_everything_back() {
    let rig = rig();
    rig.registry.apply(ChangeSet::new().create(unit("a:old", 1, &[])).create(unit("a:gone", 1, &[]))).unwrap();
    rig.books.take_log();
    let change = || {
        ChangeSet::new().delete(id("a:gone")).update(unit("a:old", 2, &[])).create(unit("b:new", 1, &[])).create(unit(
            "c:bad",
            1,
            &["b:new"],
        ))
    };
    rig.books.refuse("create c:bad", Error::invalid("no room"));
    let error = rig.registry.apply(change()).unwrap_err();
    assert_eq!(error.to_string(), "failed to apply changes: operation failed for entry c:bad: no room");
    let log = rig.books.take_log().join(", ");
    assert_eq!(
        log,
        "begin, delete a:gone, update a:old, create b:new, create c:bad, discard, \
         begin, delete b:new, update a:old, create a:gone, commit"
    );
    assert_eq!(rig.content(), "a:gone=1 a:old=1");
    assert_eq!(rig.versions(), [0, 1]);

    for step in ["begin", "commit"] {
        rig.books.calm();
        rig.books.refuse(step, Error::invalid("not now"));
        let error = rig.registry.apply(change()).unwrap_err();
        let text = format!("failed to apply changes: transaction rejected for registry.{step}: not now");
        assert!(error.to_string().starts_with(&text), "{error}");
        // Taking back needs `begin` and `commit` too, which are refused here as well.
        assert_eq!(error.to_string().contains("rollback failed"), step == "commit", "{error}");
        assert_eq!(rig.content(), "a:gone=1 a:old=1");
    }
    rig.books.calm();
    rig.registry.apply(change()).unwrap();
    assert_eq!(rig.content(), "a:old=2 b:new=1 c:bad=1");
}

#[test]
fn a_panicking_handler_is_a_refusal() {
    let rig = rig();
    *rig.books.panic_at.lock() = Some("create b:y".into());
    let error =
        rig.registry.apply(ChangeSet::new().create(unit("a:x", 1, &[])).create(unit("b:y", 1, &[]))).unwrap_err();
    let text = "failed to apply changes: operation failed for entry b:y: the handler books failed unexpectedly";
    assert_eq!(error.to_string(), text);
    rig.books.calm();
    assert_eq!(rig.content(), "");
    rig.registry.apply(ChangeSet::new().create(unit("b:y", 1, &[]))).unwrap();
}

#[test]
fn what_is_missing_is_tried_again_later() {
    let rig = rig();
    // A reference the ordering cannot see, because it points backwards by name.
    let mut late = unit("a:late", 1, &[]);
    late.data = Map::from([("imports".to_owned(), Value::from(Map::new())), ("v".to_owned(), Value::Int(1))]).into();
    struct Picky(std::sync::atomic::AtomicUsize);
    impl EntryHandler for Picky {
        fn name(&self) -> &str {
            "picky"
        }
        fn kinds(&self) -> &[&str] {
            &["picky"]
        }
        fn create(&self, entry: &Arc<Entry>) -> Result<()> {
            let n = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            // Entries come as a, b, c; each needs the one after it, deeply wrapped.
            let needs = match entry.id.name() {
                "a" => 4,
                "b" => 3,
                _ => 0,
            };
            if n < needs { Err(Error::internal("outer").because(Error::not_found("inner"))) } else { Ok(()) }
        }
        fn update(&self, _: &Arc<Entry>, _: &Arc<Entry>) -> Result<()> {
            Ok(())
        }
        fn delete(&self, _: &Arc<Entry>) -> Result<()> {
            Ok(())
        }
    }
    rig.registry.add_handler(Arc::new(Picky(0.into())));
    let item = |name: &str| entry(&format!("p:{name}"), "picky", Value::Int(0));
    rig.registry.apply(ChangeSet::new().create(item("a")).create(item("b")).create(item("c")).create(late)).unwrap();
    assert_eq!(rig.registry.snapshot().state.len(), 4);
}

#[test]
fn versions_form_a_tree_and_can_be_visited_in_any_order() {
    let rig = rig();
    let apply = |c: ChangeSet| rig.registry.apply(c).unwrap().id;
    let mut contents = vec![String::new()];
    let steps: Vec<Box<dyn Fn() -> u64>> = vec![
        Box::new(|| apply(ChangeSet::new().create(unit("a:x", 1, &[])).create(unit("a:y", 1, &["a:x"])))),
        Box::new(|| apply(ChangeSet::new().update(unit("a:x", 2, &[])).create(unit("a:z", 1, &["a:y"])))),
        Box::new(|| apply(ChangeSet::new().delete(id("a:y")).delete(id("a:z")))),
        Box::new(|| {
            rig.registry.apply_version(1).unwrap();
            apply(ChangeSet::new().update(unit("a:y", 7, &[])))
        }),
        Box::new(|| apply(ChangeSet::new().delete(id("a:x")).create(entry("a:x", "test.other", Value::Int(1))))),
        Box::new(|| {
            rig.registry.apply_version(0).unwrap();
            apply(ChangeSet::new().create(unit("b:only", 1, &[])))
        }),
    ];
    for (n, step) in steps.iter().enumerate() {
        assert_eq!(step(), n as u64 + 1);
        contents.push(rig.content());
    }
    let parents: Vec<_> = rig.registry.versions().unwrap().iter().map(|v| v.parent).collect();
    assert_eq!(parents, [None, Some(0), Some(1), Some(2), Some(1), Some(4), Some(0)]);
    for from in 0..contents.len() {
        for (to, content) in contents.iter().enumerate() {
            rig.registry.apply_version(from as u64).unwrap();
            assert_eq!(rig.registry.apply_version(to as u64).unwrap().id, to as u64);
            assert_eq!(rig.content(), *content, "{from} -> {to}");
            assert_eq!(rig.registry.head().unwrap().id, to as u64);
        }
    }
    assert_eq!(rig.versions(), (0..7).collect::<Vec<_>>(), "switching records nothing");
    let v1 = rig.registry.version(1).unwrap();
    assert_eq!(rig.registry.next(v1).unwrap().map(|v| v.id), Some(4), "the child made last");
    assert_eq!(rig.registry.previous(v1).unwrap(), Some(Version::ROOT));
    let error = rig.registry.apply_version(99).unwrap_err();
    assert_eq!((error.kind(), error.message()), (&Kind::NOT_FOUND, "version not found in history"));
}

#[test]
fn boot_overlays_files_with_the_recorded_changes() {
    let history: Arc<dyn History> = Arc::new(MemoryHistory::new());
    let files = || vec![unit("f:a", 1, &["f:b"]), unit("f:b", 1, &[]), unit("f:c", 1, &[])];
    let first = rig_with(history.clone());
    assert_eq!(first.registry.load_state(files(), None).unwrap(), Version::ROOT);
    assert_eq!(first.versions(), [0]);
    assert_eq!(first.registry.head().unwrap_err().message(), "no head version set");
    let change = ChangeSet::new().update(unit("f:b", 2, &[])).delete(id("f:c")).create(unit("n:new", 1, &[]));
    first.registry.apply(change).unwrap();
    first.registry.apply(ChangeSet::new().create(unit("n:more", 1, &["n:new"]))).unwrap();
    let content = first.content();

    let second = rig_with(history.clone());
    assert_eq!(second.registry.load_state(files(), None).unwrap().id, 2);
    assert_eq!(second.content(), content);
    let third = rig_with(history);
    assert_eq!(third.registry.load_state(files(), Some(1)).unwrap().id, 1);
    assert_eq!(third.content(), "f:a=1 f:b=2 n:new=1");
    assert_eq!(third.registry.apply(ChangeSet::new().delete(id("f:a"))).unwrap(), Version { id: 3, parent: Some(1) });
    // Files may have changed meanwhile: the switch fits the changes to what is there.
    third.registry.apply_version(0).unwrap();
    assert_eq!(third.content(), "f:a=1 f:b=1 f:c=1");

    let error = third.registry.snapshot_at(1).unwrap_err();
    assert!(error.to_string().starts_with("build snapshot state: "), "{error}");
    assert_eq!(third.registry.snapshot_at(9).unwrap_err().message(), "version not found");
}

#[test]
fn boot_reports_all_problems_at_once_and_no_followers() {
    let rig = rig();
    let mut twice = vec![unit("a:x", 1, &[]), unit("a:x", 2, &[])];
    twice[0].origin = Some(Origin::new("src/a.yaml", 3));
    twice[1].origin = Some(Origin::new("src/b.yaml", 9));
    let error = rig.registry.load_state(twice, None).unwrap_err();
    assert_eq!(error.to_string(), "src/b.yaml:9: entry a:x: this id is taken already (first at src/a.yaml:3)");

    rig.books.refuse("create a:x", Error::invalid("bad x"));
    rig.books.refuse("create d:x", Error::invalid("bad d"));
    let files = vec![
        unit("a:x", 1, &[]),
        unit("b:needs", 1, &["a:x"]),
        unit("c:needs", 1, &["b:needs"]),
        unit("d:x", 1, &[]),
        unit("e:fine", 1, &[]),
        unit("f:gone", 1, &["z:none"]),
    ];
    let error = rig.registry.load_state(files, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to apply changes: 3 problems:\n  operation failed for entry a:x: bad x\n  operation failed for entry \
         d:x: bad d\n  unresolved dependencies after retry: f:gone: operation failed for entry f:gone: node with ID \
         z:none not found"
    );
    assert_eq!(rig.content(), "");
}

#[test]
fn without_history_versions_count_but_cannot_be_visited() {
    let rig = rig_with(Arc::new(NilHistory));
    rig.registry.load_state(vec![unit("f:a", 1, &[])], None).unwrap();
    rig.registry.apply(ChangeSet::new().create(unit("a:x", 1, &[]))).unwrap();
    assert_eq!(rig.registry.apply(ChangeSet::new().delete(id("a:x"))).unwrap().id, 2);
    let text = "version history not available: registry configured with history disabled (enable_history=false)";
    for error in [rig.registry.versions().unwrap_err(), rig.registry.apply_version(1).unwrap_err()] {
        assert_eq!((error.kind(), error.message()), (&Kind::UNAVAILABLE, text));
    }
    assert_eq!(rig.content(), "f:a=1");
}

#[test]
fn operations_that_are_not_recorded_make_no_version() {
    let rig = rig();
    let mut changes = ChangeSet::new().create(unit("m:a", 1, &[]));
    changes.0[0].scope = Scope::Module;
    assert_eq!(rig.registry.apply(changes).unwrap(), Version::ROOT);
    assert_eq!(rig.content(), "m:a=1");
    assert_eq!(rig.versions(), [0]);
    assert_eq!(rig.registry.snapshot().generation, 1);
}

/// Fails to save, or to move the head, when told to.
struct Broken(MemoryHistory, std::sync::atomic::AtomicBool);

impl Broken {
    fn check(&self) -> Result<()> {
        if self.1.load(std::sync::atomic::Ordering::Relaxed) { Err(Error::internal("disk full")) } else { Ok(()) }
    }
}

impl History for Broken {
    fn versions(&self) -> Result<Vec<Version>> {
        self.0.versions()
    }
    fn version(&self, id: u64) -> Result<Option<Version>> {
        self.0.version(id)
    }
    fn changes(&self, id: u64) -> Result<ChangeSet> {
        self.0.changes(id)
    }
    fn head(&self) -> Result<Option<u64>> {
        self.0.head()
    }
    fn set_head(&self, id: u64) -> Result<()> {
        self.check().and_then(|()| self.0.set_head(id))
    }
    fn save(&self, version: Version, changes: &ChangeSet) -> Result<()> {
        self.check().and_then(|()| self.0.save(version, changes))
    }
    fn highest(&self) -> Result<u64> {
        self.0.highest()
    }
}

#[test]
fn a_history_that_cannot_save_leaves_everything_as_it_was() {
    let broken = Arc::new(Broken(MemoryHistory::new(), false.into()));
    let rig = rig_with(broken.clone());
    rig.registry.apply(ChangeSet::new().create(unit("a:x", 1, &[]))).unwrap();
    broken.1.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = rig.registry.apply(ChangeSet::new().update(unit("a:x", 2, &[]))).unwrap_err();
    assert_eq!(error.to_string(), "failed to save new version: disk full");
    assert_eq!(rig.content(), "a:x=1");
    let error = rig.registry.apply_version(0).unwrap_err();
    assert_eq!(error.to_string(), "failed to set head: disk full");
    assert_eq!(rig.content(), "a:x=1");
    assert_eq!(rig.registry.current_version().id, 1);
}

#[test]
fn every_step_is_announced_on_the_bus() {
    let rig = rig();
    let mut news = rig.registry.bus().channel("registry", "", 100).unwrap();
    let internal = entry("a:note", "registry.entry", Value::Int(1));
    rig.registry.apply(ChangeSet::new().create(unit("a:x", 1, &[])).create(internal)).unwrap();
    rig.books.refuse("delete a:x", Error::invalid("in use"));
    rig.registry.apply(ChangeSet::new().delete(id("a:x"))).unwrap_err();
    let mut seen = Vec::new();
    while let Ok(event) = news.try_recv() {
        seen.push(format!("{} {}", event.kind, event.path));
        if event.kind == "entry.create" {
            assert_eq!(event.data.at("id"), Some(&"a:x".into()));
            assert_eq!(event.data.at("data.v"), Some(&Value::Int(1)));
        }
        if event.kind == "entry.reject" {
            assert_eq!(event.data, Error::invalid("in use").into());
        }
    }
    let want = [
        "registry.begin registry.tx/1/registry.begin",
        "registry.accept registry.tx/1/registry.begin/registry.tx.1",
        "entry.create a:x",
        "entry.accept a:x",
        "registry.commit registry.tx/1/registry.commit",
        "registry.accept registry.tx/1/registry.commit/registry.tx.1",
        "registry.begin registry.tx/2/registry.begin",
        "registry.accept registry.tx/2/registry.begin/registry.tx.1",
        "entry.delete a:x",
        "entry.reject a:x",
        "registry.discard registry.tx/2/registry.discard",
    ];
    assert_eq!(seen, want);
}

/// Reads the registry while handling, tries to change it, and watches.
struct Nosy(Registry, parking_lot::Mutex<Vec<String>>);

impl EntryHandler for Nosy {
    fn name(&self) -> &str {
        "nosy"
    }
    fn kinds(&self) -> &[&str] {
        &["nosy"]
    }
    fn create(&self, _: &Arc<Entry>) -> Result<()> {
        let seen = self.0.snapshot().state.len();
        let nested = self.0.apply(ChangeSet::new().delete(id("n:x"))).unwrap_err();
        self.1.lock().push(format!("{seen} {nested}"));
        Ok(())
    }
    fn update(&self, _: &Arc<Entry>, _: &Arc<Entry>) -> Result<()> {
        Ok(())
    }
    fn delete(&self, _: &Arc<Entry>) -> Result<()> {
        Ok(())
    }
    fn installed(&self, snapshot: &Snapshot, changes: &[Operation]) {
        let now = self.0.snapshot();
        assert_eq!(now.generation, snapshot.generation);
        self.1.lock().push(format!("installed {} {}", now.state.len(), changes.len()));
    }
}

impl Observer for Nosy {
    fn kinds(&self) -> &[&str] {
        &["test.**", "registry.entry"]
    }
    fn changed(&self, op: &Operation) {
        self.1.lock().push(format!("saw {} {}", op.kind, op.id()));
        assert!(op.id().name() != "panic", "an observer has no say");
    }
}

#[test]
fn handlers_read_the_old_state_and_cannot_nest_changes() {
    let rig = rig();
    let nosy = Arc::new(Nosy(rig.registry.clone(), Default::default()));
    rig.registry.add_handler(nosy.clone());
    rig.registry.add_observer(nosy.clone());
    let changes = ChangeSet::new()
        .create(entry("n:x", "nosy", Value::Int(1)))
        .create(unit("a:panic", 1, &[]))
        .create(entry("a:note", "registry.entry", Value::Nil));
    rig.registry.apply(changes).unwrap();
    let want = [
        "saw entry.create a:note",
        "saw entry.create a:panic",
        "0 the registry cannot be changed from inside an entry handler",
        "installed 3 3",
    ];
    assert_eq!(nosy.1.lock()[..4], want);
    assert_eq!(rig.content(), "a:panic=1");
}

#[test]
fn readers_are_not_held_up_and_writers_queue() {
    let rig = rig();
    std::thread::scope(|scope| {
        for t in 0..4 {
            let registry = &rig.registry;
            scope.spawn(move || {
                for n in 0..25 {
                    let changes = ChangeSet::new().create(unit(&format!("t{t}:a{n}"), n, &[])).create(unit(
                        &format!("t{t}:b{n}"),
                        n,
                        &[&format!("t{t}:a{n}")],
                    ));
                    registry.apply(changes).unwrap();
                    let seen = registry.snapshot();
                    let pairs = seen.state.iter().filter(|e| e.id.name().starts_with('a')).count();
                    assert_eq!(seen.state.len(), pairs * 2, "whole changes only");
                }
            });
        }
    });
    assert_eq!(rig.versions().len(), 101);
    assert_eq!(rig.registry.snapshot().state.len(), 200);
    rig.registry.apply_version(50).unwrap();
    rig.registry.apply_version(0).unwrap();
    assert_eq!(rig.content(), "");
}

struct Modules {
    fail: Option<&'static str>,
    log: Arc<parking_lot::Mutex<Vec<&'static str>>>,
}

impl Expander for Modules {
    fn expand(&self, mut changes: ChangeSet, _: &State) -> Result<Expansion> {
        if self.fail == Some("expand") {
            return Err(Error::unavailable("dependency resolution failed"));
        }
        let mut op = Operation::new(OpKind::Create, unit("mod:part", 5, &[]));
        op.scope = Scope::Module;
        changes.push(op);
        struct Fx(Option<&'static str>, Arc<parking_lot::Mutex<Vec<&'static str>>>);
        impl Fx {
            fn step(&self, name: &'static str) -> Result<()> {
                self.1.lock().push(name);
                if self.0 == Some(name) { Err(Error::internal("no")) } else { Ok(()) }
            }
        }
        impl Effects for Fx {
            fn prepare(&mut self) -> Result<()> {
                self.step("prepare")
            }
            fn commit(&mut self) -> Result<()> {
                self.step("commit")
            }
            fn rollback(&mut self) {
                self.1.lock().push("rollback");
            }
        }
        Ok(Expansion { changes, effects: Some(Box::new(Fx(self.fail, self.log.clone()))) })
    }
}

#[test]
fn expansion_joins_the_change_and_is_taken_back_with_it() {
    let cases: [(Option<&str>, &str, &[&str]); 4] = [
        (None, "", &["prepare", "commit"]),
        (Some("expand"), "failed to expand changeset: dependency resolution failed", &[]),
        (Some("prepare"), "failed to prepare effects: no", &["prepare", "rollback"]),
        (Some("commit"), "failed to commit effects: no", &["prepare", "commit", "rollback"]),
    ];
    for (fail, text, steps) in cases {
        let rig = rig();
        let log = Arc::default();
        rig.registry.set_expander(Arc::new(Modules { fail, log: Arc::clone(&log) }));
        let done = rig.registry.apply(ChangeSet::new().create(unit("a:x", 1, &[])));
        match done {
            Ok(version) => {
                assert_eq!(rig.content(), "a:x=1 mod:part=5");
                let recorded = rig.registry.history().changes(version.id).unwrap();
                assert_eq!(recorded.len(), 1, "module entries are not recorded");
            }
            Err(error) => {
                assert_eq!(error.to_string(), text);
                assert_eq!(rig.content(), "");
            }
        }
        assert_eq!(*log.lock(), steps);
    }
}

/// While it expands, somebody else changes the registry.
struct Overtaken(Registry);

impl Expander for Overtaken {
    fn expand(&self, changes: ChangeSet, _: &State) -> Result<Expansion> {
        let overtake = || self.0.load_state(vec![unit("z:z", 1, &[])], None).unwrap();
        std::thread::scope(|scope| scope.spawn(overtake).join().unwrap());
        assert!(self.0.apply(ChangeSet::new()).is_err(), "an expander cannot nest changes either");
        Ok(Expansion { changes, effects: None })
    }
}

#[test]
fn a_change_that_was_overtaken_is_a_conflict_worth_a_retry() {
    let rig = rig();
    rig.registry.set_expander(Arc::new(Overtaken(rig.registry.clone())));
    let error = rig.registry.apply(ChangeSet::new().create(unit("a:x", 1, &[]))).unwrap_err();
    assert_eq!((error.kind(), error.message()), (&Kind::CONFLICT, "registry changed during apply"));
    assert_eq!(error.is_retryable(), Some(true));
    assert_eq!(rig.content(), "z:z=1");
}
