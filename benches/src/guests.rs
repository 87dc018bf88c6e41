//! Guests in WebAssembly: the files of `wasm/`, put together and described as
//! components of the world `process`.

use wippy_runtime::Error;
use wippy_runtime::payload::{Flat, Map, Value};
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// What guests share. Each gets the items that it uses.
const PRELUDE: &str = include_str!("../wasm/prelude.wat");

macro_rules! guests {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../wasm/", $name, ".wat")))),*]
    };
}

/// Entries that are there in WebAssembly as well.
pub const PROCESSES: [(&str, &str); 15] = guests![
    "crasher",
    "fairness_hog",
    "fanin_producer",
    "fanin_sink",
    "fib_worker",
    "greeter",
    "live_receiver",
    "nothing",
    "payload_sink",
    "payload_source",
    "ping",
    "pong",
    "ring_node",
    "skynet_node",
    "sleeper",
];
/// A core module of functions.
pub const FUNCTIONS: &str = include_str!("../wasm/functions.wat");

/// Workloads whose processes and functions they are.
pub const WASM_WORKLOADS: [&str; 15] = [
    "call",
    "fairness",
    "fanin",
    "fib",
    "first",
    "live",
    "pairs",
    "payload",
    "pingpong",
    "ring",
    "skynet",
    "spawn",
    "strings",
    "supervision",
    "timers",
];

/// Binary code of a text.
pub fn module(text: &str) -> Result<Vec<u8>, Error> {
    wat::parse_str(text).map_err(|e| failed(&e))
}

fn failed(e: &dyn std::fmt::Display) -> Error {
    Error::internal(format!("cannot make a guest: {e}"))
}

/// A guest with the description of its world, as tool chains put it in.
pub fn process(text: &str) -> Result<Vec<u8>, Error> {
    let own = match text.contains("{{MAP}}") {
        true => {
            let map = Flat::of(&[map()]);
            let bytes: String = map.as_bytes().iter().map(|b| format!("\\{b:02x}")).collect();
            text.replace("{{MAP}}", &bytes).replace("{{LENGTH}}", &map.as_bytes().len().to_string())
        }
        false => text.to_owned(),
    };
    described(module(&format!("(module\n{}{own})", used_by(&own)))?)
}

/// Adds the description of the world `process` to a core module.
pub fn described(mut module: Vec<u8>) -> Result<Vec<u8>, Error> {
    let mut resolve = Resolve::default();
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../wasm-guest-sdk/wit");
    let (package, _) = resolve.push_dir(contract).map_err(|e| failed(&e))?;
    let world = resolve.select_world(&[package], Some("process")).map_err(|e| failed(&e))?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .map_err(|e| failed(&e))?;
    Ok(module)
}

/// The items of the prelude that `text` uses, directly or through others; those without a name always.
fn used_by(text: &str) -> String {
    let items: Vec<&str> = PRELUDE.split("\n(").skip(1).collect();
    let name = |item: &str| {
        Some(item.split_once("(func $").or(item.split_once("func $"))?.1.split_once([' ', ')'])?.0.to_owned())
    };
    let mut used: Vec<bool> = items.iter().map(|item| name(item).is_none()).collect();
    let mut all = text.to_owned();
    loop {
        let is_wanted = |item: &str, all: &str| {
            let name = name(item).map(|n| format!("${n}"));
            name.is_some_and(|name| all.split([' ', '(', ')', '\n']).any(|word| word == name))
        };
        let Some(next) = (0..items.len()).find(|&i| !used[i] && is_wanted(items[i], &all)) else { break };
        used[next] = true;
        all.push_str(items[next]);
    }
    let chosen = items.iter().zip(used).filter(|(_, used)| *used);
    chosen.map(|(item, _)| format!("({item}\n")).collect()
}

/// The map of the workload `payload`: that of `lua/payload_source.lua`.
fn map() -> Value {
    let text = |i: u8| Value::Str(String::from_utf8_lossy(&[97 + i; 36]).into_owned());
    let nested = [("a", Value::Int(18)), ("b", Value::Float(2.5)), ("c", text(20))];
    let nested: Map = nested.map(|(k, v)| (k.to_owned(), v)).into_iter().collect();
    let mut map = Map::from([
        ("numbers".to_owned(), Value::List((1..=10).map(Value::Int).collect())),
        ("nested".to_owned(), Value::Map(nested)),
    ]);
    map.extend((1..=18).map(|i| (format!("field_{i:02}"), text(i))));
    Value::Map(map)
}
