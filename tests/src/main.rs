//! The program `wippy`, as built for the tests beside it.

fn main() -> std::process::ExitCode {
    wippy::main()
}
