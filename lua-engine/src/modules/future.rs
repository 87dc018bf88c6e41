//! Futures: the results of calls that nobody waits for yet.
//!
//! A Future stays pending until the result reaches the process, which happens
//! between the turns of its coroutines and so never while one of them just
//! computes. Its channel then delivers one element, a Payload or an Error
//! object, and closes. Neither the Future nor its channel keeps the call going:
//! dropping both only means that nobody hears of the result.

use std::cell::Cell;

use wippy_runtime::dispatch::Request;
use wippy_runtime::payload::Flat;
use wippy_runtime::{Error, Kind};

use super::payload;
use crate::member;
use crate::native::{Call, Member, Object, Raise, Ret, Stack};
use crate::process::{After, Channel, Engine, Handler, InProcess, ObjectRef, typed};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    /// The Payload is in the slot.
    Done,
    /// The Error object is in the slot.
    Failed,
    Canceled,
}

/// See the module comment.
struct Future {
    state: Cell<State>,
}

const CHANNEL: i32 = 1;
const RESULT: i32 = 2;

impl Object for Future {
    const EXPECTED: &'static str = "Future";
    const METHODS: &'static [Member] = &[
        member!("response", channel),
        member!("channel", channel),
        member!("is_complete", is_complete),
        member!("is_canceled", is_canceled),
        member!("result", result),
        member!("error", error),
        member!("cancel", cancel),
    ];
    const SLOTS: i32 = 2;
}

/// Starts the call and pushes its Future, or `nil, err` if it is refused.
pub(super) fn begin<R: Request<Reply = Flat>>(call: &mut Call<'_>, request: Result<R, Error>) -> Result<Ret, Raise> {
    let request = match request {
        Ok(request) => request,
        Err(e) => return call.fail(e),
    };
    let engine = call.engine()?;
    call.push_object(Future { state: Cell::new(State::Pending) });
    let at = call.top();
    call.push_object(Channel::new(1));
    let channel = ObjectRef::new(call, engine, -1);
    call.set_slot(at, CHANNEL);
    let future = ObjectRef::new(call, engine, at);
    let handler: Handler = Box::new(move |stack, engine, reply| {
        settle(stack, engine, future, channel, typed::<R>(reply));
        After::End
    });
    match call.try_start(request, handler)? {
        Ok(_) => Ok(Ret::ONE),
        Err(e) => call.fail(e),
    }
}

/// Hands the result to whoever can still see the future or its channel.
fn settle(stack: &Stack<'_>, engine: &Engine, future: ObjectRef, channel: ObjectRef, reply: Result<Flat, Error>) {
    let base = stack.top();
    let state = push_outcome(stack, reply);
    let outcome = stack.top();
    let mut wanted = true;
    if future.push(stack) {
        let at = stack.top();
        if let Some(future) = stack.object_at::<Future>(at) {
            wanted = future.state.get() == State::Pending;
            if wanted {
                future.state.set(state);
            }
        }
        if wanted {
            stack.push_copy(outcome);
            stack.set_slot(at, RESULT);
        }
    }
    if channel.push(stack) {
        let at = stack.top();
        if wanted {
            stack.push_copy(outcome);
            engine.offer(stack, at);
        }
        engine.close_channel(stack, at);
    }
    stack.drop_top(stack.top() - base);
}

/// Pushes a Payload or an Error object.
fn push_outcome(stack: &Stack<'_>, reply: Result<Flat, Error>) -> State {
    let base = stack.top();
    let value = reply.and_then(|flat| match flat.is_empty() {
        true => {
            stack.push_nil();
            Ok(())
        }
        false => stack.decode_one(&mut flat.reader()),
    });
    match value {
        Ok(()) => {
            payload::wrap(stack);
            State::Done
        }
        Err(e) => {
            stack.drop_top(stack.top() - base);
            stack.push_error(e);
            State::Failed
        }
    }
}

fn channel(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<Future>(1)?;
    call.get_slot(1, CHANNEL);
    Ok(Ret::ONE)
}

fn is_complete(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let state = call.userdata::<Future>(1)?.state.get();
    call.push_bool(matches!(state, State::Done | State::Failed));
    Ok(Ret::ONE)
}

fn is_canceled(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let state = call.userdata::<Future>(1)?.state.get();
    call.push_bool(state == State::Canceled);
    Ok(Ret::ONE)
}

fn canceled() -> Error {
    Error::new(Kind::CANCELED, "canceled").retryable(false)
}

fn result(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match call.userdata::<Future>(1)?.state.get() {
        State::Pending => {
            call.push_nil();
            call.push_nil();
        }
        State::Done => {
            call.get_slot(1, RESULT);
            call.push_nil();
        }
        State::Failed => {
            call.push_nil();
            call.get_slot(1, RESULT);
        }
        State::Canceled => return call.fail(canceled()),
    }
    Ok(Ret::TWO)
}

fn error(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let state = call.userdata::<Future>(1)?.state.get();
    match state {
        State::Pending | State::Done => call.push_nil(),
        State::Failed => {
            call.get_slot(1, RESULT);
        }
        State::Canceled => call.push_error(canceled()),
    }
    call.push_bool(matches!(state, State::Failed | State::Canceled));
    Ok(Ret::TWO)
}

fn cancel(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let future = call.userdata::<Future>(1)?;
    if future.state.get() == State::Pending {
        future.state.set(State::Canceled);
        call.get_slot(1, CHANNEL);
        call.engine()?.close_channel(call, -1);
        call.pop(1);
    }
    call.push_bool(true);
    call.push_nil();
    Ok(Ret::TWO)
}
