//! The `registry` module: reading entries, and changing them as versions.
//!
//! Every function asks the runtime ([`wippy_runtime::registry::commands`]), which
//! checks permissions. `objects` is what is handed out: snapshots, versions, the
//! history and change sets; `entries` turns entries into Lua tables and back.

mod entries;
mod objects;

use std::sync::Arc;

use wippy_runtime::Error;
use wippy_runtime::registry::commands::{ApplyVersion, Current, Find, FindVersion, Get, SnapshotAt, Versions};
use wippy_runtime::registry::{EntryId, Version, build_delta};

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Raise, Ret, Type};
use entries::{filter, push_entries, push_entry, push_operations, read_entries};
use objects::{HistoryObject, SnapshotObject, VersionObject, push_versions};

pub static MODULE: Module = Module {
    name: "registry",
    value: ModuleValue::Table(MEMBERS),
    class: &["storage", "nondeterministic"],
    description: "Entries, their versions and their history",
};

const MEMBERS: &[Member] = &[
    member!("get", get),
    member!("find", find),
    member!("parse_id", parse_id),
    member!("snapshot", snapshot),
    member!("snapshot_at", snapshot_at),
    member!("current_version", current_version),
    member!("versions", versions),
    member!("history", history),
    member!("apply_version", apply_version),
    member!("build_delta", delta),
];

/// `nil, err`.
fn failed(call: &mut Call<'_>, error: Error) -> Result<Ret, Raise> {
    call.fail(known(error))
}

/// The error of a runtime without these commands is one that programs know.
fn known(error: Error) -> Error {
    match error.details().is_some_and(|d| d.contains_key("command_id")) {
        true => Error::internal("registry not found in context"),
        false => error,
    }
}

fn get(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = EntryId::parse(&call.text(1)?);
    call.request(Get { id, within: None }, |call, reply| match reply {
        Ok(entry) => {
            push_entry(call, &entry)?;
            call.fine()
        }
        Err(e) => failed(call, e),
    })
}

fn find(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let filter = filter(call, 1)?;
    call.request(Find { filter, within: None }, |call, reply| match reply {
        Ok(found) => {
            push_entries(call, &found)?;
            call.fine()
        }
        Err(e) => failed(call, e),
    })
}

fn parse_id(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = EntryId::parse(&call.text(1)?);
    call.push_table(0, 2);
    call.push_str(id.ns());
    call.set_field(-2, "ns");
    call.push_str(id.name());
    call.set_field(-2, "name");
    Ok(Ret::ONE)
}

fn snapshot(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.request(Current, |call, reply| match reply {
        Ok(snapshot) => {
            call.push_object(SnapshotObject(snapshot));
            call.fine()
        }
        Err(e) => failed(call, e),
    })
}

fn snapshot_at(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match call.int(1)? {
        n if n > 0 => at_version(call, n as u64),
        _ => call.fail(Error::invalid("invalid version ID")),
    }
}

/// The snapshot of a recorded version, or `nil, err`.
fn at_version(call: &mut Call<'_>, id: u64) -> Result<Ret, Raise> {
    call.request(SnapshotAt(id), |call, reply| match reply {
        Ok(snapshot) => {
            call.push_object(SnapshotObject(snapshot));
            call.fine()
        }
        Err(e) => failed(call, e),
    })
}

fn current_version(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.request(Current, |call, reply| version(call, reply.map(|s: Arc<_>| s.version)))
}

/// Pushes the version, or `nil, err`.
fn version(call: &mut Call<'_>, reply: Result<Version, Error>) -> Result<Ret, Raise> {
    match reply {
        Ok(version) => {
            call.push_object(VersionObject(version));
            call.fine()
        }
        Err(e) => failed(call, e),
    }
}

fn versions(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.request(Versions, |call, reply| match reply {
        Ok(versions) => {
            push_versions(call, &versions);
            call.fine()
        }
        Err(e) => failed(call, e),
    })
}

fn history(call: &mut Call<'_>) -> Result<Ret, Raise> {
    // The root is in every history there is.
    call.request(FindVersion(Version::ROOT.id), |call, reply| match reply {
        Ok(_) => {
            call.push_object(HistoryObject);
            call.fine()
        }
        Err(e) => failed(call, e),
    })
}

fn apply_version(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let Some(VersionObject(version)) = call.object(1) else {
        return match call.type_of(1) {
            Type::Userdata => call.fail(Error::invalid("expected version object")),
            _ => Err(call.expected(1, "userdata")),
        };
    };
    call.request(ApplyVersion(version.id), |call, reply| match reply {
        Ok(_) => {
            call.push_bool(true);
            call.fine()
        }
        // What the switch itself reports is always Internal.
        Err(e) if *e.kind() == wippy_runtime::Kind::INTERNAL => call.fail_false(e),
        Err(e) => failed(call, e),
    })
}

fn delta(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (from, to) = (call.table(1)?, call.table(2)?);
    let (from, to) = (read_entries(call, from), read_entries(call, to));
    push_operations(call, &build_delta(&from, &to))?;
    call.fine()
}
