//! What the benchmarks run: the workloads of `lua/`, on a node with one
//! process host, through the code path that an application takes. Knows how to
//! measure the OS process it is in, and nothing of the peers it is compared
//! with. `README.md` says how to read the numbers.
#![forbid(unsafe_code)]

mod app;
pub mod engine;
mod guests;
mod measure;
mod workload;

pub use app::{App, HOST};
pub use guests::WASM_WORKLOADS;
pub use measure::{peak_rss_kb, rss_kb};
pub use workload::{ENGINE_WORKLOADS, Figures, WORKLOADS, Workload, run};
