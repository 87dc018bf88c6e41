//! What the changes to the compiler (`third-party/README.md`) must not change: which accesses are in bounds, and what a
//! function computes while it is interrupted.

use std::task::{Context, Poll, Waker};

use wasmtime::{Instance, Memory, Module, Store};

use super::*;

fn engines() -> [Engine; 2] {
    let [stacks, memories] = Slab::one_above_the_other([(STACK, true), (DENSE_MEMORY, false)], 8);
    [Profile::Dense, Profile::Fast].map(|profile| engine(profile, &stacks, &memories).unwrap())
}

/// A store whose code runs without end.
fn store(engine: &Engine) -> Store<()> {
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(1 << 40);
    store
}

const OFFSETS: [u32; 9] =
    [0, 1, 0xfff8, 0x10000, 0x10_0000, slab::SLACK as u32 - 8, slab::SLACK as u32, DENSE_MEMORY as u32 - 8, u32::MAX];

/// Loads and stores of each width at each offset: `r8_0` reads a byte at the index and offset 0, `w8_0` writes one.
fn accesses(minimum: u32) -> String {
    let mut text = format!("(module (memory (export \"memory\") {minimum} 1024)\n");
    for offset in OFFSETS {
        for (width, load, store) in [(1, "load8_u", "store8"), (4, "load32_u", "store32"), (8, "load", "store")] {
            text += &format!(
                "(func (export \"r{width}_{offset}\") (param i32) (result i64) (i64.{load} offset={offset} (local.get 0)))\n\
                 (func (export \"w{width}_{offset}\") (param i32 i64)\n\
                 (i64.{store} offset={offset} (local.get 0) (local.get 1)))\n"
            );
        }
    }
    text + ")"
}

#[test]
fn an_access_traps_exactly_if_it_is_not_within_the_memory() {
    for engine in engines() {
        for minimum in [0, 1, 40] {
            let code = wat::parse_str(accesses(minimum)).unwrap();
            let module = Module::new(&engine, code).unwrap();
            let mut store = store(&engine);
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let memory = instance.get_memory(&mut store, "memory").unwrap();
            for pages in [u64::from(minimum), 41, 1024] {
                let more = pages - memory.size(&store);
                memory.grow(&mut store, more).unwrap();
                check(&mut store, &instance, &memory);
            }
            assert!(memory.grow(&mut store, 1).is_err());
        }
    }
}

fn check(store: &mut Store<()>, instance: &Instance, memory: &Memory) {
    let size = memory.data_size(&*store) as u64;
    for (width, offset) in [1_u64, 4, 8].into_iter().flat_map(|w| OFFSETS.map(|o| (w, o))) {
        let read = instance.get_typed_func::<u32, u64>(&mut *store, &format!("r{width}_{offset}")).unwrap();
        let write = instance.get_typed_func::<(u32, u64), ()>(&mut *store, &format!("w{width}_{offset}")).unwrap();
        let edge = size.wrapping_sub(width).wrapping_sub(offset.into());
        let slot = DENSE_MEMORY as u64;
        let near = [edge.wrapping_sub(1), edge, edge.wrapping_add(1), size, slot - 1, slot, slot + 8, 2 * slot, 0, 8];
        for index in near.into_iter().chain([u32::MAX.into(), 1 << 31]).filter_map(|i| u32::try_from(i).ok()) {
            let start = u64::from(index) + u64::from(offset);
            let (at, inside) = (start as usize, start + width <= size);
            let place = format!("{width} bytes at {index} + {offset} of {size}");
            let value = 0x0102_0304_0506_0708 * u64::from(index % 7 + 1);
            let written = write.call(&mut *store, (index, value));
            let got = read.call(&mut *store, index);
            if !inside {
                for error in [written.unwrap_err(), got.unwrap_err()] {
                    assert_eq!(error.downcast_ref(), Some(&wasmtime::Trap::MemoryOutOfBounds), "{place}");
                }
                continue;
            }
            written.unwrap_or_else(|e| panic!("{place}: {e:#}"));
            let bytes = value.to_le_bytes();
            assert_eq!(&memory.data(&*store)[at..at + width as usize], &bytes[..width as usize], "{place}");
            assert_eq!(got.unwrap(), value & (u64::MAX >> (64 - 8 * width)), "{place}");
            memory.data_mut(&mut *store)[at..at + width as usize].fill(0);
        }
    }
}

/// More values than there are registers of either kind, all of which each turn of a loop needs.
fn mixing() -> String {
    let mut text = "(module (func (export \"mix\") (param i64) (result i64) (local $n i64)\n".to_owned();
    for i in 0..20 {
        text += &format!("(local $i{i} i64) (local $f{i} f64)\n");
    }
    for i in 0..20 {
        text += &format!("(local.set $i{i} (i64.const {i})) (local.set $f{i} (f64.const {i}.5))\n");
    }
    text += "(loop $l\n";
    for (i, next) in (0..20).map(|i| (i, (i + 1) % 20)) {
        text += &format!(
            "(local.set $i{i} (i64.add (i64.rotl (local.get $i{i}) (i64.const 7)) (local.get $i{next})))\n\
             (local.set $f{i} (f64.add (f64.mul (local.get $f{i}) (f64.const 0.5)) (local.get $f{next})))\n"
        );
    }
    text += "(local.set $n (i64.add (local.get $n) (i64.const 1)))\n\
             (br_if $l (i64.lt_u (local.get $n) (local.get 0))))\n(i64.const 0)\n";
    for i in 0..20 {
        text += &format!("(i64.xor (local.get $i{i})) (i64.xor (i64.reinterpret_f64 (local.get $f{i})))\n");
    }
    text + "))"
}

#[test]
fn a_function_that_is_interrupted_at_each_turn_keeps_all_it_has_in_registers() {
    const TURNS: u64 = 500;
    for engine in engines() {
        let module = Module::new(&engine, wat::parse_str(mixing()).unwrap()).unwrap();
        let mut undisturbed = store(&engine);
        let instance = Instance::new(&mut undisturbed, &module, &[]).unwrap();
        let mix = instance.get_typed_func::<u64, u64>(&mut undisturbed, "mix").unwrap();
        let expected = mix.call(&mut undisturbed, TURNS).unwrap();

        let mut store = store(&engine);
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let mix = instance.get_typed_func::<u64, u64>(&mut store, "mix").unwrap();
        // Always over: each look at the epoch gives way.
        store.set_epoch_deadline(0);
        store.epoch_deadline_async_yield_and_update(0);
        let mut call = std::pin::pin!(mix.call_async(&mut store, TURNS));
        let mut interruptions = 0;
        let got = loop {
            match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(got) => break got.unwrap(),
                Poll::Pending => interruptions += 1,
            }
        };
        assert_eq!((got, interruptions), (expected, TURNS + 1));
    }
}
