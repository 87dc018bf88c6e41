//! Failures of guests as errors of the runtime: which entry and function, why,
//! and where in the guest. Never a path of the host's own code.

use std::fmt::Write;

use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use wippy_runtime::{Error, Kind};

use crate::program::Program;

/// Frames of a guest's stack that are shown.
const MAX_FRAMES: usize = 32;

/// `failed to call wasm method: M: CAUSE`.
pub fn call(program: &Program, cause: impl std::fmt::Display) -> Error {
    Error::internal(format!("failed to call wasm method: {}: {cause}", program.method()))
}

/// A call that ran longer than it may.
pub fn deadline(program: &Program) -> Error {
    call(program, "context deadline exceeded")
}

/// A guest that stopped in the middle of the call.
pub fn stopped(program: &Program, refusal: Option<&Error>, error: &wasmtime::Error) -> Error {
    let failed = |cause: String| match cause.starts_with("unknown import") {
        // An import that was not granted; what the reference does to such a guest.
        true => call(program, format_args!("wasm call failed: module closed with exit_code(1): {cause}")),
        false => call(program, format_args!("wasm call failed: {cause}")),
    };
    describe(program, refusal, error, failed)
}

/// An instance that could not be made.
pub fn instantiation(program: &Program, refusal: Option<&Error>, error: &wasmtime::Error) -> Error {
    describe(program, refusal, error, uninstantiated)
}
/// An instance that the limits do not allow.
pub fn refused(program: &Program, error: Error) -> Error {
    uninstantiated(format!("{error} (entry {})", program.id())).with_kind(error.kind().clone())
}
fn uninstantiated(cause: String) -> Error {
    let cause = format!("[runtime] instantiation: instantiate module (caused by: {cause})");
    Error::internal(format!("failed to instantiate wasm module: {cause}"))
}

fn describe(
    program: &Program,
    refusal: Option<&Error>,
    error: &wasmtime::Error,
    failed: impl FnOnce(String) -> Error,
) -> Error {
    if let Some(own) = error.downcast_ref::<Error>() {
        // A limit of the runtime, or a failure of a host function: its kind is worth more than ours.
        let trace = backtrace(error);
        let place = format!("{own} (entry {}){trace}", program.id());
        return failed(place).with_kind(own.kind().clone()).with_retryable(own.is_retryable());
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return failed(format!("wasi exit requested: status {}", exit.0));
    }
    let reason = match error.downcast_ref::<Trap>() {
        Some(trap) => format!("wasm error: {}", reason(*trap)),
        None => error.root_cause().to_string(),
    };
    let place = format!(" (entry {}){}", program.id(), backtrace(error));
    if let Some(refusal) = refusal {
        return failed(format!("{refusal}: {reason}{place}")).with_kind(Kind::LIMIT_EXCEEDED);
    }
    let limited = EXHAUSTED.iter().any(|text| reason.starts_with(text));
    let error = failed(format!("{reason}{place}"));
    if limited { error.with_kind(Kind::LIMIT_EXCEEDED) } else { error }
}

/// How texts begin with which the engine stops a guest that has reached a limit.
const EXHAUSTED: [&str; 4] = [
    "too much data is being copied",
    "cannot allocate another handle",
    "resource limit exceeded",
    "resource table has no free keys",
];

/// The reference's words for a trap.
fn reason(trap: Trap) -> String {
    match trap {
        Trap::UnreachableCodeReached => "unreachable".into(),
        Trap::TableOutOfBounds | Trap::IndirectCallToNull => "invalid table access".into(),
        Trap::StackOverflow => "stack overflow".into(),
        other => {
            let text = other.to_string();
            text.strip_prefix("wasm trap: ").map(str::to_owned).unwrap_or(text)
        }
    }
}

/// The guest's frames, innermost first, one a line; names where the code has them.
fn backtrace(error: &wasmtime::Error) -> String {
    let mut out = String::new();
    let Some(trace) = error.downcast_ref::<WasmBacktrace>().filter(|t| !t.frames().is_empty()) else { return out };
    out.push_str("\nwasm stack trace:");
    for frame in trace.frames().iter().take(MAX_FRAMES) {
        let _ = match frame.func_name() {
            Some(name) => write!(out, "\n\t{name}"),
            None => write!(out, "\n\tfunction {}", frame.func_index()),
        };
        if let Some(offset) = frame.module_offset() {
            let _ = write!(out, " (at {offset:#x})");
        }
    }
    let more = trace.frames().len().saturating_sub(MAX_FRAMES);
    if more > 0 {
        let _ = write!(out, "\n\t({more} more)");
    }
    out
}
