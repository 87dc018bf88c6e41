//! Who runs when on one busy worker, counted in steps so that a slow machine changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use wippy_runtime::dispatch::StepContext;
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::{Event, Message, Step};
use wippy_runtime::relay::Pid;

use crate::world::{World, done, on_events, send};

/// Processes that use up slice after slice until `stop`; counts the slices begun.
fn hogs(w: &World, n: usize, stop: &Arc<AtomicBool>) -> Arc<AtomicUsize> {
    let slices = Arc::new(AtomicUsize::new(0));
    let (counter, stop) = (slices.clone(), stop.clone());
    w.define("t:hog", move |_| {
        let (counter, stop) = (counter.clone(), stop.clone());
        move |cx: &mut StepContext<'_>| {
            counter.fetch_add(1, SeqCst);
            while !cx.slice_used() {
                std::hint::spin_loop();
            }
            if stop.load(SeqCst) { done(0i64) } else { Step::Yielded }
        }
    });
    for _ in 0..n {
        w.spawn("t:hog", &[]);
    }
    slices
}

/// A process that is woken runs after the slice that is going on, however many others would like another one.
#[test]
fn whoever_wakes_up_runs_after_one_slice() {
    let w = World::threads(1);
    let stop = Arc::new(AtomicBool::new(false));
    let slices = hogs(&w, 8, &stop);
    let seen = Arc::new(AtomicUsize::new(0));
    let (at, count) = (seen.clone(), slices.clone());
    w.define("t:sleeper", move |_| {
        let (at, count) = (at.clone(), count.clone());
        on_events(move |_, event| {
            let Event::Message(m) = event else { return None };
            at.store(count.load(SeqCst).max(1), SeqCst);
            (m.topic() == b"end").then(|| done(0i64))
        })
    });
    let sleeper = w.spawn("t:sleeper", &[]);
    let tell = |topic: &str| {
        let message = Message::new(Pid::none(), topic, Flat::new().as_bytes());
        w.node.router().send(sleeper, message).expect("the sleeper lives");
    };
    w.run_until(|_| slices.load(SeqCst) > 16);
    for _ in 0..20 {
        seen.store(0, SeqCst);
        tell("tick");
        let before = slices.load(SeqCst);
        w.run_until(|_| seen.load(SeqCst) > 0);
        let waited = seen.load(SeqCst).saturating_sub(before);
        assert!(waited <= 1, "{waited} slices of others began before the woken process ran");
    }
    tell("end");
    stop.store(true, SeqCst);
    w.finish();
}

/// Processes that are woken from elsewhere (by timers, say) do not wait behind thousands of others that are ready.
#[test]
fn whoever_is_woken_takes_turns_with_those_that_wait() {
    const READY: usize = 3_000;
    const WOKEN: usize = 100;
    let w = World::threads(1);
    let stop = Arc::new(AtomicBool::new(false));
    let (steps, awake, last) =
        (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (counter, halt) = (steps.clone(), stop.clone());
    w.define("t:ready", move |_| {
        let (counter, halt) = (counter.clone(), halt.clone());
        move |_: &mut StepContext<'_>| {
            counter.fetch_add(1, SeqCst);
            if halt.load(SeqCst) { done(0i64) } else { Step::Yielded }
        }
    });
    let (count, woken, at) = (steps.clone(), awake.clone(), last.clone());
    w.define("t:sleeper", move |_| {
        let (count, woken, at) = (count.clone(), woken.clone(), at.clone());
        on_events(move |_, event| {
            let Event::Message(_) = event else { return None };
            at.store(count.load(SeqCst), SeqCst);
            woken.fetch_add(1, SeqCst);
            Some(done(0i64))
        })
    });
    let sleepers: Vec<Pid> = (0..WOKEN).map(|_| w.spawn("t:sleeper", &[])).collect();
    for _ in 0..READY {
        w.spawn("t:ready", &[]);
    }
    w.run_until(|_| steps.load(SeqCst) > 2 * READY);
    for sleeper in sleepers {
        w.node.router().send(sleeper, Message::new(Pid::none(), "wake", Flat::new().as_bytes())).expect("it lives");
    }
    let before = steps.load(SeqCst);
    w.run_until(|_| awake.load(SeqCst) == WOKEN);
    let waited = last.load(SeqCst).saturating_sub(before);
    assert!(waited <= 2 * WOKEN, "{waited} steps of others came before the last of {WOKEN} that were woken");
    stop.store(true, SeqCst);
    w.finish();
}

/// Processes that never use up a slice cannot keep those that do from running.
#[test]
fn busy_processes_get_their_share() {
    let w = World::threads(1);
    let stop = Arc::new(AtomicBool::new(false));
    let slices = hogs(&w, 2, &stop);
    let halt = stop.clone();
    w.define("t:player", move |args| {
        let (halt, mut peer) = (halt.clone(), args.first().and_then(Value::as_str).map(|p| Pid::parse(p).unwrap()));
        let mut serve = peer.is_some();
        move |cx: &mut StepContext<'_>| {
            while let Some(event) = cx.next_event() {
                let Event::Message(m) = event else { continue };
                (peer, serve) = (Some(m.from), true);
            }
            if let (Some(to), true) = (peer, std::mem::take(&mut serve)) {
                let gone = send(cx, to, "ball", 0i64).is_err();
                if gone || halt.load(SeqCst) {
                    return done(0i64);
                }
            }
            Step::Waiting
        }
    });
    let first = w.spawn("t:player", &[]);
    w.spawn("t:player", &[Value::Str(first.to_string())]);
    // Both keep the slot and the deque of the only worker filled from here on.
    w.run_until(|_| slices.load(SeqCst) >= 20);
    stop.store(true, SeqCst);
    w.finish();
}
