//! Contract entries through the registry: what is refused, and that what is
//! refused leaves everything as it was.

use std::path::Path;
use std::sync::Arc;

use wippy_runtime::Result;
use wippy_runtime::boot::load_directory;
use wippy_runtime::contracts::Contracts;
use wippy_runtime::events::Bus;
use wippy_runtime::registry::{Config, Entry, EntryHandler, EntryId, MemoryHistory, Registry};

struct Rig {
    registry: Registry,
    contracts: Arc<Contracts>,
    dir: tempfile::TempDir,
}

/// Refuses every entry `app:refused` at the end of the change.
struct Refusing;

impl EntryHandler for Refusing {
    fn name(&self) -> &str {
        "refusing"
    }
    fn kinds(&self) -> &[&str] {
        &["test.refused"]
    }
    fn needs_data(&self) -> bool {
        false
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        Err(entry.error("refused"))
    }
    fn update(&self, _: &Arc<Entry>, _: &Arc<Entry>) -> Result<()> {
        Ok(())
    }
    fn delete(&self, _: &Arc<Entry>) -> Result<()> {
        Ok(())
    }
}

impl Rig {
    fn new() -> Rig {
        let registry = Registry::new(Config::default(), Arc::new(MemoryHistory::new()), Bus::new());
        let contracts = Arc::new(Contracts::default());
        registry.add_handler(contracts.clone());
        registry.add_handler(Arc::new(Refusing));
        Rig { registry, contracts, dir: tempfile::tempdir().unwrap() }
    }
    /// Makes the entries of `yaml` (the items of `entries`) the whole content of the registry.
    fn load(&self, yaml: &str) -> Result<()> {
        let text = format!("version: \"1.0\"\nnamespace: app\nentries:\n{yaml}");
        std::fs::write(Path::new(self.dir.path()).join("_index.yaml"), text).unwrap();
        let report = load_directory(self.dir.path(), &|_| None);
        assert!(!report.has_errors(), "{:?}", report.problems);
        self.registry.load_state(report.entries, None).map(drop)
    }
    /// Everything a reader can see.
    fn shown(&self) -> String {
        let id = |name: &str| EntryId::new("app", name);
        let mut out = Vec::new();
        for name in ["math", "text"] {
            if let Ok(definition) = self.contracts.definition(&id(name)) {
                let methods: Vec<&str> = definition.methods.iter().map(|m| m.name.as_str()).collect();
                let bound: Vec<String> =
                    self.contracts.implementations(&id(name)).iter().map(|i| i.to_string()).collect();
                let default = self.contracts.default_binding(&id(name)).map_or("-".into(), |d| d.to_string());
                out.push(format!("{name}({}) by {} default {default}", methods.join(" "), bound.join(" ")));
            }
        }
        out.join("; ")
    }
}

const MATH: &str = "
  - {name: math, kind: contract.definition, methods: [{name: add}, {name: sub, description: less}]}
";
const IMPL: &str = "
  - name: impl
    kind: contract.binding
    contracts: [{contract: math, default: true, methods: {add: f, sub: 'app:g'}}]
";

#[test]
fn what_is_refused() {
    let cases: &[(&str, &str)] = &[
        ("  - {name: math, kind: contract.definition, methods: [{name: ''}]}", "method name cannot be empty"),
        ("  - {name: math, kind: contract.definition, methods: [{description: x}]}", "method name cannot be empty"),
        ("  - {name: math, kind: contract.definition, methods: [{name: a}, {name: a}]}", "duplicate method name"),
        (
            "  - {name: math, kind: contract.definition, methods: [{name: a, input_schemas: [{definition: {type: object}}]}]}",
            "input schema has a definition but no format specified",
        ),
        (
            "  - {name: math, kind: contract.definition, methods: [{name: a, output_schemas: [{definition: text}]}]}",
            "output schema has a definition but no format specified",
        ),
        ("  - {name: math, kind: contract.definition, methods: 3}", "expected list, got number"),
        ("  - {name: impl, kind: contract.binding}", "binding must bind at least one contract"),
        ("  - {name: impl, kind: contract.binding, contracts: []}", "binding must bind at least one contract"),
        ("  - {name: impl, kind: contract.binding, contracts: [{methods: {}}]}", "contracts.0.contract is required"),
        (
            "  - {name: impl, kind: contract.binding, contracts: [{contract: nowhere, methods: {}}]}",
            "field contracts.0.contract: binding references undefined contract: app:nowhere",
        ),
        (
            "  - {name: math, kind: contract.definition, methods: [{name: a}, {name: b}]}
  - {name: impl, kind: contract.binding, contracts: [{contract: math, methods: {a: f}}]}",
            "contract method is not bound: b",
        ),
        (
            "  - {name: math, kind: contract.definition, methods: [{name: a}]}
  - {name: impl, kind: contract.binding, contracts: [{contract: math, methods: {a: ''}}]}",
            "contract method is not bound: a",
        ),
        (
            "  - {name: math, kind: contract.definition, methods: [{name: a}]}
  - {name: impl, kind: contract.binding, contracts: [{contract: math, methods: {a: f, c: f}}]}",
            "bound method is not defined in contract definition: c",
        ),
        (
            "  - {name: math, kind: contract.definition, methods: []}
  - {name: one, kind: contract.binding, contracts: [{contract: math, default: true}]}
  - {name: two, kind: contract.binding, contracts: [{contract: math, default: true}]}",
            "entry app:two: contract already has default binding: app:one",
        ),
    ];
    for (yaml, want) in cases {
        let rig = Rig::new();
        let error = rig.load(yaml).expect_err(want).to_string();
        assert!(error.contains(want), "{yaml}\n  gives:  {error}\n  wanted: {want}");
        assert_eq!(rig.shown(), "", "{yaml}");
    }
}

#[test]
fn a_definition_may_be_empty() {
    let rig = Rig::new();
    rig.load("  - {name: math, kind: contract.definition}\n  - {name: text, kind: contract.definition, methods: []}")
        .unwrap();
    assert_eq!(rig.shown(), "math() by  default -; text() by  default -");
}

#[test]
fn ids_are_relative_and_schemas_are_carried() {
    let rig = Rig::new();
    let schema = "[{format: application/schema+json, definition: {type: number}}, {format: text}]";
    let math = format!(
        "  - {{name: math, kind: contract.definition, methods: [{{name: add, input_schemas: {schema}}}, {{name: sub}}]}}\n"
    );
    rig.load(&format!("{math}{IMPL}")).unwrap();
    let math = EntryId::parse("app:math");
    let definition = rig.contracts.definition(&math).unwrap();
    let schemas = &definition.method("add").unwrap().input_schemas;
    assert_eq!(schemas.len(), 2);
    assert_eq!(schemas[0].format, "application/schema+json");
    assert_eq!(schemas[0].definition.at("type").and_then(|t| t.as_str()), Some("number"));
    let binding = rig.contracts.binding(&EntryId::parse("app:impl")).unwrap();
    let bound: Vec<String> = binding.contracts[0].methods.iter().map(|(m, f)| format!("{m}={f}")).collect();
    assert_eq!(bound, ["add=app:f", "sub=app:g"]);
    assert!(binding.implements(&math) && binding.has_method("sub") && !binding.has_method("mul"));
    assert_eq!(rig.shown(), "math(add sub) by app:impl default app:impl");
}

#[test]
fn a_refused_change_leaves_everything_as_it_was() {
    let changes: &[(&str, &str)] = &[
        (
            "  - {name: math, kind: contract.definition, methods: [{name: add}]}",
            "definition update would invalidate binding",
        ),
        (
            "  - {name: math, kind: contract.definition, methods: [{name: add}, {name: sub}, {name: mul}]}",
            "definition update would invalidate binding: app:impl",
        ),
        ("", "contract definition is in use by binding: app:impl"),
    ];
    for (definition, want) in changes {
        let rig = Rig::new();
        rig.load(&format!("{MATH}{IMPL}")).unwrap();
        let before = rig.shown();
        let error = rig.load(&format!("{definition}\n{IMPL}")).expect_err(want).to_string();
        assert!(error.contains(want), "{error}");
        assert_eq!(rig.shown(), before);
    }
    let rig = Rig::new();
    rig.load(&format!("{MATH}{IMPL}")).unwrap();
    let before = rig.shown();
    let more = "  - {name: text, kind: contract.definition, methods: [{name: len}]}
  - {name: second, kind: contract.binding, contracts: [{contract: text, default: true, methods: {len: f}}]}
  - {name: refused, kind: test.refused}";
    // An entry of another kind is refused: additions, a changed definition and removals are taken back.
    for contracts in [format!("{MATH}{IMPL}{more}"), more.to_owned()] {
        assert!(rig.load(&contracts).is_err());
        assert_eq!(rig.shown(), before);
    }
    rig.load(more.rsplit_once("\n  - {name: refused").unwrap().0).unwrap();
    assert_eq!(rig.shown(), "text(len) by app:second default app:second");
}

#[test]
fn entries_change_together() {
    let rig = Rig::new();
    rig.load(&format!("{MATH}{IMPL}")).unwrap();
    // A method more, in the definition and in the binding.
    let grown = "
  - {name: math, kind: contract.definition, methods: [{name: add}, {name: sub}, {name: mul}]}
  - name: impl
    kind: contract.binding
    contracts: [{contract: math, default: true, methods: {add: f, sub: g, mul: h}}]
";
    rig.load(grown).unwrap();
    assert_eq!(rig.shown(), "math(add sub mul) by app:impl default app:impl");
    // The default moves to a binding that sorts first, then the contract goes with all its bindings.
    let moved = "
  - {name: math, kind: contract.definition, methods: []}
  - {name: a, kind: contract.binding, contracts: [{contract: math, default: true}]}
  - {name: impl, kind: contract.binding, contracts: [{contract: math}]}
";
    rig.load(moved).unwrap();
    assert_eq!(rig.shown(), "math() by app:a app:impl default app:a");
    rig.load("  - {name: text, kind: contract.definition}").unwrap();
    assert_eq!(rig.shown(), "text() by  default -");
}
