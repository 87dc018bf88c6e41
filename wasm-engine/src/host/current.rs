//! The process itself: who it is, its options, leaving; its log, time and
//! terminal.

use std::sync::Arc;

use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::logging::PROGRAM;
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::{Completion, Exit};
use wippy_runtime::registry::EntryId;
use wippy_runtime::terminal::{Output, TerminalSession, Wanted};
use wippy_runtime::{Error, Kind};

use super::bindings::wippy::process::types::{Error as GuestError, Payload};
use super::bindings::wippy::process::{current, log, terminal, time};
use super::payload::{self, error_to};
use super::types::pid_to;
use crate::process::{GuestState, Leave};

impl GuestState {
    /// Stops the guest; never gives a value.
    fn leave<T>(&mut self, leave: Leave) -> wasmtime::Result<T> {
        self.leave = Some(leave);
        // Only a way out of the guest; nobody reads it.
        Err(wasmtime::Error::new(Error::new(Kind::EXITED, "the guest has left")))
    }
}

impl current::Host for GuestState {
    fn self_pid(&mut self) -> wasmtime::Result<current::Pid> {
        Ok(pid_to(self.control.pid()))
    }
    fn entry_id(&mut self) -> wasmtime::Result<String> {
        Ok(self.control.frame().entry.to_string())
    }
    fn get_options(&mut self) -> wasmtime::Result<current::Options> {
        Ok(current::Options {
            trap_links: self.control.trap_links(),
            upgradable: self.control.upgradable(),
            tables: self.tables,
        })
    }
    fn set_options(&mut self, options: current::Options) -> wasmtime::Result<()> {
        self.control.set_trap_links(options.trap_links);
        self.control.set_upgradable(options.upgradable);
        self.tables = options.tables;
        Ok(())
    }
    fn context_value(&mut self, key: String) -> wasmtime::Result<Option<Payload>> {
        let values = self.control.frame().inherited.values.clone();
        let Some(value) = values.get(&key) else { return Ok(None) };
        let flat = Flat::of([value]);
        let form = self.tables;
        Ok(payload::read(&mut self.table, &mut flat.reader(), form).ok())
    }
    fn upgrade(&mut self, entry: Option<String>, args: Vec<Payload>) -> wasmtime::Result<()> {
        let limit = self.message_limit();
        let args = payload::encode(&mut self.table, args, limit).map_err(wasmtime::Error::new)?;
        let entry = entry.filter(|id| !id.is_empty()).map(|id| EntryId::parse(&id));
        self.leave(Leave::Upgrade { entry, args })
    }
    fn exit(&mut self, outcome: Result<Payload, GuestError>) -> wasmtime::Result<()> {
        let exit = self.exit_of(outcome);
        self.leave(Leave::Exit(exit))
    }
}

impl GuestState {
    /// The end that a guest asked for.
    pub fn exit_of(&mut self, outcome: Result<Payload, GuestError>) -> Exit {
        let limit = self.message_limit();
        match outcome {
            Ok(Payload::Nil) => Exit::Value(Flat::new()),
            Ok(value) => payload::encode(&mut self.table, vec![value], limit).into(),
            Err(error) => match payload::error_from(error) {
                // An error without a kind is Internal to whoever watches, as from Lua.
                Ok(e) if e.kind().as_str().is_empty() => Exit::Error(e.with_kind(Kind::INTERNAL)),
                Ok(e) | Err(e) => Exit::Error(e),
            },
        }
    }
    /// Bytes of one message, of arguments and of results.
    pub fn message_limit(&self) -> usize {
        match self.control.host.limits.message {
            0 => usize::MAX,
            limit => limit,
        }
    }
}

impl log::Host for GuestState {
    fn write(&mut self, level: log::Level, message: String, fields: Vec<(String, Payload)>) -> wasmtime::Result<()> {
        if !self.may_log() {
            return Ok(());
        }
        let limit = self.message_limit();
        let fields = match payload::to_map(&mut self.table, fields, limit) {
            Ok(map) => serde_json::to_string(&Value::Map(map)).unwrap_or_default(),
            Err(_) => String::new(),
        };
        let pid = self.control.pid().to_string();
        let (location, logger) = (self.control.frame().entry.to_string(), "");
        match level {
            log::Level::Debug => tracing::debug!(target: PROGRAM, pid, location, logger, fields, "{message}"),
            log::Level::Info => tracing::info!(target: PROGRAM, pid, location, logger, fields, "{message}"),
            log::Level::Warn => tracing::warn!(target: PROGRAM, pid, location, logger, fields, "{message}"),
            log::Level::Error => tracing::error!(target: PROGRAM, pid, location, logger, fields, "{message}"),
        }
        Ok(())
    }
    fn enabled(&mut self, level: log::Level) -> wasmtime::Result<bool> {
        Ok(self.may_log()
            && match level {
                log::Level::Debug => tracing::event_enabled!(target: PROGRAM, tracing::Level::DEBUG),
                log::Level::Info => tracing::event_enabled!(target: PROGRAM, tracing::Level::INFO),
                log::Level::Warn => tracing::event_enabled!(target: PROGRAM, tracing::Level::WARN),
                log::Level::Error => tracing::event_enabled!(target: PROGRAM, tracing::Level::ERROR),
            })
    }
}

impl GuestState {
    /// Whether the host grants what the module `logger` is to programs in Lua.
    fn may_log(&self) -> bool {
        self.control.host.capabilities.allows("logger")
    }
}

impl time::Host for GuestState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.with_step(|cx| cx.node().clock().now())
    }
    fn wall(&mut self) -> wasmtime::Result<i64> {
        self.with_step(|cx| cx.node().clock().wall())
    }
    async fn sleep(&mut self, nanoseconds: u64) -> wasmtime::Result<()> {
        if nanoseconds == 0 {
            return Ok(());
        }
        let timer = self.arm(nanoseconds)?;
        let _ = self.completion(timer.tag).await?;
        Ok(())
    }
    fn random(&mut self) -> wasmtime::Result<u64> {
        self.with_step(|cx| cx.node().entropy().next())
    }
}

impl GuestState {
    /// The terminal of the process, where its host grants one.
    fn session(&self) -> Option<Arc<TerminalSession>> {
        let granted = self.control.host.capabilities.allows(CapabilitySet::TERMINAL);
        if granted { self.control.attached() } else { None }
    }
}

impl terminal::Host for GuestState {
    fn write(&mut self, to: terminal::Output, data: Vec<u8>) -> wasmtime::Result<Result<(), GuestError>> {
        let Some(session) = self.session() else { return Ok(Ok(())) };
        let to = match to {
            terminal::Output::Stdout => Output::Stdout,
            terminal::Output::Stderr => Output::Stderr,
        };
        let written = session.terminal.write(to, &data);
        Ok(written.map_err(|e| error_to(&Error::unavailable(format!("the terminal is gone: {e}")))))
    }
    async fn read_line(&mut self) -> wasmtime::Result<Result<Option<String>, GuestError>> {
        let Some(session) = self.session() else { return Ok(Ok(None)) };
        let tag = self.expect_new();
        let control = self.control.clone();
        let slot = control.cancellable(tag);
        let deliver = Box::new(move |line: wippy_runtime::Result<Option<Vec<u8>>>| {
            control.complete(Completion { tag, result: line.map(|line| Box::new(line) as _) });
        });
        let node = self.with_step(|cx| cx.node().clone())?;
        if let Some(id) = session.terminal.read(node.io(), Wanted::Line, deliver) {
            slot.set(Box::new(move || session.terminal.cancel_read(id)));
        }
        let line = self.completion(tag).await?;
        drop(self.control.take_cancel(tag));
        let line = crate::process::typed::<Option<Vec<u8>>>(line);
        let text = line.map(|line| line.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        Ok(text.map_err(|e| error_to(&e)))
    }
}
