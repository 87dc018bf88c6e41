//! Change sets as algebra: inverting, merging, deltas, and a registry under
//! random changes, refusals and version switches compared with a plain model.

mod registry_rig;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use registry_rig::*;
use wippy_runtime::payload::Value;
use wippy_runtime::registry::*;

fn id(text: &str) -> EntryId {
    EntryId::parse(text)
}

#[test]
fn the_merge_table() {
    let old = unit("a:x", 0, &[]);
    let (one, two) = (unit("a:x", 1, &[]), unit("a:x", 2, &[]));
    let other = entry("a:x", "test.other", Value::Int(1));
    let original = |op: Operation| op.with_original(Some(Arc::new(old.clone())));
    let create = |e: &Entry| Operation::new(OpKind::Create, e.clone());
    let update = |e: &Entry| original(Operation::new(OpKind::Update, e.clone()));
    let delete = || original(Operation::delete(id("a:x")));
    type Case<'a> = (&'a str, Operation, Operation, Vec<(OpKind, Value)>);
    let cases: Vec<Case<'_>> = vec![
        ("create, update", create(&one), update(&two), vec![(OpKind::Create, two.data.clone())]),
        ("create, delete", create(&one), delete(), vec![]),
        ("update, update", update(&one), update(&two), vec![(OpKind::Update, two.data.clone())]),
        ("update, delete", update(&one), delete(), vec![(OpKind::Delete, old.data.clone())]),
        ("delete, create", delete(), create(&two), vec![(OpKind::Update, two.data.clone())]),
        (
            "delete, create of another kind",
            delete(),
            create(&other),
            vec![(OpKind::Delete, old.data.clone()), (OpKind::Create, other.data.clone())],
        ),
    ];
    for (name, first, second, want) in cases {
        let merged = ChangeSet::merge([ChangeSet(vec![first]), ChangeSet(vec![second])]);
        let got: Vec<_> = merged.0.iter().map(|op| (op.kind, op.entry.data.clone())).collect();
        assert_eq!(got, want, "{name}");
        let replaces = merged.0.iter().filter(|op| op.kind != OpKind::Create);
        assert!(replaces.clone().all(|op| op.original.as_deref() == Some(&old)), "{name}: the first original is kept");
    }
    let error = ChangeSet::new().delete(id("a:x")).invert().unwrap_err();
    assert_eq!(error.to_string(), "cannot undo entry.delete of a:x: its original entry is unknown");
}

#[test]
fn delta_ignores_how_numbers_and_keys_are_written() {
    let with = |data: Value| vec![Arc::new(entry("a:x", "k", data))];
    let map = |pairs: &[(&str, Value)]| Value::Map(pairs.iter().map(|(k, v)| (k.to_string(), v.clone())).collect());
    let a = map(&[("n", 3i64.into()), ("l", Value::List(vec![1.0.into()]))]);
    let b = map(&[("l", Value::List(vec![1i64.into()])), ("n", 3.0.into())]);
    assert!(build_delta(&with(a.clone()), &with(b)).is_empty());
    let changed = build_delta(&with(a), &with(map(&[("n", 4i64.into())])));
    assert_eq!((changed.len(), changed[0].kind), (1, OpKind::Update));
    let other = vec![Arc::new(entry("a:x", "other", Value::Nil)), Arc::new(entry("a:a", "k", Value::Nil))];
    let kinds: Vec<_> =
        build_delta(&with(Value::Nil), &other).iter().map(|op| (op.kind, op.id().to_string())).collect();
    let want = [(OpKind::Delete, "a:x"), (OpKind::Create, "a:a"), (OpKind::Create, "a:x")];
    assert_eq!(kinds, want.map(|(k, i)| (k, i.to_owned())));
}

/// One step of a random story.
#[derive(Clone, Debug)]
enum Step {
    /// Desired content of some units: `None` deletes.
    Apply(Vec<(u8, Option<(i64, bool)>)>),
    /// The same with a refusal of the n-th call after `begin`.
    Refused(Vec<(u8, Option<(i64, bool)>)>, usize),
    GoTo(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let unit = (0..6u8, prop::option::weighted(0.7, (0..100i64, prop::bool::weighted(0.2))));
    let units = prop::collection::vec(unit, 1..5);
    prop_oneof![
        4 => units.clone().prop_map(Step::Apply),
        2 => (units, 0..5usize).prop_map(|(u, n)| Step::Refused(u, n)),
        2 => (0..30usize).prop_map(Step::GoTo),
    ]
}

fn make(n: u8, v: i64, other: bool) -> Entry {
    let mut made = unit(&format!("u:{n}"), v, &[]);
    if other {
        made.kind = "test.other".into();
    }
    made
}

/// The operations from the present content to the wanted one.
fn changes(registry: &Registry, wanted: &[(u8, Option<(i64, bool)>)]) -> ChangeSet {
    let now = registry.snapshot();
    let wanted: BTreeMap<u8, _> = wanted.iter().cloned().collect();
    let before: Vec<_> = wanted.keys().filter_map(|n| now.state.get(&id(&format!("u:{n}"))).cloned()).collect();
    let after: Vec<_> = wanted.iter().filter_map(|(n, w)| w.map(|(v, o)| Arc::new(make(*n, v, o)))).collect();
    ChangeSet(build_delta(&before, &after))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_registry_tells_the_story_of_its_versions(steps in prop::collection::vec(step(), 1..25)) {
        let rig = rig();
        // What each version held when it was made.
        let mut told: Vec<String> = vec![String::new()];
        for step in steps {
            let before = rig.content();
            match step {
                Step::Apply(wanted) => {
                    let changes = changes(&rig.registry, &wanted);
                    let empty = changes.is_empty();
                    let version = rig.registry.apply(changes).unwrap();
                    if empty {
                        prop_assert_eq!(&before, &rig.content());
                    } else {
                        prop_assert_eq!(version.id as usize, told.len());
                        told.push(rig.content());
                    }
                }
                Step::Refused(wanted, n) => {
                    let changes = changes(&rig.registry, &wanted);
                    let Some(op) = changes.0.get(n) else { continue };
                    let call = format!("{} {}", &op.kind.as_str()[6..], op.id());
                    rig.books.refuse_once(&call);
                    let error = rig.registry.apply(changes).unwrap_err();
                    prop_assert!(!error.to_string().contains("rollback failed"), "{}", error);
                    prop_assert_eq!(&before, &rig.content());
                }
                Step::GoTo(n) => {
                    let target = n % told.len();
                    rig.registry.apply_version(target as u64).unwrap();
                    prop_assert_eq!(&told[target], &rig.content());
                }
            }
        }
        // Replaying the history alone gives every version as it was.
        for (n, content) in told.iter().enumerate() {
            let snapshot = rig.registry.snapshot_at(n as u64).unwrap();
            let shown: Vec<String> =
                snapshot.state.iter().map(|e| format!("{}={}", e.id, e.field("v").and_then(Value::as_int).unwrap())).collect();
            prop_assert_eq!(&shown.join(" "), content);
        }
    }

    #[test]
    fn merging_is_doing_one_after_the_other_and_inverting_undoes(
        rounds in prop::collection::vec(prop::collection::vec((0..5u8, prop::option::of((0..9i64, any::<bool>()))), 1..5), 1..6)
    ) {
        let rig = rig();
        rig.registry.apply(ChangeSet::new().create(make(0, 50, false)).create(make(1, 51, true))).unwrap();
        let start = rig.registry.snapshot();
        let mut recorded = Vec::new();
        for wanted in rounds {
            let changes = changes(&rig.registry, &wanted);
            if !changes.is_empty() {
                let version = rig.registry.apply(changes).unwrap();
                recorded.push(rig.registry.history().changes(version.id).unwrap());
            }
        }
        let end = rig.registry.snapshot();
        let run = |from: &State, changes: &ChangeSet| {
            let mut state = from.clone();
            for op in &changes.0 {
                let op = state.complete(op).expect("each operation fits");
                state.carry_out(&op);
            }
            state
        };
        let merged = ChangeSet::merge(recorded.clone());
        prop_assert_eq!(&run(&start.state, &merged), &end.state);
        prop_assert_eq!(&run(&end.state, &merged.invert().unwrap()), &start.state);
        let back = recorded.iter().rev().map(|c| c.invert().unwrap());
        prop_assert_eq!(&run(&end.state, &ChangeSet::merge(back)), &start.state);
    }
}
