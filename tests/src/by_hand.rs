//! Guests in WebAssembly text, from `tests/guests/wat`: nothing but the contract is between them and the runtime.
//!
//! A module that imports `wippy:process` gets the description of that world
//! built in, as a tool chain does; the runtime makes a component of it.

use std::path::Path;

use sha2::{Digest, Sha256};
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// The binary of `tests/guests/wat/NAME`.
pub fn compile(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("guests/wat").join(name)).expect("a guest");
    assemble(&text).expect("valid text")
}

/// The binary of a text. One that imports the contract of processes describes itself as a component, as tool chains
/// have it. Errors: the text is not valid.
pub fn assemble(text: &str) -> Result<Vec<u8>, wat::Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut module = wat::parse_str(text)?;
    if !text.contains("(component") && text.contains("\"wippy:process/") {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(root.join("../wasm-guest-sdk/wit")).expect("the contract");
        let world = resolve.select_world(&[package], Some("process")).expect("the world");
        wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("a description");
    }
    Ok(module)
}

/// As entries want it.
pub fn sha256(content: &[u8]) -> String {
    let hex: String = Sha256::digest(content).iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}
