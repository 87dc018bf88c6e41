//! The part of the `time` module that waits: `sleep`, `after`, `timer`,
//! `ticker`. Timers are armed on the node's wheel with the process as target,
//! and cancelled when the process ends, upgrades or stops them, or when nobody
//! can receive from their channel any more.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wippy_runtime::Error;
use wippy_runtime::clock::Nanos;
use wippy_runtime::timers::TimerTarget;

use super::channel::Channel;
use super::engine::{Engine, InProcess, Wait};
use super::source::{After, Handler, ObjectRef, SourceId};
use crate::member;
use crate::modules::time::{Location, Moment, TimeObject, duration_argument};
use crate::native::{Call, Member, Object, Raise, Ret, Stack};

/// Members of the module `time` besides the ones that need no process.
pub const MEMBERS: [Member; 4] =
    [member!("sleep", sleep), member!("after", after), member!("timer", timer), member!("ticker", ticker)];

/// Ticks that wait unread; later ones are dropped.
const TICKS: u32 = 16;

/// Pushes the present moment.
fn push_now(stack: &Stack<'_>) {
    let nanos = stack.state().surroundings().unix_nanos();
    stack.push_object(TimeObject(Moment::from_unix_nanos(nanos, Location::local())));
}

fn sleep(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let nanos = match duration_argument(call, 1) {
        Ok(nanos) => nanos,
        Err(e) => return call.fail(e),
    };
    if nanos <= 0 {
        return Ok(Ret::NONE);
    }
    let engine = call.engine()?;
    engine.check_can_block(call)?;
    let tag = engine.next_tag();
    let key = call.with_step(|cx| {
        let target = TimerTarget::Process(std::sync::Arc::downgrade(cx.control()), tag);
        engine.timers(cx).arm_after(Duration::from_nanos(nanos as u64), target)
    })?;
    engine.block(call, Wait::Timer(key));
    Ok(Ret::Yield(0))
}

/// A positive duration for a new timer, else an error: that of [`positive`], or the limit of timers.
fn positive_for_timer(call: &Call<'_>, what: &str) -> Result<i64, Error> {
    let nanos = positive(call, 1, what)?;
    Engine::of(call).map_or(Ok(()), Engine::check_timers)?;
    Ok(nanos)
}

/// A positive duration, else the error `time.NAME: duration must be > 0`.
fn positive(call: &Call<'_>, i: i32, what: &str) -> Result<i64, Error> {
    duration_argument(call, i).and_then(|nanos| {
        if nanos > 0 { Ok(nanos) } else { Err(Error::invalid(format!("{what}: duration must be > 0"))) }
    })
}

/// Arms the timer of a source.
fn arm(stack: &Stack<'_>, engine: &Engine, id: SourceId, deadline: Nanos) -> Result<(), Raise> {
    let key = stack.with_step(|cx| {
        let target = TimerTarget::Process(std::sync::Arc::downgrade(cx.control()), id.tag());
        engine.timers(cx).arm(deadline, target)
    })?;
    engine.set_source_timer(id, Some(key));
    Ok(())
}

fn now(stack: &Stack<'_>) -> Result<Nanos, Raise> {
    stack.with_step(|cx| cx.node().clock().now())
}

/// When a ticker fires after a tick that was due at `due`: a period later, so that being late does not add up; when that
/// has passed too, a period from `now`.
fn next_tick(due: Nanos, period: i64, now: Nanos) -> Nanos {
    let next = due.saturating_add(period as u64);
    if next > now { next } else { now.saturating_add(period as u64) }
}

/// Pushes a new channel and begins a source that puts the fire time into it: once, or every `period`.
fn begin(call: &mut Call<'_>, nanos: i64, period: Option<i64>) -> Result<SourceId, Raise> {
    let engine = call.engine()?;
    if !engine.is_running() {
        return Err(Raise::text(format!("time.{}: no process context", call.name())));
    }
    call.push_object(Channel::new(if period.is_some() { TICKS } else { 1 }));
    feed(call, engine, nanos, period)
}

/// Begins a source that feeds the channel on top.
fn feed(stack: &Stack<'_>, engine: &Engine, nanos: i64, period: Option<i64>) -> Result<SourceId, Raise> {
    let channel = ObjectRef::new(stack, engine, -1);
    // The handler arms itself again; it learns its id after it was made.
    let own = Arc::new(OnceLock::new());
    let id_of = own.clone();
    let first = now(stack)?.saturating_add(nanos as u64);
    let mut due = first;
    let handler: Handler = Box::new(move |stack, engine, _| {
        if !channel.push(stack) {
            return After::End;
        }
        let at = stack.top();
        let open = stack.object_at::<Channel>(at).is_some_and(|c| !c.is_closed());
        if open {
            push_now(stack);
            engine.offer(stack, at);
        }
        let again = match (period, id_of.get()) {
            (Some(period), Some(id)) if open => {
                let armed = now(stack).and_then(|now| {
                    due = next_tick(due, period, now);
                    arm(stack, engine, *id, due)
                });
                armed.is_ok()
            }
            _ => false,
        };
        if !again {
            engine.close_channel(stack, at);
            channel.release(stack);
        }
        stack.drop_top(1);
        if again { After::Stay } else { After::End }
    });
    let id = engine.add_source(handler)?;
    let _ = own.set(id);
    if let Some(channel) = stack.object_at::<Channel>(-1) {
        channel.fed_by(engine, id);
    }
    arm(stack, engine, id, first)?;
    Ok(id)
}

fn after(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match positive_for_timer(call, "time.after") {
        Ok(nanos) => begin(call, nanos, None)?,
        Err(e) => return call.fail(e),
    };
    Ok(Ret::ONE)
}

const CHANNEL: i32 = 1;

/// A timer; its channel is in the slot.
struct Timer {
    source: Cell<SourceId>,
}

impl Object for Timer {
    const EXPECTED: &'static str = "timer";
    const METHODS: &'static [Member] = &[
        member!("response", timer_channel),
        member!("channel", timer_channel),
        member!("stop", timer_stop),
        member!("reset", timer_reset),
    ];
    const SLOTS: i32 = 1;
}

/// A ticker; its channel is in the slot.
struct Ticker {
    source: SourceId,
}

impl Object for Ticker {
    const EXPECTED: &'static str = "ticker";
    const METHODS: &'static [Member] =
        &[member!("response", ticker_channel), member!("channel", ticker_channel), member!("stop", ticker_stop)];
    const SLOTS: i32 = 1;
}

fn timer(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let source = match positive_for_timer(call, "time.timer") {
        Ok(nanos) => begin(call, nanos, None)?,
        Err(e) => return call.fail(e),
    };
    push_with_channel(call, Timer { source: Cell::new(source) });
    Ok(Ret::ONE)
}

fn ticker(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let source = match positive_for_timer(call, "time.ticker") {
        Ok(nanos) => begin(call, nanos, Some(nanos))?,
        Err(e) => return call.fail(e),
    };
    push_with_channel(call, Ticker { source });
    Ok(Ret::ONE)
}

/// Pushes `object` with the channel on top in its slot.
fn push_with_channel<T: Object>(call: &Call<'_>, object: T) {
    call.push_object(object);
    call.push_copy(-2);
    call.set_slot(-2, CHANNEL);
}

fn timer_channel(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<Timer>(1)?;
    call.get_slot(1, CHANNEL);
    Ok(Ret::ONE)
}

fn ticker_channel(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<Ticker>(1)?;
    call.get_slot(1, CHANNEL);
    Ok(Ret::ONE)
}

/// Ends the source and closes the channel of the object in slot 1; whether it was still active.
fn stop(call: &mut Call<'_>, source: SourceId) -> Result<bool, Raise> {
    let engine = call.engine()?;
    let active = engine.end_source(call, source);
    call.get_slot(1, CHANNEL);
    engine.close_channel(call, -1);
    call.pop(1);
    Ok(active)
}

fn timer_stop(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let source = call.userdata::<Timer>(1)?.source.get();
    let active = stop(call, source)?;
    call.push_bool(active);
    Ok(Ret::ONE)
}

fn ticker_stop(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let source = call.userdata::<Ticker>(1)?.source;
    stop(call, source)?;
    call.push_bool(true);
    Ok(Ret::ONE)
}

fn timer_reset(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let timer = call.userdata::<Timer>(1)?;
    let nanos = match positive(call, 2, "timer:reset") {
        Ok(nanos) => nanos,
        Err(e) => return Err(Raise::text(e.to_string())),
    };
    let engine = call.engine()?;
    // A new source, so that a tick on its way finds nobody.
    let active = engine.end_source(call, timer.source.get());
    if active {
        call.get_slot(1, CHANNEL);
        timer.source.set(feed(call, engine, nanos, None)?);
    }
    call.push_bool(active);
    Ok(Ret::ONE)
}

#[cfg(test)]
mod tests {
    use super::next_tick;

    #[test]
    fn ticks_keep_their_distance() {
        // Due, period, now: when the next one is due.
        for (due, period, now, next) in [(10, 10, 10, 20), (10, 10, 13, 20), (10, 10, 20, 30), (10, 10, 57, 67)] {
            assert_eq!(next_tick(due, period, now), next, "{due} {period} {now}");
        }
        assert_eq!(next_tick(u64::MAX - 1, i64::MAX, 5), u64::MAX);
    }
}
