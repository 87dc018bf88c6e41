//! Calls that an instance answers without a process.

mod rig;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rig::{Run, entry, host, node};
use wippy_hosts::pools::{FunctionPool, PoolConfig, PoolKind};
use wippy_runtime::dispatch::StepContext;
use wippy_runtime::functions::{Callable, FunctionCall};
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::{Control, Factory, HostShared, Invocation, Process, Step};
use wippy_runtime::{Error, Result};

/// Gives the number of its call; panics on 3, and leaves 4 to a process. A process waits for ever.
struct Counter(Arc<AtomicUsize>, usize);

impl Process for Counter {
    fn init(&mut self, _: &Invocation, _: &Arc<Control>) -> Result<()> {
        Ok(())
    }
    fn step(&mut self, _: &mut StepContext<'_>) -> Step {
        Step::Waiting
    }
    fn call_at_once(&mut self, args: &Flat, _: &HostShared) -> Option<Result<Flat>> {
        let n = args.first().unwrap().as_int().unwrap();
        assert!(n != 3, "the third");
        self.1 += 1;
        let answer = format!("instance {} call {}", self.0.load(Ordering::Relaxed), self.1);
        match n {
            4 => None,
            5 => Some(Err(Error::invalid("the fifth"))),
            _ => Some(Ok(Flat::of(&[Value::Str(answer)]))),
        }
    }
    fn close(&mut self) {}
}

struct Counters(Arc<AtomicUsize>);

impl Factory for Counters {
    fn create(&self) -> Result<Box<dyn Process>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Counter(self.0.clone(), 0)))
    }
    fn method(&self) -> Arc<str> {
        "main".into()
    }
    fn answers_at_once(&self) -> bool {
        true
    }
    fn engine(&self) -> &'static str {
        "test"
    }
}

#[test]
fn an_instance_answers_until_it_panics_and_the_pool_counts_it() {
    let node = node();
    let host = host(&node, "{}");
    let _run = Run::running(&host);
    let config = PoolConfig { kind: PoolKind::Inline, max: 1 };
    let counters = Arc::new(Counters(Arc::default()));
    let pool = FunctionPool::new(&node, &entry("app:f", "function.test", "{}"), counters, config).unwrap();
    let call = |n: i64| {
        let answer = pool.call_at_once(&Flat::of(&[Value::Int(n)]), host.shared());
        answer.map(|a| {
            a.map_or_else(|e| e.message().to_owned(), |flat| flat.first().unwrap().as_str().unwrap().to_owned())
        })
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(call(1), some("instance 1 call 1"));
    assert_eq!(call(2), some("instance 1 call 2"));
    assert_eq!(call(4), None);
    assert_eq!(call(5), some("the fifth"));
    assert_eq!(pool.info().instances, 1);
    assert_eq!(call(3), some("internal error: the process engine panicked"));
    assert_eq!(pool.info().instances, 0);
    assert_eq!(call(1), some("instance 2 call 1"));
    assert_eq!(pool.info().busy, 0);
    pool.retire();
    assert_eq!(call(1), None);
    assert_eq!(pool.info().instances, 0);
}

#[test]
fn a_pool_whose_instances_are_busy_does_not_answer_at_once() {
    let node = node();
    let host = host(&node, "{}");
    let _run = Run::running(&host);
    let config = PoolConfig { kind: PoolKind::Inline, max: 1 };
    let entry = entry("app:f", "function.test", "{}");
    let pool = FunctionPool::new(&node, &entry, Arc::new(Counters(Arc::default())), config).unwrap();
    let args = Flat::of(&[Value::Int(1)]);
    let (tx, rx) = std::sync::mpsc::channel();
    let call = FunctionCall::new(node.clone(), &pool, args.clone(), Arc::default(), None);
    let call = FunctionCall { host: Some(host.shared().clone()), ..call };
    let cancel = pool.call(call, Box::new(move |result| drop(tx.send(result))));
    assert_eq!(pool.info().busy, 1);
    assert!(pool.call_at_once(&args, host.shared()).is_none());
    cancel();
    let error = rx.recv_timeout(rig::SOON).expect("an answer").unwrap_err();
    assert_eq!(error.message(), "context canceled");
    assert!(pool.call_at_once(&args, host.shared()).is_some());
}
