//! The `events` module: listening to the event bus and speaking on it.
//!
//! A subscription has a topic of its own in the mailbox of the process, bound
//! to a channel. On the bus's side it is a request in flight, named by a source
//! of the engine: ending the source, or the process, ends the subscription.

use std::cell::Cell;

use wippy_runtime::Error;
use wippy_runtime::events::commands::{Send, Subscribe};

use super::{Module, ModuleValue};
use crate::native::{Call, Function, Member, Object, Raise, Ret, Type};
use crate::process::{After, Channel, Form, InProcess, SourceId};
use crate::{member, native};

pub static MODULE: Module = Module {
    name: "events",
    value: ModuleValue::Table(MEMBERS),
    class: &["nondeterministic"],
    description: "The event bus",
};

const MEMBERS: &[Member] = &[member!("subscribe", subscribe), member!("send", send)];

/// What a channel of events holds when it is closed.
const BUFFER: u32 = 64;

/// A subscription; its channel is in the slot.
struct SubscriptionObject {
    /// `None`: closed.
    source: Cell<Option<SourceId>>,
}

const CHANNEL: i32 = 1;

impl Object for SubscriptionObject {
    const EXPECTED: &'static str = "events.Subscription";
    const METHODS: &'static [Member] = &[member!("channel", channel), member!("close", close)];
    const OPERATORS: &'static [Function] = &[native!("__tostring", |c| {
        c.userdata::<SubscriptionObject>(1)?;
        c.push_str("events.Subscription{}");
        Ok(Ret::ONE)
    })];
    const SLOTS: i32 = 1;
}

fn subscribe(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let system = call.text(1)?.into_owned();
    let kind = if call.is_nil_or_none(2) { String::new() } else { call.text(2)?.into_owned() };
    let engine = call.engine()?;
    // Nothing completes it: events come as messages.
    let source = engine.add_source(Box::new(|_, _, _| After::Stay))?;
    call.push_object(SubscriptionObject { source: Cell::new(Some(source)) });
    let channel = Channel::new(BUFFER);
    channel.fed_by(engine, source);
    call.push_object(channel);
    call.push_copy(-1);
    call.set_slot(-3, CHANNEL);
    let subscribed = call.request(Subscribe { system, kind, tag: source.tag() }, |call, reply| {
        let (channel, subscription) = (call.top(), call.top() - 1);
        let topic = match reply {
            Ok(topic) => topic,
            Err(e) => {
                end(call, subscription)?;
                return call.fail(e);
            }
        };
        if !call.engine()?.subscribe(call, topic.as_bytes(), channel, Form::Value) {
            end(call, subscription)?;
            return call.fail(Error::internal("the topic of the subscription is taken"));
        }
        call.push_copy(subscription);
        Ok(Ret::ONE)
    });
    if subscribed.is_err() {
        engine.end_source(call, source);
    }
    subscribed
}

/// Ends the subscription of the object in slot `at`, which it may have done before.
fn end(call: &Call<'_>, at: i32) -> Result<(), Raise> {
    let source = call.object_at::<SubscriptionObject>(at).and_then(|s| s.source.take());
    let Some(source) = source else { return Ok(()) };
    let engine = call.engine()?;
    engine.end_source(call, source);
    if call.get_slot(at, CHANNEL) == Type::Userdata {
        engine.unsubscribe(call, -1);
    }
    call.drop_top(1);
    Ok(())
}

fn channel(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<SubscriptionObject>(1)?;
    call.get_slot(1, CHANNEL);
    Ok(Ret::ONE)
}

fn close(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<SubscriptionObject>(1)?;
    end(call, 1)?;
    call.push_bool(true);
    Ok(Ret::ONE)
}

fn send(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let text = |i| call.text(i).map(|t| t.into_owned());
    let (system, kind, path) = (text(1)?, text(2)?, text(3)?);
    let data = call.stack_data(4)?;
    call.request(Send { system, kind, path, data }, |call, reply| match reply {
        Ok(()) => {
            call.push_bool(true);
            Ok(Ret::ONE)
        }
        Err(e) => call.fail(e),
    })
}
