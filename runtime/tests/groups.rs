//! Groups under random lives: what is in them is what was joined, less what
//! was left and who has ended; and every watcher can follow from its snapshot.

#[path = "laws/world.rs"]
#[allow(dead_code)]
mod world;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_runtime::dispatch::StepContext;
use wippy_runtime::entropy::{Entropy, SeededEntropy};
use wippy_runtime::payload::Value;
use wippy_runtime::process::{Event, Step};
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::Pid;
use wippy_runtime::topology::groups::{ChangeKind, GroupChange, GroupNotice, LocalScope, Reach, Scope, ScopeConfig};
use world::{World, done, fail, on_events, send};

const GROUPS: [&str; 4] = ["a", "b", "c", "d"];
const OPERATIONS: u64 = 30;

/// How often each process is in each group.
type View = BTreeMap<(String, Pid), usize>;

fn scope(config: ScopeConfig) -> Arc<LocalScope> {
    let scope = LocalScope::new(EntryId::parse("app:groups"), config);
    scope.start();
    scope
}

fn view(groups: impl IntoIterator<Item = (Arc<str>, Vec<Pid>)>) -> View {
    let mut view = View::new();
    for (group, pids) in groups {
        for pid in pids {
            *view.entry((group.to_string(), pid)).or_default() += 1;
        }
    }
    view
}

fn now(scope: &LocalScope) -> View {
    let groups = scope.groups(Reach::All).unwrap();
    view(groups.into_iter().map(|g| (g.clone(), scope.members(&g, Reach::Node).unwrap())))
}

/// Applies a change that must be possible.
fn apply(view: &mut View, change: &GroupChange) {
    for pid in &change.pids {
        let key = (change.group.to_string(), *pid);
        match change.kind {
            ChangeKind::Joined => *view.entry(key).or_default() += 1,
            ChangeKind::Left => match view.get_mut(&key) {
                Some(1) => drop(view.remove(&key)),
                Some(n) => *n -= 1,
                None => panic!("{key:?} left without having joined"),
            },
        }
    }
}

fn some_groups(entropy: &dyn Entropy) -> Vec<String> {
    (0..1 + entropy.below(3)).map(|_| GROUPS[entropy.below(4) as usize].to_owned()).collect()
}

/// What the actors believe: each counts its own.
type Books = Arc<Mutex<HashMap<Pid, BTreeMap<String, usize>>>>;

/// What the watchers see, with the group of those that watch one.
type Views = Arc<Mutex<Vec<(Option<String>, View)>>>;

/// One random step of an actor; true when it ends.
fn act(cx: &mut StepContext<'_>, scope: &LocalScope, entropy: &dyn Entropy, books: &Books) -> bool {
    let (pid, groups) = (cx.pid(), some_groups(entropy));
    match entropy.below(20) {
        0 => {
            books.lock().remove(&pid);
            return true;
        }
        1..=11 => {
            scope.join(cx.control(), &groups).unwrap();
            let mut books = books.lock();
            let own = books.entry(pid).or_default();
            groups.into_iter().for_each(|g| *own.entry(g).or_default() += 1);
        }
        _ => {
            let mut books = books.lock();
            let own = books.entry(pid).or_default();
            let mut left = false;
            for group in &groups {
                if let Some(n) = own.get_mut(group).filter(|n| **n > 0) {
                    *n -= 1;
                    left = true;
                }
            }
            assert_eq!(scope.leave(pid, &groups).is_ok(), left);
        }
    }
    false
}

fn lives(world: World, seed: u64) {
    let scope = scope(ScopeConfig { monitor_buffer: 1 << 20, ..ScopeConfig::default() });
    let (books, views): (Books, Views) = Default::default();
    let active = Arc::new(Mutex::new(12i64));

    let (its_scope, its_books, its_active) = (scope.clone(), books.clone(), active.clone());
    world.define("app:actor", move |args| {
        let entropy = SeededEntropy::new(args[0].as_int().unwrap() as u64);
        let (scope, books, active) = (its_scope.clone(), its_books.clone(), its_active.clone());
        let mut left = OPERATIONS;
        let mut begun = false;
        move |cx: &mut StepContext<'_>| {
            let mut ticks = u64::from(!std::mem::replace(&mut begun, true));
            while let Some(event) = cx.next_event() {
                ticks += u64::from(matches!(event, Event::Message(_)));
            }
            for _ in 0..ticks {
                left -= 1;
                let ends = act(cx, &scope, &entropy, &books);
                if ends || left == 0 {
                    *active.lock() -= 1;
                }
                if ends {
                    return if entropy.below(2) == 0 { done(Value::Nil) } else { fail("end") };
                }
                if left > 0 {
                    send(cx, cx.pid(), "tick", 1i64).unwrap();
                }
            }
            Step::Waiting
        }
    });
    let (its_scope, its_views) = (scope.clone(), views.clone());
    world.define("app:watcher", move |args| {
        let (scope, views) = (its_scope.clone(), its_views.clone());
        let group = args[0].as_str().map(str::to_owned);
        let mut place = None;
        move |cx: &mut StepContext<'_>| {
            let at = *place.get_or_insert_with(|| {
                let watched = scope.watch(cx.control(), 7, group.as_deref()).unwrap();
                let mut views = views.lock();
                views.push((group.clone(), view(watched.groups)));
                views.len() - 1
            });
            while let Some(event) = cx.next_event() {
                let Event::Done(completion) = event else { continue };
                let notice = completion.result.unwrap().downcast::<GroupNotice>().unwrap();
                let change = notice.change.clone().expect("the scope has not stopped");
                apply(&mut views.lock()[at].1, &change);
            }
            Step::Waiting
        }
    });

    for n in 0..12 {
        world.spawn("app:actor", &[Value::Int((seed * 100 + n) as i64)]);
        if n % 3 == 0 {
            world.spawn("app:watcher", &[Value::Nil]);
            world.spawn("app:watcher", &[Value::from(GROUPS[n as usize / 3])]);
        }
    }
    world.run_until(|_| *active.lock() == 0);
    let mut expected = View::new();
    for (pid, own) in books.lock().iter() {
        expected.extend(own.iter().filter(|(_, n)| **n > 0).map(|(g, n)| ((g.clone(), *pid), *n)));
    }
    // On threads an actor that has decided to end may be on its way.
    world.run_until(|_| now(&scope) == expected);
    let followed = |expected: &View| {
        views.lock().iter().all(|(only, seen)| {
            let concerns = |key: &&(String, Pid)| only.as_ref().is_none_or(|g| *g == key.0);
            let wanted: View = expected.iter().filter(|(k, _)| concerns(k)).map(|(k, n)| (k.clone(), *n)).collect();
            *seen == wanted
        })
    };
    world.run_until(|_| views.lock().len() == 8 && followed(&expected));

    // The end of everybody empties everything.
    let watchers = 8;
    for control in world.node.table().all().iter().filter(|c| c.frame().entry.name() == "actor") {
        world.node.terminate(control.pid()).unwrap();
    }
    world.run_until(|w| w.node.table().len() == watchers && followed(&View::new()));
    assert!(now(&scope).is_empty());
    world.node.table().all().iter().for_each(|c| world.node.terminate(c.pid()).unwrap());
    world.finish();
}

#[test]
fn groups_hold_what_joined_and_has_not_left() {
    for seed in 0..40 {
        lives(World::seeded(seed), seed);
    }
}

#[test]
fn groups_hold_what_joined_on_threads() {
    for seed in 0..4 {
        lives(World::threads(3), seed);
    }
}

#[test]
fn a_slow_watcher_loses_what_its_buffer_cannot_hold() {
    let world = World::seeded(1);
    let scope = scope(ScopeConfig { monitor_buffer: 4, ..ScopeConfig::default() });
    let note = world.note();
    let its_scope = scope.clone();
    world.define("app:watcher", move |_| {
        let (scope, note, mut begun) = (its_scope.clone(), note.clone(), false);
        move |cx: &mut StepContext<'_>| {
            if !std::mem::replace(&mut begun, true) {
                scope.watch(cx.control(), 7, Some("a")).unwrap();
                note.add("watching");
            }
            while let Some(Event::Done(completion)) = cx.next_event() {
                let notice = completion.result.unwrap().downcast::<GroupNotice>().unwrap();
                note.add(notice.change.as_ref().map_or("end", |c| c.kind.as_str()));
                if notice.change.is_none() {
                    return done(Value::Nil);
                }
            }
            Step::Waiting
        }
    });
    let its_scope = scope.clone();
    world.define("app:actor", move |_| {
        let scope = its_scope.clone();
        on_events(move |cx, _| {
            for _ in 0..10 {
                scope.join(cx.control(), &["a".to_owned()]).unwrap();
            }
            None
        })
    });
    world.spawn("app:watcher", &[]);
    world.run_until(|w| w.log.lock().len() == 1);
    let actor = world.spawn("app:actor", &[]);
    for round in 1..=2 {
        let go = wippy_runtime::process::Message::new(Pid::none(), "go", &[]);
        world.node.router().send(actor, go).unwrap();
        world.run_until(|w| {
            w.log.lock().len() == 1 + 4 * round && w.node.table().all().iter().all(|c| c.queue.is_empty())
        });
    }
    assert_eq!(scope.members("a", Reach::All).unwrap().len(), 20);
    // The end is told whatever the buffer holds.
    scope.stop();
    assert_eq!(scope.members("a", Reach::All).unwrap_err().to_string(), "pg: service stopped");
    world.node.terminate(actor).unwrap();
    world.finish();
    assert_eq!(world.log.lock().last().unwrap(), "end");
    scope.start();
    assert!(now(&scope).is_empty());
}
