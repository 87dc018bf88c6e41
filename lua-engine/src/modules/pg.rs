//! The module `pg`: process groups of a scope.
//!
//! A subscription is a source of the engine that feeds a channel. It ends when
//! it is closed, when nobody can receive from its channel any more, with the
//! process or its upgrade, or with the scope; the group service hears of that
//! because the request behind it is cancelled.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use wippy_runtime::Error;
use wippy_runtime::payload::Flat;
use wippy_runtime::process::Reply;
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::Pid;
use wippy_runtime::topology::groups::{
    Broadcast, GroupChange, GroupNotice, Groups, Join, Leave, Members, Open, Reach, Scope, WatchGroups,
};

use super::{Module, ModuleValue};
use crate::native::{Call, Function, Member, Object, Raise, Ret, Stack, Type};
use crate::process::{After, Channel, Engine, InProcess, ObjectRef, SourceId, Then, encode_args, push_pid};
use crate::{member, native};

pub static MODULE: Module = Module {
    name: "pg",
    value: ModuleValue::Table(&[member!("open", open)]),
    class: &["process"],
    description: "Groups of processes, to be found, watched and sent to together",
};

/// Groups one call may name.
const MAX_BATCH: usize = 10_000;

/// Access to one scope.
struct Instance {
    scope: Arc<dyn Scope>,
    released: Cell<bool>,
}

impl Object for Instance {
    const EXPECTED: &'static str = "pg.Instance";
    const METHODS: &'static [Member] = &[
        member!("join", join),
        member!("leave", leave),
        member!("get_members", |c| members(c, Reach::All)),
        member!("get_local_members", |c| members(c, Reach::Node)),
        member!("which_groups", |c| groups(c, Reach::All)),
        member!("which_local_groups", |c| groups(c, Reach::Node)),
        member!("broadcast", |c| broadcast(c, Reach::All)),
        member!("broadcast_local", |c| broadcast(c, Reach::Node)),
        member!("monitor", monitor),
        member!("events", events),
        member!("release", release),
    ];
    const OPERATORS: &'static [Function] = &[native!("__tostring", to_string)];
}

fn open(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = if call.is_nil_or_none(1) { Default::default() } else { call.text(1)? };
    if id.is_empty() {
        return call.fail(Error::invalid("resource id is required"));
    }
    call.request(Open { id: EntryId::parse(&id) }, |call, reply| match reply {
        Ok(scope) => {
            call.push_object(Instance { scope, released: Cell::new(false) });
            Ok(Ret::ONE)
        }
        Err(e) => call.fail(e),
    })
}

fn to_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let instance = call.userdata::<Instance>(1)?;
    let released = if instance.released.get() { ", released" } else { "" };
    call.push_str(format!("pg.Instance{{{}{released}}}", instance.scope.id()));
    Ok(Ret::ONE)
}

fn release(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<Instance>(1)?.released.set(true);
    call.push_bool(true);
    Ok(Ret::ONE)
}

// ---- arguments

/// What is wrong with an argument is returned by some functions and raised for some types.
type Checked<T> = Result<Result<T, Error>, Raise>;

/// The scope of the instance in slot 1.
fn scope(call: &Call<'_>) -> Checked<Arc<dyn Scope>> {
    let instance = call.userdata::<Instance>(1)?;
    let released = || Error::invalid("pg instance is released");
    Ok(if instance.released.get() { Err(released()) } else { Ok(instance.scope.clone()) })
}

/// A text in argument `i` that must not be empty; `missing` says what is required.
fn name(call: &Call<'_>, i: i32, missing: &'static str) -> Checked<String> {
    let name = if call.is_nil_or_none(i) { Default::default() } else { call.text(i)? };
    Ok(if name.is_empty() { Err(Error::invalid(missing)) } else { Ok(name.into_owned()) })
}

const NO_GROUP: &str = "group name is required";

/// The scope, and the group in argument 2.
fn scope_and_group(call: &Call<'_>) -> Checked<(Arc<dyn Scope>, String)> {
    match scope(call)? {
        Ok(scope) => Ok(name(call, 2, NO_GROUP)?.map(|group| (scope, group))),
        Err(e) => Ok(Err(e)),
    }
}

/// The group, or the list of groups, in argument 2.
fn group_list(call: &mut Call<'_>) -> Result<Vec<String>, Error> {
    match call.type_of(2) {
        Type::String => match call.real_str(2) {
            Some(group) if !group.is_empty() => Ok(vec![String::from_utf8_lossy(group).into_owned()]),
            _ => Err(Error::invalid(NO_GROUP)),
        },
        Type::Table => {
            let n = call.raw_len(2);
            if n > MAX_BATCH {
                return Err(Error::limit_exceeded(format!("more than {MAX_BATCH} groups in one call")));
            }
            let mut list = Vec::with_capacity(n);
            for i in 1..=n {
                call.get_index(2, i as i64);
                let group = call.bytes(-1).map(|g| String::from_utf8_lossy(g).into_owned());
                call.pop(1);
                list.push(group.filter(|g| !g.is_empty()).ok_or_else(|| Error::invalid(NO_GROUP))?);
            }
            if list.is_empty() { Err(Error::invalid("groups table must not be empty")) } else { Ok(list) }
        }
        _ => Err(Error::invalid("group name (string) or groups table required")),
    }
}

// ---- members

/// Pushes true, or `nil, err`.
fn done(call: &mut Call<'_>, reply: Result<(), Error>) -> Result<Ret, Raise> {
    match reply {
        Ok(()) => call.push_bool(true),
        Err(e) => return call.fail(e),
    }
    Ok(Ret::ONE)
}

fn join(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match scope(call)?.and_then(|scope| Ok((scope, group_list(call)?))) {
        Ok((scope, groups)) => call.request(Join { scope, groups }, done),
        Err(e) => call.fail(e),
    }
}

fn leave(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match scope(call)?.and_then(|scope| Ok((scope, group_list(call)?))) {
        Ok((scope, groups)) => call.request(Leave { scope, groups }, done),
        Err(e) => call.fail(e),
    }
}

/// Pushes an array of pids.
fn push_pids(stack: &Stack<'_>, pids: &[Pid]) {
    stack.push_table(pids.len(), 0);
    let list = stack.top();
    for (i, pid) in pids.iter().enumerate() {
        push_pid(stack, *pid);
        stack.set_index(list, i as i64 + 1);
    }
}

fn members(call: &mut Call<'_>, reach: Reach) -> Result<Ret, Raise> {
    let (scope, group) = match scope_and_group(call)? {
        Ok(both) => both,
        Err(e) => return call.fail(e),
    };
    call.request(Members { scope, group, reach }, |call, reply| match reply {
        Ok(pids) => {
            push_pids(call, &pids);
            Ok(Ret::ONE)
        }
        Err(e) => call.fail(e),
    })
}

fn groups(call: &mut Call<'_>, reach: Reach) -> Result<Ret, Raise> {
    let scope = match scope(call)? {
        Ok(scope) => scope,
        Err(e) => return call.fail(e),
    };
    call.request(Groups { scope, reach }, |call, reply| match reply {
        Ok(groups) => {
            call.push_table(groups.len(), 0);
            let list = call.top();
            for (i, group) in groups.iter().enumerate() {
                call.push_str(&**group);
                call.set_index(list, i as i64 + 1);
            }
            Ok(Ret::ONE)
        }
        Err(e) => call.fail(e),
    })
}

fn broadcast(call: &mut Call<'_>, reach: Reach) -> Result<Ret, Raise> {
    let (scope, group) = match scope_and_group(call)? {
        Ok(both) => both,
        Err(e) => return call.fail(e),
    };
    let topic = match name(call, 3, "topic is required")? {
        Ok(_) => call.str(3)?,
        Err(e) => return call.fail(e),
    };
    match encode_args(call, 4, Flat::build(|w| w.str(topic))) {
        Ok(body) => call.request(Broadcast { scope, group, reach, body }, done),
        Err(e) => call.fail(e),
    }
}

// ---- subscriptions

const CHANNEL: i32 = 1;

/// A watch of groups; its channel is in the slot.
struct Subscription {
    source: SourceId,
}

impl Object for Subscription {
    const EXPECTED: &'static str = "pg.Subscription";
    const METHODS: &'static [Member] = &[member!("channel", channel), member!("close", close)];
    const SLOTS: i32 = 1;
}

fn channel(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<Subscription>(1)?;
    call.get_slot(1, CHANNEL);
    Ok(Ret::ONE)
}

/// Ends the subscription. Events that have arrived stay receivable, unless `flush` is set.
fn close(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let subscription = call.userdata::<Subscription>(1)?;
    let mut flush = false;
    if call.type_of(2) == Type::Table {
        call.get_field(2, "flush");
        flush = call.truth(-1);
        call.pop(1);
    }
    let engine = call.engine()?;
    if !flush {
        // What has arrived belongs to the channel.
        engine.take_in_until(call, || false);
    }
    engine.end_source(call, subscription.source);
    call.get_slot(1, CHANNEL);
    if flush {
        engine.empty_channel(call, -1);
    }
    engine.close_channel(call, -1);
    call.pop(1);
    call.push_bool(true);
    Ok(Ret::ONE)
}

fn monitor(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (scope, group) = match scope_and_group(call)? {
        Ok(both) => both,
        Err(e) => return refuse(call, e),
    };
    watch(call, scope, Some(group), |call, reply| {
        watched(call, reply, |call, groups| push_pids(call, groups.first().map_or(&[], |(_, pids)| pids)))
    })
}

fn events(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let scope = match scope(call)? {
        Ok(scope) => scope,
        Err(e) => return refuse(call, e),
    };
    watch(call, scope, None, |call, reply| {
        watched(call, reply, |call, groups| {
            call.push_table(0, groups.len().max(1));
            let table = call.top();
            for (group, pids) in groups {
                push_pids(call, pids);
                call.set_field(table, group);
            }
        })
    })
}

type Snapshot = Vec<(Arc<str>, Vec<Pid>)>;

/// Begins a subscription; `then` continues with its object on top.
fn watch(
    call: &mut Call<'_>,
    scope: Arc<dyn Scope>,
    group: Option<String>,
    then: Then<WatchGroups>,
) -> Result<Ret, Raise> {
    let engine = call.engine()?;
    call.push_object(Channel::new(scope.buffer() as u32));
    let at = call.top();
    let feed = ObjectRef::new(call, engine, at);
    // The handler ends its own source, which it learns after it was made.
    let own = Arc::new(OnceLock::new());
    let id_of = own.clone();
    let source = engine.add_source(Box::new(move |stack, engine, reply| {
        if !deliver(stack, engine, feed, reply)
            && let Some(id) = id_of.get()
        {
            engine.end_source(stack, *id);
        }
        After::Stay
    }))?;
    let _ = own.set(source);
    if let Some(channel) = call.object_at::<Channel>(at) {
        channel.fed_by(engine, source);
    }
    call.push_object(Subscription { source });
    call.push_copy(at);
    call.set_slot(-2, CHANNEL);
    call.request(WatchGroups { scope, group, tag: source.tag() }, then)
}

/// Returns the subscription on top and what `push` makes of the snapshot.
fn watched(call: &mut Call<'_>, reply: Result<Snapshot, Error>, push: fn(&Call<'_>, &Snapshot)) -> Result<Ret, Raise> {
    match reply {
        Ok(groups) => {
            push(call, &groups);
            call.push_nil();
            Ok(Ret::Values(3))
        }
        Err(e) => {
            if let Some(subscription) = call.object_at::<Subscription>(-1) {
                call.engine()?.end_source(call, subscription.source);
            }
            refuse(call, e)
        }
    }
}

/// Puts a notice into the channel; false when no more is wanted or will come.
fn deliver(stack: &Stack<'_>, engine: &Engine, channel: ObjectRef, reply: Result<Reply, Error>) -> bool {
    let Some(notice) = reply.ok().and_then(|r| r.downcast::<GroupNotice>().ok()) else { return false };
    if !channel.push(stack) {
        return false;
    }
    let at = stack.top();
    let open = stack.object_at::<Channel>(at).is_some_and(|c| !c.is_closed());
    let more = match &notice.change {
        Some(change) if open => {
            push_event(stack, change);
            if !engine.offer(stack, at) {
                notice.lose();
            }
            true
        }
        _ => {
            engine.close_channel(stack, at);
            channel.release(stack);
            false
        }
    };
    stack.drop_top(1);
    more
}

fn push_event(stack: &Stack<'_>, change: &GroupChange) {
    stack.push_table(0, 4);
    let event = stack.top();
    for (key, text) in [("system", "pg"), ("kind", change.kind.as_str()), ("path", &*change.group)] {
        stack.push_str(text);
        stack.set_field(event, key);
    }
    stack.push_table(0, 2);
    stack.push_str(&*change.group);
    stack.set_field(event + 1, "Group");
    push_pids(stack, &change.pids);
    stack.set_field(event + 1, "PIDs");
    stack.set_field(event, "data");
}

/// Pushes `nil, nil, err`.
fn refuse(call: &Call<'_>, e: Error) -> Result<Ret, Raise> {
    call.push_nil();
    call.fail(e)?;
    Ok(Ret::Values(3))
}
