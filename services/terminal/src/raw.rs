//! Raw mode of the real terminal.

use std::io::{IsTerminal, stdin};

use parking_lot::Mutex;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use wippy_runtime::terminal::RawMode;
use wippy_runtime::{Error, Result};

/// The terminal behind standard input; remembers how it was set.
#[derive(Default)]
pub struct Tty(Mutex<Option<Termios>>);

impl RawMode for Tty {
    fn enter(&self) -> Result<()> {
        if !stdin().is_terminal() {
            return Err(Error::internal("stdin is not a terminal"));
        }
        let before = tcgetattr(stdin()).map_err(failed)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Drain, &raw).map_err(failed)?;
        *self.0.lock() = Some(before);
        Ok(())
    }
    fn leave(&self) -> Result<()> {
        match self.0.lock().take() {
            Some(before) => tcsetattr(stdin(), OptionalActions::Drain, &before).map_err(failed),
            None => Ok(()),
        }
    }
}

fn failed(e: rustix::io::Errno) -> Error {
    Error::internal(e.to_string())
}
