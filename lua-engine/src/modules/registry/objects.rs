//! What the `registry` module hands out: Snapshot, Changes, Version, History.

use std::cell::Cell;
use std::sync::Arc;

use wippy_runtime::Error;
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::registry::commands::{Apply, Find, FindVersion, Get, List, Next, Previous, Versions};
use wippy_runtime::registry::{ChangeSet, Entry, EntryId, OpKind, Operation, Snapshot, Version};

use super::entries::{filter, push_entries, push_entry, push_operations, read_entry, read_id};
use super::{at_version, failed, version};
use crate::native::{Call, Function, Member, Object, Raise, Ret};
use crate::{member, native};

/// The entries at one moment.
pub(super) struct SnapshotObject(pub Arc<Snapshot>);

impl Object for SnapshotObject {
    const EXPECTED: &'static str = "registry.Snapshot";
    const METHODS: &'static [Member] = &[
        member!("entries", entries),
        member!("get", get),
        member!("namespace", namespace),
        member!("find", find),
        member!("changes", changes),
        member!("version", |c| {
            let version = c.userdata::<SnapshotObject>(1)?.0.version;
            c.push_object(VersionObject(version));
            Ok(Ret::ONE)
        }),
    ];
    const OPERATORS: &'static [Function] = &[native!("__tostring", |c| {
        let text = format!("registry.Snapshot{{version={}}}", c.userdata::<SnapshotObject>(1)?.0.version);
        c.push_str(text);
        Ok(Ret::ONE)
    })];
}

fn snapshot(call: &Call<'_>) -> Result<Arc<Snapshot>, Raise> {
    Ok(call.userdata::<SnapshotObject>(1)?.0.clone())
}

/// Pushes a list, or `nil, err`.
fn listed(call: &mut Call<'_>, reply: Result<Vec<Arc<Entry>>, Error>) -> Result<Ret, Raise> {
    match reply {
        Ok(entries) => push_entries(call, &entries)?,
        Err(e) => return failed(call, e),
    }
    Ok(Ret::ONE)
}

fn entries(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let within = snapshot(call)?;
    call.request(List { within, namespace: None }, |call, reply| match listed(call, reply)? {
        Ret::Values(1) => call.fine(),
        failed => Ok(failed),
    })
}

fn get(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let within = Some(snapshot(call)?);
    let id = EntryId::parse(&call.text(2)?);
    call.request(Get { id, within }, |call, reply| match reply {
        Ok(entry) => {
            push_entry(call, &entry)?;
            call.fine()
        }
        Err(e) => failed(call, e),
    })
}

fn namespace(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let within = snapshot(call)?;
    let namespace = Some(call.text(2)?.into_owned());
    call.request(List { within, namespace }, listed)
}

fn find(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let within = Some(snapshot(call)?);
    let filter = filter(call, 2)?;
    call.request(Find { filter, within }, listed)
}

fn changes(call: &mut Call<'_>) -> Result<Ret, Raise> {
    snapshot(call)?;
    call.push_object(ChangesObject::default());
    call.push_table(0, 0);
    call.set_slot(-2, OPERATIONS);
    Ok(Ret::ONE)
}

/// A change set that is being built. The operations are in the slot, each in flat form as a Lua string: so they count
/// as memory of the process.
#[derive(Default)]
struct ChangesObject {
    len: Cell<i64>,
}

const OPERATIONS: i32 = 1;

impl Object for ChangesObject {
    const EXPECTED: &'static str = "registry.Changes";
    const METHODS: &'static [Member] = &[
        member!("create", |c| add_entry(c, OpKind::Create)),
        member!("update", |c| add_entry(c, OpKind::Update)),
        member!("delete", delete),
        member!("ops", operations),
        member!("apply", apply),
    ];
    const OPERATORS: &'static [Function] = &[native!("__tostring", |c| {
        let text = format!("registry.Changes{{ops={}}}", c.userdata::<ChangesObject>(1)?.len.get());
        c.push_str(text);
        Ok(Ret::ONE)
    })];
    const SLOTS: i32 = 1;
}

/// An operation as plain data.
fn packed(operation: &Operation) -> Value {
    let Entry { id, kind, meta, data, .. } = &*operation.entry;
    let parts: [Value; 5] =
        [operation.kind.as_str().into(), id.as_str().into(), kind.as_str().into(), meta.clone().into(), data.clone()];
    Value::List(parts.into())
}

/// What [`packed`] made.
fn unpacked(value: Value) -> Option<Operation> {
    let Value::List(parts) = value else { return None };
    let [Value::Str(op), Value::Str(id), Value::Str(kind), Value::Map(meta), data] =
        <[Value; 5]>::try_from(parts).ok()?
    else {
        return None;
    };
    Some(Operation::new(OpKind::parse(&op)?, Entry { id: EntryId::parse(&id), kind, meta, data, origin: None }))
}

/// Adds an operation; the result is the change set itself.
fn add(call: &mut Call<'_>, operation: &Operation) -> Result<Ret, Raise> {
    let changes = call.userdata::<ChangesObject>(1)?;
    call.get_slot(1, OPERATIONS);
    call.push_str(Flat::of([&packed(operation)]).as_bytes());
    changes.len.set(changes.len.get() + 1);
    call.set_index(-2, changes.len.get());
    call.push_copy(1);
    Ok(Ret::ONE)
}

fn add_entry(call: &mut Call<'_>, kind: OpKind) -> Result<Ret, Raise> {
    call.userdata::<ChangesObject>(1)?;
    let table = call.table(2)?;
    match read_entry(call, table) {
        Ok(entry) => add(call, &Operation::new(kind, entry)),
        Err(e) => call.fail(Error::invalid("convert entry").because(e)),
    }
}

fn delete(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<ChangesObject>(1)?;
    match read_id(call, 2) {
        Some(id) => add(call, &Operation::delete(id)),
        None => call.fail(Error::invalid("invalid ID format")),
    }
}

/// The operations of the change set in slot 1.
fn collected(call: &mut Call<'_>) -> Result<ChangeSet, Raise> {
    let changes = call.userdata::<ChangesObject>(1)?;
    call.get_slot(1, OPERATIONS);
    let list = call.top();
    let mut set = ChangeSet::new();
    for i in 1..=changes.len.get() {
        call.get_index(list, i);
        let value = Flat::from_bytes(call.bytes(-1).unwrap_or_default()).first()?;
        set.0.extend(unpacked(value));
        call.pop(1);
    }
    call.pop(1);
    Ok(set)
}

fn operations(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let changes = collected(call)?;
    push_operations(call, changes.ops())?;
    Ok(Ret::ONE)
}

fn apply(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let changes = collected(call)?;
    call.request(Apply(changes), version)
}

/// One version.
pub(super) struct VersionObject(pub Version);

impl Object for VersionObject {
    const EXPECTED: &'static str = "registry.Version";
    const METHODS: &'static [Member] = &[
        member!("id", |c| {
            let id = c.userdata::<VersionObject>(1)?.0.id;
            c.push_int(id as i64);
            Ok(Ret::ONE)
        }),
        member!("previous", |c| {
            let version = c.userdata::<VersionObject>(1)?.0;
            c.request(Previous(version), neighbour)
        }),
        member!("next", |c| {
            let version = c.userdata::<VersionObject>(1)?.0;
            c.request(Next(version), neighbour)
        }),
        member!("string", |c| {
            let text = c.userdata::<VersionObject>(1)?.0.to_string();
            c.push_str(text);
            Ok(Ret::ONE)
        }),
    ];
    const OPERATORS: &'static [Function] = &[native!("__tostring", |c| {
        let text = format!("registry.Version{{{}}}", c.userdata::<VersionObject>(1)?.0);
        c.push_str(text);
        Ok(Ret::ONE)
    })];
}

/// Pushes the version or nil, or `nil, err`.
fn neighbour(call: &mut Call<'_>, reply: Result<Option<Version>, Error>) -> Result<Ret, Raise> {
    match reply {
        Ok(Some(version)) => call.push_object(VersionObject(version)),
        Ok(None) => call.push_nil(),
        Err(e) => return failed(call, e),
    }
    Ok(Ret::ONE)
}

/// Pushes a list of Version objects.
pub(super) fn push_versions(call: &Call<'_>, versions: &[Version]) {
    call.push_table(versions.len(), 0);
    for (i, version) in versions.iter().enumerate() {
        call.push_object(VersionObject(*version));
        call.set_index(-2, i as i64 + 1);
    }
}

/// All versions of the registry; the registry itself keeps them.
pub(super) struct HistoryObject;

impl Object for HistoryObject {
    const EXPECTED: &'static str = "registry.History";
    const METHODS: &'static [Member] =
        &[member!("versions", versions), member!("get_version", get_version), member!("snapshot_at", snapshot_at)];
    const OPERATORS: &'static [Function] = &[native!("__tostring", |c| {
        c.userdata::<HistoryObject>(1)?;
        c.push_str("registry.History{}");
        Ok(Ret::ONE)
    })];
}

fn versions(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<HistoryObject>(1)?;
    call.request(Versions, |call, reply| match reply {
        Ok(versions) => {
            push_versions(call, &versions);
            call.fine()
        }
        Err(e) => failed(call, e),
    })
}

fn get_version(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<HistoryObject>(1)?;
    match call.int(2)? {
        n if n >= 0 => call.request(FindVersion(n as u64), version),
        _ => call.fail(Error::invalid("invalid version ID")),
    }
}

fn snapshot_at(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<HistoryObject>(1)?;
    let id = call.userdata::<VersionObject>(2)?.0.id;
    at_version(call, id)
}
