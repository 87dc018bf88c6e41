//! Random changes of a graph of Lua entries, checked against a model: a change
//! that leaves every import in place and free of cycles must succeed, any other
//! must fail and change nothing. What every entry answers tells which versions
//! of which entries it was made of.

mod project;

use std::collections::{BTreeMap, BTreeSet};

use project::{Project, shown};
use wippy_runtime::entropy::{Entropy, SeededEntropy};
use wippy_runtime::payload::Map;
use wippy_runtime::registry::{ChangeSet, Entry, EntryId};

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
const KINDS: [&str; 3] = ["library.lua", "function.lua", "process.lua"];

#[derive(Clone, Debug, PartialEq)]
struct Unit {
    kind: &'static str,
    version: u64,
    imports: BTreeSet<&'static str>,
    /// Does not compile.
    broken: bool,
}

type Model = BTreeMap<&'static str, Unit>;

impl Unit {
    fn entry(&self, name: &str) -> Entry {
        let parts: Vec<String> = self.imports.iter().map(|i| format!("{i}()")).collect();
        let value = format!("'{name}{}(' .. table.concat({{{}}}, ' ') .. ')'", self.version, parts.join(", "));
        let source =
            format!("{}local value = {value}\nreturn function() return value end", if self.broken { "=" } else { "" });
        let imports: Map = self.imports.iter().map(|i| ((*i).to_owned(), format!("app:{i}").into())).collect();
        let data = Map::from([
            ("source".to_owned(), source.into()),
            ("method".to_owned(), "run".into()),
            ("imports".to_owned(), imports.into()),
        ]);
        Entry {
            id: EntryId::new("app", name),
            kind: self.kind.into(),
            meta: Map::new(),
            data: data.into(),
            origin: None,
        }
    }
}

/// What an entry answers; `None` if it cannot be made of what there is.
fn text(model: &Model, name: &str, above: &mut Vec<String>) -> Option<String> {
    let unit = model.get(name)?;
    if unit.broken || above.iter().any(|a| a == name) {
        return None;
    }
    above.push(name.to_owned());
    let parts: Option<Vec<String>> = unit.imports.iter().map(|i| text(model, i, above)).collect();
    above.pop();
    Some(format!("{name}{}({})", unit.version, parts?.join(" ")))
}

fn random_unit(entropy: &SeededEntropy, version: u64) -> Unit {
    let imports = NAMES.iter().copied().filter(|_| entropy.below(9) == 0).collect();
    Unit { kind: KINDS[entropy.below(3) as usize], version, imports, broken: entropy.below(60) == 0 }
}

/// A change and the model after it.
fn random_change(entropy: &SeededEntropy, model: &Model, version: u64) -> (ChangeSet, Model) {
    let mut after = model.clone();
    let mut changes = ChangeSet::new();
    for name in NAMES.iter().copied().filter(|_| entropy.below(3) == 0) {
        let id = EntryId::new("app", name);
        let old = model.get(name);
        if old.is_some() && entropy.below(6) == 0 {
            changes = changes.delete(id);
            after.remove(name);
            continue;
        }
        let new = random_unit(entropy, version);
        changes = match old {
            Some(old) if old.kind == new.kind => changes.update(new.entry(name)),
            Some(_) => changes.delete(id).create(new.entry(name)),
            None => changes.create(new.entry(name)),
        };
        after.insert(name, new);
    }
    (changes, after)
}

fn check(project: &Project, model: &Model) {
    for name in NAMES {
        let (id, kind) = (format!("app:{name}"), model.get(name).map(|u| u.kind));
        let called = project.call(&id, &[]).map(|o| project.finish(&o).map(shown).unwrap_or_default());
        let started = project.spawn(&id).map(|(_, o)| project.finish(&o).map(shown).unwrap_or_default());
        let expected = text(model, name, &mut Vec::new());
        assert_eq!(called.ok(), expected.clone().filter(|_| kind == Some("function.lua")), "call {id}");
        assert_eq!(started.ok(), expected.filter(|_| kind == Some("process.lua")), "start {id}");
    }
}

#[test]
fn random_changes_are_in_force_as_a_whole_or_not_at_all() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..20 {
        let entropy = SeededEntropy::new(seed);
        let project = Project::new();
        let mut model = Model::new();
        for version in 1..=60 {
            let (changes, after) = random_change(&entropy, &model, version);
            let valid = after.keys().all(|name| text(&after, name, &mut Vec::new()).is_some());
            let applied = project.app.registry.apply(changes);
            assert_eq!(applied.is_ok(), valid, "seed {seed}, change {version}: {applied:?}");
            if valid {
                model = after;
                accepted += 1;
            } else {
                refused += 1;
            }
            check(&project, &model);
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted} accepted, {refused} refused");
}
