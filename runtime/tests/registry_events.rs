//! The event bus from outside: matching, order, slow subscribers, limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wippy_runtime::events::{Bus, Event, EventReceiver, EventSink, MAX_SUBSCRIBERS, Match, RecvError};
use wippy_runtime::payload::Value;

fn event(system: &str, kind: &str, n: i64) -> Event {
    Event::new(system, kind, "path", Value::Int(n))
}

fn drain(receiver: &mut EventReceiver) -> Vec<Value> {
    std::iter::from_fn(|| receiver.try_recv().ok()).map(|e| e.data.clone()).collect()
}

#[test]
fn system_and_kind_select_events() {
    let cases: [(&str, &str, &str, &str, bool); 10] = [
        ("shop", "", "shop", "order.placed", true),
        ("shop", "*", "shop", "order.placed", true),
        ("shop", "order.*", "shop", "order.placed", true),
        ("shop", "order.*", "shop", "stock.low", false),
        ("shop", "order.placed", "shop", "order.placed", true),
        ("bank", "", "shop", "order.placed", false),
        ("*", "", "shop", "a", true),
        ("*", "", "shop.eu", "a", false),
        ("**", "**", "shop.eu", "a.b.c", true),
        ("", "", "shop", "a", false),
    ];
    for (system, kind, sent_system, sent_kind, want) in cases {
        let bus = Bus::new();
        let mut receiver = bus.channel(system, kind, 4).unwrap();
        assert_eq!(bus.has_listener(sent_system, sent_kind), want);
        bus.publish(event(sent_system, sent_kind, 1));
        assert_eq!(receiver.try_recv().is_ok(), want, "{system:?} {kind:?} <- {sent_system:?} {sent_kind:?}");
    }
}

#[test]
fn programs_select_by_text_prefix() {
    let cases = [
        ("", "shop", true),
        ("*", "shop.eu.x", true),
        ("shop", "shop", true),
        ("shop", "shop.eu", false),
        ("shop.*", "shop.eu.x", true),
        ("shop.*", "shop", false),
        ("sh*", "shop.eu", true),
        ("s*p", "shop", false),
        ("s*p", "s*p", true),
        ("shop.*.x", "shop.eu.x", true),
        ("shop.*.x", "shop.eu.y", false),
        ("(shop|bank)", "bank", true),
        ("(shop|bank)", "(shop|bank)", false),
        ("shop.**", "shop.eu.x", true),
        ("shop.**", "shop", true),
        ("**.x", "shop.eu.x", true),
        ("*.*", "shop.eu", true),
        ("*.*", "shop.eu.x", false),
    ];
    for (text, system, want) in cases {
        assert_eq!(Match::simple(text).matches(system), want, "{text:?} on {system:?}");
    }
}

#[test]
fn a_slow_subscriber_loses_only_its_own_newest_events() {
    let bus = Bus::new();
    let mut slow = bus.channel("s", "", 3).unwrap();
    let mut fast = bus.channel("s", "", 1000).unwrap();
    for n in 0..100 {
        bus.publish(event("s", "k", n));
    }
    assert_eq!(drain(&mut fast), (0..100).map(Value::Int).collect::<Vec<_>>());
    assert_eq!(fast.dropped(), 0);
    assert_eq!(drain(&mut slow), (0..3).map(Value::Int).collect::<Vec<_>>());
    assert_eq!(slow.dropped(), 97);
    bus.publish(event("s", "k", 100));
    assert_eq!(drain(&mut slow), [Value::Int(100)]);
    let info = bus.subscribers();
    assert_eq!((info[0].id.as_str(), info[0].delivered, info[0].dropped), ("sub.1", 4, 97));
}

#[test]
fn concurrent_senders_keep_their_order_and_all_subscribers_agree() {
    let bus = Bus::new();
    let mut receivers: Vec<_> = (0..3).map(|_| bus.channel("s", "", 10_000).unwrap()).collect();
    std::thread::scope(|scope| {
        for sender in 0..4i64 {
            let bus = bus.clone();
            scope.spawn(move || (0..500).for_each(|n| bus.publish(event("s", "k", sender * 1000 + n))));
        }
    });
    let seen: Vec<Vec<Value>> = receivers.iter_mut().map(drain).collect();
    assert_eq!(seen[0].len(), 2000);
    assert!(seen.windows(2).all(|w| w[0] == w[1]), "one total order");
    for sender in 0..4 {
        let mine: Vec<i64> = seen[0].iter().filter_map(Value::as_int).filter(|n| n / 1000 == sender).collect();
        assert!(mine.windows(2).all(|w| w[0] < w[1]), "order per sender");
    }
}

#[test]
fn subscribers_are_capped_and_leave_by_dropping() {
    let bus = Bus::new();
    let mut all: Vec<_> = (0..MAX_SUBSCRIBERS).map(|_| bus.channel("s", "", 1).unwrap()).collect();
    let refused = bus.channel("s", "", 1).err().unwrap();
    assert_eq!(refused.to_string(), "eventbus subscribers cap reached");
    all.pop();
    assert_eq!(bus.channel("s", "", 1).unwrap().subscription().id(), "sub.4097");
    drop(all);
    assert!(!bus.has_listener("s", "k"));
    assert!(bus.subscribers().is_empty());
}

#[test]
fn a_closed_bus_drains_and_refuses() {
    let bus = Bus::new();
    let mut receiver = bus.channel("s", "", 4).unwrap();
    bus.publish(event("s", "k", 1));
    bus.close();
    bus.publish(event("s", "k", 2));
    assert_eq!(drain(&mut receiver), [Value::Int(1)]);
    assert_eq!(receiver.try_recv().unwrap_err(), RecvError::Closed);
    assert_eq!(receiver.recv_timeout(Duration::from_secs(5)).unwrap_err(), RecvError::Closed);
    assert_eq!(bus.channel("s", "", 1).err().unwrap().to_string(), "bus is closed");
}

#[test]
fn blocking_and_async_readers_wake_up() {
    let bus = Bus::new();
    let mut receiver = bus.channel("s", "", 4).unwrap();
    assert_eq!(receiver.recv_timeout(Duration::from_millis(1)).unwrap_err(), RecvError::Empty);
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| receiver.recv_timeout(Duration::from_secs(30)).unwrap().data.clone());
        bus.publish(event("s", "k", 7));
        assert_eq!(blocked.join().unwrap(), Value::Int(7));
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let task = runtime.spawn(async move {
        let first = receiver.recv().await.map(|e| e.data.clone());
        (first, receiver.recv().await.is_none())
    });
    bus.publish(event("s", "k", 8));
    bus.close();
    assert_eq!(runtime.block_on(task).unwrap(), (Some(Value::Int(8)), true));
}

/// Publishes an answer from inside `accept`, or panics.
struct Odd {
    bus: Bus,
    calls: AtomicUsize,
}

impl EventSink for Odd {
    fn accept(&self, event: &Arc<Event>) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed);
        assert!(event.kind != "panic", "a broken sink");
        self.bus.publish(Event::new("reply", event.kind.clone(), "", Value::Nil));
        true
    }
}

#[test]
fn a_sink_may_publish_and_its_panic_stays_its_own() {
    let bus = Bus::new();
    let odd = Arc::new(Odd { bus: bus.clone(), calls: AtomicUsize::new(0) });
    let subscription = bus.subscribe("s", "", odd.clone()).unwrap();
    let mut replies = bus.channel("reply", "", 4).unwrap();
    bus.publish(event("s", "panic", 0));
    bus.publish(event("s", "ask", 0));
    assert_eq!(replies.try_recv().unwrap().kind, "ask");
    assert_eq!((odd.calls.load(Ordering::Relaxed), subscription.dropped()), (2, 1));
    subscription.cancel();
    subscription.cancel();
    bus.publish(event("s", "ask", 0));
    assert_eq!(odd.calls.load(Ordering::Relaxed), 2);
}
