//! Dependency extraction and ordering: tables, and properties over random graphs.

mod registry_rig;

use proptest::prelude::*;
use registry_rig::*;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::order::{Reference, groups, references, sort};
use wippy_runtime::registry::*;

fn map(pairs: &[(&str, Value)]) -> Value {
    Value::Map(pairs.iter().map(|(k, v)| (k.to_string(), v.clone())).collect())
}

fn list(items: &[&str]) -> Value {
    items.iter().copied().collect()
}

/// Puts `value` at a dotted path of `{meta, data}`.
fn at(path: &str, value: Value) -> Entry {
    let nested = path.rsplit('.').fold(value, |v, key| map(&[(key, v)]));
    let mut entry = entry("app:self", "k", nested.get("data").cloned().unwrap_or_default());
    entry.meta = nested.get("meta").and_then(Value::as_map).cloned().unwrap_or_default();
    entry
}

fn shown(entry: &Entry) -> String {
    let text = |r: &Reference| match r {
        Reference::Entry(id) => id.to_string(),
        Reference::Group(g) => format!("group({g})"),
        Reference::Namespace(n) => format!("ns({n})"),
    };
    references(entry).iter().map(text).collect::<Vec<_>>().join(" ")
}

#[test]
fn references_by_path() {
    let contracts = Value::List(vec![
        map(&[("contract", "c:def".into()), ("methods", map(&[("run", "f:run".into())]))]),
        map(&[("contract", "c:two".into())]),
    ]);
    let cases: Vec<(Entry, &str)> = vec![
        (at("meta.parent", "x:y".into()), "x:y"),
        (at("meta.parent", "bare".into()), "app:bare"),
        (at("meta.depends_on", list(&["a:b", "c", "", "a:b"])), "a:b app:c"),
        (at("meta.depends_on", list(&["group:api", "ns:core.lib", "group:"])), "group(api) ns(core.lib) group()"),
        (at("meta.unrelated", "x:y".into()), ""),
        (at("meta.my_env", "e:v".into()), "e:v"),
        (at("meta.temporal.activity.worker", "t:w".into()), "t:w"),
        (at("data.imports", map(&[("a", "l:a".into()), ("b", "l:b".into())])), "l:a l:b"),
        (at("data.imports", map(&[("a", map(&[("id", "l:a".into()), ("v", 1i64.into())]))])), "l:a"),
        (at("data.imports", "text".into()), ""),
        (at("data.func", map(&[("x", "no:leaves".into())])), ""),
        (at("data.lifecycle.requires", list(&["db", "x:y"])), "app:db x:y"),
        (at("data.lifecycle.security.policies", list(&["s:p"])), "s:p"),
        (at("data.worker.depends_on", list(&["q"])), "app:q"),
        (at("data.token_env", "e:tok".into()), "e:tok"),
        (at("data.tls.cert_env", "e:c".into()), "e:c"),
        (at("data.env", "e:all".into()), "e:all"),
        (at("data.contracts", contracts), "c:def c:two f:run"),
        (at("data.dead_letter.queue", "q:dead".into()), "q:dead"),
        (at("data.host", 5i64.into()), ""),
        (entry("a:b", "k", "plain text".into()), ""),
        (entry("a:b", "k", Value::Nil), ""),
    ];
    for (entry, want) in cases {
        assert_eq!(shown(&entry), want, "{entry:?}");
    }
    let mut member = at("data.groups", list(&["g1"]));
    member.meta = Map::from([("groups".to_owned(), "g2".into())]);
    assert_eq!(groups(&member).collect::<Vec<_>>(), ["g2", "g1"]);
}

#[test]
fn deep_data_is_no_problem() {
    let deep = (0..200).fold(Value::from("x:y"), |v, _| map(&[("k", v)]));
    let entry = at("data.imports", deep);
    assert_eq!(shown(&entry), "", "leaves are looked for to a bounded depth");
}

fn state(entries: &[Entry]) -> State {
    entries.iter().cloned().map(std::sync::Arc::new).collect()
}

fn order(changes: ChangeSet, before: &State) -> String {
    let text = |op: &Operation| format!("{}{}", &op.kind.as_str()[6..7], op.id());
    sort(changes, before).0.iter().map(text).collect::<Vec<_>>().join(" ")
}

#[test]
fn orders() {
    let id = EntryId::parse;
    let groupies = || {
        let mut user = entry("a:user", "k", Value::Nil);
        user.meta = Map::from([("depends_on".to_owned(), list(&["group:g", "ns:z"]))]);
        let mut member = entry("m:one", "k", Value::Nil);
        member.meta = Map::from([("groups".to_owned(), list(&["g"]))]);
        ChangeSet::new().create(user).create(member).create(entry("z:any", "k", Value::Nil))
    };
    let placeholders = || {
        let text = |id: &str, kind: &str, text: &str| entry(id, kind, map(&[("url", text.into())]));
        ChangeSet::new()
            .create(text("a:user", "k", "http://${env:HOST}/"))
            .create(text("z:var", "env.variable", "${env:OTHER}"))
            .create(text("z:storage", "env.storage.os", ""))
            .create(text("a:zother", "k", "${env:HOST}"))
    };
    let old = state(&[unit("a:x", 1, &["b:y"]), unit("b:y", 1, &["c:z"]), unit("c:z", 1, &[])]);
    let kept = unit("a:x", 2, &["b:y"]);
    let cases: Vec<(&str, ChangeSet, &str)> = vec![
        (
            "ties by ns, name",
            ChangeSet::new().create(unit("b:a", 1, &[])).create(unit("a:b", 1, &[])).create(unit("a:a", 1, &[])),
            "ca:a ca:b cb:a",
        ),
        ("groups and namespaces", groupies(), "cm:one cz:any ca:user"),
        (
            "dependants are deleted first",
            ChangeSet::new().delete(id("c:z")).delete(id("b:y")).delete(id("a:x")),
            "da:x db:y dc:z",
        ),
        ("let go before it vanishes", ChangeSet::new().delete(id("b:y")).update(unit("a:x", 2, &[])), "ua:x db:y"),
        (
            "delete before create",
            ChangeSet::new().create(entry("b:y", "other", Value::Nil)).delete(id("b:y")),
            "db:y cb:y",
        ),
        (
            "replaced below a user",
            ChangeSet::new().update(kept).create(entry("b:y", "other", Value::Nil)).delete(id("b:y")),
            "db:y cb:y ua:x",
        ),
        (
            "input order of a new id",
            ChangeSet::new().create(unit("n:n", 1, &[])).update(unit("n:n", 2, &[])).delete(id("n:n")),
            "cn:n un:n dn:n",
        ),
        (
            "cycle: as given, deletes last and reversed",
            ChangeSet::new().delete(id("b:y")).create(unit("p:b", 1, &["p:a"])).delete(id("a:x")).create(unit(
                "p:a",
                1,
                &["p:b"],
            )),
            "cp:b cp:a da:x db:y",
        ),
        (
            "itself is no cycle",
            ChangeSet::new().create(unit("p:b", 1, &["p:b"])).create(unit("p:a", 1, &["p:b"])),
            "cp:b cp:a",
        ),
        ("the environment before its users", placeholders(), "cz:storage cz:var ca:user ca:zother"),
        ("nothing", ChangeSet::new(), ""),
    ];
    for (name, changes, want) in cases {
        assert_eq!(order(changes, &old), want, "{name}");
    }
}

fn graph() -> impl Strategy<Value = Vec<(usize, Vec<usize>)>> {
    // Node n may need any node, so cycles occur too.
    prop::collection::vec(prop::collection::vec(0..20usize, 0..3), 1..20)
        .prop_map(|needs| needs.into_iter().enumerate().collect())
}

fn name(n: usize) -> String {
    format!("n{}:e{n}", n % 3)
}

proptest! {
    #[test]
    fn acyclic_graphs_are_honoured_whatever_the_input_order(nodes in graph(), seed: u64) {
        // Only needs on greater numbers are kept: no cycles.
        let units: Vec<Entry> = nodes.iter().map(|(n, needs)| {
            let needs: Vec<String> = needs.iter().filter(|m| *m > n).map(|m| name(*m)).collect();
            unit(&name(*n), 1, &needs.iter().map(String::as_str).collect::<Vec<_>>())
        }).collect();
        let mut shuffled = units.clone();
        let mut state_of_seed = seed;
        for i in (1..shuffled.len()).rev() {
            state_of_seed = state_of_seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            shuffled.swap(i, (state_of_seed >> 33) as usize % (i + 1));
        }
        let creates = |list: Vec<Entry>| list.into_iter().fold(ChangeSet::new(), ChangeSet::create);
        let sorted = sort(creates(shuffled.clone()), &State::new());
        prop_assert_eq!(&sorted, &sort(creates(units.clone()), &State::new()), "deterministic");
        let place = |id: &EntryId| sorted.0.iter().position(|op| op.id() == id);
        for (at, op) in sorted.0.iter().enumerate() {
            for reference in references(&op.entry) {
                if let Reference::Entry(needed) = reference && let Some(before) = place(&needed) {
                    prop_assert!(before < at);
                }
            }
        }
        let before = state(&units);
        let deletes = shuffled.iter().fold(ChangeSet::new(), |c, e| c.delete(e.id.clone()));
        let mut reversed = sort(deletes, &before).0;
        reversed.reverse();
        let place = |id: &EntryId| reversed.iter().position(|op| op.id() == id);
        for unit in &units {
            for reference in references(unit) {
                if let Reference::Entry(needed) = reference && let Some(n) = place(&needed) {
                    prop_assert!(n < place(&unit.id).unwrap());
                }
            }
        }
    }

    #[test]
    fn cycles_lose_nothing(nodes in graph()) {
        let changes = nodes.iter().fold(ChangeSet::new(), |c, (n, needs)| {
            let needs: Vec<String> = needs.iter().map(|m| name(*m)).collect();
            c.create(unit(&name(*n), 1, &needs.iter().map(String::as_str).collect::<Vec<_>>()))
        });
        let mut ids: Vec<EntryId> = sort(changes.clone(), &State::new()).0.iter().map(|o| o.id().clone()).collect();
        let mut want: Vec<EntryId> = changes.0.iter().map(|o| o.id().clone()).collect();
        ids.sort();
        want.sort();
        prop_assert_eq!(ids, want);
    }
}
