//! How what a coroutine waits for reaches it: results are pushed onto its leaf,
//! in the shape that its kind of wait promises, and it becomes ready.
//!
//! Contains `unsafe` under the rules of [`super`]: the leaf of a waiting
//! coroutine is alive, and nobody else touches its frame.

use wippy_runtime::process::{Reply, Tag};
use wippy_runtime::{Error, Kind};

use super::{CoId, Engine, Wait};
use crate::native::Stack;
use crate::native::ffi::{self, lua_State};
use crate::process::channel::{CLOSED, Channel, SELECTED, Waiter};

impl Engine {
    /// The coroutine's leaf and what it waits for.
    pub(in crate::process) fn waiting(&self, id: CoId) -> (*mut lua_State, Wait) {
        let co = &self.coroutines.borrow()[id as usize];
        (co.leaf, co.wait)
    }
    /// Makes a waiting coroutine ready with the top `args` values of its leaf.
    pub(in crate::process) fn wake(&self, id: CoId, args: i32) {
        {
            let mut all = self.coroutines.borrow_mut();
            let co = &mut all[id as usize];
            if matches!(co.wait, Wait::Request | Wait::Timer(_)) {
                self.pending.set(self.pending.get() - 1);
            }
            co.wait = Wait::Not;
            co.args = args;
        }
        self.push_ready(id);
    }
    /// Ends the wait for the completion `tag`; a late one is dropped.
    pub(in crate::process) fn complete(&self, tag: Tag, result: Result<Reply, Error>) {
        let (id, turn) = ((tag & 0xFFFF_FFFF) as CoId, (tag >> 32) as u32);
        {
            let mut all = self.coroutines.borrow_mut();
            let Some(co) = all.get_mut(id as usize) else { return };
            let waits = matches!(co.wait, Wait::Request | Wait::Timer(_));
            if co.thread.is_null() || co.turn != turn || !waits {
                return;
            }
            co.reply = matches!(co.wait, Wait::Request).then_some(result);
        }
        self.wake(id, 0);
    }
    /// The answer the running coroutine waited for.
    pub(in crate::process) fn take_reply(&self) -> Result<Reply, Error> {
        let reply = self.coroutines.borrow_mut()[self.current.get() as usize].reply.take();
        reply.unwrap_or_else(|| Err(Error::internal("a wait ended without an answer")))
    }

    /// Hands a value to a coroutine that waits to receive (or tells it that the channel was closed when `ok` is
    /// false). `push` pushes exactly one value onto the stack it is given.
    pub(in crate::process) fn deliver(&self, waiter: Waiter, ok: bool, push: impl FnOnce(&Stack<'_>)) {
        let (leaf, wait) = self.waiting(waiter.co);
        // SAFETY: a waiting leaf is alive; callers run inside native code, where the limit is suspended.
        let stack = unsafe { Stack::new(leaf) };
        match wait {
            Wait::Select { base, n } => {
                let case = i32::from(waiter.case);
                push(&stack);
                stack.push_copy(base + 2 * case);
                stack.push_bool(ok);
                stack.push_record(&SELECTED);
                self.withdraw(&stack, waiter.co, base, n);
                self.wake(waiter.co, 1);
            }
            _ => {
                push(&stack);
                stack.push_bool(ok);
                self.wake(waiter.co, 2);
            }
        }
    }
    /// Tells a coroutine that waits to send that its value was taken, or that the channel was closed.
    pub(in crate::process) fn sent(&self, waiter: Waiter, ok: bool) {
        let (leaf, wait) = self.waiting(waiter.co);
        // SAFETY: as in `deliver`.
        let stack = unsafe { Stack::new(leaf) };
        let mut results = 1;
        if !ok {
            stack.push_nil();
            stack.push_error(Error::new(Kind::UNKNOWN, CLOSED).retryable(false));
            results = 2;
        }
        if let Wait::Select { base, n } = wait {
            if ok {
                stack.push_table(0, 2);
                let at = stack.top();
                stack.push_copy(base + 2 * i32::from(waiter.case));
                stack.set_field(at, "channel");
                stack.push_bool(true);
                stack.set_field(at, "ok");
            }
            self.withdraw(&stack, waiter.co, base, n);
        } else if ok {
            stack.push_bool(true);
        }
        self.wake(waiter.co, results);
    }
    /// Pushes onto `to` the value that a waiting sender offers.
    pub(in crate::process) fn push_offer(&self, waiter: Waiter, to: &Stack<'_>) {
        let (leaf, wait) = self.waiting(waiter.co);
        let slot = match wait {
            Wait::Select { base, .. } => base + 2 * i32::from(waiter.case) + 1,
            _ => 2,
        };
        // SAFETY: a waiting leaf is alive and has the value in that slot; both threads are of one VM.
        unsafe {
            let from = Stack::new(leaf);
            from.push_copy(slot);
            if leaf != to.raw() {
                to.reserve(2);
                ffi::lua_xmove(leaf, to.raw(), 1);
            }
        }
    }
    /// Removes a select that was decided from all its channels.
    fn withdraw(&self, stack: &Stack<'_>, id: CoId, base: i32, n: i32) {
        for k in 0..n {
            if let Some(channel) = stack.object_at::<Channel>(base + 2 * k) {
                channel.withdraw(id);
            }
        }
    }
}
