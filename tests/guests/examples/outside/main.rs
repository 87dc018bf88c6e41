//! Reaches out of its sandbox with WASI, as it is told, and tells what came of it, a line for each step.

mod files;
mod http;
mod sockets;

use std::fmt::Debug;

use wippy_guest::*;

#[process]
fn main(what: String, args: Vec<String>) -> Result<Vec<String>> {
    let mut told = Vec::new();
    match (what.as_str(), args.iter().map(String::as_str).collect::<Vec<_>>().as_slice()) {
        ("mounts", []) => files::mounts(&mut told),
        ("work", [mount]) => files::work(&mut told, mount),
        ("escape", [mount]) => files::escape(&mut told, mount),
        ("tcp", []) => sockets::tcp(&mut told),
        ("connect", [address]) => sockets::connect(&mut told, address),
        ("udp", []) => sockets::udp(&mut told),
        ("resolve", [name]) => sockets::resolve(&mut told, name),
        ("http", [method, authority, path, body]) => http::request(&mut told, method, authority, path, body),
        ("late", [authority, path]) => http::impatient(&mut told, authority, path),
        ("many", [count, authority, path]) => {
            http::many(&mut told, count.parse().unwrap_or_default(), authority, path);
        }
        _ => return Err(Error::invalid(format!("{what} {args:?} is nothing I know"))),
    }
    Ok(told)
}

/// `what: result`; of an error its name.
fn tell<T>(told: &mut Vec<String>, what: &str, result: std::result::Result<T, impl Debug>, show: impl FnOnce(T) -> String) {
    let result = match result {
        Ok(value) => show(value),
        Err(error) => {
            let text = format!("{error:?}");
            let name = text.split_once("name: \"").and_then(|(_, rest)| rest.split_once('"'));
            name.map(|(name, _)| name.to_owned()).unwrap_or(text)
        }
    };
    told.push(format!("{what}: {result}"));
}

fn ok<T>(_: T) -> String {
    "ok".into()
}
