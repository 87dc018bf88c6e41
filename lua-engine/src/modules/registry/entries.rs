//! Entries and operations as Lua tables, and back.

use std::sync::Arc;

use wippy_runtime::Error;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::{Entry, EntryId, Operation};

use crate::native::{Call, Raise, Type};

/// Pushes `{id, kind, meta, data}`; the tables are fresh. Raises for data that is too deep for a table.
pub(super) fn push_entry(call: &Call<'_>, entry: &Entry) -> Result<(), Raise> {
    call.push_table(0, 4);
    let table = call.top();
    call.push_str(entry.id.as_str());
    call.set_field(table, "id");
    call.push_str(&entry.kind);
    call.set_field(table, "kind");
    call.push_map(&entry.meta)?;
    call.set_field(table, "meta");
    call.push_value(&entry.data)?;
    call.set_field(table, "data");
    Ok(())
}

pub(super) fn push_entries(call: &Call<'_>, entries: &[Arc<Entry>]) -> Result<(), Raise> {
    call.push_table(entries.len(), 0);
    let list = call.top();
    for (i, entry) in entries.iter().enumerate() {
        push_entry(call, entry)?;
        call.set_index(list, i as i64 + 1);
    }
    Ok(())
}

/// Pushes a list of `{kind, entry}`.
pub(super) fn push_operations(call: &Call<'_>, operations: &[Operation]) -> Result<(), Raise> {
    call.push_table(operations.len(), 0);
    let list = call.top();
    for (i, operation) in operations.iter().enumerate() {
        call.push_table(0, 2);
        call.push_str(operation.kind.as_str());
        call.set_field(list + 1, "kind");
        push_entry(call, &operation.entry)?;
        call.set_field(list + 1, "entry");
        call.set_index(list, i as i64 + 1);
    }
    Ok(())
}

/// The entry that the table in slot `at` describes. Errors: Invalid, saying what is missing or cannot be kept.
pub(super) fn read_entry(call: &mut Call<'_>, at: i32) -> Result<Entry, Error> {
    let top = call.top();
    let entry = read(call, at);
    call.truncate(top);
    entry
}

fn read(call: &mut Call<'_>, at: i32) -> Result<Entry, Error> {
    let id = match call.get_field(at, "id") {
        Type::String => EntryId::parse(&text(call, -1)),
        Type::Table => {
            let id = call.top();
            let both = call.get_field(id, "ns") == Type::String && call.get_field(id, "name") == Type::String;
            if !both {
                return Err(Error::invalid("id requires ns and name fields"));
            }
            EntryId::new(&text(call, -2), &text(call, -1))
        }
        _ => return Err(Error::invalid("entry must have valid id field")),
    };
    if id.name().is_empty() {
        return Err(Error::invalid("entry must have valid id field"));
    }
    let kind = match call.get_field(at, "kind") {
        Type::String => text(call, -1),
        _ => return Err(Error::invalid("entry must have kind field")),
    };
    let meta = match call.get_field(at, "meta") {
        Type::Table => {
            let table = call.top();
            named(call, table)?
        }
        _ => Map::new(),
    };
    call.get_field(at, "data");
    let data = call.stack_data(-1)?;
    Ok(Entry { id, kind, meta, data, origin: None })
}

fn text(call: &Call<'_>, i: i32) -> String {
    String::from_utf8_lossy(call.bytes(i).unwrap_or_default()).into_owned()
}

/// The members of a table whose keys are texts.
fn named(call: &mut Call<'_>, table: i32) -> Result<Map, Error> {
    let mut map = Map::new();
    call.push_nil();
    while call.next(table) {
        if call.type_of(-2) == Type::String {
            let (key, value) = (text(call, -2), call.stack_data(-1)?);
            map.insert(key, value);
        }
        call.pop(1);
    }
    Ok(map)
}

/// The entries of the list in slot `at`; what is no entry is left out.
pub(super) fn read_entries(call: &mut Call<'_>, at: i32) -> Vec<Arc<Entry>> {
    let mut entries = Vec::new();
    for i in 1..=call.raw_len(at) as i64 {
        if call.get_index(at, i) == Type::Table {
            let table = call.top();
            entries.extend(read_entry(call, table).ok().map(Arc::new));
        }
        call.pop(1);
    }
    entries
}

/// The id in argument `i`: text, or `{ns, name}` with whatever is there as text.
pub(super) fn read_id(call: &mut Call<'_>, i: i32) -> Option<EntryId> {
    match call.type_of(i) {
        Type::String => Some(EntryId::parse(&text(call, i))),
        Type::Table => {
            let part = |call: &mut Call<'_>, name: &str| {
                let part = match call.get_field(i, name) {
                    Type::Nil => "nil".to_owned(),
                    _ => call.key_text(-1),
                };
                call.pop(1);
                part
            };
            let (ns, name) = (part(call, "ns"), part(call, "name"));
            Some(EntryId::new(&ns, &name))
        }
        _ => None,
    }
}

/// The criteria of the table in argument `i`: its own, and those under `meta`.
pub(super) fn filter(call: &mut Call<'_>, i: i32) -> Result<Map, Raise> {
    let table = call.table(i)?;
    let mut filter = named(call, table)?;
    let meta = filter.shift_remove("meta");
    if let Some(Value::Map(more)) = meta {
        filter.extend(more);
    }
    Ok(filter)
}
