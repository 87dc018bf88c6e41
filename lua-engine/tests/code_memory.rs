//! Changing code for a long time takes no memory. Alone in its program, since it
//! looks at the memory of the whole of it.

mod project;

use project::{Project, shown};
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::{Entry, EntryId};

fn lua(id: &str, kind: &str, source: &str, imports: Value) -> Entry {
    let fields = [("source", source.into()), ("method", "run".into()), ("imports", imports)];
    let data: Map = fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    Entry { id: EntryId::parse(id), kind: kind.into(), meta: Map::new(), data: data.into(), origin: None }
}

/// Bytes of memory the operating system has given us.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

#[test]
fn a_thousand_changes_take_no_memory() {
    let project = Project::new();
    let import = || Value::Map(Map::from([("lib".to_owned(), "app:lib".into())]));
    let library = |n: usize| {
        let rows: String = (0..200).map(|i| format!("t.field_{i} = 'text {n} {i}'\n")).collect();
        lua("app:lib", "library.lua", &format!("local t = {{}}\n{rows}return {{ n = {n}, t = t }}"), Value::Nil)
    };
    let user = |id: String, kind: &str| {
        let source = "return { run = function() return lib.n end }";
        lua(&id, kind, source, import())
    };
    let mut entries = vec![library(0)];
    for n in 0..5 {
        entries.push(user(format!("app:f{n}"), "function.lua"));
        entries.push(user(format!("app:p{n}"), "process.lua"));
    }
    let mut settled = 0;
    for n in 1..=1000 {
        entries[0] = library(n);
        // Unlike `apply` this records no version, which would keep the text.
        project.app.install(entries.clone()).unwrap();
        assert_eq!(project.finish(&project.call("app:f0", &[]).unwrap()).map(shown), Some(format!("Int({n})")));
        let (_, outcome) = project.spawn("app:p0").unwrap();
        assert_eq!(project.finish(&outcome).map(shown), Some(format!("Int({n})")));
        if n == 200 {
            settled = resident();
        }
    }
    let grown = resident().saturating_sub(settled);
    // 800 versions of the library alone are more than 10 MiB of code.
    assert!(grown < 4 << 20, "{} KiB more after 800 further changes", grown >> 10);
}
