//! Variables and registry entries, as every program may ask for them.

use wippy_runtime::env::commands::{AllVariables, GetVariable, SetVariable};
use wippy_runtime::payload::Value;
use wippy_runtime::registry::commands::{Find, Get};
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::{Error, Result};

use super::bindings::wippy::process::types::{Error as GuestError, Payload};
use super::bindings::wippy::process::{environment, registry};
use super::payload::{self, error_to, to_encoded};
use crate::process::GuestState;

type Reply<T> = wasmtime::Result<std::result::Result<T, GuestError>>;

fn reply<T>(result: Result<T>) -> Reply<T> {
    Ok(result.map_err(|e| error_to(&e)))
}

impl environment::Host for GuestState {
    async fn get(&mut self, key: String) -> Reply<String> {
        if key.is_empty() {
            return reply(Err(Error::invalid("empty key")));
        }
        reply(self.request(GetVariable { name: key }).await?)
    }
    async fn set(&mut self, key: String, value: String) -> Reply<()> {
        if key.is_empty() {
            return reply(Err(Error::invalid("empty key")));
        }
        reply(self.request(SetVariable { name: key, value }).await?)
    }
    async fn all(&mut self) -> Reply<Vec<(String, String)>> {
        reply(self.request(AllVariables).await?.map(|all| all.into_iter().collect()))
    }
}

fn shown(entry: &Entry) -> registry::Entry {
    let data = match &entry.data {
        Value::Nil => Value::Map(Default::default()),
        data => data.clone(),
    };
    registry::Entry {
        id: entry.id.to_string(),
        kind: entry.kind.clone(),
        meta: to_encoded(&Value::Map(entry.meta.clone())),
        data: to_encoded(&data),
    }
}

impl registry::Host for GuestState {
    async fn get(&mut self, id: String) -> Reply<registry::Entry> {
        let entry = self.request(Get { id: EntryId::parse(&id), within: None }).await?;
        reply(entry.map(|entry| shown(&entry)))
    }
    async fn find(&mut self, criteria: Vec<(String, Payload)>) -> Reply<Vec<registry::Entry>> {
        let limit = self.message_limit();
        let filter = match payload::to_map(&mut self.table, criteria, limit) {
            Ok(filter) => filter,
            Err(e) => return reply(Err(e)),
        };
        let found = self.request(Find { filter, within: None }).await?;
        reply(found.map(|entries| entries.iter().map(|entry| shown(entry)).collect()))
    }
}
