//! The program `wippy`; see the library beside it.
#![forbid(unsafe_code)]

/// Processes come and go on all threads, and their heaps are many small pieces: the system's allocator is slower at it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    wippy::main()
}
