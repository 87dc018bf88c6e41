//! Does what messages tell it to, so that a test in another language can try everything a process may do. Each request is
//! answered with `done`: its value, or its error. Events are told as `event`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wippy_guest::*;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Do {
    Who,
    Echo(Value),
    EchoAll(Value, Value, Value),
    Options { trap_links: bool, upgradable: bool },
    Context(String),
    Spawn { entry: String, args: Vec<Value>, monitored: Option<bool>, linked: Option<bool>, name: Option<String> },
    Exec { entry: String, args: Vec<Value> },
    Send { to: String, topic: String, value: Option<Value> },
    Cancel(String, String),
    Terminate(String),
    Monitor(String),
    Unmonitor(String),
    Link(String),
    Unlink(String),
    Register(String),
    Lookup(String),
    Unregister(String),
    Call { entry: String, args: Vec<Value> },
    /// Starts both, waits for whichever is first among events and messages, and tells all results.
    Race { entries: Vec<String> },
    Env(String),
    Entry(String),
    Find(String),
    Log(String),
    Sleep(u64),
    /// Waits for the topic, for so many milliseconds, and leaves everything else in the mailbox.
    Await(String, u64),
    /// Waits for a message of the topic whose tables stay with the runtime, sends it back and tells what they are.
    Hold(String),
    Listen(String),
    Unlisten(String),
    Upgrade(Option<String>, Value),
    Exit(Value),
    Fail(Error),
    Panic(String),
    Overflow,
    Grow,
    Spin,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Tell {
    Done(Value),
    Event { kind: &'static str, who: Option<Pid>, value: Value },
}

#[process]
fn main(owner: Option<Pid>) -> Result<Value> {
    if owner.is_some() {
        tell(owner, &Tell::Done("started".into()))?;
    }
    loop {
        match receive::<Do>() {
            Incoming::Message(Do::Exit(value), _) => return Ok(value),
            Incoming::Message(Do::Fail(error), _) => return Err(error),
            Incoming::Message(request, from) => {
                let value = perform(request).unwrap_or_else(Value::Error);
                tell(from, &Tell::Done(value))?;
            }
            Incoming::Event(event) => tell(owner, &describe(event))?,
            Incoming::Other(message, error) => tell(message.sender, &Tell::Done(Value::Error(error)))?,
            Incoming::Call(_) | Incoming::Timeout => return Err(Error::internal("nothing of that was asked for")),
        }
    }
}

fn describe(event: Event) -> Tell {
    match event {
        Event::Exit(ended) => {
            let value = ended.outcome.and_then(|value| value.decode()).unwrap_or_else(Value::Error);
            Tell::Event { kind: "exit", who: Some(ended.who), value }
        }
        Event::LinkDown(lost) => Tell::Event { kind: "link_down", who: Some(lost.who), value: lost.reason.into() },
        Event::Cancel(cancel) => Tell::Event { kind: "cancel", who: cancel.by, value: cancel.reason.into() },
        Event::Outdated(change) => {
            let sources = change.sources.into_iter().map(Value::Text).collect();
            Tell::Event { kind: "outdated", who: None, value: Value::List(sources) }
        }
    }
}

/// Arguments whose number is known to the sender only.
macro_rules! with_args {
    ($args:expr, $call:expr) => {
        match &$args[..] {
            [] => $call(()),
            [a] => $call((a,)),
            [a, b] => $call((a, b)),
            _ => Err(Error::invalid("at most two arguments")),
        }
    };
}

fn perform(request: Do) -> Result<Value> {
    let done = |()| Value::Bool(true);
    Ok(match request {
        Do::Who => Value::List(vec![self_pid().to_string().into(), entry_id().into()]),
        Do::Echo(value) => value,
        Do::EchoAll(a, b, c) => Value::List(vec![a, b, c]),
        Do::Options { trap_links, upgradable } => {
            Options { trap_links, upgradable, ..Options::get() }.set();
            let now = Options::get();
            Value::from_iter([("trap_links", now.trap_links), ("upgradable", now.upgradable)])
        }
        Do::Context(key) => context_value(&key)?.unwrap_or_default(),
        Do::Spawn { entry, args, monitored, linked, name } => {
            let mut child = spawn(&entry, "app:processes");
            if monitored == Some(true) {
                child = child.monitored();
            }
            if linked == Some(true) {
                child = child.linked();
            }
            if let Some(name) = &name {
                child = child.name(name);
            }
            with_args!(args, |args| child.args(args).start())?.to_string().into()
        }
        Do::Exec { entry, args } => with_args!(args, |args| exec(&entry, "app:processes", args))?,
        Do::Send { to, topic, value: None } => done(send_all(to, &topic, ())?),
        Do::Send { to, topic, value: Some(value) } => done(send(to, &topic, &value)?),
        Do::Cancel(to, reason) => done(cancel(to, &reason)?),
        Do::Terminate(to) => done(terminate(to)?),
        Do::Monitor(to) => done(monitor(to)?),
        Do::Unmonitor(to) => done(unmonitor(to)?),
        Do::Link(to) => done(link(to)?),
        Do::Unlink(to) => done(unlink(to)?),
        Do::Register(name) => done(names::register(&name)?),
        Do::Lookup(name) => names::lookup(&name)?.to_string().into(),
        Do::Unregister(name) => names::unregister(&name, names::Scope::Local)?.into(),
        Do::Call { entry, args } => with_args!(args, |args| call(&entry, args))?,
        Do::Race { entries } => race(&entries)?,
        Do::Env(key) => environment::get(&key)?.into(),
        Do::Entry(id) => {
            let entry = registry::get(&id)?;
            Value::List(vec![entry.id.as_str().into(), entry.kind.as_str().into(), entry.meta()?, entry.data()?])
        }
        Do::Find(kind) => {
            let found = registry::find(&[(".kind", kind.into())])?;
            Value::List(found.into_iter().map(|entry| entry.id.into()).collect())
        }
        Do::Log(text) => {
            log::warn!(answer = 42, ok = true; "the puppet says {text}");
            Value::Nil
        }
        Do::Sleep(milliseconds) => {
            let start = time::Instant::now();
            time::sleep(Duration::from_millis(milliseconds));
            Value::Bool(start.elapsed() >= Duration::from_millis(milliseconds))
        }
        Do::Await(topic, milliseconds) => {
            let wait = Receive::nothing().topic(&topic).timeout(Duration::from_millis(milliseconds));
            match wait.next::<Value>() {
                Incoming::Message(value, _) => value,
                Incoming::Timeout => "timeout".into(),
                other => return Err(Error::internal(format!("{other:?}"))),
            }
        }
        Do::Hold(topic) => hold(&topic)?,
        Do::Listen(topic) => done(listen(&topic)?),
        Do::Unlisten(topic) => unlisten(&topic).into(),
        Do::Upgrade(entry, value) => match upgrade(entry.as_deref(), (value,))? {},
        Do::Panic(text) => panic!("{text}"),
        Do::Overflow => deep(1).into(),
        Do::Grow => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(vec![1; 1 << 20]);
            }
        }
        Do::Spin => loop {
            std::hint::black_box(());
        },
        Do::Exit(_) | Do::Fail(_) => return Err(Error::internal("handled before")),
    })
}

fn race(entries: &[String]) -> Result<Value> {
    let calls = entries.iter().map(|entry| start::<Value>(entry, ())).collect::<Result<Vec<_>>>()?;
    let first = {
        let wait = calls.iter().fold(Receive::nothing(), Receive::call);
        match wait.next::<Message>() {
            Incoming::Call(index) => index as i64,
            other => return Err(Error::internal(format!("{other:?}"))),
        }
    };
    let results = calls.into_iter().map(|call| call.wait().unwrap_or_else(Value::Error));
    Ok(Value::List([Value::Int(first)].into_iter().chain(results).collect()))
}

fn hold(topic: &str) -> Result<Value> {
    Options { hold_tables: true, ..Options::get() }.set();
    let incoming = Receive::nothing().topic(topic).next::<Message>();
    Options { hold_tables: false, ..Options::get() }.set();
    let Incoming::Message(message, Some(sender)) = incoming else {
        return Err(Error::internal(format!("{incoming:?}")));
    };
    let seen = message.payloads.iter().map(|payload| match payload {
        Payload::Held(held) => {
            let name = held.get("name").map_or(Ok(Value::Nil), |name| name.decode())?;
            Ok(Value::List(vec![held.kind().into(), Value::Int(held.len() as i64), name]))
        }
        other => other.decode(),
    });
    let seen = seen.collect::<Result<_>>()?;
    forward(sender, &message)?;
    Ok(Value::List(seen))
}

/// Uses up the stack.
#[expect(unconditional_recursion)]
fn deep(n: i64) -> i64 {
    let frame = std::hint::black_box([n; 64]);
    deep(n + 1) + frame[0]
}
