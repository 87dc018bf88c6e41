//! Completions that no coroutine waits for: timers, futures, anything a module
//! starts and hears about later. Each has a tag and a handler that runs, at
//! the start of a step, when the completion arrives.
//!
//! A handler finds the channel or object it is for through an [`ObjectRef`],
//! which does not keep it alive: what no program can see any more needs no
//! answer, and a channel that says [`Channel::fed_by`] ends its source then.
//! Contains `unsafe` for raw access to the registry.

use wippy_runtime::Error;
use wippy_runtime::process::{Reply, Tag};
use wippy_runtime::timers::TimerKey;

use super::engine::{Engine, InProcess, SOURCE_TAG};
use crate::native::{Raise, Stack, Type, ffi};

#[cfg(doc)]
use super::Channel;

/// Sources one process may have at a time.
pub const MAX_SOURCES: usize = 1_000_000;

/// What a handler wants next.
pub enum After {
    /// Another completion with the same tag will come.
    Stay,
    /// The source has ended.
    End,
}

/// Called with each completion of a source. It runs between coroutines, on a stack of its own that is cleared
/// afterwards: it may push values, offer them to channels and close channels, but cannot run Lua code.
pub type Handler = Box<dyn FnMut(&Stack<'_>, &Engine, Result<Reply, Error>) -> After + Send>;

struct Source {
    generation: u32,
    handler: Option<Handler>,
    timer: Option<TimerKey>,
    used: bool,
}

/// All sources of a process.
#[derive(Default)]
pub struct Sources {
    all: Vec<Source>,
    free: Vec<u32>,
    /// Sources with a timer.
    timed: u32,
}

/// Names a source; the tag of its completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceId(Tag);

impl SourceId {
    /// The tag that completions for this source carry.
    pub fn tag(self) -> Tag {
        self.0
    }
    fn index(self) -> usize {
        (self.0 & 0xFFFF_FFFF) as usize
    }
    fn generation(self) -> u32 {
        ((self.0 >> 32) & 0x7FFF_FFFF) as u32
    }
}

impl Sources {
    pub(super) fn is_empty(&self) -> bool {
        self.all.len() == self.free.len()
    }
    fn get(&mut self, id: SourceId) -> Option<&mut Source> {
        self.all.get_mut(id.index()).filter(|s| s.used && s.generation == id.generation())
    }
    fn remove(&mut self, id: SourceId) -> Option<(Option<Handler>, Option<TimerKey>)> {
        let source = self.get(id)?;
        source.used = false;
        source.generation = (source.generation + 1) & 0x7FFF_FFFF;
        let removed = (source.handler.take(), source.timer.take());
        self.timed -= u32::from(removed.1.is_some());
        self.free.push(id.index() as u32);
        Some(removed)
    }
    /// Removes all and gives the timers that were armed.
    pub(super) fn clear(&mut self) -> Vec<TimerKey> {
        let mut timers = Vec::new();
        for (i, source) in self.all.iter_mut().enumerate().filter(|(_, s)| s.used) {
            timers.extend(source.timer.take());
            source.handler = None;
            source.used = false;
            source.generation = (source.generation + 1) & 0x7FFF_FFFF;
            self.free.push(i as u32);
        }
        self.timed = 0;
        timers
    }
}

impl Engine {
    /// Begins a source; start the operation with its tag afterwards. Errors: LimitExceeded.
    pub fn add_source(&self, handler: Handler) -> Result<SourceId, Raise> {
        let mut sources = self.rare().sources.borrow_mut();
        let index = match sources.free.pop() {
            Some(i) => i,
            None if sources.all.len() >= MAX_SOURCES => {
                let e = Error::limit_exceeded(format!("a process may have {MAX_SOURCES} operations in flight"));
                return Err(e.into());
            }
            None => {
                sources.all.push(Source { generation: 0, handler: None, timer: None, used: false });
                sources.all.len() as u32 - 1
            }
        };
        let source = &mut sources.all[index as usize];
        source.handler = Some(handler);
        source.used = true;
        Ok(SourceId(SOURCE_TAG | u64::from(source.generation) << 32 | u64::from(index)))
    }
    /// Notes the timer that will complete the source, so that it is cancelled with it.
    pub fn set_source_timer(&self, id: SourceId, timer: Option<TimerKey>) {
        let mut sources = self.rare().sources.borrow_mut();
        let Some(source) = sources.get(id) else { return };
        let (is, was) = (timer.is_some(), std::mem::replace(&mut source.timer, timer).is_some());
        sources.timed = sources.timed + u32::from(is) - u32::from(was);
    }
    /// Whether the process may have one more timer. Errors: LimitExceeded, its host's limit.
    pub fn check_timers(&self) -> Result<(), Error> {
        match self.limits(|limits| limits.timers) {
            Some(limit) if self.rare().sources.borrow().timed as usize >= limit => {
                Err(Error::limit_exceeded(format!("a process may have {limit} timers")))
            }
            _ => Ok(()),
        }
    }
    /// Whether the source has not ended.
    pub fn has_source(&self, id: SourceId) -> bool {
        self.known_rare().is_some_and(|rare| rare.sources.borrow_mut().get(id).is_some())
    }
    /// Ends a source: its timer is cancelled, its request too, and late completions are dropped. False if it had ended.
    pub fn end_source(&self, stack: &Stack<'_>, id: SourceId) -> bool {
        let Some((handler, timer)) = self.rare().sources.borrow_mut().remove(id) else { return false };
        drop(handler);
        let control = self.control();
        // Without a step the process is ending, and all is cancelled anyway.
        let _ = stack.with_step(|cx| {
            if let Some(timer) = timer {
                cx.node().timers().cancel(timer);
            }
        });
        if let Some(cancel) = control.and_then(|c| c.take_cancel(id.tag())) {
            cancel();
        }
        true
    }
    pub(super) fn complete_source(&self, stack: &Stack<'_>, tag: Tag, result: Result<Reply, Error>) {
        let id = SourceId(tag);
        let sources = &self.rare().sources;
        let Some(mut handler) = sources.borrow_mut().get(id).and_then(|s| s.handler.take()) else { return };
        // Not on the stack of the main coroutine, which may be the one that is given a value and resumed with it.
        let own = self.handler_stack(stack);
        let after = handler(&own, self, result);
        own.drop_top(own.top());
        let mut sources = sources.borrow_mut();
        match after {
            After::Stay => {
                if let Some(source) = sources.get(id) {
                    source.handler = Some(handler);
                }
            }
            After::End => {
                let removed = sources.remove(id);
                drop(sources);
                drop(removed);
            }
        }
    }
}

/// A Lua object that Rust code can find again as long as the program can see it.
#[derive(Clone, Copy, Debug)]
pub struct ObjectRef(i64);

/// Registry key of the table of objects, whose values are weak.
static OBJECTS: u8 = 0;

fn push_objects(stack: &Stack<'_>) {
    assert!(stack.reserve(6), "Lua stack exhausted");
    let (l, key) = (stack.raw(), (&raw const OBJECTS).cast());
    // SAFETY: raw access to the registry; the new table and its metatable are on top.
    unsafe {
        if ffi::lua_rawgetp(l, ffi::LUA_REGISTRYINDEX, key) == ffi::LUA_TTABLE {
            return;
        }
        stack.drop_top(1);
        stack.push_table(0, 0);
        stack.push_table(0, 1);
        stack.push_str("v");
        stack.set_field(-2, "__mode");
        ffi::lua_setmetatable(l, -2);
        stack.push_copy(-1);
        ffi::lua_rawsetp(l, ffi::LUA_REGISTRYINDEX, key);
    }
}

impl ObjectRef {
    /// Refers to the object at slot `at`.
    pub fn new(stack: &Stack<'_>, engine: &Engine, at: i32) -> ObjectRef {
        let at = stack.absolute(at);
        let refs = &engine.rare().refs;
        let key = refs.get() + 1;
        refs.set(key);
        push_objects(stack);
        stack.push_copy(at);
        stack.set_index(-2, key);
        stack.drop_top(1);
        ObjectRef(key)
    }
    /// Pushes the object; false (and nothing pushed) if it is gone.
    pub fn push(self, stack: &Stack<'_>) -> bool {
        push_objects(stack);
        let found = stack.get_index(-1, self.0) != Type::Nil;
        stack.rotate(-2, 1);
        stack.drop_top(if found { 1 } else { 2 });
        found
    }
    /// Forgets the object.
    pub fn release(self, stack: &Stack<'_>) {
        push_objects(stack);
        stack.push_nil();
        stack.set_index(-2, self.0);
        stack.drop_top(1);
    }
}

impl Engine {
    #[inline]
    pub(super) fn has_orphans(&self) -> bool {
        self.known_rare().is_some_and(|rare| !rare.orphans.borrow().is_empty())
    }
    /// Ends the sources that feed collected channels.
    pub(super) fn end_orphans(&self, stack: &Stack<'_>) {
        let orphans = std::mem::take(&mut *self.rare().orphans.borrow_mut());
        for id in orphans {
            self.end_source(stack, id);
        }
    }
}
