//! Process hosts on real threads: who may start what, how they stop, how they change size.

mod rig;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rig::*;
use wippy_runtime::dispatch::StepContext;
use wippy_runtime::process::Step;

const HOST: &str = "app:processes";

#[test]
fn a_host_takes_processes_only_while_it_runs() {
    let node = node();
    define_waiters(&node);
    let exits = Exits::new();
    let spawn = || exits.spawn(&node, "app:obedient", HOST);
    assert_eq!(refused(spawn()), "NotFound: host not found");
    let host = host(&node, "host: {workers: 2}");
    assert_eq!(refused(spawn()), "Unavailable: host is not running");
    let run = Run::running(&host);
    let pid = spawn().unwrap();
    assert_eq!((pid.host, host.threads()), (host.shared().id, 2));
    run.stop(&host, SOON);
    run.ended().unwrap();
    assert_eq!(exits.next(), "scheduler shutdown from {|}");
    assert_eq!(refused(spawn()), "Unavailable: host is shutting down");
    wait_until("the end of all threads", || host.threads() == 0);
    // The supervisor may start it again.
    let run = Run::running(&host);
    spawn().unwrap();
    host.retire();
    run.stop(&host, SOON);
    run.ended().unwrap();
    assert_eq!(refused(spawn()), "NotFound: host not found");
}

#[test]
fn a_stopping_host_kills_what_does_not_finish() {
    let node = node();
    define_waiters(&node);
    let exits = Exits::new();
    let host = host(&node, "host: {workers: 1}");
    let run = Run::running(&host);
    for entry in ["app:deaf", "app:busy", "app:obedient"] {
        exits.spawn(&node, entry, HOST).unwrap();
    }
    let start = Instant::now();
    run.stop(&host, Duration::from_millis(300));
    assert_eq!(exits.next(), "scheduler shutdown from {|}");
    assert_eq!(refused(exits.spawn(&node, "app:deaf", HOST)), "Unavailable: host is shutting down");
    assert!(exits.is_empty());
    assert_eq!([exits.next(), exits.next()], ["error Canceled: context canceled"; 2]);
    run.ended().unwrap();
    let took = start.elapsed();
    assert!((Duration::from_millis(250)..Duration::from_secs(5)).contains(&took), "{took:?}");
    assert_eq!(host.shared().live(), 0);
}

#[test]
fn a_host_without_processes_stops_at_once_and_only_once() {
    let node = node();
    let host = host(&node, "{}");
    let run = Run::running(&host);
    run.stop(&host, Duration::from_millis(1));
    run.ended().unwrap();
    std::thread::sleep(Duration::from_millis(20));
    assert!(!run.has_reported());
}

#[test]
fn a_full_host_says_so_and_has_room_again() {
    let node = node();
    define_waiters(&node);
    let exits = Exits::new();
    let host = host(&node, "limits: {processes: 2}");
    let _run = Run::running(&host);
    let first = exits.spawn(&node, "app:deaf", HOST).unwrap();
    exits.spawn(&node, "app:deaf", HOST).unwrap();
    let full = refused(exits.spawn(&node, "app:deaf", HOST));
    assert_eq!(full, "LimitExceeded: max processes limit exceeded");
    node.terminate(first).unwrap();
    assert_eq!(exits.next(), "error Internal: process terminated");
    exits.spawn(&node, "app:deaf", HOST).unwrap();
}

#[test]
fn the_number_of_workers_changes_while_processes_run() {
    let node = node();
    let turns = Arc::new(AtomicU64::new(0));
    let counted = turns.clone();
    define(&node, "app:counter", move |_| {
        let turns = counted.clone();
        move |_: &mut StepContext<'_>| {
            turns.fetch_add(1, Ordering::Relaxed);
            Step::Yielded
        }
    });
    define_waiters(&node);
    let exits = Exits::new();
    let host = host(&node, "host: {workers: 1}");
    let run = Run::running(&host);
    for _ in 0..20 {
        exits.spawn(&node, "app:counter", HOST).unwrap();
    }
    for workers in [4, 1, 8, 2, 3, 1] {
        host.set_workers(workers).unwrap();
        wait_until("the change of size", || host.threads() == workers);
        let before = turns.load(Ordering::Relaxed);
        wait_until("a turn of a process", || turns.load(Ordering::Relaxed) > before + 100);
        // A new process gets its turn too, wherever it is queued.
        let waiter = exits.spawn(&node, "app:obedient", HOST).unwrap();
        node.cancel(waiter, waiter, "done").unwrap();
        assert_eq!(exits.next(), format!("done from {waiter}"));
    }
    run.stop(&host, Duration::from_millis(50));
    run.ended().unwrap();
    assert_eq!(node.table().len(), 0);
}

#[test]
fn sleepers_wake_whatever_became_of_their_worker() {
    let node = node();
    define_waiters(&node);
    let exits = Exits::new();
    let host = host(&node, "host: {workers: 6}");
    let _run = Run::running(&host);
    let pids: Vec<_> = (0..200).map(|_| exits.spawn(&node, "app:obedient", HOST).unwrap()).collect();
    for chunk in pids.chunks(20) {
        host.set_workers(1 + chunk[0].seq().unwrap() as usize % 5).unwrap();
        chunk.iter().for_each(|pid| node.cancel(*pid, *pid, "wake up").unwrap());
        chunk.iter().for_each(|_| assert!(exits.next().starts_with("wake up")));
    }
}

#[test]
fn a_new_host_may_take_the_id_of_one_that_is_stopping() {
    let node = node();
    define_waiters(&node);
    let exits = Exits::new();
    let old = host(&node, "{}");
    let run = Run::running(&old);
    exits.spawn(&node, "app:deaf", HOST).unwrap();
    old.retire();
    run.stop(&old, Duration::from_millis(200));
    let new = host(&node, "{}");
    let _new_run = Run::running(&new);
    exits.spawn(&node, "app:obedient", HOST).unwrap();
    run.ended().unwrap();
    assert_eq!(exits.next(), "error Canceled: context canceled");
    exits.spawn(&node, "app:obedient", HOST).unwrap();
    assert_eq!(new.shared().live(), 2);
}
