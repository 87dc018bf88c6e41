//! Terminal input and output for command processes, and the `io` module.
#![forbid(unsafe_code)]
