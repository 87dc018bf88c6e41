//! What the OS says about this process, and the Lua module `bench` that tells
//! it to the workloads. Linux only: elsewhere everything is 0.

use std::fs;

use wippy_lua::member;
use wippy_lua::modules::{Module, ModuleValue};
use wippy_lua::native::{Call, Raise, Ret};

/// The module `bench`.
pub static MODULE: Module = Module {
    name: "bench",
    value: ModuleValue::Table(&[
        member!("rss", rss),
        member!("page_tables", page_tables),
        member!("cpu", cpu),
        member!("wakeups", wakeups),
    ]),
    class: &["nondeterministic"],
    description: "What the operating system says about this process",
};

/// A number of `/proc/self/PATH` behind `field:`.
fn status(path: &str, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/self/{path}")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Resident memory now, in KiB.
pub fn rss_kb() -> u64 {
    status("status", "VmRSS")
}

/// The most resident memory so far, in KiB.
pub fn peak_rss_kb() -> u64 {
    status("status", "VmHWM")
}

/// Processor time of this process in nanoseconds, threads that have ended included; the kernel counts in hundredths of a
/// second.
fn cpu_ns() -> u64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15 of proc(5), counted from behind the name, which may hold anything.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10_000_000
}

/// How often a thread of this process gave up its processor to wait.
fn waits() -> u64 {
    let of = |task: fs::DirEntry| {
        let id = task.file_name().into_string().ok()?;
        Some(status(&format!("task/{id}/status"), "voluntary_ctxt_switches"))
    };
    fs::read_dir("/proc/self/task").map_or(0, |tasks| tasks.flatten().filter_map(of).sum())
}

fn rss(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_int(rss_kb() as i64 * 1024);
    Ok(Ret::ONE)
}

fn page_tables(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_int(status("status", "VmPTE") as i64 * 1024);
    Ok(Ret::ONE)
}

fn cpu(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_int(cpu_ns() as i64);
    Ok(Ret::ONE)
}

fn wakeups(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_int(waits() as i64);
    Ok(Ret::ONE)
}
