//! The terminal of a command. On any other host input is at its end, and output goes nowhere.
#![allow(unsafe_code)]

use alloc::string::String;
use core::fmt;

use crate::Result;
use crate::abi::{imports, returned};

/// Writes all bytes to standard output. Errors: Unavailable when the terminal is gone.
pub fn write(bytes: &[u8]) -> Result<()> {
    write_to(0, bytes)
}

/// Writes all bytes to standard error.
pub fn write_error(bytes: &[u8]) -> Result<()> {
    write_to(1, bytes)
}

fn write_to(output: i32, bytes: &[u8]) -> Result<()> {
    // SAFETY: the bytes live over the call; the runtime writes the answer.
    unsafe { returned(|ret| imports::terminal_write(output, bytes.as_ptr(), bytes.len(), ret)).take() }
}

/// Waits for a line of the input; `None` at its end.
pub fn read_line() -> Result<Option<String>> {
    // SAFETY: the runtime writes the answer and hands it over.
    unsafe {
        let line = returned(|ret| imports::terminal_read_line(ret)).take()?;
        Ok(line.get().map(|text| text.take_text()))
    }
}

/// For the macros: one write for each line. A terminal that is gone is nobody's failure.
#[doc(hidden)]
pub fn print(output: i32, arguments: fmt::Arguments<'_>) {
    let mut line = alloc::fmt::format(arguments);
    line.push('\n');
    let _ = write_to(output, line.as_bytes());
}

/// Writes a line to the terminal.
#[macro_export]
macro_rules! println {
    () => { $crate::terminal::print(0, ::core::format_args!("")) };
    ($($arg:tt)*) => { $crate::terminal::print(0, ::core::format_args!($($arg)*)) };
}

/// Writes a line to the terminal's standard error.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::terminal::print(1, ::core::format_args!("")) };
    ($($arg:tt)*) => { $crate::terminal::print(1, ::core::format_args!($($arg)*)) };
}
