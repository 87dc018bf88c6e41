//! The guests are in `examples`.
