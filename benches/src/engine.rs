//! What the engine of WebAssembly costs beside processes: starting with code
//! that is compiled or was, and computing, beside plain wasmtime or Lua.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use wasmtime::{Engine, Instance, Module, Store};
use wippy_runtime::Error;
use wippy_runtime::payload::Value;
use wippy_runtime::registry::EntryId;
use wippy_wasm::{EngineKind, Guests};

use crate::app::App;
use crate::guests;
use crate::workload::Figures;

fn failed(e: impl std::fmt::Display) -> Error {
    Error::internal(format!("cannot measure the engine: {e:#}"))
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// How long it takes to have an engine and a process of some `kib` KiB of code ready to start: `compile_ms` with an empty
/// cache, `ms` with what that left behind. Blocks. Errors: the directory for temporary files is not writable.
pub fn start(app: &App, kib: u64) -> Result<Figures, Error> {
    let dir = tempfile::tempdir().map_err(failed)?;
    let code = guests::process(&filled(kib))?;
    let id = EntryId::parse("bench:start");
    let mut times = [0.0; 2];
    for time in &mut times {
        let since = Instant::now();
        Guests::cached(app.node(), dir.path())?.process(&id, &code)?;
        *time = ms(since);
    }
    let [compile_ms, elapsed_ms] = times;
    let kib = code.len() as f64 / 1024.0;
    let more = vec![("code_kib".to_owned(), kib), ("compile_ms".to_owned(), compile_ms)];
    Ok(Figures { ops_per_s: 1e3 / elapsed_ms, elapsed_ms, more })
}

/// A guest of that size: functions of arithmetic, loads and a loop, no two alike.
fn filled(kib: u64) -> String {
    let mut text = "(func (export \"run\") (param i32 i32) (result i32) i32.const 1024)\n".to_owned();
    // Measured: a function is some 1,050 bytes.
    for f in 0..kib {
        text += &format!("(func (export \"f{f}\") (param $x i64) (result i64) (local $i i32) (loop $l\n");
        for step in 0..56 {
            let (a, b) = (f * 7919 + step * 104_729 + 1, (f * 31 + step * 17) % 4096);
            text += &format!(
                "(local.set $x (i64.xor (i64.mul (local.get $x) (i64.const {a})) (i64.load offset={b} (i32.const 8))))\n"
            );
        }
        text += "(br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9))))\n\
                 local.get $x)\n";
    }
    text
}

/// The exports of the guest in `guests/`, and how much of each a thousandth part of N is.
const KERNELS: [(&str, u64); 4] = [("sort", 1000), ("hash", 1000), ("text", 600), ("sha", 200)];
/// Runs in each engine, one after the other, of which the shortest counts: so all see the same moods of the machine.
const ROUNDS: usize = 9;

/// Computing of about N ms: `KERNEL_ms` in plain wasmtime, `KERNEL_dense` and `KERNEL_fast` how much longer it takes as
/// a function of ours, with preemption. Blocks. Errors: the guest cannot be compiled; a wrong answer.
pub fn compute(app: &App, n: u64) -> Result<Figures, Error> {
    let code = std::fs::read(guest()?).map_err(failed)?;
    let compiler = Guests::new(app.node())?;
    let plain = Engine::default();
    let module = Module::new(&plain, &code).map_err(failed)?;
    let mut more = Vec::new();
    let mut total = 0.0;
    for (kernel, unit) in KERNELS {
        let amount = n * unit;
        let engines = [("dense", EngineKind::Dense), ("fast", EngineKind::Fast)];
        let mut ours = Vec::new();
        for (suffix, engine) in engines {
            let name = format!("{kernel}_{suffix}");
            let id = EntryId::parse(&format!("bench:{name}"));
            let wit = format!("{kernel}: func(n: u32) -> u32");
            app.function(&id, compiler.function(&id, &code, kernel, &wit, Some(engine))?)?;
            ours.push((name, [Value::Str(id.to_string()), Value::Int(amount as i64)], f64::MAX));
        }
        let mut base = f64::MAX;
        for _ in 0..ROUNDS {
            let (elapsed, answer) = in_plain(&plain, &module, kernel, amount)?;
            base = base.min(elapsed);
            for (name, args, best) in &mut ours {
                let result = app.run("compute", args)?;
                let number = |key: &str| result.get(key).and_then(Value::as_float).unwrap_or_default();
                if number("check") != f64::from(answer) {
                    return Err(failed(format!("{name} gives {} instead of {answer}", number("check"))));
                }
                *best = best.min(number("ns") / 1e6);
            }
        }
        more.push((format!("{kernel}_ms"), base));
        for (name, _, elapsed) in ours {
            total += elapsed;
            more.push((name, elapsed / base));
        }
    }
    Ok(Figures { ops_per_s: 1e3 / total.max(1e-3), elapsed_ms: total, more })
}

/// Has the guest in `guests/` do `strings`, in the engine of processes. Blocks. Errors: it cannot be compiled.
pub fn put_strings(app: &App) -> Result<(), Error> {
    let code = std::fs::read(guest()?).map_err(failed)?;
    let id = EntryId::parse("bench:strings_guest");
    let wit = "strings: func(n: u32) -> u32";
    let factory = Guests::new(app.node())?.function(&id, &code, "strings", wit, Some(EngineKind::Dense))?;
    app.function(&id, factory)?;
    app.drive("strings", "strings_driver")
}

/// How long a run takes in milliseconds, and the answer.
fn in_plain(engine: &Engine, module: &Module, kernel: &str, amount: u64) -> Result<(f64, u32), Error> {
    let since = Instant::now();
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[]).map_err(failed)?;
    let run = instance.get_typed_func::<u32, u32>(&mut store, kernel).map_err(failed)?;
    let answer = run.call(&mut store, u32::try_from(amount).map_err(failed)?).map_err(failed)?;
    Ok((ms(since), answer))
}

/// The guest, compiled with the toolchain for guests.
fn guest() -> Result<PathBuf, Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let out = root.join("target/guests/benches");
    let done = Command::new(root.join("wasm-guest-sdk/toolchain/guest-cargo"))
        .args(["install", &out.to_string_lossy(), "--locked", "--quiet"])
        .current_dir(root.join("benches/guests"))
        .env("CARGO_TARGET_DIR", root.join("target/guests"))
        .status()
        .map_err(failed)?;
    match done.success() {
        true => Ok(out.join("compute.wasm")),
        false => Err(failed(format!("guest-cargo: {done}"))),
    }
}
