//! How a command fails: with one error, or with everything that is wrong with
//! the user's files.

use std::io::{IsTerminal, Write};

use wippy_runtime::boot::Problem;

#[derive(Debug)]
pub enum Failure {
    Error(anyhow::Error),
    /// Problems of files, shown one after the other, and what could not be done because of them.
    Problems(Vec<Problem>, String),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Error(error.into())
    }
}

impl Failure {
    /// Writes to standard error: `Error: <message>`, or with `-c` the message alone, in red.
    pub fn print(&self, console: bool) {
        let message = match self {
            Failure::Error(error) => error.to_string(),
            Failure::Problems(problems, message) => {
                show(problems);
                message.clone()
            }
        };
        let line = match console {
            true if std::io::stderr().is_terminal() => format!("\x1b[31m{message}\x1b[0m\n"),
            true => format!("{message}\n"),
            false => format!("Error: {message}\n"),
        };
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

/// Shows problems on standard error.
pub fn show(problems: &[Problem]) {
    let mut err = std::io::stderr().lock();
    for problem in problems {
        let _ = writeln!(err, "{problem}\n");
    }
}
