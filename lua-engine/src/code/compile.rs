//! From source text to bytecode: types erased, compiled once per text and name.
//!
//! Contains `unsafe`: the compiler runs in a throw-away VM; dumping copies
//! bytes out through a callback that owns nothing of Lua's.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use wippy_lua_vm::RawVm;
use wippy_runtime::Error;

use crate::native::ffi::{self, lua_State};

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
    let erased = wippy_lua_syntax::erase(source).map_err(|errors| CompileError {
        rendered: errors.iter().map(|e| e.render(file, source)).collect::<Vec<_>>().join("\n"),
    })?;
    bytecode(id, erased.text.as_bytes()).map_err(|text| CompileError { rendered: relocate(&text, id, file) })
}

/// The compiler's `id:line: message` in terms of the file.
fn relocate(text: &str, id: &str, file: &str) -> String {
    match text.strip_prefix(id) {
        Some(rest) if !file.is_empty() => format!("{file}{rest}"),
        _ => text.to_owned(),
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
        let mut out: Vec<u8> = Vec::new();
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
