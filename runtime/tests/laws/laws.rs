//! One function a law. Each builds its processes, runs the world to its end, and looks at what was noted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use wippy_runtime::dispatch::{Called, StepContext};
use wippy_runtime::functions::{Callable, CancelCall, Done, FunctionCall};
use wippy_runtime::payload::{Flat, Map, Value};
use wippy_runtime::process::commands::{CallFunction, Control, Relate, Spawn};
use wippy_runtime::process::{Event, Exit, NoticeKind, Step, Upgrade};
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::Pid;
use wippy_runtime::{Error, Result};

use crate::world::{HOST, Note, World, done, fail, on_events, open, pid, send};

fn spawn(cx: &mut StepContext<'_>, id: &str, args: &[Value], monitor: bool, link: bool) -> Result<Pid> {
    let request = Spawn {
        id: EntryId::parse(id),
        host: HOST.into(),
        args: Flat::of(args),
        monitor,
        link,
        name: None,
        messages: Vec::new(),
        inherited: None,
    };
    match cx.call(request, 0) {
        Called::Ready(pid) => pid,
        Called::Pending(_) => unreachable!("spawn answers at once"),
    }
}

fn relate(cx: &mut StepContext<'_>, what: Relate, target: Pid) -> Result<()> {
    match cx.call(Control { what, target, shown: target.to_string() }, 0) {
        Called::Ready(done) => done,
        Called::Pending(_) => unreachable!("relations answer at once"),
    }
}

/// Yields `n` times before it goes on, so that others get a chance to run.
fn dawdle(n: &mut u32) -> bool {
    *n = n.saturating_sub(1);
    *n > 0
}

pub fn order_per_sender_is_kept(w: &World) {
    const EACH: i64 = 20;
    let note = w.note();
    w.define("t:sink", move |_| {
        let (note, mut last, mut seen) = (note.clone(), [-1i64; 4], 0);
        on_events(move |_, event| {
            let Event::Message(m) = event else { return None };
            let (topic, value) = open(&m);
            let (sender, n) = (topic.parse::<usize>().unwrap(), value.as_int().unwrap());
            if n != last[sender] + 1 {
                note.add(format!("{sender}: {n} after {}", last[sender]));
            }
            last[sender] = n;
            seen += 1;
            (seen == 4 * EACH).then(|| done(seen))
        })
    });
    w.define("t:source", |args| {
        let (to, me, mut n) = (pid(&args[0]), args[1].as_int().unwrap().to_string(), 0);
        move |cx| {
            send(cx, to, &me, n).unwrap();
            n += 1;
            if n == EACH { done(Value::Nil) } else { Step::Yielded }
        }
    });
    let sink = w.spawn("t:sink", &[]);
    for i in 0..4i64 {
        w.spawn("t:source", &[sink.to_string().into(), i.into()]);
    }
    w.finish();
    assert!(w.log.lock().is_empty(), "{:?}", w.log.lock());
}

pub fn nothing_is_lost_or_doubled(w: &World) {
    const HOPS: i64 = 60;
    let note = w.note();
    w.define("t:echo", move |_| {
        let note = note.clone();
        on_events(move |cx, event| {
            let Event::Message(m) = event else { return None };
            let (topic, value) = open(&m);
            if topic == "stop" {
                return Some(done(Value::Nil));
            }
            let n = value.as_int().unwrap();
            note.add(n.to_string());
            if n == HOPS {
                send(cx, m.from, "stop", 0i64).unwrap();
                return Some(done(Value::Nil));
            }
            send(cx, m.from, "hop", n + 1).unwrap();
            None
        })
    });
    let a = w.spawn("t:echo", &[]);
    w.define("t:start", move |_| {
        let mut inner = on_events(move |_, _| None::<Step>);
        let mut sent = false;
        move |cx| {
            if !sent {
                sent = true;
                send(cx, a, "hop", 1i64).unwrap();
            }
            while let Some(event) = cx.next_event() {
                let Event::Message(m) = event else { continue };
                let (topic, value) = open(&m);
                if topic == "stop" {
                    return done(Value::Nil);
                }
                let n = value.as_int().unwrap();
                if n == HOPS {
                    send(cx, a, "stop", 0i64).unwrap();
                    return done(Value::Nil);
                }
                send(cx, a, "hop", n + 1).unwrap();
            }
            inner(cx)
        }
    });
    w.spawn("t:start", &[]);
    w.finish();
    let want: Vec<String> = (1..=HOPS).filter(|n| n % 2 == 1).map(|n| n.to_string()).collect();
    assert_eq!(*w.log.lock(), want);
}

pub fn relations_precede_the_first_step(w: &World) {
    w.define("t:dies", |_| |_: &mut StepContext<'_>| fail("at once"));
    let note = w.note();
    w.define("t:parent", move |_| {
        let (note, mut children) = (note.clone(), Vec::new());
        move |cx| {
            if children.is_empty() {
                cx.control().set_trap_links(true);
                children = (0..5).map(|_| spawn(cx, "t:dies", &[], true, true).unwrap()).collect();
            }
            while let Some(event) = cx.next_event() {
                let Event::Notice(n) = event else { continue };
                note.add(format!("{} {}", n.kind.as_str(), children.iter().position(|c| *c == n.from).unwrap()));
                if note.len() == 10 {
                    return done(Value::Nil);
                }
            }
            Step::Waiting
        }
    });
    w.spawn("t:parent", &[]);
    w.finish();
    let mut got = w.log.lock().clone();
    for i in 0..5 {
        let exit = got.iter().position(|l| *l == format!("pid.exit {i}"));
        let down = got.iter().position(|l| *l == format!("pid.link.down {i}"));
        assert!(exit.unwrap() < down.unwrap(), "the exit comes before the link-down: {got:?}");
    }
    got.sort();
    got.dedup();
    assert_eq!(got.len(), 10);
}

pub fn an_exit_is_seen_exactly_once(w: &World) {
    w.define("t:short", |args| {
        let mut steps = args[0].as_int().unwrap() as u32;
        move |_: &mut StepContext<'_>| if dawdle(&mut steps) { Step::Yielded } else { done("bye") }
    });
    let note = w.note();
    w.define("t:watcher", move |args| {
        let (note, target, mut started) = (note.clone(), pid(&args[0]), false);
        move |cx| {
            if !started {
                started = true;
                if let Err(e) = relate(cx, Relate::Monitor, target) {
                    note.add(e.to_string());
                    return done(Value::Nil);
                }
                let twice = relate(cx, Relate::Monitor, target).unwrap_err().to_string();
                assert!(twice == "already monitoring pid" || twice == "pid not registered", "{twice}");
            }
            while let Some(event) = cx.next_event() {
                let Event::Notice(n) = event else { continue };
                assert_eq!(n.from, target);
                let NoticeKind::Exit(exit) = n.kind else { panic!("{:?}", n.kind) };
                assert_eq!(exit, Exit::Value(Flat::of(&["bye".into()])));
                let gone = send(cx, target, "x", 1i64).unwrap_err();
                assert_eq!(gone.to_string(), "process not found");
                note.add("exit");
                return done(Value::Nil);
            }
            Step::Waiting
        }
    });
    let target = w.spawn("t:short", &[6i64.into()]);
    for _ in 0..4 {
        w.spawn("t:watcher", &[target.to_string().into()]);
    }
    w.finish();
    assert_eq!(w.log.lock().len(), 4);
    assert!(w.log.lock().iter().all(|l| l == "exit" || l == "pid not registered"), "{:?}", w.log.lock());
}

/// A monitor that succeeds always leads to an exit, whenever the target ends.
pub fn a_monitor_races_with_the_end(w: &World) {
    w.define("t:gone", |_| |_: &mut StepContext<'_>| done(Value::Nil));
    let note = w.note();
    w.define("t:racer", move |_| {
        let (note, mut rounds, mut waiting) = (note.clone(), 0, false);
        move |cx| {
            while let Some(event) = cx.next_event() {
                assert!(matches!(event, Event::Notice(_)));
                waiting = false;
            }
            while !waiting && rounds < 10 {
                rounds += 1;
                let child = spawn(cx, "t:gone", &[], false, false).unwrap();
                waiting = relate(cx, Relate::Monitor, child).is_ok();
                note.add("round");
            }
            if waiting { Step::Waiting } else { done(Value::Nil) }
        }
    });
    w.spawn("t:racer", &[]);
    w.finish();
    assert_eq!(w.log.lock().len(), 10);
}

pub fn links_cascade(w: &World) {
    let note = w.note();
    let log_end = note.clone();
    w.node.observe_exits(Arc::new(move |_, exit| log_end.add(exit.error().map_or("ok".into(), |e| e.to_string()))));
    // A chain of five; the last one fails when it is told to.
    w.define("t:chain", |args| {
        let (n, mut started) = (args[0].as_int().unwrap(), false);
        move |cx| {
            if !started && n > 0 {
                started = true;
                spawn(cx, "t:chain", &[(n - 1).into()], false, true).unwrap();
            }
            if n == 0 { fail("end of the chain") } else { Step::Waiting }
        }
    });
    w.define("t:bystander", |_| on_events(|_, event| matches!(event, Event::Message(_)).then(|| done(1i64))));
    let bystander = w.spawn("t:bystander", &[]);
    w.spawn("t:chain", &[4i64.into()]);
    w.run_until(|w| w.node.table().len() == 1);
    w.define("t:teller", move |_| {
        move |cx: &mut StepContext<'_>| {
            send(cx, bystander, "stop", 1i64).unwrap();
            done(Value::Nil)
        }
    });
    w.spawn("t:teller", &[]);
    w.finish();
    let mut log = w.log.lock().clone();
    log.sort();
    let linked = "linked process failed";
    assert_eq!(log, ["end of the chain", linked, linked, linked, linked, "ok", "ok"]);
}

pub fn a_trapped_link_is_a_notice(w: &World) {
    w.define("t:child", |args| {
        let fails = args[0].as_bool().unwrap();
        move |_: &mut StepContext<'_>| if fails { fail("child") } else { done(Value::Nil) }
    });
    let note = w.note();
    w.define("t:trap", move |_| {
        let (note, mut started) = (note.clone(), false);
        move |cx| {
            if !started {
                started = true;
                cx.control().set_trap_links(true);
                // A normal end does not notify links.
                spawn(cx, "t:child", &[false.into()], false, true).unwrap();
                spawn(cx, "t:child", &[true.into()], false, true).unwrap();
            }
            while let Some(event) = cx.next_event() {
                let Event::Notice(n) = event else { continue };
                let NoticeKind::LinkDown(e) = n.kind else { panic!("{:?}", n.kind) };
                note.add(e.to_string());
                return done(Value::Nil);
            }
            Step::Waiting
        }
    });
    w.spawn("t:trap", &[]);
    w.finish();
    assert_eq!(*w.log.lock(), ["child"]);
}

pub fn cancel_is_a_request(w: &World) {
    let note = w.note();
    w.define("t:polite", move |_| {
        let note = note.clone();
        on_events(move |_, event| {
            let Event::Notice(n) = event else { return None };
            let NoticeKind::Cancel { reason } = n.kind else { panic!("{:?}", n.kind) };
            note.add(reason);
            Some(done(Value::Nil))
        })
    });
    let target = w.spawn("t:polite", &[]);
    w.node.cancel(Pid::none(), target, "enough").unwrap();
    w.finish();
    assert_eq!(*w.log.lock(), ["enough"]);
    assert_eq!(w.node.cancel(Pid::none(), target, "").unwrap_err().to_string(), "process not found");
}

pub fn terminate_ends_what_never_returns(w: &World) {
    let note = w.note();
    w.node.observe_exits(Arc::new(move |_, exit| note.add(exit.error().map_or("ok".into(), |e| e.to_string()))));
    w.define("t:busy", |_| |_: &mut StepContext<'_>| Step::Yielded);
    w.define("t:asleep", |_| |_: &mut StepContext<'_>| Step::Waiting);
    for id in ["t:busy", "t:asleep"] {
        let target = w.spawn(id, &[]);
        w.node.terminate(target).unwrap();
    }
    w.finish();
    assert_eq!(*w.log.lock(), ["process terminated", "process terminated"]);
}

pub fn names_are_free_before_the_exit_is_seen(w: &World) {
    w.define("t:named", |_| |_: &mut StepContext<'_>| done(Value::Nil));
    let note = w.note();
    w.define("t:heir", move |_| {
        let (note, mut started) = (note.clone(), false);
        move |cx| {
            if !started {
                started = true;
                let child = spawn(cx, "t:named", &[], true, false).unwrap();
                let owner = cx.node().router().process(child);
                // The child may have ended before it got its name; then it never has it.
                let named = owner.map(|o| cx.node().names().register("the name", child, Some(&o)));
                note.add(format!("{}", matches!(named, Some(Ok(())))));
            }
            let Some(event) = cx.next_event() else { return Step::Waiting };
            assert!(matches!(event, Event::Notice(_)));
            let me = cx.control().clone();
            cx.node().names().register("the name", me.pid(), Some(&me)).unwrap();
            done(Value::Nil)
        }
    });
    w.spawn("t:heir", &[]);
    w.finish();
    assert_eq!(w.node.names().lookup("the name"), None);
}

pub fn an_upgrade_keeps_identity(w: &World) {
    const MESSAGES: i64 = 30;
    let note = w.note();
    w.define("t:v2", move |args| {
        let (note, mut next) = (note.clone(), args[0].as_int().unwrap());
        on_events(move |cx, event| match event {
            Event::Message(m) => {
                let (_, value) = open(&m);
                assert_eq!(value, Value::Int(next));
                next += 1;
                if next < MESSAGES {
                    return None;
                }
                assert_eq!(cx.node().names().lookup("counter"), Some(cx.pid()));
                assert_eq!(cx.frame().entry.as_str(), "t:v2");
                note.add("all");
                Some(fail("so that links and monitors speak"))
            }
            _ => None,
        })
    });
    w.define("t:v1", |_| {
        let mut next = 0;
        move |cx| {
            while let Some(event) = cx.next_event() {
                let Event::Message(m) = event else { continue };
                let (_, value) = open(&m);
                assert_eq!(value, Value::Int(next));
                if next == 7 {
                    // This one was taken but not handled: it goes to the new code, before the rest.
                    let args = Flat::of(&[next.into()]);
                    let entry = Some(EntryId::parse("t:v2"));
                    return Step::Upgrade(Box::new(Upgrade { entry, args, retained: vec![Event::Message(m)] }));
                }
                next += 1;
            }
            Step::Waiting
        }
    });
    let note = w.note();
    w.define("t:client", move |_| {
        let (note, mut n, mut target) = (note.clone(), 0, None);
        move |cx| {
            let to = *target.get_or_insert_with(|| {
                cx.control().set_trap_links(true);
                let to = spawn(cx, "t:v1", &[], true, true).unwrap();
                let owner = cx.node().router().process(to).unwrap();
                cx.node().names().register("counter", to, Some(&owner)).unwrap();
                to
            });
            while let Some(event) = cx.next_event() {
                let Event::Notice(notice) = event else { continue };
                assert_eq!(notice.from, to);
                note.add(notice.kind.as_str());
                if matches!(notice.kind, NoticeKind::LinkDown(_)) {
                    return done(Value::Nil);
                }
            }
            if n < MESSAGES {
                send(cx, to, "n", n).unwrap();
                n += 1;
                return Step::Yielded;
            }
            Step::Waiting
        }
    });
    w.spawn("t:client", &[]);
    w.finish();
    assert_eq!(*w.log.lock(), ["all", "pid.exit", "pid.link.down"]);
}

pub fn a_panic_is_one_exit(w: &World) {
    w.define("t:panics", |_| |_: &mut StepContext<'_>| -> Step { std::panic::resume_unwind(Box::new("secret")) });
    let note = w.note();
    w.define("t:neighbour", move |_| {
        let (note, mut started) = (note.clone(), false);
        move |cx| {
            if !started {
                started = true;
                spawn(cx, "t:panics", &[], true, false).unwrap();
            }
            while let Some(event) = cx.next_event() {
                let Event::Notice(n) = event else { continue };
                let NoticeKind::Exit(Exit::Error(e)) = n.kind else { panic!("{:?}", n.kind) };
                note.add(e.to_string());
                return done(Value::Nil);
            }
            Step::Waiting
        }
    });
    w.spawn("t:neighbour", &[]);
    w.finish();
    assert_eq!(*w.log.lock(), ["internal error: the process engine panicked"]);
}

pub fn a_failed_start_leaves_nothing(w: &World) {
    w.define("t:any", |_| |_: &mut StepContext<'_>| done(Value::Nil));
    let mut request = w.request("t:any", &["fail to start".into()]);
    request.name = Some("never".into());
    assert_eq!(w.node.spawn(request).unwrap_err().to_string(), "no start");
    assert_eq!(w.node.names().lookup("never"), None);
    assert!(w.node.table().is_empty());
    let unknown = w.node.spawn(w.request("t:unknown", &[])).unwrap_err();
    assert_eq!(unknown.to_string(), "factory not found");
    w.finish();
}

/// A function that never answers, and notes that it was cancelled.
struct Never(Arc<AtomicBool>, Mutex<Vec<Done>>);

impl Callable for Never {
    fn call(&self, _: FunctionCall, done: Done) -> CancelCall {
        self.1.lock().push(done);
        let cancelled = self.0.clone();
        Box::new(move || cancelled.store(true, Ordering::SeqCst))
    }
    fn options(&self) -> Arc<Map> {
        Arc::default()
    }
}

pub fn a_call_ends_with_its_caller(w: &World) {
    let cancelled = Arc::new(AtomicBool::new(false));
    w.node.functions().register("t:never".into(), Arc::new(Never(cancelled.clone(), Mutex::default())));
    w.define("t:caller", |_| {
        let mut asked = false;
        move |cx| {
            if !asked {
                asked = true;
                let target = "t:never".to_owned();
                let request = CallFunction { target, args: Flat::new(), inherited: None, options: None };
                assert!(matches!(cx.call(request, 7), Called::Pending(7)));
                let unknown =
                    CallFunction { target: "t:nobody".into(), args: Flat::new(), inherited: None, options: None };
                assert!(matches!(cx.call(unknown, 8), Called::Pending(8)));
            }
            while let Some(event) = cx.next_event() {
                let Event::Done(c) = event else { continue };
                assert_eq!(c.tag, 8);
                let e: Error = c.result.err().unwrap();
                assert_eq!(e.to_string(), "no handler registered for target");
                return done(Value::Nil);
            }
            Step::Waiting
        }
    });
    w.spawn("t:caller", &[]);
    w.finish();
    // Its place on the host is free before its requests are cancelled.
    w.run_until(|_| cancelled.load(Ordering::SeqCst));
}

pub fn sleeps_wake_in_order(w: &World) {
    let note = w.note();
    w.define("t:sleeper", move |_| {
        let (note, mut armed) = (note.clone(), false);
        move |cx| {
            if !armed {
                armed = true;
                let now = cx.node().clock().now();
                for ms in [30u64, 10, 20] {
                    cx.sleep_until(now + ms * 1_000_000, ms).unwrap();
                }
                let key = cx.sleep_until(now + 15_000_000, 15).unwrap();
                assert!(cx.cancel_timer(key));
            }
            while let Some(event) = cx.next_event() {
                let Event::Done(c) = event else { continue };
                note.add(c.tag.to_string());
                if c.tag == 30 {
                    return done(Value::Nil);
                }
            }
            Step::Waiting
        }
    });
    w.spawn("t:sleeper", &[]);
    w.finish();
    assert_eq!(*w.log.lock(), ["10", "20", "30"]);
}

/// Notes when it is let go.
struct Thing(Note, String);

impl Drop for Thing {
    fn drop(&mut self) {
        self.0.add(self.1.clone());
    }
}

pub fn what_is_held_is_let_go_in_reverse(w: &World) {
    for end in ["return", "fail", "panic", "upgrade", "killed"] {
        w.log.lock().clear();
        let note = w.note();
        w.define("t:holder", move |_| {
            let (note, mut begun) = (note.clone(), false);
            move |cx| {
                if std::mem::replace(&mut begun, true) {
                    return Step::Waiting;
                }
                let hold = |name: &str| {
                    let id = cx.control().hold(Arc::new(Thing(note.clone(), format!("{end} {name}")))).unwrap();
                    assert_eq!(cx.control().held::<Thing>(id).unwrap().1, format!("{end} {name}"));
                    id
                };
                let ids = ["a", "b", "c", "d"].map(hold);
                assert!(cx.control().held::<String>(ids[0]).is_none());
                drop(cx.control().release(ids[1]));
                assert!(cx.control().held::<Thing>(ids[1]).is_none());
                match end {
                    "return" => done(Value::Nil),
                    "fail" => fail("no"),
                    "panic" => panic!("on purpose"),
                    "upgrade" => {
                        let entry = Some(EntryId::parse("t:after"));
                        Step::Upgrade(Box::new(Upgrade { entry, args: Flat::new(), retained: Vec::new() }))
                    }
                    _ => {
                        cx.control().kill();
                        Step::Waiting
                    }
                }
            }
        });
        let note = w.note();
        w.define("t:after", move |_| {
            let note = note.clone();
            move |_: &mut StepContext<'_>| {
                note.add("after");
                done(Value::Nil)
            }
        });
        w.spawn("t:holder", &[]);
        w.finish();
        let mut want: Vec<String> = ["b", "d", "c", "a"].map(|name| format!("{end} {name}")).to_vec();
        want.extend((end == "upgrade").then(|| "after".to_owned()));
        // A process counts as gone before the last of its end is done.
        w.run_until(|w| w.log.lock().len() >= want.len());
        assert_eq!(*w.log.lock(), want);
    }
}
