//! Stage `override`: sets fields of entries to values of the configuration
//! (`override` section) and of the command line (`-o ns:entry:field=value`).

use super::field_path::FieldPath;
use super::{EntrySet, Stage};
use crate::boot::{Config, nearest};
use crate::error::{Error, Result};
use crate::payload::Value;
use crate::placeholder::typed;
use crate::registry::EntryId;

/// One assignment.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    pub entry: EntryId,
    /// See `field_path`; `kind` means the entry's kind.
    pub path: String,
    pub value: Value,
}

/// Assignments in order; later ones win.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides(pub Vec<Override>);

impl Overrides {
    /// Those of the section `override`. Errors: malformed keys, all at once.
    pub fn from_config(config: &Config) -> Result<Overrides> {
        let mut errors = Vec::new();
        let mut found = Vec::new();
        for (key, value) in config.section("override") {
            match split_key(key) {
                Ok((entry, path)) => found.push(Override { entry, path, value: value.clone() }),
                Err(e) => {
                    let place = match config.origin("override", key) {
                        Some((file, pos)) => format!("{file}:{}:{}: ", pos.line, pos.column),
                        None => String::new(),
                    };
                    errors.push(format!("{place}invalid override key \"{key}\": {e}"));
                }
            }
        }
        if errors.is_empty() { Ok(Overrides(found)) } else { Err(Error::invalid(errors.join("\n"))) }
    }

    /// Those of `-o`; one text may hold several, separated by commas.
    pub fn from_flags(flags: &[String]) -> Result<Overrides> {
        let texts = flags.iter().flat_map(|flag| flag.split(','));
        let parsed: Result<_> = texts
            .map(|text| {
                let fail = |e: String| Error::invalid("invalid override").because(Error::invalid(e));
                let (key, value) = text.split_once('=').ok_or_else(|| {
                    fail("missing separator '=', expected format: namespace:entry:field=value".to_owned())
                })?;
                let (entry, path) = split_key(key).map_err(fail)?;
                let value = match value.to_ascii_lowercase().as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => typed(value),
                };
                Ok(Override { entry, path, value })
            })
            .collect();
        parsed.map(Overrides)
    }

    /// These, then `more`.
    pub fn and(mut self, more: Overrides) -> Overrides {
        self.0.extend(more.0);
        self
    }
}

/// `ns:entry:path`, split at the first two colons.
fn split_key(key: &str) -> Result<(EntryId, String), String> {
    let mut parts = key.splitn(3, ':').map(str::trim);
    let (Some(ns), Some(name), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("missing separator ':', expected format: namespace:entry:field=value".into());
    };
    for (part, what) in [(ns, "namespace"), (name, "entry"), (path, "field")] {
        if part.is_empty() {
            return Err(format!("{what} cannot be empty"));
        }
    }
    Ok((EntryId::new(ns, name), path.to_owned()))
}

impl Stage for Overrides {
    fn name(&self) -> &'static str {
        "override"
    }

    fn run(&self, set: &mut EntrySet) -> Result<()> {
        let positions = set.positions();
        let mut errors = Vec::new();
        for Override { entry: id, path, value } in &self.0 {
            let Some(&at) = positions.get(id) else {
                let hint = nearest(id.as_str(), set.entries.iter().map(|e| e.id.as_str()));
                let hint = hint.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
                errors.push(format!("no entry found for {id}{hint}"));
                continue;
            };
            let entry = &mut set.entries[at];
            if path.strip_prefix('.').unwrap_or(path) == "kind" {
                match value.as_str().map(str::trim).filter(|k| !k.is_empty()) {
                    Some(kind) => entry.kind = kind.to_owned(),
                    None => errors.push(format!("{id}: kind must be a non-empty string")),
                }
                continue;
            }
            match FieldPath::parse(path) {
                Ok(path) => path.set(entry, value.clone()),
                Err(e) => errors.push(format!("{id}: {e}")),
            }
        }
        match errors.is_empty() {
            true => Ok(()),
            false => Err(Error::invalid(format!("override errors: [{}]", errors.join("; ")))),
        }
    }
}
