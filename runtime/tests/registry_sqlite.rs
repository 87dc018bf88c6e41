//! The SQLite history: reopening, its tables, bad files, and kill -9 while writing.

mod registry_rig;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use registry_rig::*;
use rusqlite::Connection;
use wippy_runtime::Kind;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::*;

fn open(path: &Path) -> Rig {
    rig_with(Arc::new(SqliteHistory::open(path).unwrap()))
}

fn files() -> Vec<Entry> {
    vec![unit("f:a", 1, &["f:b"]), unit("f:b", 1, &[])]
}

#[test]
fn a_reopened_history_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    let first = open(&path);
    assert_eq!(first.registry.load_state(files(), None).unwrap(), Version::ROOT);
    let mut rich = unit("n:rich", 1, &[]);
    rich.meta = Map::from([("list".to_owned(), Value::List(vec![1i64.into(), 1.5.into(), "x".into(), Value::Nil]))]);
    if let Value::Map(data) = &mut rich.data {
        data.insert("bytes".into(), Value::Bytes(vec![0, 255]));
    }
    first.registry.apply(ChangeSet::new().create(rich.clone())).unwrap();
    first.registry.apply(ChangeSet::new().update(unit("f:b", 2, &[])).delete(EntryId::parse("f:a"))).unwrap();
    first.registry.apply_version(1).unwrap();
    let (content, versions) = (first.content(), first.versions());
    drop(first);

    let second = open(&path);
    assert_eq!(second.registry.load_state(files(), None).unwrap(), Version { id: 1, parent: Some(0) });
    assert_eq!((second.content(), second.versions()), (content, versions));
    assert_eq!(*second.registry.get(&EntryId::parse("n:rich")).unwrap(), rich);
    let branch = second.registry.apply(ChangeSet::new().delete(EntryId::parse("n:rich"))).unwrap();
    assert_eq!(branch, Version { id: 3, parent: Some(1) }, "ids go on above the highest");
    assert_eq!(second.registry.next(Version { id: 1, parent: Some(0) }).unwrap(), Some(branch));
    second.registry.apply_version(2).unwrap();
    assert_eq!(second.content(), "f:b=2 n:rich=1");
    second.registry.apply_version(0).unwrap();
    assert_eq!(second.content(), "f:a=1 f:b=1");
}

#[test]
fn the_tables_are_the_documented_ones() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    open(&path).registry.apply(ChangeSet::new().create(unit("a:x", 1, &[]))).unwrap();
    let db = Connection::open(&path).unwrap();
    let text = |sql: &str| db.query_row(sql, [], |r| r.get::<_, String>(0)).unwrap();
    assert_eq!(
        text("SELECT group_concat(key || '=' || value) FROM (SELECT * FROM metadata ORDER BY key)"),
        "head=1,schema_version=1"
    );
    assert_eq!(text("SELECT hex(data) FROM changesets WHERE version_id = 0"), "90");
    assert_eq!(text("PRAGMA journal_mode"), "wal");
    assert_eq!(text("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"), "idx_versions_parent");
    let blob: Vec<u8> = db.query_row("SELECT data FROM changesets WHERE version_id = 1", [], |r| r.get(0)).unwrap();
    let packed = rmpv::decode::read_value(&mut &blob[..]).unwrap();
    assert_eq!(
        packed.to_string().replace(' ', ""),
        r#"[{"Kind":"entry.create","Entry":{"ID":{"ns":"a","name":"x"},"Kind":"test.unit","Meta":{},"Data":{"Data":{"v":1,"imports":{}},"Format":"golang/any"}},"OriginalEntry":nil}]"#
    );
}

#[test]
fn bad_files_are_named_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("text"), "this is no database, but long enough to be looked at as one".repeat(40)).unwrap();
    drop(SqliteHistory::open(at("newer")).unwrap());
    Connection::open(at("newer"))
        .unwrap()
        .execute("UPDATE metadata SET value = '2' WHERE key = 'schema_version'", [])
        .unwrap();
    // Root may write anywhere, except in a file system that cannot hold files.
    let unwritable = Path::new(if cfg!(target_os = "linux") { "/proc/registry.db" } else { "/dev/registry.db" });
    let cases = [
        (at("none/registry.db"), Kind::NOT_FOUND, format!("directory {} does not exist", at("none").display())),
        (dir.path().to_owned(), Kind::INVALID, "is a directory".into()),
        (unwritable.to_owned(), Kind::UNAVAILABLE, "cannot be opened for writing".into()),
        (at("text"), Kind::UNAVAILABLE, "is not a SQLite database".into()),
        (at("newer"), Kind::INVALID, "schema version 2 is newer than 1, the one this program knows".into()),
    ];
    for (path, kind, reason) in cases {
        let error = SqliteHistory::open(&path).err().unwrap();
        assert_eq!(error.to_string(), format!("registry history {}: {reason}", path.display()));
        assert_eq!(*error.kind(), kind);
    }
    // A damaged change set is found when it is needed, with its version.
    let rig = open(&at("damaged"));
    rig.registry.apply(ChangeSet::new().create(unit("a:x", 1, &[]))).unwrap();
    Connection::open(at("damaged"))
        .unwrap()
        .execute("UPDATE changesets SET data = x'9193' WHERE version_id = 1", [])
        .unwrap();
    let error = rig.registry.apply_version(0).unwrap_err().to_string();
    let start = format!("registry history {}: version v1: damaged change set: ", at("damaged").display());
    assert!(error.starts_with(&start), "{error}");
    assert_eq!(rig.content(), "a:x=1");
}

#[test]
fn two_programs_on_one_file_get_a_conflict_not_a_mess() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    let (one, two) = (open(&path), open(&path));
    one.registry.apply(ChangeSet::new().create(unit("a:x", 1, &[]))).unwrap();
    let made = two.registry.apply(ChangeSet::new().create(unit("b:y", 1, &[]))).unwrap();
    assert_eq!(made, Version { id: 2, parent: Some(0) });
    one.registry.apply_version(2).unwrap();
    assert_eq!(one.content(), "b:y=1");
}

const KILLED: &str = "WIPPY_TEST_KILLED_WRITER";

/// Not a test of its own: the program that [`kill_nine_at_any_moment`] kills.
/// Says the version after each finished change.
#[test]
fn writer_that_gets_killed() {
    let Some(path) = std::env::var_os(KILLED) else { return };
    let rig = open(Path::new(&path));
    let mut current = rig.registry.load_state(files(), None).unwrap().id;
    let mut out = std::io::stdout();
    for n in 0i64.. {
        let id = format!("n:e{}", n % 7);
        let known = rig.registry.get(&EntryId::parse(&id)).is_some();
        let done = match n % 5 {
            4 => rig.registry.apply_version(current.saturating_sub(2)),
            3 if known => rig.registry.apply(ChangeSet::new().delete(EntryId::parse(&id))),
            _ if known => rig.registry.apply(ChangeSet::new().update(unit(&id, n, &[]))),
            _ => rig.registry.apply(ChangeSet::new().create(unit(&id, n, &[]))),
        };
        current = done.unwrap().id;
        writeln!(out, "done {current}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn kill_nine_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    let (mut most, mut checked) = (0, 0);
    for round in 0..100u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer_that_gets_killed", "--nocapture", "--test-threads=1"])
            .env(KILLED, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).filter_map(|l| l.strip_prefix("done ")?.parse::<u64>().ok());
        // A few changes, then a moment that differs from round to round.
        let acknowledged = said.take((round % 4) as usize).collect::<Vec<_>>();
        std::thread::sleep(std::time::Duration::from_micros(u64::from(round * 97 % 3000)));
        child.kill().unwrap();
        child.wait().unwrap();

        let history = SqliteHistory::open(&path).unwrap();
        let versions = history.versions().unwrap();
        assert!(acknowledged.iter().all(|id| versions.iter().any(|v| v.id == *id)), "what was acknowledged is there");
        assert!(versions.len() >= most);
        most = versions.len();
        for v in versions.iter().filter(|v| v.id > checked) {
            assert!(history.changes(v.id).is_ok(), "{v} is whole");
            assert!(v.parent.is_some_and(|p| versions.iter().any(|v| v.id == p)));
        }
        checked = versions.last().unwrap().id;
        let head = history.head().unwrap().unwrap();
        assert!(versions.iter().any(|v| v.id == head));
        let check: String =
            Connection::open(&path).unwrap().query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
        assert_eq!(check, "ok");
        let rig = rig_with(Arc::new(history));
        rig.registry.load_state(files(), None).unwrap();
        rig.content();
    }
    assert!(most > 50, "the writers did write: {most}");
}
