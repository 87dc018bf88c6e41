//! Runs the files of Lua's own test suite, given by their directory: each in a VM of its own, with the stock libraries
//! on the edited core. Lines that a list names are left out. Prints `ok` or where a file stops, and fails if one does.
//! The suite is not part of this repository; `lua-engine/vm/upstream/run` fetches it. See docs/VM.md.
//!
//!     upstream [--own] DIRECTORY LIST [FILE...]
//!     upstream [--own] --tight DIRECTORY LIST
//!
//! `--own` puts the functions of our libraries in the place of the stock ones that have their names, but for
//! `string.dump`, which ours refuse. `--tight` tells which entries of the list a file gets on without.
//!
//! A line of the list is `FILE LINE[-LINE] REASON`; one with `*` for lines leaves the whole file out. What comes after a
//! line `own` counts with `--own` only.

use std::collections::BTreeMap;
use std::ffi::{CString, c_int};
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wippy_lua_vm::ffi::*;
use wippy_lua_vm::{RawVm, library, sys};

/// Bytes a file may use.
const LIMIT: usize = 1 << 30;
/// What a file may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Calls and back edges between two looks at the clock.
const FUEL: c_int = 1_000_000;

/// Our libraries are laid over the stock ones.
static OWN: AtomicBool = AtomicBool::new(false);
/// When the file that runs is stopped.
static DEADLINE: Mutex<Option<Instant>> = Mutex::new(None);

/// What is left out of each file; `None`: all of it.
type List = BTreeMap<String, Option<Vec<RangeInclusive<usize>>>>;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut option = |name| {
        let given = words.first().is_some_and(|w| w == name);
        words.drain(..usize::from(given));
        given
    };
    OWN.store(option("--own"), Ordering::Relaxed);
    let tight = option("--tight");
    let [dir, list, only @ ..] = &words[..] else {
        eprintln!("usage: upstream [--own] [--tight] DIRECTORY LIST [FILE...]");
        return ExitCode::from(2);
    };
    let known = std::fs::read_to_string(list).map_err(|e| format!("{list}: {e}")).and_then(|text| read_list(&text));
    // Files name each other relative to their directory.
    let sources = std::env::set_current_dir(dir).map_err(|e| format!("{dir}: {e}")).and_then(|()| sources());
    let (list, sources) = match (known, sources) {
        (Ok(list), Ok(sources)) => (list, sources),
        (list, sources) => {
            list.err().into_iter().chain(sources.err()).for_each(|e| eprintln!("{e}"));
            return ExitCode::from(2);
        }
    };
    if let Some(unknown) = list.keys().find(|name| !sources.contains_key(*name)) {
        eprintln!("the list names {unknown}, which the suite does not have");
        return ExitCode::FAILURE;
    }
    let mut stopped = 0;
    for (name, source) in sources.iter().filter(|(name, _)| only.is_empty() || only.contains(name)) {
        let result = match list.get(name) {
            Some(None) => {
                println!("{name}: left out");
                continue;
            }
            Some(Some(ranges)) if tight => {
                superfluous(name, source, ranges);
                continue;
            }
            Some(Some(ranges)) => run(name, source, ranges),
            None if tight => continue,
            None => run(name, source, &[]),
        };
        match result {
            Ok(()) => println!("{name}: ok"),
            Err(error) => {
                stopped += 1;
                println!("{name}: {error}");
            }
        }
    }
    println!("{} files, {stopped} stopped before their end", sources.len());
    if stopped == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read_list(text: &str) -> Result<List, String> {
    let mut list = List::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty()) {
        if line == "own" {
            if OWN.load(Ordering::Relaxed) {
                continue;
            }
            break;
        }
        let problem = || format!("line {} of the list is not `FILE LINE[-LINE] REASON`", i + 1);
        let mut words = line.split_whitespace();
        let (Some(file), Some(lines), Some(_)) = (words.next(), words.next(), words.next()) else {
            return Err(problem());
        };
        if lines == "*" {
            list.insert(file.to_owned(), None);
            continue;
        }
        let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
        let range = first.parse().ok().zip(last.parse().ok()).map(|(first, last)| first..=last).ok_or_else(problem)?;
        if let Some(ranges) = list.entry(file.to_owned()).or_insert_with(|| Some(Vec::new())) {
            ranges.push(range);
        }
    }
    Ok(list)
}

/// The files by name. `all.lua` runs the others with settings of its own.
fn sources() -> Result<BTreeMap<String, String>, String> {
    let files = std::fs::read_dir(".").map_err(|e| e.to_string())?;
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let lua = paths.filter(|path| path.extension().is_some_and(|e| e == "lua") && !path.ends_with("all.lua"));
    let read = |path: &Path| {
        let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        // Every byte one character, and back when it runs.
        let text: String = bytes.iter().map(|b| char::from(*b)).collect();
        Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text))
    };
    lua.map(|path| read(&path)).collect()
}

/// Prints the ranges that the file gets on without.
fn superfluous(name: &str, source: &str, ranges: &[RangeInclusive<usize>]) {
    for i in 0..ranges.len() {
        let others: Vec<RangeInclusive<usize>> =
            ranges.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, range)| range.clone()).collect();
        if run(name, source, &others).is_ok() {
            println!("{name} {}-{}: not needed", ranges[i].start(), ranges[i].end());
        }
    }
}

fn run(name: &str, source: &str, left_out: &[RangeInclusive<usize>]) -> Result<(), String> {
    let mut text = Vec::with_capacity(source.len());
    for (i, line) in source.split_inclusive('\n').enumerate() {
        // The first line may be for a shell.
        let for_shell = i == 0 && line.starts_with('#');
        let skipped = for_shell || left_out.iter().any(|range| range.contains(&(i + 1)));
        text.extend(line.chars().filter(|c| !skipped || *c == '\n').map(|c| c as u8));
    }
    let chunk = CString::new(format!("@{name}")).map_err(|e| e.to_string())?;
    *DEADLINE.lock().map_err(|e| e.to_string())? = Some(Instant::now() + PATIENCE);
    let vm = RawVm::new(usize::MAX).map_err(|e| e.to_string())?;
    let l = vm.state();
    // SAFETY: a state of our own; what may raise runs in protected calls.
    unsafe {
        luaL_openlibs(l);
        if OWN.load(Ordering::Relaxed) {
            open_own(l);
        }
        for setting in [c"_soft", c"_port", c"_nomsg"] {
            lua_pushboolean(l, 1);
            lua_setglobal(l, setting.as_ptr());
        }
        sys::wippy_setpreempt(l, Some(look));
        sys::wippy_setfuel(l, FUEL);
        vm.memory().set_limit(LIMIT);
        lua_pushcfunction(l, located);
        let mut status = luaL_loadbufferx(l, text.as_ptr().cast(), text.len(), chunk.as_ptr(), std::ptr::null());
        if status == LUA_OK {
            status = lua_pcall(l, 0, 0 as c_int, 1);
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

/// # Safety
/// `l` is a live state with the stock libraries, and without a limit.
unsafe fn open_own(l: *mut lua_State) {
    // SAFETY: by contract.
    unsafe {
        for name in library::NAMES {
            lua_pushglobaltable(l);
            if name != "_G" {
                let key = CString::new(name).unwrap_or_default();
                lua_getfield(l, -1, key.as_ptr());
                lua_replace(l, -2);
            }
            for (name, entry) in library::entries(name).filter(|(name, _)| *name != "dump") {
                lua_pushlstring(l, name.as_ptr().cast(), name.len());
                entry.push(l);
                lua_rawset(l, -3);
            }
            lua_pop(l, 1);
        }
    }
}

/// Adds to an error where it came from.
///
/// # Safety
/// Called by the VM, with a live state.
unsafe extern "C-unwind" fn located(l: *mut lua_State) -> c_int {
    // SAFETY: the message is in slot 1; allocation may raise.
    unsafe {
        luaL_traceback(l, l, luaL_tolstring(l, 1, std::ptr::null_mut()), 1);
    }
    1
}

/// Ends a file that takes too long.
///
/// # Safety
/// Called by the VM, with a live state. Nothing here has a destructor when it raises.
unsafe extern "C-unwind" fn look(l: *mut lua_State, _: c_int) -> c_int {
    let late = DEADLINE.lock().is_ok_and(|deadline| deadline.is_some_and(|at| Instant::now() > at));
    // SAFETY: raising is allowed here.
    unsafe {
        sys::wippy_setfuel(l, if late { 1 } else { FUEL });
        if late {
            lua_pushstring(l, c"takes too long".as_ptr());
            lua_error(l);
        }
    }
    0
}
