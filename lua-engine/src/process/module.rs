//! The `process` module: identity, messages, relations, names, options.
//! Starting processes is in `spawner.rs`.

use smallvec::SmallVec;
use wippy_runtime::Error;
use wippy_runtime::payload::{Flat, FlatWriter, Map};
use wippy_runtime::process::commands::{Control, RegisterName, Relate, UnregisterName};
use wippy_runtime::process::{Message, State, topic};
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::Pid;
use wippy_runtime::topology::NameScope;

use super::channel::Channel;
use super::engine::{Destination, Engine, InProcess, Leave};
use super::mailbox::Form;
use super::message::push_pid;
use super::spawner;
use crate::member;
use crate::modules::{Module, ModuleValue};
use crate::native::{Call, Member, Raise, Ret, Type};
use crate::state::LogLevel;

/// The global `process`.
pub static MODULE: Module = Module {
    name: "process",
    value: ModuleValue::Table(MEMBERS),
    class: &["process"],
    description: "This process, others, and messages between them",
};

const MEMBERS: &[Member] = &[
    member!("pid", pid),
    member!("id", id),
    member!("send", send),
    member!("spawn", spawner::spawn),
    member!("spawn_monitored", spawner::spawn_monitored),
    member!("spawn_linked", spawner::spawn_linked),
    member!("spawn_linked_monitored", spawner::spawn_linked_monitored),
    member!("exec", spawner::exec),
    member!("with_context", spawner::with_context),
    member!("with_options", spawner::with_options),
    member!("terminate", terminate),
    member!("cancel", cancel),
    member!("monitor", monitor),
    member!("unmonitor", unmonitor),
    member!("link", link),
    member!("unlink", unlink),
    member!("inbox", inbox),
    member!("events", events),
    member!("listen", listen),
    member!("unlisten", unlisten),
    member!("get_options", get_options),
    member!("set_options", set_options),
    member!("upgrade", upgrade),
    Member::table("event", EVENT),
    Member::table("registry", REGISTRY),
];

const EVENT: &[Member] = &[
    Member::str("CANCEL", "pid.cancel"),
    Member::str("EXIT", "pid.exit"),
    Member::str("LINK_DOWN", "pid.link.down"),
    Member::str("OUTDATED", "pid.outdated"),
];

const REGISTRY: &[Member] = &[
    Member::int("LOCAL", 0),
    Member::int("EVENTUAL", 1),
    Member::int("CONSISTENT", 2),
    Member::int("STRONG", 3),
    member!("register", register),
    member!("lookup", lookup),
    member!("unregister", unregister),
];

/// Globals beside the module: the low level subscription.
pub const GLOBALS: &[Member] = &[member!("subscribe", subscribe), member!("unsubscribe", unsubscribe)];

fn pid(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match Engine::of(call).filter(|e| !e.pid().is_none()) {
        Some(engine) => push_pid(call, engine.pid()),
        None => return call.fail(Error::internal("no process PID")),
    }
    Ok(Ret::ONE)
}

fn id(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match Engine::of(call).and_then(|e| e.control()) {
        Some(control) => call.push_str(control.frame().entry.as_str()),
        None => return call.fail(Error::internal("FrameContext not found")),
    }
    Ok(Ret::ONE)
}

/// The pid that argument `i` names.
pub(super) fn resolve(call: &Call<'_>, i: i32) -> Result<Result<Pid, Error>, Raise> {
    resolve_text(call, call.str(i)?)
}

fn resolve_text(call: &Call<'_>, text: &[u8]) -> Result<Result<Pid, Error>, Raise> {
    if text.first() == Some(&b'{')
        && let Ok(pid) = Pid::parse_bytes(text)
    {
        return Ok(Ok(pid));
    }
    call.with_step(|cx| cx.node().resolve(&String::from_utf8_lossy(text)))
}

/// Arguments `from..` encoded behind `head`, within the limit of a message.
pub(crate) fn encode_args(call: &Call<'_>, from: i32, mut head: Flat) -> Result<Flat, Error> {
    let limit = Engine::of(call).map_or(usize::MAX, Engine::message_limit);
    head.append(|w| encode_from(call, from, w, limit))?;
    Ok(head)
}

/// Arguments `from..`, within `limit` bytes. What cannot cross becomes nil, as the reference says, but not unseen.
fn encode_from(call: &Call<'_>, from: i32, w: &mut FlatWriter<'_>, limit: usize) -> Result<(), Error> {
    if from > call.arg_count() {
        return Ok(());
    }
    if let Some(place) = call.encode_to(from, call.arg_count(), w, limit)?.dropped {
        let message = format!("{}: a value that cannot leave its process arrives as nil: {place}", call.name());
        call.log(LogLevel::Warn, &message, "", &Map::new());
    }
    Ok(())
}

/// A destination as the program wrote it.
struct Shown<'a>(&'a [u8]);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.0))
    }
}

fn send(call: &mut Call<'_>) -> Result<Ret, Raise> {
    if call.arg_count() < 2 {
        return call.fail(Error::invalid("send requires at least destination and topic arguments"));
    }
    let (shown, topic) = (call.str(1)?, call.str(2)?);
    if topic.first() == Some(&b'@') {
        return call.fail(Error::invalid("cannot send to @ topics"));
    }
    let engine = call.engine()?;
    let mut last = engine.destination.borrow_mut();
    let known = last.as_deref().filter(|d| d.text[..] == *shown && d.process.state.get() != State::Complete);
    let to = match known {
        Some(d) => d.pid,
        None => match resolve_text(call, shown)? {
            Ok(to) => to,
            Err(e) => return call.fail(e),
        },
    };
    let fill = |w: &mut FlatWriter<'_>| {
        w.str(topic);
        encode_from(call, 3, w, engine.message_limit())
    };
    let sent = match known {
        Some(d) => call.with_messages(|cx| cx.send_next(to, &d.process, &Shown(shown), fill))?,
        None => {
            let mut body = Flat::new();
            match body.append(fill) {
                Ok(()) => call.with_step(|cx| {
                    // Only pids are remembered: names change hands.
                    let found = if shown.first() == Some(&b'{') { cx.node().router().process(to) } else { None };
                    if let Some(process) = found {
                        let new = Destination { text: SmallVec::from_slice(shown), pid: to, process };
                        match &mut *last {
                            Some(old) => **old = new,
                            None => *last = Some(Box::new(new)),
                        }
                    }
                    cx.send(to, Message::from_body(engine.pid(), body), &Shown(shown))
                })?,
                Err(e) => Err(e),
            }
        }
    };
    drop(last);
    match sent {
        Ok(()) => call.push_bool(true),
        Err(e) => return call.fail(e),
    }
    Ok(Ret::ONE)
}

/// Pushes true, or `nil, err`.
fn done(call: &mut Call<'_>, result: Result<(), Error>) -> Result<Ret, Raise> {
    match result {
        Ok(()) => call.push_bool(true),
        Err(e) => return call.fail(e),
    }
    Ok(Ret::ONE)
}

fn relate(call: &mut Call<'_>, what: Relate) -> Result<Ret, Raise> {
    let shown = call.text(1)?.into_owned();
    match resolve(call, 1)? {
        Ok(target) => call.request(Control { what, target, shown }, done),
        Err(e) => call.fail(e),
    }
}

/// [`relate`] for functions that return an error for a missing destination.
fn relate_checked(call: &mut Call<'_>, what: Relate) -> Result<Ret, Raise> {
    if call.arg_count() < 1 {
        return call.fail(Error::invalid(format!("{} requires a destination argument", call.name())));
    }
    relate(call, what)
}

fn terminate(call: &mut Call<'_>) -> Result<Ret, Raise> {
    relate(call, Relate::Terminate)
}
fn monitor(call: &mut Call<'_>) -> Result<Ret, Raise> {
    relate_checked(call, Relate::Monitor)
}
fn unmonitor(call: &mut Call<'_>) -> Result<Ret, Raise> {
    relate_checked(call, Relate::Unmonitor)
}
fn link(call: &mut Call<'_>) -> Result<Ret, Raise> {
    relate_checked(call, Relate::Link)
}
fn unlink(call: &mut Call<'_>) -> Result<Ret, Raise> {
    relate_checked(call, Relate::Unlink)
}
fn cancel(call: &mut Call<'_>) -> Result<Ret, Raise> {
    if call.arg_count() < 1 {
        return call.fail(Error::invalid("cancel requires at least destination argument"));
    }
    call.str(1)?;
    let reason = if call.arg_count() >= 2 { call.text(2)?.into_owned() } else { String::new() };
    relate(call, Relate::Cancel { reason })
}

// ---- receiving

/// Pushes the channel of `topic`, subscribing it if it is not.
fn subscribed(call: &mut Call<'_>, topic: &[u8], buffer: u32, form: Form) -> Result<Ret, Raise> {
    let engine = call.engine()?;
    if !engine.is_running() {
        return Err(Raise::text(format!("{}: no scheduler attached", call.name())));
    }
    if !engine.push_subscribed(call, topic, Some(form)) {
        call.push_object(Channel::new(buffer));
        engine.subscribe(call, topic, call.top(), form);
    }
    Ok(Ret::ONE)
}

fn inbox(call: &mut Call<'_>) -> Result<Ret, Raise> {
    subscribed(call, topic::INBOX.as_bytes(), 0, Form::Message)
}

fn events(call: &mut Call<'_>) -> Result<Ret, Raise> {
    subscribed(call, topic::EVENTS.as_bytes(), 0, Form::Event)
}

fn listen(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let topic = call.str(1)?;
    if topic.is_empty() {
        return call.fail(Error::invalid("topic cannot be empty"));
    }
    if topic[0] == b'@' {
        return call.fail(Error::invalid("cannot listen to @ topics"));
    }
    let mut form = Form::Value;
    if call.type_of(2) == Type::Table {
        if call.get_field(2, "message") == Type::Boolean && call.truth(-1) {
            form = Form::Message;
        }
        call.pop(1);
    }
    subscribed(call, topic, 1, form)
}

fn unlisten(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<Channel>(1)?;
    if !call.engine()?.unsubscribe(call, 1) {
        return call.fail_false(Error::not_found("channel not found"));
    }
    call.push_bool(true);
    Ok(Ret::ONE)
}

fn subscribe(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let topic = call.str(1)?;
    let channel = call.userdata::<Channel>(2)?;
    let engine = call.engine()?;
    if engine.push_subscribed(call, topic, None) {
        if !call.raw_equal(-1, 2) {
            let topic = String::from_utf8_lossy(topic);
            return call.fail(Error::already_exists(format!("topic \"{topic}\" already subscribed")));
        }
        return Ok(Ret::ONE);
    }
    if channel.subscription.get().is_some() {
        return call.fail(Error::already_exists("channel is subscribed to another topic"));
    }
    engine.subscribe(call, topic, 2, Form::Value);
    call.push_copy(2);
    Ok(Ret::ONE)
}

fn unsubscribe(call: &mut Call<'_>) -> Result<Ret, Raise> {
    unlisten(call)
}

// ---- options and upgrade

fn get_options(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let control = call.engine()?.control();
    call.push_table(0, 2);
    let options = [
        ("trap_links", control.as_ref().is_some_and(|c| c.trap_links())),
        ("upgradable", control.as_ref().is_some_and(|c| c.upgradable())),
    ];
    for (name, on) in options {
        call.push_bool(on);
        call.set_field(-2, name);
    }
    Ok(Ret::ONE)
}

fn set_options(call: &mut Call<'_>) -> Result<Ret, Raise> {
    if call.type_of(1) != Type::Table {
        return call.fail_false(Error::invalid("options parameter must be a table"));
    }
    let Some(control) = call.engine()?.control() else {
        return call.fail_false(Error::internal("no context found"));
    };
    let mut problem = None;
    call.push_nil();
    while call.next(1) {
        if let Some(key) = call.bytes(-2) {
            let key = String::from_utf8_lossy(key).into_owned();
            let (known, boolean, on) =
                (matches!(&*key, "trap_links" | "upgradable"), call.type_of(-1) == Type::Boolean, call.truth(-1));
            match (known, boolean) {
                (false, _) => problem = Some(format!("option {key} is not supported")),
                (true, false) => problem = Some(format!("{key} must be a boolean")),
                (true, true) if key == "trap_links" => control.set_trap_links(on),
                (true, true) => control.set_upgradable(on),
            }
        }
        call.pop(1);
    }
    match problem {
        Some(text) => call.fail_false(Error::invalid(text)),
        None => {
            call.push_bool(true);
            Ok(Ret::ONE)
        }
    }
}

fn upgrade(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let engine = call.engine()?;
    engine.check_can_block(call)?;
    let entry = match call.real_str(1) {
        Some(id) if !id.is_empty() => Some(EntryId::parse(&String::from_utf8_lossy(id))),
        _ => None,
    };
    let args = encode_args(call, 2, Flat::new())?;
    *engine.rare().leave.borrow_mut() = Some(Box::new(Leave::Upgrade(entry, args)));
    engine.paused(call.raw());
    Ok(Ret::Yield(0))
}

// ---- names

/// The scope in argument `i`; a number that is none counts as LOCAL.
fn scope(call: &Call<'_>, i: i32) -> Option<NameScope> {
    if call.is_nil_or_none(i) {
        return Some(NameScope::Local);
    }
    Some(match call.number(i)? as i64 {
        1 => NameScope::Eventual,
        2 => NameScope::Consistent,
        3 => NameScope::Strong,
        _ => NameScope::Local,
    })
}

fn register(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.text(1)?.into_owned();
    let pid = match call.type_of(2) {
        Type::Nil | Type::None => None,
        Type::String => match Pid::parse(&call.text(2)?) {
            Ok(pid) => Some(pid),
            Err(e) => return call.fail(Error::invalid("invalid pid").because(e)),
        },
        _ => return call.fail(Error::invalid("pid must be a string")),
    };
    let Some(scope) = scope(call, 3) else {
        return call.fail(Error::invalid("scope must be a number (process.registry.LOCAL|EVENTUAL|CONSISTENT|STRONG)"));
    };
    call.request(RegisterName { name, pid, scope }, done)
}

fn lookup(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.text(1)?;
    match call.with_step(|cx| cx.node().names().lookup(&name))? {
        Some(pid) => push_pid(call, pid),
        None => return call.fail(Error::not_found("name not registered")),
    }
    Ok(Ret::ONE)
}

fn unregister(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.text(1)?.into_owned();
    let scope = scope(call, 2).unwrap_or(NameScope::Local);
    call.request(UnregisterName { name, scope }, |call, reply| match reply {
        Ok(removed) => {
            call.push_bool(removed);
            Ok(Ret::ONE)
        }
        Err(e) => call.fail(e),
    })
}

/// The table in slot `i` as a map of plain data; `None` if a key is not a string and `strict`.
pub(crate) fn text_map(call: &mut Call<'_>, i: i32, strict: bool) -> Result<Option<Map>, Raise> {
    let mut map = Map::new();
    call.push_nil();
    while call.next(i) {
        match call.bytes(-2).map(|k| String::from_utf8_lossy(k).into_owned()) {
            Some(key) => {
                let value = call.stack_value(-1)?;
                map.insert(key, value);
            }
            None if strict => {
                call.pop(2);
                return Ok(None);
            }
            None => {}
        }
        call.pop(1);
    }
    Ok(Some(map))
}
