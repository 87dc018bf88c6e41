//! What definitions and bindings say, read from their entries.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::payload::{Map, Value};
use crate::registry::decode::Fields;
use crate::registry::{Entry, EntryId};

/// A contract: what can be asked, and in which form. Forms are carried, not enforced.
#[derive(Debug, PartialEq)]
pub struct Definition {
    pub id: EntryId,
    pub methods: Vec<Method>,
}

#[derive(Debug, PartialEq)]
pub struct Method {
    pub name: String,
    pub description: String,
    pub input_schemas: Vec<Schema>,
    pub output_schemas: Vec<Schema>,
}

#[derive(Debug, PartialEq)]
pub struct Schema {
    pub format: String,
    pub definition: Value,
}

/// Which functions answer the methods of one or more contracts.
#[derive(Debug)]
pub struct Binding {
    pub id: EntryId,
    pub contracts: Vec<BoundContract>,
    /// For messages.
    pub(super) entry: Arc<Entry>,
}

#[derive(Debug, PartialEq)]
pub struct BoundContract {
    pub contract: EntryId,
    /// Method and function.
    pub methods: IndexMap<String, EntryId>,
    /// Context values that a call must have.
    pub context_required: Vec<String>,
    /// Opened when a contract is opened without naming a binding.
    pub default: bool,
}

impl Definition {
    /// Errors (Invalid): `method name cannot be empty`, `duplicate method name`, `input schema has a definition but no
    /// format specified` (`output` likewise), a field of a wrong type.
    pub(super) fn decode(entry: &Arc<Entry>) -> Result<Definition> {
        let mut methods = Vec::new();
        if !entry.data.is_nil() {
            let data = Fields::new(entry)?;
            let mut names = HashSet::new();
            for method in data.list_of_maps("methods")? {
                let name = method.opt_str("name")?.unwrap_or_default();
                if name.is_empty() {
                    return Err(method.error("name", "method name cannot be empty"));
                }
                if !names.insert(name) {
                    return Err(method.error("name", format_args!("duplicate method name: {name}")));
                }
                methods.push(Method {
                    name: name.to_owned(),
                    description: method.str_or("description", "")?.to_owned(),
                    input_schemas: schemas(&method, "input")?,
                    output_schemas: schemas(&method, "output")?,
                });
            }
            data.finish_and_log();
        }
        Ok(Definition { id: entry.id.clone(), methods })
    }
    pub fn method(&self, name: &str) -> Option<&Method> {
        self.methods.iter().find(|m| m.name == name)
    }
}

fn schemas(method: &Fields<'_>, which: &str) -> Result<Vec<Schema>> {
    let read = |schema: Fields<'_>| {
        let format = schema.str_or("format", "")?.to_owned();
        let definition = schema.value("definition").cloned().unwrap_or_default();
        let is_empty = match &definition {
            Value::Nil => true,
            Value::Str(s) => s.is_empty(),
            Value::List(l) => l.is_empty(),
            Value::Map(m) => m.is_empty(),
            _ => false,
        };
        if format.is_empty() && !is_empty {
            let text = format!("{which} schema has a definition but no format specified");
            return Err(schema.error("format", text));
        }
        Ok(Schema { format, definition })
    };
    method.list_of_maps(&format!("{which}_schemas"))?.into_iter().map(read).collect()
}

impl Binding {
    /// Errors (Invalid): `binding must bind at least one contract`, a field of a wrong type.
    pub(super) fn decode(entry: &Arc<Entry>) -> Result<Binding> {
        let data = Fields::new(entry)?;
        let mut contracts = Vec::new();
        for bound in data.list_of_maps("contracts")? {
            let methods = bound.map_of_str("methods")?;
            contracts.push(BoundContract {
                contract: bound.id("contract")?,
                methods: methods
                    .into_iter()
                    .filter(|(_, function)| !function.is_empty())
                    .map(|(name, function)| (name.to_owned(), EntryId::resolve(function, entry.id.ns())))
                    .collect(),
                context_required: bound.list_of_str("context_required")?.into_iter().map(str::to_owned).collect(),
                default: bound.bool("default", false)?,
            });
        }
        if contracts.is_empty() {
            return Err(data.error("contracts", "binding must bind at least one contract"));
        }
        data.finish_and_log();
        Ok(Binding { id: entry.id.clone(), contracts, entry: entry.clone() })
    }

    /// Whether it fits the definitions. Errors (Invalid): `binding references undefined contract`, `contract method is
    /// not bound`, `bound method is not defined in contract definition`.
    pub(super) fn check(&self, definitions: &HashMap<EntryId, Arc<Definition>>) -> Result<()> {
        for (n, bound) in self.contracts.iter().enumerate() {
            let wrong = |field: &str, text: &str, what: &str| {
                let path = format!("contracts.{n}.{field}");
                Err(self.entry.field_error(&path, format_args!("{text}: {what}")))
            };
            let Some(definition) = definitions.get(&bound.contract) else {
                return wrong("contract", "binding references undefined contract", bound.contract.as_str());
            };
            if let Some(method) = definition.methods.iter().find(|m| !bound.methods.contains_key(&m.name)) {
                return wrong("methods", "contract method is not bound", &method.name);
            }
            if let Some(extra) = bound.methods.keys().find(|m| definition.method(m).is_none()) {
                return wrong("methods", "bound method is not defined in contract definition", extra);
            }
        }
        Ok(())
    }

    /// The part that binds `method`; the first one if several contracts have it.
    fn bound(&self, method: &str) -> Option<(&BoundContract, &EntryId)> {
        self.contracts.iter().find_map(|bound| bound.methods.get(method).map(|function| (bound, function)))
    }
    pub fn has_method(&self, method: &str) -> bool {
        self.bound(method).is_some()
    }
    pub fn implements(&self, contract: &EntryId) -> bool {
        self.contracts.iter().any(|bound| bound.contract == *contract)
    }

    /// The function that answers `method`, for a call with these context values.
    ///
    /// Errors: NotFound `method 'M' not bound`; Invalid `missing required context keys: [a, b]`, details
    /// `missing_keys`.
    pub(super) fn function(&self, method: &str, values: &Map) -> Result<EntryId> {
        let Some((bound, function)) = self.bound(method) else {
            return Err(Error::not_found(format!("method '{method}' not bound")));
        };
        let required = bound.context_required.iter().map(String::as_str);
        let missing: Vec<&str> = required.filter(|key| !values.contains_key(*key)).collect();
        if missing.is_empty() {
            return Ok(function.clone());
        }
        let error = Error::invalid(format!("missing required context keys: [{}]", missing.join(", ")));
        Err(error.detail("missing_keys", missing.into_iter().collect::<Value>()))
    }
}
