//! Every interleaving of the hand-over between whoever adds an event and the
//! worker that runs the process: no event is lost, no process is in two run
//! queues, nobody sleeps on work. Compiles the runtime's own sources against loom.

mod sync {
    pub use loom::sync::atomic::{AtomicU32, Ordering};

    /// loom's mutex with parking_lot's interface.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }
}

mod relay {
    pub type Pid = ();
}

mod event {
    pub struct Message {
        pub from: (),
        pub body: [u8; 1],
    }
    impl Message {
        pub fn new(n: u8) -> Message {
            Message { from: (), body: [n] }
        }
        pub fn len(&self) -> usize {
            self.body.len()
        }
        #[allow(dead_code)]
        pub fn as_bytes(&self) -> &[u8] {
            &self.body
        }
    }
    pub enum Event {
        Message(Message),
        #[allow(dead_code)]
        Other,
    }
}

mod parcel {
    use crate::event::Message;

    /// One byte a message.
    pub struct Parcel(pub Vec<u8>);

    #[allow(dead_code)]
    impl Parcel {
        pub fn len(&self) -> usize {
            self.0.len()
        }
        pub fn is_empty(&self) -> bool {
            self.0.is_empty()
        }
        pub fn bytes(&self) -> usize {
            self.0.len()
        }
        pub fn front(&self) -> ((), &[u8]) {
            ((), &self.0[..1])
        }
        pub fn skip(&mut self) {
            self.0.remove(0);
        }
        pub fn pop(&mut self) -> Message {
            Message::new(self.0.remove(0))
        }
    }
}

#[path = "../src/process/queue.rs"]
#[allow(dead_code)]
mod queue;
#[path = "../src/process/state.rs"]
#[allow(dead_code)]
mod state;

use std::sync::Arc;

use event::{Event, Message};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use queue::{Batch, EventQueue};
use state::{Parked, State, StateWord, Wake};

/// A process and the run queue it may be in (a count, which must never exceed one).
struct Model {
    state: StateWord,
    queue: EventQueue,
    queued: AtomicUsize,
}

impl Model {
    fn new() -> Arc<Model> {
        let model = Model { state: StateWord::new(), queue: EventQueue::default(), queued: AtomicUsize::new(0) };
        model.enqueue();
        Arc::new(model)
    }
    fn enqueue(&self) {
        assert_eq!(self.queued.fetch_add(1, Ordering::SeqCst), 0, "in two run queues");
    }
    fn send(&self, n: u8) {
        if self.queue.push(Event::Message(Message::new(n)), 0, 0).is_ok() && self.state.wake() == Wake::Enqueue {
            self.enqueue();
        }
    }
    fn send_parcel(&self, all: &[u8]) {
        let parcel = Box::new(parcel::Parcel(all.to_vec()));
        if self.queue.push_parcel(parcel).is_ok() && self.state.wake() == Wake::Enqueue {
            self.enqueue();
        }
    }
    /// A worker's turn: takes the process if it is queued, runs a step, parks. Returns what it got.
    fn turn(&self) -> Vec<u8> {
        if self.queued.compare_exchange(1, 0, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return Vec::new();
        }
        self.state.start();
        let mut batch = Batch::default();
        self.queue.take_all(&mut batch);
        let got = std::iter::from_fn(|| batch.pop()).map(number).collect();
        if self.state.park(State::Idle) == Parked::Woken {
            self.enqueue();
        }
        got
    }
}

fn number(event: Event) -> u8 {
    match event {
        Event::Message(m) => m.body[0],
        Event::Other => unreachable!("only messages are sent"),
    }
}

#[test]
fn no_wakeup_is_lost() {
    // Three threads: all interleavings with up to two involuntary switches (complete runs took four minutes and
    // found nothing more).
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let model = Model::new();
        let senders: Vec<_> = (0..2)
            .map(|n| {
                let model = model.clone();
                thread::spawn(move || match n {
                    0 => model.send(0),
                    _ => model.send_parcel(&[1, 2]),
                })
            })
            .collect();
        let mut got = model.turn();
        senders.into_iter().for_each(|s| s.join().unwrap());
        // Whatever came late must have left the process in the run queue.
        while model.queued.load(Ordering::SeqCst) == 1 {
            got.extend(model.turn());
        }
        let parcel: Vec<u8> = got.iter().copied().filter(|n| *n > 0).collect();
        assert_eq!((got.len(), parcel), (3, vec![1, 2]), "{got:?}");
        assert_eq!(model.state.get(), State::Idle);
    });
}

#[test]
fn two_workers_never_run_one_process() {
    loom::model(|| {
        let model = Model::new();
        let other = model.clone();
        let worker = thread::spawn(move || other.turn());
        model.send(1);
        let mut got = model.turn();
        got.extend(worker.join().unwrap());
        while model.queued.load(Ordering::SeqCst) == 1 {
            got.extend(model.turn());
        }
        assert_eq!(got, [1]);
    });
}

#[test]
fn a_kill_reaches_a_sleeper() {
    loom::model(|| {
        let model = Model::new();
        let other = model.clone();
        let killer = thread::spawn(move || {
            if other.state.kill() == Wake::Enqueue {
                other.enqueue();
            }
        });
        model.turn();
        killer.join().unwrap();
        assert!(model.state.is_killed());
        assert_eq!(model.queued.load(Ordering::SeqCst), 1, "a killed process runs once more, to end");
    });
}
