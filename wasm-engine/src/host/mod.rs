//! What guests can import beside WASI.

pub mod funcs;
