//! CPU of processes and hosts: accounts, the budget of a call, shares. Under
//! seeds, where it is counted and the same in every run, and on threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use wippy_runtime::clock::{RealClock, VirtualClock};
use wippy_runtime::dispatch::{CapabilitySet, StepContext};
use wippy_runtime::entropy::SeededEntropy;
use wippy_runtime::process::{
    Control, Event, Exit, Factory, HostShared, HostState, Invocation, Limits, Message, Process, Step,
};
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::{Delivery, Name, Pid};
use wippy_runtime::scheduler::{Pool, PoolConfig, Scheduler, Seeded};
use wippy_runtime::{Node, Result, SpawnRequest};

type Body = fn(&mut StepContext<'_>, &AtomicBool) -> Step;

struct Made(Body, Arc<AtomicBool>);

impl Factory for Made {
    fn create(&self) -> Result<Box<dyn Process>> {
        Ok(Box::new(Made(self.0, self.1.clone())))
    }
    fn method(&self) -> Arc<str> {
        "main".into()
    }
    fn engine(&self) -> &'static str {
        "lua"
    }
}

impl Process for Made {
    fn init(&mut self, _: &Invocation, _: &Arc<Control>) -> Result<()> {
        Ok(())
    }
    fn step(&mut self, cx: &mut StepContext<'_>) -> Step {
        (self.0)(cx, &self.1)
    }
    fn close(&mut self) {}
}

/// Computes a slice at a time until it is told to stop.
fn hog(cx: &mut StepContext<'_>, stop: &AtomicBool) -> Step {
    while !cx.slice_used() {
        std::hint::spin_loop();
    }
    if stop.load(SeqCst) { Step::Done(Exit::Value(Default::default())) } else { Step::Yielded }
}

/// Computes half a millisecond for each message.
fn worker(cx: &mut StepContext<'_>, _: &AtomicBool) -> Step {
    while let Some(event) = cx.next_event() {
        cx.rest();
        let Event::Message(m) = event else { continue };
        if m.topic() == b"end" {
            return Step::Done(Exit::Value(Default::default()));
        }
        for _ in 0..50 {
            cx.slice_used();
        }
    }
    Step::Waiting
}

/// Never gives way, as a callback that cannot yield.
fn stubborn(cx: &mut StepContext<'_>, _: &AtomicBool) -> Step {
    while !cx.is_killed() {
        cx.slice_used();
    }
    Step::Yielded
}

struct World {
    node: Arc<Node>,
    stop: Arc<AtomicBool>,
    hosts: Vec<Arc<HostShared>>,
    /// The driver, if it is the one for seeds.
    seeded: Option<(Arc<Seeded>, Arc<VirtualClock>)>,
}

impl World {
    fn seeded(seed: u64) -> World {
        let clock = Arc::new(VirtualClock::new());
        let node = Node::new("local", clock.clone(), Arc::new(SeededEntropy::new(seed))).unwrap();
        World { node, stop: Arc::default(), hosts: Vec::new(), seeded: Some((Seeded::new(), clock)) }.with_code()
    }
    fn threads() -> World {
        let node = Node::new("local", Arc::new(RealClock::new()), Arc::new(SeededEntropy::new(1))).unwrap();
        World { node, stop: Arc::default(), hosts: Vec::new(), seeded: None }.with_code()
    }
    fn with_code(self) -> World {
        for (id, body) in [("t:hog", hog as Body), ("t:worker", worker), ("t:stubborn", stubborn)] {
            self.node.register_factory(&EntryId::parse(id), Arc::new(Made(body, self.stop.clone())));
        }
        self
    }
    fn host(&mut self, id: &str, workers: usize, limits: Limits) -> Arc<HostShared> {
        let scheduler: Arc<dyn Scheduler> = match &self.seeded {
            Some((seeded, _)) => seeded.clone(),
            None => Arc::new(Pool::start(&self.node, &PoolConfig { name: id.into(), workers }).unwrap()),
        };
        let host = HostShared::new(Name::new(id).unwrap(), scheduler, CapabilitySet::default(), limits);
        let host = Arc::new(host);
        host.set_state(HostState::Running);
        self.node.router().register(host.id, Delivery::Processes(host.clone())).unwrap();
        self.node.ledger().join(&host);
        self.hosts.push(host.clone());
        host
    }
    fn spawn(&self, id: &str, host: &HostShared) -> (Pid, std::sync::mpsc::Receiver<Exit>) {
        let (tx, rx) = std::sync::mpsc::channel();
        let request = SpawnRequest {
            on_exit: Some(Box::new(move |exit: &Exit| drop(tx.send(exit.clone())))),
            ..SpawnRequest::new(EntryId::parse(id), host.id.as_str())
        };
        (self.node.spawn(request).unwrap(), rx)
    }
    /// Runs `steps` steps, or for as long as it takes.
    fn run(&self, steps: usize, rx: &std::sync::mpsc::Receiver<Exit>) -> Option<Exit> {
        match &self.seeded {
            Some((seeded, clock)) => {
                seeded.run(&self.node, clock, steps);
                rx.try_recv().ok()
            }
            None => rx.recv_timeout(Duration::from_secs(20)).ok(),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.hosts.iter().for_each(|h| h.scheduler.stop());
    }
}

fn limited(cpu_call: u64, cpu_share: u32) -> Limits {
    Limits { cpu_call, cpu_share, ..Limits::default() }
}

const MS: u64 = 1_000_000;

#[test]
fn a_call_has_a_budget_and_a_process_one_for_what_it_does_between_waits() {
    for seed in [None, Some(1), Some(2)] {
        let mut w = seed.map_or_else(World::threads, World::seeded);
        let host = w.host("t:tenants", 1, limited(20 * MS, 0));
        for body in ["t:hog", "t:stubborn"] {
            let (_, exit) = w.spawn(body, &host);
            let exit = w.run(1_000, &exit).expect("it ends");
            let error = exit.error().expect("it fails");
            assert_eq!((error.to_string(), error.kind().as_str()), ("cpu limit exceeded (20ms)".into(), "Timeout"));
        }
        assert!(host.cpu() >= 40 * MS, "{}", host.cpu());
        assert_eq!(w.node.cpu_limits_exceeded.load(SeqCst), 2);
        // Many times the budget, in pieces.
        let (pid, exit) = w.spawn("t:worker", &host);
        for n in 0..200 {
            let topic = if n < 199 { "work" } else { "end" };
            w.node.router().send(pid, Message::new(Pid::none(), topic, &[])).unwrap();
        }
        assert!(!w.run(1_000, &exit).expect("it ends").is_error(), "{seed:?}");
    }
}

#[test]
fn cpu_is_the_same_in_every_run_of_a_seed() {
    let used = |seed| {
        let mut w = World::seeded(seed);
        let (a, b) = (w.host("t:a", 1, Limits::default()), w.host("t:b", 1, limited(0, 200)));
        let _ran: Vec<_> = [&a, &b, &b].iter().map(|host| w.spawn("t:hog", host)).collect();
        let (seeded, clock) = w.seeded.clone().unwrap();
        seeded.run(&w.node, &clock, 500);
        (a.cpu(), b.cpu())
    };
    for seed in 0..5 {
        let (a, b) = used(seed);
        assert_eq!((a, b), used(seed));
        // Two of three processes, and still only a fifth.
        let share = b as f64 / (a + b) as f64;
        assert!((0.18..0.23).contains(&share), "{share}");
    }
}

#[test]
fn a_host_gets_its_share_while_others_want_the_machine() {
    let mut w = World::threads();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (a, b) = (w.host("t:a", cores, limited(0, 200)), w.host("t:b", cores, Limits::default()));
    let run = |w: &World, host: &HostShared| -> Vec<_> { (0..2 * cores).map(|_| w.spawn("t:hog", host)).collect() };
    let mut ran = run(&w, &a);
    let alone = Instant::now();
    while a.cpu() < 200 * MS && alone.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(a.cpu() >= 200 * MS, "alone it may use what there is");
    ran.extend(run(&w, &b));
    let start = Instant::now();
    while b.cpu() < 20 * MS && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let before = (a.cpu(), b.cpu());
    while b.cpu() - before.1 < 800 * MS && start.elapsed() < Duration::from_secs(40) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let used = ((a.cpu() - before.0) as f64, (b.cpu() - before.1) as f64);
    w.stop.store(true, SeqCst);
    for (_, exit) in &ran {
        w.run(0, exit).expect("all end");
    }
    let share = used.0 / (used.0 + used.1);
    assert!((0.1..0.3).contains(&share), "{share}");
}

/// The estimate from samples and the exact account agree about what a slice costs.
#[test]
fn an_estimate_is_near_the_truth() {
    let mut w = World::threads();
    let host = w.host("t:plain", 1, Limits::default());
    let (pid, exit) = w.spawn("t:hog", &host);
    std::thread::sleep(Duration::from_millis(50));
    w.stop.store(true, SeqCst);
    let control = w.node.router().process(pid);
    w.run(0, &exit).expect("it ends");
    let (cpu, steps) = control.map_or((host.cpu(), 1), |c| (c.cpu(), c.steps()));
    assert!(cpu >= steps.saturating_sub(1) * MS * 9 / 10, "{cpu} ns in {steps} steps");
}
