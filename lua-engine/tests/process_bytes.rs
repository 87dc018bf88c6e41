//! What a process that waits costs, all in all: Lua, engine and runtime, in blocks as the allocator of the `wippy`
//! program hands them out.
//!
//! `cargo test -p wippy-lua --test process_bytes -- --ignored --nocapture` prints where each block comes from.

#[path = "app/mod.rs"]
mod app;

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use app::{App, HOST};
use wippy_runtime::SpawnRequest;
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::Inherited;
use wippy_runtime::registry::EntryId;

thread_local! {
    /// Bytes of all blocks of this thread.
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static BLOCKS: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// Size and origin of blocks by address, while they are wanted.
    static ORIGINS: RefCell<Option<BTreeMap<usize, (usize, String)>>> = const { RefCell::new(None) };
}

/// What mimalloc takes for a block: sixteen byte steps up to 64, then four steps for each doubling.
fn block(size: usize) -> usize {
    if size <= 64 {
        return size.next_multiple_of(16);
    }
    size.next_multiple_of((size - 1).ilog2().checked_sub(2).map_or(1, |shift| 1 << shift))
}

struct Counting;

fn count(size: usize, times: isize) {
    // Gone while the thread ends.
    let _ = BYTES.try_with(|b| b.set(b.get() + block(size) as isize * times));
    let _ = BLOCKS.try_with(|b| b.set(b.get() + times));
    let _ = ALLOCATIONS.try_with(|a| a.set(a.get() + usize::from(times > 0)));
}

fn note(address: usize, size: Option<usize>) {
    let _ = ORIGINS.try_with(|origins| {
        // Borrowed already: what is allocated here is not noted.
        let Ok(mut origins) = origins.try_borrow_mut() else { return };
        let Some(all) = &mut *origins else { return };
        match size {
            Some(size) => drop(all.insert(address, (size, origin()))),
            None => drop(all.remove(&address)),
        }
    });
}

/// The first frames that are ours, from the inside out.
fn origin() -> String {
    let text = Backtrace::force_capture().to_string();
    let frames = text.lines().filter_map(|line| line.trim().split_once(": ").map(|frame| frame.1));
    let own = |frame: &&str| {
        frame.starts_with("lua") || frame.starts_with("wippy") || frame.starts_with("internshrstr") || {
            let frame = frame.trim_start_matches('<');
            frame.starts_with("wippy") && !frame.contains("Memory::alloc")
        }
    };
    let noise = |frame: &str| ["luaM_", "luaC_newobj", "Memory::alloc"].iter().any(|n| frame.contains(n));
    frames.filter(own).filter(|frame| !noise(frame)).take(3).collect::<Vec<_>>().join(" < ")
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller's promise.
        let p = unsafe { System.alloc(layout) };
        note(p as usize, Some(layout.size()));
        p
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        note(p as usize, None);
        // SAFETY: as above.
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const RECEIVER: &str = "return { main = function(parent)
    local wake = process.listen('wake')
    wake:receive()
    process.send(parent, 'woken')
end }";
const SESSION: &str = include_str!("process_bytes/session.lua");
const PARENT: &str = "{bench@bench:processes|0x0002a}";

fn app(source: &str) -> App {
    let app = App::seeded(1);
    app.define("app:child", source, &["time"]);
    app.define("app:nothing", "return { main = function() end }", &[]);
    app
}

/// Starts `n` processes and lets all run until they wait.
fn start(app: &App, n: usize) {
    let (id, inherited) = (EntryId::parse("app:child"), Arc::<Inherited>::default());
    for _ in 0..n {
        let request = SpawnRequest {
            args: Flat::of(&[Value::Str(PARENT.into())]),
            inherited: inherited.clone(),
            ..SpawnRequest::new(id.clone(), HOST)
        };
        app.node.spawn(request).expect("a process");
    }
    app.run("app:nothing", &[]).expect("it ends");
}

/// Bytes and blocks of a process that waits, and allocations until then.
fn measure(source: &str) -> [usize; 3] {
    const N: usize = 256;
    let app = app(source);
    // What the first ones make is shared.
    start(&app, N);
    let now = || (BYTES.get(), BLOCKS.get(), ALLOCATIONS.get());
    let before = now();
    start(&app, N);
    let after = now();
    [(after.0 - before.0) as usize / N, (after.1 - before.1) as usize / N, (after.2 - before.2) / N]
}

#[test]
fn a_process_that_waits_is_small() {
    let [bytes, blocks, allocations] = measure(RECEIVER);
    println!("receiver: {bytes} bytes in {blocks} blocks, {allocations} allocations");
    assert!(bytes <= 2400 && blocks <= 16 && allocations <= 25, "{bytes} bytes in {blocks} blocks, {allocations}");
}

#[test]
fn a_process_of_a_hundred_lines_is_small() {
    let [bytes, blocks, allocations] = measure(SESSION);
    println!("session: {bytes} bytes in {blocks} blocks, {allocations} allocations");
    assert!(bytes <= 5600 && allocations <= 80, "{bytes} bytes in {blocks} blocks, {allocations} allocations");
}

#[test]
#[ignore = "prints a table"]
fn census() {
    for (name, source) in [("receiver", RECEIVER), ("session", SESSION)] {
        let app = app(source);
        start(&app, 2);
        ORIGINS.set(Some(BTreeMap::new()));
        start(&app, 1);
        let all = ORIGINS.take().expect("set above");
        let mut rows: Vec<_> = all.into_values().collect();
        rows.sort_by_key(|(size, _)| std::cmp::Reverse(block(*size)));
        println!("{name}: {} bytes", rows.iter().map(|(size, _)| block(*size)).sum::<usize>());
        for (size, origin) in rows {
            println!("{size:5} {:5}  {origin}", block(size));
        }
    }
}
