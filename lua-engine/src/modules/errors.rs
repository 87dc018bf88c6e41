//! The `errors` module and the Error objects that every fallible function returns.
//!
//! An Error object carries a runtime [`Error`], the context of the newest `wrap`
//! and, when Lua code made it, the call stack of its creation.

use std::fmt::Write;

use wippy_runtime::payload::{Map, Value};
use wippy_runtime::{Error, Kind};

use super::{Module, ModuleValue};
use crate::native::{Call, Function, Member, Object, Raise, Ret, Stack, Type, ffi};
use crate::{member, native};

pub static MODULE: Module = Module {
    name: "errors",
    value: ModuleValue::Table(MEMBERS),
    class: &["deterministic"],
    description: "Structured errors with kind, details and call stack",
};

const MEMBERS: &[Member] = &[
    Member::str("UNKNOWN", ""),
    Member::str("NOT_FOUND", "NotFound"),
    Member::str("ALREADY_EXISTS", "AlreadyExists"),
    Member::str("INVALID", "Invalid"),
    Member::str("PERMISSION_DENIED", "PermissionDenied"),
    Member::str("UNAVAILABLE", "Unavailable"),
    Member::str("INTERNAL", "Internal"),
    Member::str("CANCELED", "Canceled"),
    Member::str("CONFLICT", "Conflict"),
    Member::str("TIMEOUT", "Timeout"),
    Member::str("RATE_LIMITED", "RateLimited"),
    member!("new", new),
    member!("wrap", wrap),
    member!("is", is),
    member!("call_stack", call_stack),
];

/// One frame of a recorded call stack.
struct Frame {
    source: String,
    line: i32,
    name: String,
    kind: &'static str,
}

/// See the module comment.
pub struct ErrorObject {
    /// Message: everything below the newest context, already joined.
    error: Error,
    context: Option<String>,
    frames: Option<Box<[Frame]>>,
}

impl ErrorObject {
    /// What `message()` and `tostring` give.
    pub fn text(&self) -> &str {
        self.error.message()
    }
    /// The error as others see it: with the newest context in its message.
    pub fn to_error(&self) -> Error {
        match &self.context {
            None => self.error.clone(),
            Some(_) => Error::new(self.error.kind().clone(), self.full_text())
                .with_retryable(self.error.is_retryable())
                .with_details(self.error.details().cloned()),
        }
    }
    /// The parts without the newest context.
    pub fn error(&self) -> &Error {
        &self.error
    }
    /// Whether [`ErrorObject::to_error`] differs from [`ErrorObject::error`].
    pub(crate) fn has_context(&self) -> bool {
        self.context.is_some()
    }
    fn full_text(&self) -> String {
        match &self.context {
            Some(context) => format!("{context}: {}", self.error.message()),
            None => self.error.message().to_owned(),
        }
    }
}

impl From<Error> for ErrorObject {
    fn from(e: Error) -> ErrorObject {
        // Guests see the whole chain as the message.
        let error = match e.cause() {
            None => e,
            Some(_) => Error::new(e.kind().clone(), e.to_string())
                .with_retryable(e.is_retryable())
                .with_details(e.details().cloned()),
        };
        ErrorObject { error, context: None, frames: None }
    }
}

impl Object for ErrorObject {
    const EXPECTED: &'static str = "error";
    fn text(&self) -> Option<&str> {
        Some(self.error.message())
    }
    const METHODS: &'static [Member] = &[
        member!("kind", kind),
        member!("message", message),
        member!("retryable", retryable),
        member!("details", details),
        member!("stack", stack),
    ];
    const OPERATORS: &'static [Function] = &[native!("__tostring", message), native!("__concat", concat)];
    /// Tells the VM's libraries to take the object for its text where a string is required.
    const MARK: Option<&'static str> = Some("__error");
}

impl Stack<'_> {
    /// Pushes an Error object.
    pub fn push_error(&self, e: Error) {
        self.push_object(ErrorObject::from(e));
    }
    /// Pushes an Error object of `cause` in a context that programs do not see in its message, but whoever gets the
    /// error from them does.
    pub fn push_wrapped(&self, cause: Error, context: &str) {
        let object = ErrorObject::from(cause);
        self.push_object(ErrorObject { context: Some(context.to_owned()), ..object });
    }
    /// The error in slot `i` as others see it, if it is an Error object.
    pub fn error_at(&self, i: i32) -> Option<Error> {
        self.object_at::<ErrorObject>(i).map(ErrorObject::to_error)
    }
}

fn new(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let error = match call.type_of(1) {
        Type::String => Error::new(Kind::UNKNOWN, call.text(1)?),
        Type::Table => from_table(call)?,
        _ => return Err(call.bad_argument(1, "expected string or table")),
    };
    push_with_stack(call, error, None);
    Ok(Ret::ONE)
}

fn from_table(call: &mut Call<'_>) -> Result<Error, Raise> {
    let text = |call: &Call<'_>| String::from_utf8_lossy(call.bytes(-1).unwrap_or_default()).into_owned();
    let message = match call.get_field(1, "message") {
        Type::String => text(call),
        Type::Nil => return Err(call.bad_argument(1, "message field is required")),
        _ => return Err(call.bad_argument(1, "message must be a string")),
    };
    let kind = match call.get_field(1, "kind") {
        Type::String => Kind::new(text(call)),
        _ => Kind::UNKNOWN,
    };
    let retryable = (call.get_field(1, "retryable") == Type::Boolean).then(|| call.truth(-1));
    let details = match call.get_field(1, "details") {
        Type::Table => match call.value_at(-1)? {
            Value::Map(m) if !m.is_empty() => Some(m),
            Value::List(l) => Some(l.into_iter().enumerate().map(|(i, v)| ((i + 1).to_string(), v)).collect::<Map>()),
            _ => None,
        },
        _ => None,
    };
    call.pop(4);
    Ok(Error::new(kind, message).with_retryable(retryable).with_details(details))
}

fn wrap(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let inner = match call.object::<ErrorObject>(1) {
        Some(e) => Error::new(e.error.kind().clone(), e.full_text())
            .with_retryable(e.error.is_retryable())
            .with_details(e.error.details().cloned()),
        None => match call.real_str(1) {
            Some(s) => Error::new(Kind::UNKNOWN, String::from_utf8_lossy(s)),
            None => return Err(call.bad_argument(1, "expected string or error object")),
        },
    };
    let context = match call.object::<ErrorObject>(2) {
        Some(e) => e.full_text(),
        None => call.text(2)?.into_owned(),
    };
    push_with_stack(call, inner, Some(context));
    Ok(Ret::ONE)
}

fn is(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let same = match (call.object::<ErrorObject>(1), call.real_str(2)) {
        (Some(e), Some(kind)) => e.error.kind().as_str().as_bytes() == kind,
        _ => false,
    };
    call.push_bool(same);
    Ok(Ret::ONE)
}

fn call_stack(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let Some(frames) = call.object::<ErrorObject>(1).and_then(|e| e.frames.as_ref()) else {
        call.push_nil();
        return Ok(Ret::ONE);
    };
    call.push_table(0, 2);
    call.push_str("main");
    call.set_field(-2, "thread");
    call.push_table(frames.len(), 0);
    for (i, frame) in frames.iter().enumerate() {
        call.push_table(0, 5);
        call.push_int(i as i64);
        call.set_field(-2, "level");
        call.push_str(&frame.source);
        call.set_field(-2, "source");
        call.push_int(frame.line.into());
        call.set_field(-2, "line");
        call.push_str(&frame.name);
        call.set_field(-2, "name");
        call.push_str(frame.kind);
        call.set_field(-2, "type");
        call.set_index(-2, i as i64 + 1);
    }
    call.set_field(-2, "frames");
    Ok(Ret::ONE)
}

/// Most frames that a stack records: the innermost ones.
const MAX_FRAMES: i32 = 32;

fn push_with_stack(call: &Call<'_>, error: Error, context: Option<String>) {
    let frames = (1..=MAX_FRAMES).map_while(|level| frame(call, level)).collect();
    call.push_object(ErrorObject { error, context, frames: Some(frames) });
}

fn frame(call: &Call<'_>, level: i32) -> Option<Frame> {
    // SAFETY: the debug interface cannot raise for a level that exists; its texts are copied at once.
    unsafe {
        let mut ar: ffi::lua_Debug = std::mem::zeroed();
        if ffi::lua_getstack(call.raw(), level, &mut ar) == 0 {
            return None;
        }
        ffi::lua_getinfo(call.raw(), c"Sln".as_ptr(), &mut ar);
        let text = |p: *const std::ffi::c_char| match p.is_null() {
            true => String::new(),
            false => std::ffi::CStr::from_ptr(p).to_string_lossy().into_owned(),
        };
        let what = text(ar.what);
        let kind = match what.as_str() {
            "main" => "main",
            "C" => "native",
            _ => "lua",
        };
        let name = if kind == "main" { "main chunk".to_owned() } else { text(ar.name) };
        Some(Frame { source: crate::native::call::source_name(&ar), line: ar.currentline.max(0), name, kind })
    }
}

fn kind(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_str(call.userdata::<ErrorObject>(1)?.error.kind().as_str());
    Ok(Ret::ONE)
}

fn message(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_str(call.userdata::<ErrorObject>(1)?.text());
    Ok(Ret::ONE)
}

fn retryable(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match call.userdata::<ErrorObject>(1)?.error.is_retryable() {
        Some(b) => call.push_bool(b),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

fn details(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match call.userdata::<ErrorObject>(1)?.error.details() {
        Some(map) if !map.is_empty() => call.push_details(map)?,
        _ => call.push_nil(),
    }
    Ok(Ret::ONE)
}

impl Call<'_> {
    /// Details whose keys are 1 to n came from a list and go back as one.
    fn push_details(&self, map: &Map) -> Result<(), Raise> {
        let list = map.keys().enumerate().all(|(i, k)| *k == (i + 1).to_string());
        if !list {
            return self.push_map(map);
        }
        self.push_table(map.len(), 0);
        for (i, v) in map.values().enumerate() {
            self.push_value(v)?;
            self.set_index(-2, i as i64 + 1);
        }
        Ok(())
    }
}

fn stack(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let e = call.userdata::<ErrorObject>(1)?;
    let mut out = e.full_text();
    for frame in e.frames.iter().flat_map(|f| f.iter()) {
        let _ = write!(out, "\n\t{}", frame.source);
        if frame.line > 0 {
            let _ = write!(out, ":{}", frame.line);
        }
        match frame.name.as_str() {
            "" => {}
            "main chunk" => out.push_str(": in main chunk"),
            name => {
                let _ = write!(out, ": in function '{name}'");
            }
        }
    }
    call.push_str(out);
    Ok(Ret::ONE)
}

fn concat(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut out = call.str(1)?.to_vec();
    out.extend_from_slice(call.str(2)?);
    call.push_str(out);
    Ok(Ret::ONE)
}
