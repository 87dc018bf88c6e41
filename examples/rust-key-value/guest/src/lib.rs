//! A key-value store. Values are anything: they are kept as they came, whatever they mean to their owner.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wippy_guest::{Event, Incoming, Result, Value, names, process, receive, tell};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Put { key: String, value: Value },
    Get(String),
    Delete(String),
    Keys { prefix: Option<String> },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Ok(bool),
    Value(Option<Value>),
    Keys(Vec<String>),
    Error(wippy_guest::Error),
}

#[process]
fn store(name: String) -> Result<usize> {
    names::register(&name)?;
    let mut entries = BTreeMap::new();
    loop {
        let (reply, from) = match receive::<Request>() {
            Incoming::Message(request, from) => (answer(&mut entries, request), from),
            Incoming::Other(message, error) => (Reply::Error(error), message.sender),
            Incoming::Event(Event::Cancel(_)) => return Ok(entries.len()),
            _ => continue,
        };
        // A client that is gone needs no answer.
        let _ = tell(from, &reply);
    }
}

fn answer(entries: &mut BTreeMap<String, Value>, request: Request) -> Reply {
    match request {
        Request::Put { key, value } => Reply::Ok(entries.insert(key, value).is_none()),
        Request::Get(key) => Reply::Value(entries.get(&key).cloned()),
        Request::Delete(key) => Reply::Ok(entries.remove(&key).is_some()),
        Request::Keys { prefix } => {
            let prefix = prefix.unwrap_or_default();
            Reply::Keys(entries.keys().filter(|key| key.starts_with(&prefix)).cloned().collect())
        }
    }
}
