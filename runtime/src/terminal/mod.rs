//! The terminal of this program: its three streams, as processes of a terminal
//! host use them. Tests put other streams in their place.
//!
//! Output is written and flushed at once, one call one piece, so that nothing
//! is lost at the end and the order is that of the calls. Input has one reader
//! at a time (`input.rs`). Raw mode is counted, for each process and for all.

mod input;

pub use input::{Deliver, ReadId, Wanted};

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::io::Io;
use input::Input;

/// Where to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Stderr,
}

/// Switches the terminal between lines with echo and single keys without.
pub trait RawMode: Send + Sync {
    /// Errors: standard input is not a terminal.
    fn enter(&self) -> Result<()>;
    /// Back to how it was before `enter`.
    fn leave(&self) -> Result<()>;
}

type Sink = Mutex<Box<dyn Write + Send>>;

/// See the module comment.
pub struct Terminal {
    input: Arc<Input>,
    stdout: Sink,
    stderr: Sink,
    raw_mode: Option<Box<dyn RawMode>>,
    /// How often raw mode was entered and not left.
    raw: Mutex<u32>,
}

impl Terminal {
    /// The streams of this program.
    pub fn stdio() -> Terminal {
        Terminal::new(io::stdin(), io::stdout(), io::stderr())
    }
    pub fn new(
        input: impl io::Read + Send + 'static,
        stdout: impl Write + Send + 'static,
        stderr: impl Write + Send + 'static,
    ) -> Terminal {
        Terminal {
            input: Arc::new(Input::new(Box::new(input))),
            stdout: Mutex::new(Box::new(stdout)),
            stderr: Mutex::new(Box::new(stderr)),
            raw_mode: None,
            raw: Mutex::new(0),
        }
    }
    pub fn with_raw_mode(mut self, raw_mode: impl RawMode + 'static) -> Terminal {
        self.raw_mode = Some(Box::new(raw_mode));
        self
    }

    /// Writes all of `bytes` and flushes. Blocks while the reader of the output does not keep up.
    pub fn write(&self, to: Output, bytes: &[u8]) -> io::Result<()> {
        let mut sink = match to {
            Output::Stdout => self.stdout.lock(),
            Output::Stderr => self.stderr.lock(),
        };
        sink.write_all(bytes)?;
        sink.flush()
    }

    /// Reads when it is this reader's turn, on `io`'s threads for what blocks. `deliver` gets the bytes, or `None` at
    /// the end of input; it is called at once if the bytes are there already.
    pub fn read(&self, io: &Io, wanted: Wanted, deliver: Deliver) -> Option<ReadId> {
        self.input.read(io, wanted, deliver)
    }
    /// Takes back a read that has not been delivered; what comes in goes to the next reader.
    pub fn cancel_read(&self, id: ReadId) {
        self.input.cancel(id);
    }

    fn enter_raw(&self) -> Result<()> {
        let Some(raw_mode) = &self.raw_mode else {
            return Err(Error::unavailable("raw terminal control unavailable"));
        };
        let mut raw = self.raw.lock();
        if *raw == 0 {
            raw_mode.enter()?;
        }
        *raw += 1;
        Ok(())
    }
    fn leave_raw(&self) -> Result<()> {
        let mut raw = self.raw.lock();
        *raw = raw.saturating_sub(1);
        match &self.raw_mode {
            Some(raw_mode) if *raw == 0 => raw_mode.leave(),
            _ => Ok(()),
        }
    }
    /// Leaves raw mode, whoever entered it: for the end of the program.
    pub fn restore(&self) {
        let mut raw = self.raw.lock();
        if std::mem::take(&mut *raw) > 0
            && let Some(raw_mode) = &self.raw_mode
            && let Err(error) = raw_mode.leave()
        {
            tracing::warn!(%error, "the terminal could not be restored");
        }
    }
}

/// The terminal in the hands of one process; attached to it by its host.
pub struct TerminalSession {
    pub terminal: Arc<Terminal>,
    /// The argument list.
    pub args: Vec<Vec<u8>>,
    raw: Mutex<u32>,
}

impl TerminalSession {
    pub fn new(terminal: Arc<Terminal>, args: Vec<Vec<u8>>) -> TerminalSession {
        TerminalSession { terminal, args, raw: Mutex::new(0) }
    }
    /// Enters raw mode, or leaves it if it was left as often as it was entered.
    /// Errors: Unavailable `raw terminal control unavailable`; Internal `stdin is not a terminal`.
    pub fn raw(&self, on: bool) -> Result<()> {
        let mut raw = self.raw.lock();
        if on {
            self.terminal.enter_raw()?;
            *raw += 1;
        } else if *raw > 0 {
            self.terminal.leave_raw()?;
            *raw -= 1;
        }
        Ok(())
    }
    /// The process has ended: takes back what it did to the terminal.
    pub fn end(&self) {
        for _ in 0..std::mem::take(&mut *self.raw.lock()) {
            if let Err(error) = self.terminal.leave_raw() {
                tracing::warn!(%error, "the terminal could not be restored");
            }
        }
    }
}
