//! Where processes and functions run: process hosts, the terminal host,
//! supervised processes, function pools, process groups. Knows which limits
//! and capabilities a host has, and no engine.
#![forbid(unsafe_code)]

pub mod pools;
