//! Checks the sources of entries without running anything: for `wippy lint`.
//!
//! Entries need not be complete or consistent: what cannot be read imports nothing, what is imported and not there is
//! unknown. Imports are checked before their importers; entries of a cycle see each other as unknown.

use std::collections::BTreeMap;
use std::sync::Arc;

use wippy_lua_types::{Diagnostic, builtin};
use wippy_runtime::registry::pipeline::CodeCache;
use wippy_runtime::registry::{Entry, EntryId};

use super::check::{self, Checks, Import, Subject, Text, source};
use super::definition::Target;
use super::files::{on_all_processors, shown_file};

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

/// Findings of all Lua sources among `entries`; with `rules` those of the lint rules too. In the order of ids, then of
/// severity and place. What was found before is taken from `cache`. Blocks.
pub fn lint_entries(entries: &[Arc<Entry>], rules: bool, cache: Option<Arc<CodeCache>>) -> Vec<Finding<'_>> {
    findings(entries, rules, &Checks::new(cache))
}

fn findings<'e>(entries: &'e [Arc<Entry>], rules: bool, checks: &Checks) -> Vec<Finding<'e>> {
    let linted: Vec<&Arc<Entry>> = entries.iter().filter(|e| is_linted(&e.kind) && source(e).is_some()).collect();
    let subjects = subjects(&linted);
    let found = on_all_processors(&subjects, |(entry, subject)| {
        let mut diagnostics = vec![];
        if rules {
            let text = Text::new(source(entry).unwrap_or_default());
            diagnostics = checks.rules(&text, &check::declared(entry));
            text.into_parse().into_iter().for_each(|parse| subject.keep(parse));
        }
        diagnostics.extend_from_slice(checks.diagnostics(subject));
        diagnostics.into_iter().map(|d| (*entry, d)).collect::<Vec<_>>()
    });
    checks.flush();
    let found = found.into_iter().flatten();
    let mut findings: Vec<Finding<'_>> = found.map(|(entry, diagnostic)| finding(entry, diagnostic)).collect();
    findings.sort_by(|a, b| {
        let key = |f: &Finding<'_>| (f.diagnostic.severity, f.diagnostic.line, f.diagnostic.column, f.diagnostic.code);
        a.entry.id.cmp(&b.entry.id).then_with(|| key(a).cmp(&key(b)))
    });
    findings
}

fn finding(entry: &Entry, diagnostic: Diagnostic) -> Finding<'_> {
    Finding { entry, file: shown_file(entry), source: source(entry).unwrap_or_default(), diagnostic }
}

/// What the checker is asked about, so that what an entry imports comes before it.
fn subjects<'e>(linted: &[&'e Arc<Entry>]) -> Vec<(&'e Arc<Entry>, Arc<Subject>)> {
    let at: BTreeMap<&EntryId, usize> = linted.iter().enumerate().map(|(n, entry)| (&entry.id, n)).collect();
    let place = |target: &Target| match target {
        Target::Entry(id) => at.get(id).copied(),
        Target::Module(_) => None,
    };
    let needs = |n: usize| check::imports(linted[n]).filter_map(|(_, target)| place(&target)).collect();
    let mut made: Vec<Option<Arc<Subject>>> = vec![None; linted.len()];
    let mut all = Vec::with_capacity(linted.len());
    for n in check::needs_first(linted.len(), needs) {
        let import = |target: Target| match target {
            Target::Module(name) => builtin::module(&name).map(|manifest| Import::Builtin(name, manifest)),
            target => place(&target).and_then(|n| made[n].clone()).map(Import::Source),
        };
        let imports = check::imports(linted[n]).map(|(alias, target)| (alias.to_owned(), import(target)));
        let imports = imports.map(|(alias, import)| (alias, import.unwrap_or(Import::Unknown))).collect();
        let subject = Subject::new(linted[n], imports);
        made[n] = Some(subject.clone());
        all.push((linted[n], subject));
    }
    all
}

#[cfg(test)]
mod tests {
    use wippy_runtime::payload::{Map, Value};
    use wippy_runtime::registry::pipeline::CacheMode;

    use super::*;

    fn entry(name: &str, source: &str, imports: &[&str]) -> Arc<Entry> {
        let import = |name: &&str| ((*name).to_owned(), Value::from(format!("app:{name}")));
        let imports = Value::Map(imports.iter().map(import).collect());
        let data = Map::from([("source".to_owned(), source.into()), ("imports".to_owned(), imports)]);
        let (id, kind) = (EntryId::new("app", name), "library.lua".into());
        Arc::new(Entry { id, kind, meta: Map::new(), data: Value::Map(data), origin: None })
    }

    fn shown(findings: &[Finding<'_>]) -> Vec<String> {
        let one = |f: &Finding<'_>| format!("{} {:?}", f.entry.id, f.diagnostic);
        findings.iter().map(one).collect()
    }

    const DOUBLE: &str = "local M = {} function M.double(n: number): number return n * 2 end return M";
    const TEXTS: &str = "local M = {} function M.double(s: string): string return s .. s end return M";
    const CALLS: &str = "local lib = require('lib') local unused = 1\nlocal n: number = lib.double(2)\nreturn {n = function(): number return n end}";
    const OTHER: &str = "return {n = function(): string return 'x' end}";
    const USES: &str = "local calls = require('calls') local s: string = calls.n() return s";

    /// What every step of a development shows, and how many sources had to be checked for it.
    const STEPS: [(&str, &str, &str, usize, u64); 7] = [
        ("everything is new", DOUBLE, CALLS, 2, 3),
        ("nothing has changed", DOUBLE, CALLS, 2, 0),
        // The manifest of the library, which is not kept, is needed for it.
        ("an importer has", DOUBLE, OTHER, 0, 3),
        ("it is as it was", DOUBLE, CALLS, 2, 0),
        ("a library has", TEXTS, CALLS, 4, 3),
        ("a library does not parse", "local M =", CALLS, 3, 2),
        ("that was before", "local M =", CALLS, 3, 0),
    ];

    #[test]
    fn the_cache_changes_the_work_and_not_the_findings() {
        let dir = tempfile::tempdir().expect("a directory");
        let cache = |mode| Arc::new(CodeCache::new(dir.path(), mode, 1 << 20));
        for (what, lib, calls, count, checked) in STEPS {
            let entries = [entry("lib", lib, &[]), entry("calls", calls, &["lib"]), entry("uses", USES, &["calls"])];
            let checks = Checks::new(Some(cache(CacheMode::ReadWrite)));
            let found = shown(&findings(&entries, true, &checks));
            assert_eq!((found.len(), checks.count()), (count, checked), "{what}: {found:#?}");
            for mode in [CacheMode::Off, CacheMode::ReadOnly] {
                assert_eq!(shown(&lint_entries(&entries, true, Some(cache(mode)))), found, "{what}: {mode:?}");
            }
        }
        // Whatever somebody has done to the files, they are left alone or understood.
        for shard in std::fs::read_dir(dir.path()).expect("a directory").flatten() {
            for file in std::fs::read_dir(shard.path()).expect("a directory").flatten() {
                std::fs::write(file.path(), "wippylc1 nonsense").expect("a writable file");
            }
        }
        let entries = [entry("lib", DOUBLE, &[]), entry("calls", CALLS, &["lib"]), entry("uses", USES, &["calls"])];
        let with = shown(&lint_entries(&entries, true, Some(cache(CacheMode::ReadWrite))));
        assert_eq!(with, shown(&lint_entries(&entries, true, None)));
    }

    #[test]
    fn what_is_required_is_declared() {
        let cases = [
            ("local json = require('json') return json", &["json"][..], None),
            ("local json = require('jsn') return json", &["json"], Some("did you mean 'json'?")),
            ("local lib = require('libb') return lib", &[], Some("did you mean 'lib'?")),
            ("return require('something else')", &[], Some("")),
            ("return require('lib'), require('string'), require('process')", &[], None),
            ("return pcall(require, 'other')", &[], None),
            ("local name = 'other' return require(name)", &[], None),
            ("local require = function() end return require('other')", &[], None),
            ("other = {} return require('other')", &[], None),
        ];
        for (source, modules, expected) in cases {
            let mut entry = (*entry("uses", source, &["lib"])).clone();
            let modules = modules.iter().map(|name| Value::from(*name)).collect();
            if let Value::Map(data) = &mut entry.data {
                data.insert("modules".to_owned(), Value::List(modules));
            }
            let entries = [Arc::new(entry)];
            let found = lint_entries(&entries, true, None);
            let found = found.iter().find(|f| f.diagnostic.code == wippy_lua_types::Code::W0008);
            assert_eq!(found.map(|f| f.diagnostic.help.as_deref().unwrap_or_default()), expected, "{source}");
        }
    }

    #[test]
    fn circles_and_long_chains_of_imports_are_checked() {
        let circle = [entry("a", "require('b') return 1", &["b"]), entry("b", "local n: string = 5", &["a"])];
        assert_eq!(shown(&lint_entries(&circle, false, None)).len(), 1);
        let link = |n: usize| {
            let source = format!("local before = require('e{}') local s: string = before return 1", n - 1);
            entry(&format!("e{n}"), &source, &[&format!("e{}", n - 1)])
        };
        let mut chain: Vec<Arc<Entry>> = (1..3000).map(link).collect();
        chain.push(entry("e0", "return 1", &[]));
        assert_eq!(lint_entries(&chain, false, None).len(), 2999);
    }
}
