//! The program `wippy`; see the library beside it.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    wippy::main()
}
