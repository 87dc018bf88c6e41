//! Field decoding: types, errors with their place, warnings, `lifecycle`.

mod registry_rig;

use std::sync::Arc;
use std::time::Duration;

use registry_rig::entry;
use wippy_runtime::Result;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::registry::{Entry, EntryId, FieldOrigin, Lifecycle, Origin, RestartPolicy};

fn map(pairs: &[(&str, Value)]) -> Value {
    Value::Map(pairs.iter().map(|(k, v)| (k.to_string(), v.clone())).collect())
}

fn list(items: &[Value]) -> Value {
    Value::List(items.to_vec())
}

fn sample() -> Entry {
    let data = map(&[
        ("text", "hello".into()),
        ("empty", "".into()),
        ("null", Value::Nil),
        ("Port", Value::Float(8080.0)),
        ("half", 0.5.into()),
        ("flag", true.into()),
        ("wait", "1m30s".into()),
        ("names", list(&["a".into(), "b".into()])),
        ("mixed", list(&["a".into(), 1i64.into()])),
        ("labels", map(&[("k", "v".into())])),
        ("set", "views".into()),
        ("full", map(&[("ns", "x".into()), ("name", "y".into())])),
        ("pool", map(&[("size", "big".into())])),
        ("items", list(&[map(&[("name", "n".into())]), Value::Int(3)])),
    ]);
    let mut entry = entry("app:one", "k", data);
    let field = |path: &str, line| FieldOrigin { path: path.into(), line, column: 11, file: None };
    let fields = vec![field("text", 12), field("pool.size", 15), field("mixed", 14)];
    entry.origin = Some(Origin { fields: Arc::from(fields), ..Origin::new("src/_index.yaml", 10) });
    entry
}

#[test]
fn values_by_type() {
    let entry = sample();
    let f = Fields::new(&entry).unwrap();
    assert_eq!(f.str("text"), Ok("hello"));
    assert_eq!(f.str_or("empty", "dflt"), Ok("dflt"));
    assert_eq!(f.opt_str("empty"), Ok(Some("")));
    assert_eq!(f.opt_str("null"), Ok(None));
    assert_eq!(f.int("port", 1), Ok(8080), "case is ignored when no exact name exists");
    assert_eq!(f.int("absent", 1), Ok(1));
    assert_eq!(f.float("half", 0.0), Ok(0.5));
    assert_eq!(f.bool("flag", false), Ok(true));
    assert_eq!(f.opt_duration("wait"), Ok(Some(Duration::from_secs(90))));
    assert_eq!(f.duration("empty", Duration::from_secs(7)), Ok(Duration::from_secs(7)));
    assert_eq!(f.list_of_str("names").unwrap(), ["a", "b"]);
    assert!(f.list_of_str("absent").unwrap().is_empty());
    assert_eq!(f.map_of_str("labels").unwrap(), [("k", "v")]);
    assert_eq!(f.id("set"), Ok(EntryId::parse("app:views")));
    assert_eq!(f.opt_id("full"), Ok(Some(EntryId::parse("x:y"))));
    assert_eq!(f.opt_id("empty"), Ok(None));
    assert!(f.nested("absent").unwrap().is_none());
}

type Read = fn(&Fields<'_>) -> Result<()>;

#[test]
fn errors_name_place_field_expectation_and_finding() {
    let at = "src/_index.yaml:10: entry app:one: ";
    let cases: Vec<(Read, String)> = vec![
        (
            |f| f.int("text", 0).map(drop),
            "src/_index.yaml:12:11: entry app:one: field text: expected integer, got string".into(),
        ),
        (|f| f.str("Port").map(drop), format!("{at}field Port: expected string, got number")),
        (|f| f.int("half", 0).map(drop), format!("{at}field half: expected integer, got number")),
        (
            |f| f.bool("text", false).map(drop),
            "src/_index.yaml:12:11: entry app:one: field text: expected boolean, got string".into(),
        ),
        (|f| f.str("absent").map(drop), format!("{at}absent is required")),
        (|f| f.str("empty").map(drop), format!("{at}empty is required")),
        (|f| f.id("null").map(drop), format!("{at}null is required")),
        (
            |f| f.opt_duration("flag").map(drop),
            format!("{at}field flag: expected duration string such as 5s, got boolean"),
        ),
        (|f| f.opt_duration("set").map(drop), format!("{at}field set: time: invalid duration \"views\"")),
        (
            |f| f.list_of_str("mixed").map(drop),
            "src/_index.yaml:14:11: entry app:one: field mixed.1: expected string, got integer".into(),
        ),
        (|f| f.list_of_str("set").map(drop), format!("{at}field set: expected list of strings, got string")),
        (
            |f| f.nested("pool")?.unwrap().int("size", 0).map(drop),
            "src/_index.yaml:15:11: entry app:one: field pool.size: expected integer, got string".into(),
        ),
        (|f| f.nested("pool")?.unwrap().str("kind").map(drop), format!("{at}pool.kind is required")),
        (|f| f.list_of_maps("items").map(drop), format!("{at}field items.1: expected map, got integer")),
        (|f| f.int_in("port", 1..=100, 1).map(drop), format!("{at}field port: must be between 1 and 100, got 8080")),
        (
            |f| f.int_in("port", 9000..=i64::MAX, 1).map(drop),
            format!("{at}field port: must be at least 9000, got 8080"),
        ),
        (
            |f| f.one_of("set", &["lazy", "inline"]).map(drop),
            format!("{at}field set: expected one of lazy, inline, got \"views\""),
        ),
        (|f| f.opt_id("flag").map(drop), format!("{at}field flag: expected id such as namespace:name, got boolean")),
    ];
    let entry = sample();
    for (read, text) in cases {
        let error = read(&Fields::new(&entry).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(error.is_retryable(), Some(false));
    }
    let text = |data| Fields::new(&self::entry("a:b", "k", data)).err().map(|e| e.to_string());
    assert_eq!(text(Value::Nil).unwrap(), "entry a:b: configuration data is required");
    assert_eq!(text(Value::Int(1)).unwrap(), "entry a:b: expected data to be a map, got integer");
}

#[test]
fn unknown_fields_that_resemble_known_ones_are_reported() {
    let lifecycle = map(&[("autostart", true.into()), ("comment", "x".into())]);
    let data = map(&[
        ("lifecycle", lifecycle),
        ("metod", "run".into()),
        ("modules", list(&[])),
        ("module", "x".into()),
        ("whatever", 1i64.into()),
        ("SOURCE", "x".into()),
    ]);
    let entry = entry("a:b", "k", data);
    let f = Fields::new(&entry).unwrap();
    f.opt_str("method").unwrap();
    f.list_of_str("modules").unwrap();
    f.str("source").unwrap();
    f.known(&["unread"]);
    Lifecycle::decode(&f).unwrap();
    assert_eq!(
        f.finish(),
        [
            "entry a:b: unknown field `lifecycle.autostart`, did you mean `lifecycle.auto_start`?",
            "entry a:b: unknown field `metod`, did you mean `method`?",
        ]
    );
}

#[test]
fn lifecycle_in_full_and_by_default() {
    let decode = |data: Value| {
        let entry = entry("app:svc", "k", data);
        Lifecycle::decode(&Fields::new(&entry).unwrap())
    };
    assert_eq!(decode(map(&[])), Ok(Lifecycle::default()));
    let restart = map(&[("initial_delay", "5ms".into()), ("jitter", 0i64.into()), ("max_attempts", 3.0.into())]);
    let actor = map(&[("id", "bot".into()), ("meta", map(&[("team", "x".into())]))]);
    let security = map(&[("actor", actor), ("policies", list(&["sec:p".into()]))]);
    let got = decode(map(&[(
        "lifecycle",
        map(&[
            ("auto_start", true.into()),
            ("startup", "optional".into()),
            ("requires", list(&["db".into(), "x:y".into()])),
            ("depends_on", list(&["x:y".into(), "z".into()])),
            ("start_timeout", "0s".into()),
            ("stop_timeout", "3s".into()),
            ("restart", restart),
            ("security", security),
        ]),
    )]))
    .unwrap();
    assert!(got.auto_start && !got.startup_required);
    assert_eq!(got.requires, ["app:db", "x:y", "app:z"].map(EntryId::parse));
    assert_eq!((got.start_timeout, got.stop_timeout), (Duration::from_secs(10), Duration::from_secs(3)));
    let restart = RestartPolicy { initial_delay: Duration::from_millis(5), max_attempts: 3, ..Default::default() };
    assert_eq!(got.restart, restart);
    let security = got.security.unwrap();
    assert_eq!(security.actor_id, "bot");
    assert_eq!(security.actor_meta, Map::from([("team".to_owned(), "x".into())]));
    assert_eq!((security.policies, security.groups), (vec![EntryId::parse("sec:p")], vec![]));

    let bad: [(&str, Value, &str); 4] = [
        (
            "start_timeout",
            Value::Int(5),
            "field lifecycle.start_timeout: expected duration string such as 5s, got integer",
        ),
        ("stop_timeout", "-1s".into(), "field lifecycle.stop_timeout: duration must not be negative: \"-1s\""),
        ("restart", map(&[("jitter", 1.5.into())]), "field lifecycle.restart.jitter: must be at most 1, got 1.5"),
        (
            "restart",
            map(&[("max_attempts", Value::Int(-1))]),
            "field lifecycle.restart.max_attempts: must be between 0 and 4294967295, got -1",
        ),
    ];
    for (key, value, text) in bad {
        let error = decode(map(&[("lifecycle", map(&[(key, value)]))])).unwrap_err();
        assert_eq!(error.to_string(), format!("entry app:svc: {text}"));
    }
}
