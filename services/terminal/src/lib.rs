//! Terminal input and output for command processes: the `io` module, its
//! commands, and the real terminal.
//!
//! A process has a terminal when its host has attached a session to it
//! ([`wippy_runtime::terminal`]); everybody else hears `no terminal context`.
//! Knows no host.
#![forbid(unsafe_code)]

mod commands;
mod io;
#[cfg(unix)]
mod raw;

use std::sync::Arc;

use wippy_lua::modules::Catalogue;
use wippy_runtime::Result;
use wippy_runtime::boot::{Component, Setup};
use wippy_runtime::terminal::Terminal;

/// The component `terminal`.
pub struct TerminalComponent;

pub fn component() -> Arc<dyn Component> {
    Arc::new(TerminalComponent)
}

impl Component for TerminalComponent {
    fn name(&self) -> &'static str {
        "terminal"
    }
    fn requires(&self) -> &'static [&'static str] {
        &["lua"]
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.commands(commands::register);
        setup.context.need::<Catalogue>()?.offer(&io::MODULE)
    }
}

/// The terminal this program was started from, with raw mode where the system has it.
pub fn stdio() -> Arc<Terminal> {
    let terminal = Terminal::stdio();
    #[cfg(unix)]
    let terminal = terminal.with_raw_mode(raw::Tty::default());
    Arc::new(terminal)
}
