//! The flat form here and in the runtime is the same one.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use wippy_guest::flat::{from_slice, to_vec};
use wippy_guest::{Error, Kind, Value};
use wippy_runtime::payload::{Flat, FlatReader, Map, Value as Host};

/// What the runtime reads of a guest's value.
fn on_the_host(value: &impl Serialize) -> Host {
    let bytes = to_vec(value).expect("encodable");
    let mut reader = FlatReader::new(&bytes);
    let read = reader.value().expect("readable");
    assert!(reader.is_empty(), "one value is all there is");
    read
}

/// What a guest reads of a value of the runtime.
fn in_the_guest<T: serde::de::DeserializeOwned>(value: &Host) -> Result<T, Error> {
    from_slice(Flat::of(std::slice::from_ref(value)).as_bytes())
}

fn host_error() -> impl Strategy<Value = wippy_runtime::Error> {
    ("[A-Za-z]{0,9}", ".{0,20}", any::<Option<bool>>(), any::<Option<i64>>()).prop_map(|(kind, text, retry, n)| {
        let details = n.map(|n| Map::from_iter([("n".to_owned(), Host::Int(n))]));
        wippy_runtime::Error::new(wippy_runtime::error::Kind::new(kind), text)
            .with_retryable(retry)
            .with_details(details)
    })
}

fn host_value() -> impl Strategy<Value = Host> {
    let leaf = prop_oneof![
        Just(Host::Nil),
        any::<bool>().prop_map(Host::Bool),
        any::<i64>().prop_map(Host::Int),
        any::<f64>().prop_filter("comparable", |f| !f.is_nan()).prop_map(Host::Float),
        ".{0,300}".prop_map(Host::Str),
        // Valid text would arrive as text.
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Host::Bytes),
        host_error().prop_map(Host::Error),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Host::List),
            // A pair without value is none, so it would not come back.
            proptest::collection::vec(("[a-z]{1,4}", inner.prop_filter("a value", |v| !v.is_nil())), 0..6)
                .prop_map(|pairs| Host::Map(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_goes_through_a_guest_unchanged(value in host_value()) {
        let guest: Value = in_the_guest(&value).expect("readable");
        prop_assert_eq!(on_the_host(&guest), value);
    }

    #[test]
    fn any_bytes_are_handled(bytes in proptest::collection::vec(0u8..20, 0..64)) {
        let _ = from_slice::<Value>(&bytes);
        let _ = from_slice::<Order>(&bytes);
        let _ = from_slice::<Choice>(&bytes);
        let _ = from_slice::<Error>(&bytes);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u32,
    price: f64,
    note: Option<String>,
    lines: Vec<(String, i8)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Nothing,
    One(i64),
    Two(i64, bool),
    Named { key: char },
}

#[test]
fn structs_are_tables_and_absent_fields_are_none() {
    let order = Order { id: 7, price: 2.0, note: None, lines: vec![("a".into(), -1)] };
    let table = on_the_host(&order);
    assert_eq!(table.as_map().expect("a map").keys().collect::<Vec<_>>(), ["id", "price", "lines"]);
    assert_eq!(in_the_guest::<Order>(&table).unwrap(), order);
}

#[test]
fn enums_are_texts_or_tables_with_one_key() {
    for choice in [Choice::Nothing, Choice::One(1), Choice::Two(2, true), Choice::Named { key: 'ä' }] {
        assert_eq!(in_the_guest::<Choice>(&on_the_host(&choice)).unwrap(), choice);
    }
    assert_eq!(on_the_host(&Choice::Nothing), Host::Str("nothing".into()));
    assert_eq!(on_the_host(&Choice::One(5)), Host::Map(Map::from_iter([("one".to_owned(), Host::Int(5))])));
}

#[test]
fn numbers_of_lua_are_taken_for_what_is_wanted() {
    assert_eq!(in_the_guest::<i64>(&Host::Float(3.0)).unwrap(), 3);
    assert_eq!(in_the_guest::<f64>(&Host::Int(3)).unwrap(), 3.0);
    let text = |e: Error| (e.kind().clone(), e.to_string());
    let wrong = [
        (in_the_guest::<i64>(&Host::Float(3.5)).map(drop), "expected i64, got a number with a fraction"),
        (in_the_guest::<u8>(&Host::Int(300)).map(drop), "expected u8, got integer 300"),
        (in_the_guest::<String>(&Host::Nil).map(drop), "expected a string, got nil"),
        (in_the_guest::<Order>(&Host::Map(Map::new())).map(drop), "missing field `id`"),
    ];
    for (result, expected) in wrong {
        assert_eq!(result.map_err(text), Err((Kind::Invalid, expected.to_owned())));
    }
}

#[test]
fn tables_of_lua_are_lists_and_maps() {
    // {10, 20, x = true}: two values and a pair.
    let mixed = [11, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 3, 20, 6, 1, b'x', 2];
    assert_eq!(from_slice::<Vec<i64>>(&mixed).unwrap(), [10, 20]);
    let Value::Map(pairs) = from_slice(&mixed).unwrap() else { panic!("a map") };
    assert_eq!(pairs.len(), 3);
    assert_eq!(pairs[0], (Value::Int(1), Value::Int(10)));
    // {}
    let empty = [11, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(from_slice::<Vec<i64>>(&empty).unwrap(), [0i64; 0]);
    assert_eq!(from_slice::<std::collections::HashMap<String, i64>>(&empty).unwrap().len(), 0);
}

#[test]
fn shared_tables_are_read_at_each_place_and_cycles_end() {
    // {{7}, <the first inner one>}
    let shared = [9, 2, 0, 0, 0, 9, 1, 0, 0, 0, 3, 7, 12, 1, 0, 0, 0];
    assert_eq!(from_slice::<Vec<Vec<i64>>>(&shared).unwrap(), [[7], [7]]);
    // A list that contains itself.
    let cycle = [9, 1, 0, 0, 0, 12, 0, 0, 0, 0];
    let error = from_slice::<Value>(&cycle).unwrap_err();
    assert_eq!(error.to_string(), "value is nested deeper than 128 levels, or contains itself");
}

#[test]
fn what_no_other_language_could_hold_is_refused() {
    assert_eq!(to_vec(&u64::MAX).unwrap_err().to_string(), "integer is larger than 2^63 - 1");
    let deep = (0..200).fold(Value::Nil, |inner, _| Value::List(vec![inner]));
    assert_eq!(to_vec(&deep).unwrap_err().to_string(), "value is nested deeper than 128 levels");
}

#[test]
fn an_error_keeps_its_parts_inside_of_a_value() {
    let error =
        Error::new(Kind::NotFound, "no such order").retryable(true).with_details(&Value::from_iter([("id", 7i64)]));
    let host = on_the_host(&vec![error.clone()]);
    let Host::Error(seen) = &host.as_list().unwrap()[0] else { panic!("an error: {host:?}") };
    assert_eq!((seen.kind().as_str(), seen.message(), seen.is_retryable()), ("NotFound", "no such order", Some(true)));
    assert_eq!(seen.details().unwrap()["id"], Host::Int(7));
    assert_eq!(in_the_guest::<Vec<Error>>(&host).unwrap(), [error]);
}
