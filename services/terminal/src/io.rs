//! The `io` module: the terminal of command processes.

use std::sync::Arc;

use wippy_lua::member;
use wippy_lua::modules::errors::ErrorObject;
use wippy_lua::modules::{Module, ModuleValue};
use wippy_lua::native::{Call, Raise, Ret, Type};
use wippy_lua::process::Engine;
use wippy_runtime::Error;
use wippy_runtime::terminal::{Output, TerminalSession, Wanted};

use crate::commands::{Raw, Read, Write};

pub static MODULE: Module = Module {
    name: "io",
    value: ModuleValue::Table(&[
        member!("write", write),
        member!("print", print),
        member!("eprint", eprint),
        member!("read", read),
        member!("readline", readline),
        member!("raw", raw),
        member!("flush", flush),
        member!("args", args),
    ]),
    class: &["io", "terminal"],
    description: "Terminal input and output of command processes",
};

/// Bytes a read gives unless told.
const DEFAULT_READ: usize = 1024;

fn session(call: &Call<'_>) -> Option<Arc<TerminalSession>> {
    Engine::of(call)?.control()?.attached()
}

fn no_terminal() -> Error {
    Error::unavailable("no terminal context")
}

/// The arguments as they are written: strings, numbers and errors as text, everything else as nothing.
fn joined(call: &Call<'_>, between: &[u8]) -> Result<Vec<u8>, Raise> {
    let mut out = Vec::new();
    for i in 1..=call.arg_count() {
        if i > 1 {
            out.extend_from_slice(between);
        }
        match call.type_of(i) {
            Type::String | Type::Number => out.extend_from_slice(call.str(i)?),
            _ => {
                if let Some(error) = call.object::<ErrorObject>(i) {
                    out.extend_from_slice(error.text().as_bytes());
                }
            }
        }
    }
    Ok(out)
}

fn write(call: &mut Call<'_>) -> Result<Ret, Raise> {
    if session(call).is_none() {
        return call.fail(no_terminal());
    }
    let bytes = joined(call, b"")?;
    call.request(Write { to: Output::Stdout, bytes }, |call, written| match written {
        Ok(()) => yes(call),
        Err(e) => {
            call.push_nil();
            call.push_wrapped(e, "write stdout");
            Ok(Ret::TWO)
        }
    })
}

fn yes(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_bool(true);
    Ok(Ret::ONE)
}

fn print(call: &mut Call<'_>) -> Result<Ret, Raise> {
    print_line(call, Output::Stdout)
}

fn eprint(call: &mut Call<'_>) -> Result<Ret, Raise> {
    print_line(call, Output::Stderr)
}

fn print_line(call: &mut Call<'_>, to: Output) -> Result<Ret, Raise> {
    if session(call).is_none() {
        return call.fail(no_terminal());
    }
    let mut bytes = joined(call, b"\t")?;
    bytes.push(b'\n');
    call.request(Write { to, bytes }, |call, written| match written {
        // Not being allowed is another thing than nobody reading.
        Err(e) if *e.kind() == wippy_runtime::Kind::PERMISSION_DENIED => call.fail(e),
        _ => yes(call),
    })
}

fn read(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let wanted = match call.opt_int(1)? {
        Some(n) if n > 0 => usize::try_from(n).unwrap_or(usize::MAX),
        _ => DEFAULT_READ,
    };
    input(call, Wanted::Bytes(wanted))
}

fn readline(call: &mut Call<'_>) -> Result<Ret, Raise> {
    input(call, Wanted::Line)
}

fn input(call: &mut Call<'_>, wanted: Wanted) -> Result<Ret, Raise> {
    if session(call).is_none() {
        return call.fail(no_terminal());
    }
    call.request(Read { wanted }, |call, bytes| match bytes {
        Ok(Some(bytes)) => {
            call.push_str(bytes);
            call.fine()
        }
        Ok(None) => call.fail(Error::internal("EOF")),
        Err(e) => call.fail(e),
    })
}

fn raw(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let on = match call.is_nil_or_none(1) {
        true => true,
        false => call.bool(1)?,
    };
    if session(call).is_none() {
        return call.fail(no_terminal());
    }
    call.request(Raw { on }, |call, done| match done {
        Ok(()) => {
            call.push_bool(true);
            call.fine()
        }
        Err(e) => call.fail_false(e),
    })
}

/// Everything is flushed when it is written.
fn flush(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match session(call) {
        Some(_) => yes(call),
        None => call.fail(no_terminal()),
    }
}

fn args(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let session = session(call);
    let args = session.as_ref().map(|s| &s.args[..]).unwrap_or_default();
    call.push_table(args.len(), 0);
    for (i, arg) in args.iter().enumerate() {
        call.push_str(arg);
        call.set_index(-2, i as i64 + 1);
    }
    Ok(Ret::ONE)
}
