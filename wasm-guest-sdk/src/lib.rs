//! The Rust SDK for wippy guests. The WIT package in `wit/` is the contract that it and every other guest build on.
#![forbid(unsafe_code)]
