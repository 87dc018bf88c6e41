//! Search: every key form as a table, and what the caches may not do.

mod registry_rig;

use registry_rig::*;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::*;

fn sample() -> Rig {
    let rig = rig();
    let with = |id: &str, kind: &str, meta: &[(&str, Value)]| {
        let meta = meta.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
        Entry { meta, ..entry(id, kind, Value::Int(0)) }
    };
    let tags = |list: &[&str]| -> Value { list.iter().copied().collect() };
    let entries = [
        with(
            "shop:apple",
            "registry.entry",
            &[("type", "fruit".into()), ("order", 3.0.into()), ("tags", tags(&["red", "sweet"]))],
        ),
        with("shop:beet", "ns.definition", &[("type", "root".into()), ("order", 3i64.into()), ("a.b", true.into())]),
        with("shop.eu:apple", "registry.entry", &[("type", "fruit salad".into()), ("tags", "red".into())]),
        with("bank:loan", "test.unit", &[("type", 7i64.into())]),
    ];
    let changes = entries.into_iter().fold(ChangeSet::new(), ChangeSet::create);
    rig.registry.apply(changes).unwrap();
    rig
}

fn found(rig: &Rig, filter: &[(&str, Value)]) -> String {
    let filter: Map = filter.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
    let first = rig.registry.find(&filter);
    let again = rig.registry.find(&filter);
    assert!(std::sync::Arc::ptr_eq(&first, &again), "the second answer is the cached one");
    first.iter().map(|e| e.id.as_str()).collect::<Vec<_>>().join(" ")
}

const ALL: &str = "bank:loan shop:apple shop:beet shop.eu:apple";

#[test]
fn every_key_form() {
    let rig = sample();
    let s = |t: &str| Value::from(t);
    let cases: Vec<(Vec<(&str, Value)>, &str)> = vec![
        (vec![], ALL),
        (vec![(".kind", s("registry.entry"))], "shop:apple shop.eu:apple"),
        (vec![(".kind", s("*.entry"))], "shop:apple shop.eu:apple"),
        (vec![(".kind", s("ns.*"))], "shop:beet"),
        (vec![(".kind", s("t*unit"))], "bank:loan"),
        (vec![(".kind", s("t*t*"))], ""),
        (vec![(".kind", s("*"))], ALL),
        (vec![(".kind", s(""))], ""),
        (vec![(".kind", Value::Int(1))], ALL),
        (vec![(".name", s("apple"))], "shop:apple shop.eu:apple"),
        (vec![(".name", s("appleapple*apple"))], ""),
        (vec![(".name", s("apple*le"))], ""),
        (vec![(".ns", s("shop"))], "shop:apple shop:beet"),
        (vec![(".ns", s("shop*"))], "shop:apple shop:beet shop.eu:apple"),
        (vec![(".ns", s("shop.*"))], "shop.eu:apple"),
        (vec![(".id", s("shop:beet"))], "shop:beet"),
        (vec![(".id", s("*:apple"))], "shop:apple shop.eu:apple"),
        (vec![(".other", s("x"))], ALL),
        (vec![("meta.type", s("fruit"))], "shop:apple"),
        (vec![("meta.type", Value::Int(7))], "bank:loan"),
        (vec![("meta.type", s("7"))], ""),
        (vec![("meta.order", Value::Int(3))], "shop:beet"),
        (vec![("meta.order", Value::Float(3.0))], "shop:apple"),
        (vec![("meta.a.b", Value::Bool(true))], "shop:beet"),
        (vec![("meta.none", s("x"))], ""),
        (vec![("~meta.type", s("^fr.*t$"))], "shop:apple"),
        (vec![("~meta.type", s("ru|oo"))], "shop:apple shop:beet shop.eu:apple"),
        (vec![("~meta.type", s("(unclosed"))], ALL),
        (vec![("~meta.tags", s("red"))], "shop.eu:apple"),
        (vec![("~meta.type", Value::Int(1))], ALL),
        (vec![("*meta.type", s("ruit"))], "shop:apple shop.eu:apple"),
        (vec![("*meta.tags", s("wee"))], "shop:apple"),
        (vec![("*meta.tags", s("red"))], "shop:apple shop.eu:apple"),
        (vec![("^meta.type", s("fruit"))], "shop:apple shop.eu:apple"),
        (vec![("$meta.type", s("salad"))], "shop.eu:apple"),
        (vec![("$meta.tags", s("red"))], "shop.eu:apple"),
        (vec![("kind", s("x")), ("type", s("y")), ("~type", s("z")), ("", s("")), ("\u{fc}", s(""))], ALL),
        (
            vec![(".ns", s("shop*")), ("^meta.type", s("fruit")), (".kind", s("registry.entry"))],
            "shop:apple shop.eu:apple",
        ),
        (vec![(".ns", s("shop*")), ("meta.type", s("none"))], ""),
    ];
    for (filter, want) in cases {
        assert_eq!(found(&rig, &filter), want, "{filter:?}");
    }
}

#[test]
fn an_expression_cannot_take_the_machine() {
    let rig = sample();
    let text = |t: String| vec![("~meta.type", Value::from(t))];
    assert_eq!(found_uncached(&rig, &text("(((a{1000}){1000}){1000})".into())), ALL, "too large: ignored");
    assert_eq!(found_uncached(&rig, &text("(".repeat(100_000))), ALL);
    assert_eq!(found_uncached(&rig, &text("(a*)*$".into())), ALL.split(' ').skip(1).collect::<Vec<_>>().join(" "));
}

fn found_uncached(rig: &Rig, filter: &[(&str, Value)]) -> String {
    let filter: Map = filter.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
    rig.registry.find(&filter).iter().map(|e| e.id.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn results_are_never_stale_and_old_snapshots_answer_for_themselves() {
    let rig = sample();
    let filter: Map = Map::from([(".ns".to_owned(), "new".into())]);
    let before = rig.registry.snapshot();
    assert!(rig.registry.find(&filter).is_empty());
    // An operation that is not recorded makes no version, but the search sees it.
    let mut changes = ChangeSet::new().create(entry("new:a", "registry.entry", Value::Nil));
    changes.0[0].scope = Scope::Module;
    rig.registry.apply(changes).unwrap();
    assert_eq!(rig.registry.find(&filter).len(), 1);
    assert!(rig.registry.find_in(&before, &filter).is_empty());
    let recorded = rig.registry.snapshot_at(1).unwrap();
    assert!(rig.registry.find_in(&recorded, &filter).is_empty());
    assert_eq!(rig.registry.find(&filter).len(), 1);
}
