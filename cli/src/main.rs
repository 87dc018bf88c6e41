//! The program `wippy`; see the library beside it.
#![forbid(unsafe_code)]

#[global_allocator]
static ALLOCATOR: wippy_allocator::Allocator = wippy_allocator::Allocator;

fn main() -> std::process::ExitCode {
    wippy::main()
}
