//! Channels: queues of values between the coroutines of one process, and
//! `select` over several of them.
//!
//! A channel is a Lua object; its identity is the object's. Buffered values
//! are in a ring in its first slot. Who waits is remembered in the channel
//! (the coroutine and, for a select, the case); the value of a waiting sender
//! stays on that sender's stack, so waiting costs no allocation in Lua.
//! Mailbox subscriptions are channels too: what arrived for one stays encoded
//! in the mailbox until somebody receives (see `mailbox.rs`).
//! Contains `unsafe` for the way back from a collected channel to its engine.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use wippy_runtime::Error;

use super::engine::{CoId, Engine, InProcess, Wait};
use super::line::Line;
use super::mailbox::SubId;
use super::source::SourceId;
use crate::member;
use crate::modules::{Module, ModuleValue};
use crate::native::{Call, Member, Object, Raise, Ret, Shape, Stack, Type};

/// The text of every failure on a closed channel.
pub(super) const CLOSED: &str = "send on closed channel";
/// Largest buffer a program may ask for.
pub const MAX_BUFFER: i64 = 1 << 20;
/// Cases one select may have.
const MAX_CASES: i32 = 4096;
/// Array entries a ring gets in advance.
const RING_HINT: u32 = 16;

/// A coroutine in a channel's queue.
#[derive(Clone, Copy, Debug)]
pub struct Waiter {
    pub co: CoId,
    /// Index of the case in a select.
    pub case: u16,
    pub sends: bool,
}

/// See the module comment.
pub struct Channel {
    capacity: u32,
    head: Cell<u32>,
    len: Cell<u32>,
    closed: Cell<bool>,
    /// The subscription that feeds it.
    pub(super) subscription: Cell<Option<SubId>>,
    waiters: RefCell<Line<Waiter>>,
    /// The source that feeds it ends when nobody can receive from it any more.
    feed: Cell<Option<(SourceId, NonNull<Engine>)>>,
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some((id, engine)) = self.feed.get() {
            // SAFETY: the engine of a VM outlives all its objects.
            unsafe { engine.as_ref() }.rare().orphans.borrow_mut().push(id);
        }
    }
}

impl Object for Channel {
    const EXPECTED: &'static str = "channel";
    const METHODS: &'static [Member] = &[
        member!("send", send),
        member!("receive", receive),
        member!("close", close),
        member!("case_send", case_send),
        member!("case_receive", case_receive),
    ];
    const OPERATORS: &'static [crate::native::Function] = &[crate::native!("__tostring", to_string)];
    const SLOTS: i32 = 1;
}

const RING: i32 = 1;

impl Channel {
    pub fn new(capacity: u32) -> Channel {
        Channel {
            capacity,
            head: Cell::new(0),
            len: Cell::new(0),
            closed: Cell::new(false),
            subscription: Cell::new(None),
            waiters: RefCell::default(),
            feed: Cell::new(None),
        }
    }
    /// Says that `source` feeds this channel and nothing else: it is cancelled when the channel is collected.
    pub fn fed_by(&self, engine: &Engine, source: SourceId) {
        self.feed.set(Some((source, NonNull::from(engine))));
    }
    pub fn capacity(&self) -> u32 {
        self.capacity
    }
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }
    /// Buffered values.
    pub fn len(&self) -> u32 {
        self.len.get()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The first coroutine that waits to send (or receive), taken out of the queue.
    pub(super) fn take_waiter(&self, sends: bool) -> Option<Waiter> {
        let mut waiters = self.waiters.borrow_mut();
        if waiters.is_empty() { None } else { waiters.take(|w| w.sends == sends) }
    }
    pub(super) fn has_waiter(&self, sends: bool) -> bool {
        self.waiters.borrow().iter().any(|w| w.sends == sends)
    }
    fn wait(&self, waiter: Waiter) {
        self.waiters.borrow_mut().push_back(waiter);
    }
    /// Removes all entries of a coroutine.
    pub(super) fn withdraw(&self, co: CoId) {
        self.waiters.borrow_mut().retain(|w| w.co != co);
    }
    /// Pops the top value of `stack` into the ring of the channel at slot `at`, which must have room.
    fn push(&self, stack: &Stack<'_>, at: i32) {
        let at = stack.absolute(at);
        if stack.get_slot(at, RING) != Type::Table {
            stack.drop_top(1);
            stack.push_table(self.capacity.min(RING_HINT) as usize, 0);
            stack.push_copy(-1);
            stack.set_slot(at, RING);
        }
        stack.push_copy(-2);
        stack.set_index(-2, i64::from((self.head.get() + self.len.get()) % self.capacity) + 1);
        stack.drop_top(2);
        self.len.set(self.len.get() + 1);
    }
    /// Pushes the oldest buffered value of the channel at slot `at`.
    fn pop(&self, stack: &Stack<'_>, at: i32) {
        let at = stack.absolute(at);
        let place = i64::from(self.head.get()) + 1;
        stack.get_slot(at, RING);
        stack.get_index(-1, place);
        stack.push_nil();
        stack.set_index(-3, place);
        stack.rotate(-2, 1);
        stack.drop_top(1);
        self.head.set((self.head.get() + 1) % self.capacity);
        self.len.set(self.len.get() - 1);
    }
    /// Room for another value.
    fn has_room(&self) -> bool {
        self.len.get() < self.capacity
    }
}

impl Engine {
    /// Pushes the next value of the channel at slot `at` of `stack`, if there is one: buffered, offered by a waiting
    /// sender, from the mailbox, or among what arrived during the step.
    #[inline]
    pub(super) fn take(&self, stack: &Stack<'_>, at: i32, channel: &Channel) -> bool {
        if self.take_ready(stack, at, channel) {
            return true;
        }
        if channel.is_closed() {
            return false;
        }
        match channel.subscription.get() {
            Some(id) => self.take_message(stack, id),
            None => {
                self.take_in_until(stack, || channel.len.get() > 0 || channel.has_waiter(true))
                    && self.take_ready(stack, at, channel)
            }
        }
    }
    fn take_ready(&self, stack: &Stack<'_>, at: i32, channel: &Channel) -> bool {
        if channel.len.get() > 0 {
            let at = stack.absolute(at);
            channel.pop(stack, at);
            if let Some(waiter) = channel.take_waiter(true) {
                self.push_offer(waiter, stack);
                channel.push(stack, at);
                self.sent(waiter, true);
            }
            return true;
        }
        if let Some(waiter) = channel.take_waiter(true) {
            self.push_offer(waiter, stack);
            self.sent(waiter, true);
            return true;
        }
        false
    }
    /// Gives the top value of `stack` to the channel at slot `at`, popping it; false (and popped) if it has neither a
    /// receiver nor room, or is closed.
    pub fn offer(&self, stack: &Stack<'_>, at: i32) -> bool {
        let at = stack.absolute(at);
        let taken = match stack.object_at::<Channel>(at) {
            Some(channel) if !channel.is_closed() => self.give(stack, at, channel),
            _ => false,
        };
        stack.drop_top(1);
        taken
    }
    /// As [`Engine::offer`], leaving the value on the stack.
    fn give(&self, stack: &Stack<'_>, at: i32, channel: &Channel) -> bool {
        if let Some(waiter) = channel.take_waiter(false) {
            self.deliver(waiter, true, |to| {
                stack.push_copy(-1);
                stack.move_to(to);
            });
            return true;
        }
        let room = channel.has_room();
        if room {
            stack.push_copy(-1);
            channel.push(stack, at);
        }
        room
    }
    /// Drops what the channel at slot `at` has buffered.
    pub fn empty_channel(&self, stack: &Stack<'_>, at: i32) {
        let at = stack.absolute(at);
        let Some(channel) = stack.object_at::<Channel>(at) else { return };
        while channel.len.get() > 0 {
            channel.pop(stack, at);
            stack.drop_top(1);
        }
    }
    /// Closes the channel at slot `at`: receivers get `nil, false` once it is drained, waiting senders fail.
    pub fn close_channel(&self, stack: &Stack<'_>, at: i32) {
        let at = stack.absolute(at);
        let Some(channel) = stack.object_at::<Channel>(at) else { return };
        if channel.closed.get() {
            return;
        }
        if let Some(id) = channel.subscription.get() {
            // What its buffer would hold by now stays receivable.
            for _ in channel.len()..channel.capacity {
                if !self.take_message(stack, id) {
                    break;
                }
                channel.push(stack, at);
            }
        }
        channel.closed.set(true);
        while let Some(waiter) = channel.take_waiter(false) {
            self.deliver(waiter, false, |to| to.push_nil());
        }
        while let Some(waiter) = channel.take_waiter(true) {
            self.sent(waiter, false);
        }
    }
}

fn to_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<Channel>(1)?;
    let text = format!("channel: {:p}", call.pointer(1));
    call.push_str(text);
    Ok(Ret::ONE)
}

fn new(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let capacity = call.opt_int(1)?.unwrap_or(0).max(0);
    if capacity > MAX_BUFFER {
        return Err(Error::limit_exceeded(format!("a channel may buffer {MAX_BUFFER} values")).into());
    }
    call.push_object(Channel::new(capacity as u32));
    Ok(Ret::ONE)
}

fn send(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let channel = call.userdata::<Channel>(1)?;
    if call.arg_count() < 2 {
        // The value must be in slot 2 while the sender waits.
        call.push_nil();
    }
    if channel.is_closed() {
        return Err(Raise::text(CLOSED));
    }
    let engine = call.engine()?;
    if channel.has_waiter(false) || channel.has_room() {
        call.push_copy(2);
        let given = engine.give(call, 1, channel);
        call.pop(1);
        if given {
            call.push_bool(true);
            return Ok(Ret::ONE);
        }
    }
    engine.check_can_block(call)?;
    channel.wait(Waiter { co: engine.current(), case: 0, sends: true });
    engine.block(call, Wait::Channel);
    Ok(Ret::Yield(0))
}

fn receive(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let channel = call.userdata::<Channel>(1)?;
    let engine = call.engine()?;
    if engine.take(call, 1, channel) {
        call.push_bool(true);
        return Ok(Ret::TWO);
    }
    if channel.is_closed() {
        call.push_nil();
        call.push_bool(false);
        return Ok(Ret::TWO);
    }
    engine.check_can_block(call)?;
    channel.wait(Waiter { co: engine.current(), case: 0, sends: false });
    engine.block(call, Wait::Channel);
    Ok(Ret::Yield(0))
}

fn close(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<Channel>(1)?;
    call.engine()?.close_channel(call, 1);
    Ok(Ret::NONE)
}

// ---- select

/// One case of a select; the channel and the value to send are in its slots.
struct Case {
    sends: bool,
}

impl Object for Case {
    const EXPECTED: &'static str = "case";
    const METHODS: &'static [Member] = &[];
    const SLOTS: i32 = 2;
}

fn make_case(call: &mut Call<'_>, sends: bool) -> Result<Ret, Raise> {
    call.userdata::<Channel>(1)?;
    call.push_object(Case { sends });
    let case = call.top();
    call.push_copy(1);
    call.set_slot(case, 1);
    if sends && call.arg_count() >= 2 {
        call.push_copy(2);
        call.set_slot(case, 2);
    }
    Ok(Ret::ONE)
}

fn case_send(call: &mut Call<'_>) -> Result<Ret, Raise> {
    make_case(call, true)
}

fn case_receive(call: &mut Call<'_>) -> Result<Ret, Raise> {
    make_case(call, false)
}

/// Pushes channel and value of the case on top in its place; `None` (and the value popped) if it is no case.
fn unpack_case(call: &mut Call<'_>) -> Option<bool> {
    let at = call.top();
    let sends = call.object_at::<Case>(at).map(|c| c.sends);
    if sends.is_none() {
        call.drop_top(1);
        return None;
    }
    call.get_slot(at, 1);
    call.get_slot(at, 2);
    call.rotate(at, -1);
    call.drop_top(1);
    sends
}

fn select(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.table(1)?;
    let engine = call.engine()?;
    let default = (call.type_of(2) == Type::Boolean && call.truth(2)) || {
        let given = call.get_field(1, "default") == Type::Boolean && call.truth(-1);
        call.pop(1);
        given
    };
    let base = call.top() + 1;
    let kinds = collect_cases(call)?;
    let n = kinds.len() as i32;
    for (k, &sends) in kinds.iter().enumerate() {
        if try_case(engine, call, base + 2 * k as i32, sends) {
            return Ok(Ret::ONE);
        }
    }
    if default {
        call.push_table(0, 2);
        let at = call.top();
        for name in ["default", "ok"] {
            call.push_bool(true);
            call.set_field(at, name);
        }
        return Ok(Ret::ONE);
    }
    engine.check_can_block(call)?;
    let mut waits = false;
    for (k, &sends) in kinds.iter().enumerate() {
        if let Some(channel) = call.object_at::<Channel>(base + 2 * k as i32)
            && !channel.is_closed()
        {
            waits = true;
            channel.wait(Waiter { co: engine.current(), case: k as u16, sends });
        }
    }
    engine.block(call, if waits { Wait::Select { base, n } } else { Wait::Forever });
    Ok(Ret::Yield(0))
}

/// Pushes channel and value of every case of the table in slot 1, in order: the list, then other keys.
fn collect_cases(call: &mut Call<'_>) -> Result<smallvec::SmallVec<[bool; 8]>, Raise> {
    let mut kinds = smallvec::SmallVec::new();
    let len = call.raw_len(1) as i64;
    let too_many = || Raise::from(Error::limit_exceeded(format!("a select may have {MAX_CASES} cases")));
    let room = |call: &Call<'_>, n: usize| n < MAX_CASES as usize && call.reserve(8);
    for i in 1..=len {
        if !room(call, kinds.len()) {
            return Err(too_many());
        }
        call.get_index(1, i);
        kinds.extend(unpack_case(call));
    }
    if call.has_hash_part(1) {
        call.push_nil();
        while call.next(1) {
            if !room(call, kinds.len()) {
                return Err(too_many());
            }
            let listed = call.is_integer(-2) && call.integer(-2).is_some_and(|i| i >= 1 && i <= len);
            if listed || call.object_at::<Case>(-1).is_none() {
                call.pop(1);
                continue;
            }
            // [key, case] becomes [channel, value, key]: the key stays on top for the next turn.
            call.rotate(-2, 1);
            let case = call.top() - 1;
            call.get_slot(case, 1);
            call.get_slot(case, 2);
            kinds.extend(call.object_at::<Case>(case).map(|c| c.sends));
            // [case, key, channel, value] -> [channel, value, case, key]
            call.rotate(case, 2);
            call.rotate(-2, 1);
            call.pop(1);
        }
    }
    Ok(kinds)
}

/// If the case with its channel at slot `at` can go on now, does so and pushes the result of the select.
fn try_case(engine: &Engine, call: &mut Call<'_>, at: i32, sends: bool) -> bool {
    let Some(channel) = call.object_at::<Channel>(at) else { return false };
    let mut ok = true;
    if sends {
        if channel.is_closed() || !(channel.has_waiter(false) || channel.has_room()) {
            return false;
        }
        call.push_copy(at + 1);
        engine.give(call, at, channel);
        call.drop_top(1);
        call.push_nil();
    } else if !engine.take(call, at, channel) {
        if !channel.is_closed() {
            return false;
        }
        ok = false;
        call.push_nil();
    }
    call.push_copy(at);
    call.push_bool(ok);
    call.push_record(&SELECTED);
    true
}

/// What `select` returns: of the value, the channel, and whether a value was taken or given.
pub(super) static SELECTED: Shape =
    Shape::new(&[Member::int("value", 1), Member::int("channel", 2), Member::int("ok", 3)]);

/// The global `channel`.
pub static MODULE: Module = Module {
    name: "channel",
    value: ModuleValue::Table(&[member!("new", new), member!("select", select)]),
    class: &["process", "deterministic", "workflow"],
    description: "Channels between the coroutines of a process",
};
