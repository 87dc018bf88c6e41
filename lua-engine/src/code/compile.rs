//! From source text to bytecode: types erased, compiled once per text and name.
//!
//! Contains `unsafe`: the compiler runs in a throw-away VM; dumping copies
//! bytes out through a callback that owns nothing of Lua's.

use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::sync::Arc;

use wippy_lua_syntax::{Parse, SyntaxError, Tree};
use wippy_lua_types::value::{self, Owner};
use wippy_lua_vm::RawVm;
use wippy_runtime::Error;

use crate::native::ffi::{self, lua_State};
use crate::types::global_key;

/// Bytes of a chunk's name that Lua shows at most (`LUA_IDSIZE` without the final zero).
const SHOWN_NAME: usize = 59;

/// A source that does not compile: every problem, ready to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// `file:line:col: message` with the source line and a caret, one after the other.
    pub rendered: String,
}

impl From<CompileError> for Error {
    fn from(e: CompileError) -> Error {
        Error::invalid(e.rendered)
    }
}

/// Compiles `source` under the chunk name `id`. `file` is what people know the source as, for errors.
pub fn compile(id: &str, file: &str, source: &str) -> Result<Arc<[u8]>, CompileError> {
    compile_parsed(id, file, source, &wippy_lua_syntax::parse(source))
}

/// As [`compile`], of a source that was parsed already.
pub(super) fn compile_parsed(id: &str, file: &str, source: &str, parse: &Parse) -> Result<Arc<[u8]>, CompileError> {
    let plain = erased(id, file, source, parse)?;
    compile_plain(id, file, source, &plain)
}

/// `source` with its types erased: what the VM's own compiler reads, line by line as it was. Where the name of a type
/// stands for its value, it is read from where programs find the types of the chunk `id`.
pub(crate) fn erase(id: &str, file: &str, source: &str) -> Result<String, CompileError> {
    erased(id, file, source, &wippy_lua_syntax::parse(source))
}

fn erased(id: &str, file: &str, source: &str, parse: &Parse) -> Result<String, CompileError> {
    let failed = |errors: Vec<SyntaxError>| {
        let rendered: Vec<String> = errors.iter().map(|e| e.render(file, source)).collect();
        CompileError { rendered: rendered.join("\n") }
    };
    let types = |tree: &Tree| {
        let sites = value::call_sites(tree).into_iter();
        sites.map(|(range, owner)| (range.clone(), read_type(id, tree, range, owner))).collect()
    };
    wippy_lua_syntax::erase_parsed(parse, types).map(|erased| erased.text).map_err(failed)
}

/// The expression that reads a type.
fn read_type(id: &str, tree: &Tree, name: Range<u32>, owner: Owner) -> String {
    let name = tree.source().get(name.start as usize..name.end as usize).unwrap_or_default();
    let id = if owner == Owner::Everybody { "" } else { id };
    let key: String = global_key(id, name).bytes().map(escaped).collect();
    format!("_ENV[\"{key}\"]")
}

/// A byte as a string literal says it.
fn escaped(byte: u8) -> String {
    match byte {
        b'"' | b'\\' | 0..=31 | 127.. => format!("\\{byte:03}"),
        _ => char::from(byte).to_string(),
    }
}

/// Compiles text without types; errors show `source`, which has the same lines.
pub(crate) fn compile_plain(id: &str, file: &str, source: &str, plain: &str) -> Result<Arc<[u8]>, CompileError> {
    bytecode(id, plain.as_bytes()).map_err(|text| CompileError { rendered: located(&text, id, file, source) })
}

/// The compiler's `id:line: message` in terms of the file, with the line it is about.
fn located(text: &str, id: &str, file: &str, source: &str) -> String {
    // The compiler shortens long names.
    let place = text.get(id.len().min(SHOWN_NAME)..).and_then(|rest| rest.strip_prefix(':')?.split_once(": "));
    let Some((line, message)) = place.and_then(|(line, message)| Some((line.parse::<u32>().ok()?, message))) else {
        return format!("{file}: {text}");
    };
    // What is missed at the end of a block is told with the line it is missed for.
    let (line, message) = match message.rsplit_once(" at line ") {
        Some((before, at)) => at.parse().map_or((line, message), |at| (at, before)),
        None => (line, message),
    };
    let start = start_of_line(source, line);
    let shown = source[start..].split(['\n', '\r']).next().unwrap_or_default();
    let indent = shown.len() - shown.trim_start().len();
    let first = start + indent;
    let error = SyntaxError {
        range: first as u32..(first + shown.trim().len()) as u32,
        line,
        column: indent as u32 + 1,
        message: message.to_owned(),
        at_eof: false,
    };
    error.render(file, source)
}

/// The byte at which a line begins, counted from 1; a line ends at `\n`, `\r\n` or a lone `\r`.
fn start_of_line(source: &str, line: u32) -> usize {
    let bytes = source.as_bytes();
    let ends = |i: &usize| bytes[*i] == b'\n' || (bytes[*i] == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
    match line.checked_sub(2) {
        Some(n) => (0..bytes.len()).filter(ends).nth(n as usize).map_or(bytes.len(), |i| i + 1),
        None => 0,
    }
}

fn bytecode(id: &str, source: &[u8]) -> Result<Arc<[u8]>, String> {
    let vm = RawVm::new(usize::MAX).map_err(|e| e.to_string())?;
    let l = vm.state();
    let name = std::ffi::CString::new(format!("={id}")).unwrap_or_default();
    // SAFETY: a VM of our own; loading reports failure as a status, dumping cannot fail with this writer.
    unsafe {
        let mode = c"t".as_ptr();
        let status = ffi::luaL_loadbufferx(l, source.as_ptr().cast(), source.len(), name.as_ptr(), mode);
        if status != ffi::LUA_OK {
            let mut n = 0;
            let text = ffi::lua_tolstring(l, -1, &mut n);
            return Err(match text.is_null() {
                true => "cannot compile".to_owned(),
                false => String::from_utf8_lossy(std::slice::from_raw_parts(text.cast(), n)).into_owned(),
            });
        }
        let mut out: Vec<u8> = Vec::with_capacity(source.len());
        ffi::lua_dump(l, write, (&raw mut out).cast(), 0);
        Ok(out.into())
    }
}

/// # Safety
/// Called by `lua_dump` with the vector given to it.
unsafe extern "C-unwind" fn write(_: *mut lua_State, p: *const c_void, n: usize, out: *mut c_void) -> c_int {
    // SAFETY: promised.
    unsafe { (*out.cast::<Vec<u8>>()).extend_from_slice(std::slice::from_raw_parts(p.cast(), n)) };
    0
}
