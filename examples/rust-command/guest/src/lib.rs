//! A command: lists what the application consists of. Its arguments are those of the command line.

use std::collections::BTreeMap;

use wippy_guest::{Error, Result, println, process, registry};

#[process]
fn inventory(kind: Option<String>) -> Result<i64> {
    let kind = kind.unwrap_or_else(|| "*".into());
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for entry in registry::find(&[(".kind", kind.as_str().into())])? {
        found.entry(entry.kind).or_default().push(entry.id);
    }
    if found.is_empty() {
        return Err(Error::not_found(format!("no entries of kind {kind}")));
    }
    for (kind, ids) in &found {
        println!("{kind:<16} {}", ids.join(", "));
    }
    // The exit code.
    Ok(0)
}
