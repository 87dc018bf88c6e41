//! Runs the files of Lua's own test suite, given by their directory: each in a VM of its own, with the stock libraries
//! on the edited core. Prints `ok` or where a file stops. The suite is not part of this repository; see docs/VM.md.

use std::ffi::{CString, c_int};
use std::path::Path;
use std::process::ExitCode;

use wippy_lua_vm::RawVm;
use wippy_lua_vm::ffi::*;

/// Bytes a file may use.
const LIMIT: usize = 1 << 30;

fn main() -> ExitCode {
    let Some(dir) = std::env::args().nth(1) else {
        eprintln!("usage: upstream DIRECTORY-OF-THE-TESTS");
        return ExitCode::FAILURE;
    };
    // Files name each other relative to their directory.
    let files = std::env::set_current_dir(&dir).and_then(|()| std::fs::read_dir("."));
    let files = files.map(|all| all.filter_map(|f| Some(f.ok()?.path())).collect::<Vec<_>>());
    let mut files = match files {
        Ok(files) => files,
        Err(error) => {
            eprintln!("{dir}: {error}");
            return ExitCode::FAILURE;
        }
    };
    // `all.lua` runs the others with settings of its own.
    files.retain(|f| f.extension().is_some_and(|e| e == "lua") && !f.ends_with("all.lua"));
    files.sort();
    let mut stopped = 0;
    for file in &files {
        match run(file) {
            Ok(()) => println!("{}: ok", file.display()),
            Err(error) => {
                stopped += 1;
                println!("{}: {error}", file.display());
            }
        }
    }
    println!("{} files, {} to their end", files.len(), files.len() - stopped);
    if files.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run(file: &Path) -> Result<(), String> {
    let source = std::fs::read(file).map_err(|e| e.to_string())?;
    // The first line may be for a shell.
    let start = if source.first() == Some(&b'#') { source.iter().position(|b| *b == b'\n').unwrap_or(0) } else { 0 };
    let name = CString::new(format!("@{}", file.display())).map_err(|e| e.to_string())?;
    let vm = RawVm::new(usize::MAX).map_err(|e| e.to_string())?;
    let l = vm.state();
    // SAFETY: a state of our own; what may raise runs in protected calls.
    unsafe {
        luaL_openlibs(l);
        for setting in [c"_soft", c"_port", c"_nomsg"] {
            lua_pushboolean(l, 1);
            lua_setglobal(l, setting.as_ptr());
        }
        vm.memory().set_limit(LIMIT);
        let text = &source[start..];
        let mut status = luaL_loadbufferx(l, text.as_ptr().cast(), text.len(), name.as_ptr(), std::ptr::null());
        if status == LUA_OK {
            status = lua_pcall(l, 0, 0 as c_int, 0);
        }
        vm.memory().set_limit(usize::MAX);
        if status == LUA_OK {
            return Ok(());
        }
        let mut len = 0;
        let text = luaL_tolstring(l, -1, &mut len);
        Err(String::from_utf8_lossy(std::slice::from_raw_parts(text.cast(), len)).into_owned())
    }
}
