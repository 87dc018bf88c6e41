//! Laws of messages that a step collects before it hands them over.

use wippy_runtime::Error;
use wippy_runtime::dispatch::{Called, StepContext};
use wippy_runtime::payload::{Flat, FlatWriter, Value};
use wippy_runtime::process::{Event, Exit, NoticeKind, Step, commands::Spawn};
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::Pid;

use crate::world::{HOST, World, done, on_events, open, pid, send};

/// Sends 1 to `n` to `to`, with a text as long as the number says. Some that fail are among them.
fn send_many(cx: &mut StepContext<'_>, to: Pid, n: i64) {
    let process = cx.node().router().process(to).expect("the receiver lives");
    for i in 1..=n {
        let fill = |w: &mut FlatWriter<'_>| {
            w.str(b"number");
            w.int(i);
            w.str(&vec![b'x'; i as usize]);
            Ok(())
        };
        cx.send_next(to, &process, &to, fill).unwrap();
        let failed = cx.send_next(to, &process, &to, |w| {
            w.str(b"number");
            Err(Error::invalid("on purpose"))
        });
        assert!(failed.is_err());
    }
}

/// A receiver that counts what comes in order; on "look" it notes how far it is, and ends.
fn define_counter(w: &World) {
    let note = w.note();
    w.define("t:counter", move |_| {
        let (note, mut seen) = (note.clone(), 0);
        on_events(move |_, event| {
            let Event::Message(m) = event else { return None };
            let (topic, value) = open(&m);
            if topic == "look" {
                note.add(seen.to_string());
                return Some(done(Value::Nil));
            }
            assert_eq!(value, Value::Int(seen + 1));
            seen += 1;
            None
        })
    });
}

pub fn what_was_sent_arrives_before_what_follows_from_later_sends(w: &World) {
    define_counter(w);
    w.define("t:messenger", |args| {
        let to = pid(&args[0]);
        on_events(move |cx, event| {
            matches!(event, Event::Message(_)).then(|| {
                send(cx, to, "look", 0i64).unwrap();
                done(Value::Nil)
            })
        })
    });
    w.define("t:source", |args| {
        let (to, messenger) = (pid(&args[0]), pid(&args[1]));
        move |cx| {
            send_many(cx, to, 300);
            send_many(cx, messenger, 1);
            Step::Waiting
        }
    });
    let counter = w.spawn("t:counter", &[]);
    let messenger = w.spawn("t:messenger", &[counter.to_string().into()]);
    let source = w.spawn("t:source", &[counter.to_string().into(), messenger.to_string().into()]);
    w.run_until(|w| w.node.table().len() == 1);
    assert_eq!(*w.log.lock(), ["300"]);
    w.node.terminate(source).unwrap();
    w.finish();
}

pub fn what_was_sent_arrives_before_the_end_is_seen(w: &World) {
    for end in ["value", "panic"] {
        let note = w.note();
        w.define("t:source", move |args| {
            let to = pid(&args[0]);
            move |cx| {
                send_many(cx, to, 40);
                assert_ne!(end, "panic", "on purpose");
                done(Value::Nil)
            }
        });
        w.define("t:watcher", move |_| {
            let (note, mut seen, mut started) = (note.clone(), 0, false);
            let mut events = on_events(move |_, event| match event {
                Event::Message(_) => {
                    seen += 1;
                    None
                }
                Event::Notice(n) => {
                    let NoticeKind::Exit(exit) = &n.kind else { return None };
                    note.add(format!("{seen} {}", matches!(exit, Exit::Error(_))));
                    Some(done(Value::Nil))
                }
                Event::Done(_) => None,
            });
            move |cx| {
                if !std::mem::replace(&mut started, true) {
                    let request = Spawn {
                        id: EntryId::parse("t:source"),
                        host: HOST.into(),
                        args: Flat::of(&[cx.pid().to_string().into()]),
                        monitor: true,
                        link: false,
                        name: None,
                        messages: Vec::new(),
                        inherited: None,
                    };
                    assert!(matches!(cx.call(request, 0), Called::Ready(Ok(_))));
                }
                events(cx)
            }
        });
        w.spawn("t:watcher", &[]);
        w.finish();
        let want = format!("40 {}", end == "panic");
        assert_eq!(w.log.lock().drain(..).collect::<Vec<_>>(), [want], "{end}");
    }
}
