//! Programs that mean harm, one a file in `attacks/`, on a sandboxed host. Each
//! says which limit it meets and how it ends. Meanwhile a neighbour on another
//! host does its work: it must neither fail nor be late.
//!
//! Whether neighbours fail and guests end as they say does not depend on the
//! machine, and is tested always. Lateness does: it is
//! compared with that of a thread of the operating system that does the same
//! beside it, and with that of a neighbour before the guest came, so that a busy
//! machine is not the guest's fault; a guest that disturbs is tried five times.
//! `cargo test -p wippy-tests --test attacks -- --ignored every` measures it for
//! one guest after the other; with `all` they are let loose together, for
//! `WIPPY_ATTACK_SECONDS` (600), and memory must come back.

mod arena;
mod guests;
mod memory;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use arena::{Arena, Neighbour};
use guests::Guest;
use wippy_runtime::entropy::{Entropy, SeededEntropy};

/// How much later than the thread beside it a neighbour may be, in nanoseconds.
const LATE: f64 = 5e6;
/// What the runtime may remember of all guests together, in bytes: counters, histories, code that several may share.
const LEFT: usize = 4 << 20;
/// By how much the memory of a neighbour goes up and down, in bytes: what it has not collected yet.
const NEIGHBOUR: usize = 64 << 10;
/// How long a neighbour is watched without a guest.
const BEFORE: Duration = Duration::from_millis(60);

/// What a thread of its own sees that does the same as a neighbour.
fn control(stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<f64>> {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let mut late = Vec::new();
        while !stop.load(SeqCst) {
            let due = Instant::now() + Duration::from_millis(5);
            std::thread::sleep(Duration::from_millis(5));
            late.push(due.elapsed().as_nanos() as f64);
        }
        late
    })
}

/// The value that three of four do not exceed.
fn third_quartile(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() * 3 / 4).copied().unwrap_or_default()
}

/// One attempt: by how much the neighbour was later than without the guest, in nanoseconds. Errors: it failed, or the
/// guest ended otherwise than it says.
fn measured(arena: &Arena, guest: &Guest) -> Result<f64, String> {
    let alone = arena.neighbour();
    std::thread::sleep(BEFORE);
    let alone = third_quartile(alone.stop(arena)?);
    let neighbour = arena.neighbour();
    let stop = Arc::new(AtomicBool::new(false));
    let beside = control(&stop);
    let ended = arena.run(guest, neighbour.pid);
    std::thread::sleep(Duration::from_millis(20));
    stop.store(true, SeqCst);
    let late = neighbour.stop(arena);
    let beside = beside.join().map_err(|_| "the thread failed".to_owned())?;
    arena.clear(&guest.name);
    guest.check_end(&ended)?;
    Ok(third_quartile(late?) - third_quartile(beside).max(alone))
}

#[test]
#[ignore = "measures time: it wants a machine that is not full"]
fn every_attack_ends_as_it_says_and_makes_nobody_late() {
    let guests = guests::all();
    let arena = Arena::new(&guests);
    let mut failures = Vec::new();
    for guest in &guests {
        let mut least = f64::INFINITY;
        for _ in 0..5 {
            match measured(&arena, guest) {
                Err(e) => {
                    failures.push(e);
                    least = 0.0;
                }
                Ok(late) => least = least.min(late),
            }
            if least <= LATE {
                break;
            }
        }
        if least > LATE {
            failures.push(format!("{}: the neighbour was {:.1} ms late", guest.name, least / 1e6));
        }
    }
    assert!(failures.is_empty(), "{} of {} guests:\n{}", failures.len(), guests.len(), failures.join("\n"));
}

/// Lets each guest loose beside one neighbour; what did not end as it should.
fn unmeasured(arena: &Arena, guests: &[Guest]) -> Vec<String> {
    let neighbour = arena.neighbour();
    let mut failures = Vec::new();
    for guest in guests {
        let ended = arena.run(guest, neighbour.pid);
        arena.clear(&guest.name);
        failures.extend(guest.check_end(&ended).err());
    }
    failures.extend(neighbour.stop(arena).err());
    failures
}

#[test]
fn every_guest_ends_as_it_says_and_leaves_no_memory_behind() {
    let halves = [guests::lua(), guests::wasm()].map(|guests| (Arena::new(&guests), guests));
    let before = memory::in_use();
    let failures: Vec<String> = std::thread::scope(|scope| {
        let run = |(arena, guests)| scope.spawn(move || unmeasured(arena, guests));
        let running = halves.each_ref().map(|(arena, guests)| run((arena, &guests[..])));
        running.into_iter().flat_map(|half| half.join().expect("a half comes to its end")).collect()
    });
    let left = memory::in_use().saturating_sub(before);
    assert!(failures.is_empty(), "{} guests:\n{}", failures.len(), failures.join("\n"));
    for (_, guests) in &halves {
        assert!(guests.len() >= 25, "{} guests", guests.len());
    }
    assert!(left < LEFT, "{left} bytes are left");
}

#[test]
#[ignore = "takes ten minutes"]
fn all_attacks_together_leave_nothing_behind() {
    let seconds = std::env::var("WIPPY_ATTACK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(600);
    let guests = guests::all();
    let arena = Arena::new(&guests);
    let neighbours: Vec<Neighbour> = (0..200).map(|_| arena.neighbour()).collect();
    let (random, target) = (SeededEntropy::new(1), neighbours[0].pid);
    let round = |until: Instant| {
        let mut runs = 0;
        while Instant::now() < until {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    let guest = &guests[random.below(guests.len() as u64) as usize];
                    scope.spawn(|| arena.run(guest, target));
                }
            });
            runs += 4;
            arena.clear("a round");
        }
        runs
    };
    // What is allocated once, for the first of its kind, is no leak.
    let mut runs = round(Instant::now() + Duration::from_secs(seconds / 5));
    let before = [memory::in_use(), memory::resident()];
    runs += round(Instant::now() + Duration::from_secs(seconds - seconds / 5));
    let after = [memory::in_use(), memory::resident()];
    println!(
        "{runs} guests in {seconds} s; MiB in use and resident: {:?}",
        [before, after].map(|m| m.map(|b| b >> 20))
    );
    for neighbour in neighbours {
        neighbour.stop(&arena).expect("no neighbour fails");
    }
    assert!(after[0] < before[0] + LEFT + 200 * NEIGHBOUR, "{before:?} bytes before, {after:?} after");
    assert!(after[1] < before[1] + before[1] / 4, "{before:?} bytes before, {after:?} after");
}
