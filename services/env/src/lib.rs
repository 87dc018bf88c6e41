//! Environment storages and variables, and the `env` module that reads them.
#![forbid(unsafe_code)]
