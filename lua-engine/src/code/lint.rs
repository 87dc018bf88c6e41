//! Checks the sources of entries without running anything: for `wippy lint`.
//!
//! Entries need not be complete or consistent: what cannot be read imports nothing, what is imported and not there is
//! unknown. Imports are checked before their importers; entries of a cycle see each other as unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wippy_lua_types::{Diagnostic, Imports, Manifest, builtin, lint};
use wippy_runtime::payload::Value;
use wippy_runtime::registry::{Entry, EntryId};

use super::definition::{Target, imported};
use super::files::shown_file;
use super::types::checked;

/// What is wrong with an entry.
pub struct Finding<'e> {
    pub entry: &'e Entry,
    /// The file its source is in, or its id.
    pub file: &'e str,
    pub source: &'e str,
    pub diagnostic: Diagnostic,
}

/// Whether `wippy lint` counts entries of a kind.
pub fn is_linted(kind: &str) -> bool {
    ["function.lua", "library.lua", "process.lua", "workflow.lua"].iter().any(|k| kind.starts_with(k))
}

/// An entry with a source.
struct Module<'e> {
    entry: &'e Entry,
    source: &'e str,
    imports: Vec<(&'e str, Target)>,
}

/// Findings of all Lua sources among `entries`; with `rules` those of the lint rules too. In the order of ids, then of
/// severity and place.
pub fn lint_entries(entries: &[Entry], rules: bool) -> Vec<Finding<'_>> {
    let modules: BTreeMap<&EntryId, Module<'_>> = entries.iter().filter_map(module).map(|m| (&m.entry.id, m)).collect();
    let mut manifests: BTreeMap<&EntryId, Arc<Manifest>> = BTreeMap::new();
    let mut findings = Vec::new();
    for id in importers_last(&modules) {
        let module = &modules[id];
        let known = |target: &Target| match target {
            Target::Entry(id) => manifests.get(id).cloned(),
            Target::Module(name) => builtin::module(name),
        };
        let mut imports = Imports::default();
        for (alias, target) in &module.imports {
            imports.add(alias, known(target).unwrap_or_else(|| Arc::new(Manifest::unknown())));
        }
        let (manifest, diagnostics) = diagnose(module, &imports, rules);
        manifests.insert(id, Arc::new(manifest));
        let Module { entry, source, .. } = *module;
        let found = diagnostics.into_iter();
        findings.extend(found.map(|diagnostic| Finding { entry, file: shown_file(entry), source, diagnostic }));
    }
    findings.sort_by(|a, b| {
        let key = |f: &Finding<'_>| (f.diagnostic.severity, f.diagnostic.line, f.diagnostic.column, f.diagnostic.code);
        a.entry.id.cmp(&b.entry.id).then_with(|| key(a).cmp(&key(b)))
    });
    findings
}

fn diagnose(module: &Module<'_>, imports: &Imports, rules: bool) -> (Manifest, Vec<Diagnostic>) {
    let parsed = wippy_lua_syntax::parse(module.source);
    if !parsed.errors.is_empty() {
        return (Manifest::unknown(), parsed.errors.iter().map(Diagnostic::syntax).collect());
    }
    let (manifest, mut diagnostics) = match checked(&parsed.root, imports) {
        Some(checked) => (checked.manifest, checked.diagnostics),
        None => (Manifest::unknown(), vec![Diagnostic::internal()]),
    };
    if rules {
        diagnostics.extend(lint::lint(&parsed.root));
    }
    (manifest, diagnostics)
}

fn module(entry: &Entry) -> Option<Module<'_>> {
    if !is_linted(&entry.kind) || entry.kind.ends_with(".bc") {
        return None;
    }
    let source = entry.field("source").and_then(Value::as_str)?;
    let listed = entry.field("imports").and_then(Value::as_map);
    let imports = listed.into_iter().flatten().filter_map(|(alias, value)| {
        let id = imported(value)?;
        // A bare name is a module.
        let target = if id.ns().is_empty() { Target::Module(id.name().to_owned()) } else { Target::Entry(id) };
        Some((alias.as_str(), target))
    });
    Some(Module { entry, source, imports: imports.collect() })
}

/// The ids so that what is imported comes first, as far as there are no cycles.
fn importers_last<'e>(modules: &BTreeMap<&'e EntryId, Module<'e>>) -> Vec<&'e EntryId> {
    let mut order = Vec::with_capacity(modules.len());
    let mut seen: BTreeSet<&EntryId> = BTreeSet::new();
    for start in modules.values() {
        // Entries on the way, each with the number of its imports that were looked at.
        let mut way = vec![(start, 0)];
        seen.insert(&start.entry.id);
        while let Some((module, next)) = way.last_mut() {
            let Some((_, target)) = module.imports.get(*next) else {
                order.push(&module.entry.id);
                way.pop();
                continue;
            };
            *next += 1;
            if let Target::Entry(id) = target
                && let Some(import) = modules.get(id)
                && seen.insert(&import.entry.id)
            {
                way.push((import, 0));
            }
        }
    }
    let mut placed = BTreeSet::new();
    order.retain(|id| placed.insert(*id));
    order
}
