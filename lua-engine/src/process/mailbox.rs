//! The mailbox inside the process: subscriptions, and what has arrived but was
//! not received yet.
//!
//! A message for a coroutine that waits on its channel is decoded straight
//! onto that coroutine's stack. A coroutine that receives goes on through what
//! has arrived, so a burst is not moved about; what it meets on the way for
//! others stays encoded here: per subscription, or *parked* while nobody
//! subscribes to its topic. So a full topic holds back no other, and order
//! within a topic is the order of arrival.
//!
//! Contains `unsafe`: a subscription points to its channel, which stays alive
//! because the Lua registry anchors the channel's object by the number of the
//! subscription until that is removed.

use std::collections::VecDeque;
use std::ptr::NonNull;

use smallvec::SmallVec;
use wippy_runtime::dispatch::StepContext;
use wippy_runtime::process::{Event, Message, Notice, NoticeKind, topic};

use super::channel::{Channel, Waiter};
use super::engine::{Engine, InProcess, SOURCE_TAG};
use super::line::Rest;
use super::message;
use crate::native::Stack;
use crate::native::ffi;

/// Index of a subscription in its mailbox.
pub type SubId = u32;

/// In which form a subscription delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// No payload: nil; one: its value; several: their array.
    Value,
    /// Message objects.
    Message,
    /// Event records.
    Event,
}

/// What waits.
pub(super) enum Content {
    Message(Message),
    Notice(Box<Notice>),
    /// The subscription's channel closes here.
    End,
}

pub(super) struct Item {
    /// Position in the order of arrival.
    order: u64,
    content: Content,
}

struct Subscription {
    topic: SmallVec<[u8; 16]>,
    channel: NonNull<Channel>,
    form: Form,
    waiting: Rest<Item>,
}

/// See the module comment.
#[derive(Default)]
pub struct Mailbox {
    subscriptions: SmallVec<[Option<Subscription>; 1]>,
    /// Messages of topics that nobody subscribed to.
    parked: Rest<Item>,
    inbox: Option<SubId>,
    arrived: u64,
}

/// Topics of single subscriptions of modules; what comes after their end is nobody's.
fn is_internal(topic: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 6] = [b"timer@", b"after@", b"ticker@", b"events@", b"pg.events@", b"pg.monitor@"];
    topic.starts_with(b"@future:")
        || PREFIXES
            .iter()
            .any(|p| topic.strip_prefix(*p).is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit)))
}

impl Content {
    fn topic(&self) -> &[u8] {
        match self {
            Content::Message(m) => m.topic(),
            Content::Notice(_) => topic::EVENTS.as_bytes(),
            Content::End => b"",
        }
    }
}

impl Mailbox {
    fn find(&self, topic: &[u8]) -> Option<SubId> {
        let found = |s: &Option<Subscription>| s.as_ref().is_some_and(|s| s.topic[..] == *topic);
        self.subscriptions.iter().position(found).map(|i| i as SubId)
    }
    /// The subscription that gets messages of `topic` now.
    fn route(&self, topic: &[u8]) -> Option<SubId> {
        self.find(topic).or_else(|| if topic.starts_with(b"@") { None } else { self.inbox })
    }
    fn get(&mut self, id: SubId) -> Option<&mut Subscription> {
        self.subscriptions.get_mut(id as usize)?.as_mut()
    }
    /// True if there is no subscription.
    pub(super) fn is_unused(&self) -> bool {
        self.subscriptions.iter().all(Option::is_none)
    }
    fn sort_in(queue: &mut Rest<Item>, mut items: Vec<Item>) {
        if items.is_empty() {
            return;
        }
        let inside = queue.back().zip(items.first()).is_some_and(|(last, first)| last.order > first.order);
        let queue = queue.all();
        queue.extend(items.drain(..));
        if inside {
            queue.make_contiguous().sort_by_key(|i| i.order);
        }
    }
    /// Messages that wait, and their bytes.
    fn unread(&self) -> (usize, usize) {
        let waiting = self.subscriptions.iter().flatten().flat_map(|s| s.waiting.iter()).chain(self.parked.iter());
        waiting.fold((0, 0), |(n, bytes), item| match &item.content {
            Content::Message(m) => (n + 1, bytes + m.len()),
            Content::Notice(_) | Content::End => (n, bytes),
        })
    }
    /// Takes everything that waits, in the order of arrival.
    fn drain(&mut self) -> Vec<Content> {
        let mut all: Vec<Item> = self.parked.take().into();
        for s in self.subscriptions.iter_mut().flatten() {
            all.extend(s.waiting.take());
        }
        all.sort_by_key(|i| i.order);
        all.into_iter().map(|i| i.content).collect()
    }
}

impl Engine {
    /// Messages that the program has not received yet, and their bytes. Looks at each, and there are no more than the
    /// host allows.
    pub(super) fn unread(&self) -> (usize, usize) {
        self.mailbox.borrow().unread()
    }
    /// Takes in an event: hands it to whoever waits for it, or keeps it.
    pub(super) fn take_in(&self, stack: &Stack<'_>, event: Event) {
        match event {
            Event::Message(m) => self.arrive(stack, Content::Message(m)),
            Event::Notice(n) => self.arrive(stack, Content::Notice(n)),
            Event::Done(c) if c.tag & SOURCE_TAG != 0 => self.complete_source(stack, c.tag, c.result),
            Event::Done(c) => self.complete(c.tag, c.result),
        }
    }
    fn arrive(&self, stack: &Stack<'_>, content: Content) {
        let mut mailbox = self.mailbox.borrow_mut();
        mailbox.arrived += 1;
        let order = mailbox.arrived;
        let Some(id) = mailbox.route(content.topic()) else {
            if !is_internal(content.topic()) {
                merge_outdated(&mut mailbox.parked, Item { order, content });
            }
            return;
        };
        let Some(subscription) = mailbox.get(id) else { return };
        // SAFETY: anchored, see the module comment.
        let channel = unsafe { subscription.channel.as_ref() };
        if channel.is_closed() {
            // The program closed it: this message is lost, and the subscription gone.
            drop(mailbox);
            self.unsubscribe_id(stack, id);
            return;
        }
        if !subscription.waiting.is_empty() {
            merge_outdated(&mut subscription.waiting, Item { order, content });
            return;
        }
        let Some(waiter) = channel.take_waiter(false) else {
            subscription.waiting.push_back(Item { order, content });
            return;
        };
        let form = subscription.form;
        drop(mailbox);
        self.deliver(waiter, true, |to| push_content(to, content, form));
    }

    /// Takes in events that the step has not looked at yet until `found` finds what it wants, or none is left.
    pub(crate) fn take_in_until(&self, stack: &Stack<'_>, mut found: impl FnMut() -> bool) -> bool {
        while let Ok(Some(left)) = stack.with_messages(|cx| self.hand_over_front(cx)) {
            if let Some(event) = left {
                self.take_in(stack, event);
            }
            if found() {
                return true;
            }
        }
        false
    }

    /// Takes the next event, if there is one, and gives it back unless it is a message for a coroutine that waits on its
    /// channel: that gets it from where it lies.
    fn hand_over_front(&self, cx: &mut StepContext<'_>) -> Option<Option<Event>> {
        if let Some((from, bytes)) = cx.front_message()
            && let Some((waiter, form)) = self.waiter_for(Message::open_bytes(bytes).0)
        {
            self.deliver(waiter, true, |to| message::push(to, from, bytes, form));
            cx.skip_message();
            return Some(None);
        }
        cx.next_event().map(Some)
    }
    /// Who waits for a message of `topic` that arrives now, out of its channel's queue.
    fn waiter_for(&self, topic: &[u8]) -> Option<(Waiter, Form)> {
        let mut mailbox = self.mailbox.borrow_mut();
        let id = mailbox.route(topic)?;
        let subscription = mailbox.get(id).filter(|s| s.waiting.is_empty())?;
        // SAFETY: anchored, see the module comment.
        let channel = unsafe { subscription.channel.as_ref() };
        if channel.is_closed() {
            return None;
        }
        channel.take_waiter(false).map(|waiter| (waiter, subscription.form))
    }

    /// Pushes the next event if it is a message for subscription `id`. Runs no Lua code.
    fn push_front(&self, stack: &Stack<'_>, cx: &mut StepContext<'_>, id: SubId, form: Form) -> bool {
        let Some((from, bytes)) = cx.front_message() else { return false };
        if self.mailbox.borrow().route(Message::open_bytes(bytes).0) != Some(id) {
            return false;
        }
        message::push(stack, from, bytes, form);
        cx.skip_message();
        true
    }

    /// Pushes the next message for subscription `id`, if one waits or has arrived.
    pub(super) fn take_message(&self, stack: &Stack<'_>, id: SubId) -> bool {
        loop {
            let mut mailbox = self.mailbox.borrow_mut();
            let Some(subscription) = mailbox.get(id) else { return false };
            let form = subscription.form;
            let Some(item) = subscription.waiting.pop_front() else {
                drop(mailbox);
                // Straight from what arrived, as a rule.
                match stack.with_messages(|cx| self.push_front(stack, cx, id, form)) {
                    Ok(true) => return true,
                    Ok(false) => {}
                    Err(_) => return false,
                }
                let Ok(Some(event)) = stack.with_messages(|cx| cx.next_event()) else { return false };
                self.take_in(stack, event);
                continue;
            };
            drop(mailbox);
            match item.content {
                Content::End => {
                    self.end_subscription(stack, id);
                    return false;
                }
                content => {
                    push_content(stack, content, form);
                    return true;
                }
            }
        }
    }

    /// Binds `topic` to the channel at slot `at`, which must feed no other topic. What waits for the topic becomes
    /// receivable in the order of arrival.
    pub fn subscribe(&self, stack: &Stack<'_>, topic: &[u8], at: i32, form: Form) -> bool {
        let Some(channel) = stack.object_at::<Channel>(at) else { return false };
        let mut mailbox = self.mailbox.borrow_mut();
        if channel.subscription.get().is_some() || mailbox.find(topic).is_some() {
            return false;
        }
        let new = Subscription { topic: topic.into(), channel: NonNull::from(channel), form, waiting: Rest::default() };
        let id = match mailbox.subscriptions.iter().position(Option::is_none) {
            Some(i) => {
                mailbox.subscriptions[i] = Some(new);
                i as SubId
            }
            None => {
                mailbox.subscriptions.push(Some(new));
                mailbox.subscriptions.len() as SubId - 1
            }
        };
        channel.subscription.set(Some(id));
        stack.push_copy(at);
        anchor(stack, id);
        if topic == topic::INBOX.as_bytes() {
            mailbox.inbox = Some(id);
        }
        let takes_all = mailbox.inbox == Some(id);
        let (mine, rest): (VecDeque<Item>, VecDeque<Item>) = mailbox
            .parked
            .take()
            .into_iter()
            .partition(|i| i.content.topic() == topic || (takes_all && !i.content.topic().starts_with(b"@")));
        mailbox.parked = rest.into();
        let mut mine: Vec<Item> = mine.into();
        // Messages that fell into the inbox before stay there only until their own topic is wanted.
        if !takes_all && let Some(inbox) = mailbox.inbox.and_then(|i| mailbox.get(i)) {
            let (own, others): (VecDeque<Item>, VecDeque<Item>) =
                inbox.waiting.take().into_iter().partition(|i| i.content.topic() == topic);
            inbox.waiting = others.into();
            mine.extend(own);
            mine.sort_by_key(|i| i.order);
        }
        if let Some(s) = mailbox.get(id) {
            s.waiting = VecDeque::from(mine).into();
        }
        drop(mailbox);
        self.feed(id);
        true
    }
    /// Pushes the channel bound to `topic` and sets its form; false (nothing pushed) if there is none.
    pub(super) fn push_subscribed(&self, stack: &Stack<'_>, topic: &[u8], form: Option<Form>) -> bool {
        let mut mailbox = self.mailbox.borrow_mut();
        let Some(id) = mailbox.find(topic) else { return false };
        let Some(s) = mailbox.get(id) else { return false };
        s.form = form.unwrap_or(s.form);
        // SAFETY: anchored, see the module comment.
        if unsafe { s.channel.as_ref() }.is_closed() {
            drop(mailbox);
            self.unsubscribe_id(stack, id);
            return false;
        }
        push_anchored(stack, id);
        true
    }
    /// Closes the channel at slot `at` and ends its subscription; what waited follows the rules of unsubscribed
    /// topics. False if it has none.
    pub fn unsubscribe(&self, stack: &Stack<'_>, at: i32) -> bool {
        let Some(id) = stack.object_at::<Channel>(at).and_then(|c| c.subscription.get()) else { return false };
        self.close_channel(stack, at);
        self.unsubscribe_id(stack, id);
        true
    }
    /// Ends a subscription, after what waits for it has been received.
    pub fn finish_subscription(&self, stack: &Stack<'_>, at: i32) {
        let Some(id) = stack.object_at::<Channel>(at).and_then(|c| c.subscription.get()) else { return };
        let mut mailbox = self.mailbox.borrow_mut();
        mailbox.arrived += 1;
        let order = mailbox.arrived;
        let Some(s) = mailbox.get(id) else { return };
        if !s.waiting.is_empty() {
            s.waiting.push_back(Item { order, content: Content::End });
            return;
        }
        drop(mailbox);
        self.end_subscription(stack, id);
    }
    fn end_subscription(&self, stack: &Stack<'_>, id: SubId) {
        if self.mailbox.borrow_mut().get(id).is_none() {
            return;
        }
        push_anchored(stack, id);
        self.close_channel(stack, -1);
        stack.drop_top(1);
        self.unsubscribe_id(stack, id);
    }
    fn unsubscribe_id(&self, stack: &Stack<'_>, id: SubId) {
        let mut mailbox = self.mailbox.borrow_mut();
        let Some(mut old) = mailbox.subscriptions.get_mut(id as usize).and_then(Option::take) else { return };
        if mailbox.inbox == Some(id) {
            mailbox.inbox = None;
        }
        // SAFETY: still anchored; released below, after the last use.
        unsafe { old.channel.as_ref() }.subscription.set(None);
        release(stack, id);
        let (mut for_inbox, mut parked) = (Vec::new(), Vec::new());
        for item in old.waiting.take() {
            match (&item.content, mailbox.route(item.content.topic())) {
                (Content::End, _) => {}
                (_, Some(_)) => for_inbox.push(item),
                (content, None) if !is_internal(content.topic()) => parked.push(item),
                _ => {}
            }
        }
        Mailbox::sort_in(&mut mailbox.parked, parked);
        if let Some(inbox) = mailbox.inbox.and_then(|i| mailbox.get(i)) {
            Mailbox::sort_in(&mut inbox.waiting, for_inbox);
        }
        let inbox = mailbox.inbox;
        drop(mailbox);
        if let Some(inbox) = inbox {
            self.feed(inbox);
        }
    }
    /// Gives what waits for subscription `id` to those that wait on its channel.
    fn feed(&self, id: SubId) {
        loop {
            let mut mailbox = self.mailbox.borrow_mut();
            let Some(s) = mailbox.get(id) else { return };
            let form = s.form;
            // SAFETY: anchored, see the module comment.
            let channel = unsafe { s.channel.as_ref() };
            if s.waiting.is_empty() || !channel.has_waiter(false) {
                return;
            }
            let (Some(waiter), Some(item)) = (channel.take_waiter(false), s.waiting.pop_front()) else { return };
            drop(mailbox);
            self.deliver(waiter, true, |to| push_content(to, item.content, form));
        }
    }
    /// Ends all subscriptions and gives everything that waits, in the order of arrival.
    pub(super) fn drain_mailbox(&self, stack: &Stack<'_>) -> Vec<Content> {
        let mut mailbox = self.mailbox.borrow_mut();
        let waiting = mailbox.drain();
        for (id, s) in mailbox.subscriptions.drain(..).enumerate() {
            let Some(s) = s else { continue };
            // SAFETY: still anchored.
            unsafe { s.channel.as_ref() }.subscription.set(None);
            release(stack, id as SubId);
        }
        *mailbox = Mailbox::default();
        waiting
    }
}

/// Appends `item`; an outdated notice that was not read yet takes in the next one.
fn merge_outdated(queue: &mut Rest<Item>, item: Item) {
    if let Content::Notice(new) = &item.content
        && let NoticeKind::Outdated { sources: more } = &new.kind
    {
        for old in queue.iter_mut() {
            if let Content::Notice(old) = &mut old.content
                && let NoticeKind::Outdated { sources } = &mut old.kind
            {
                sources.extend(more.iter().filter(|m| !sources.contains(m)).cloned().collect::<Vec<_>>());
                return;
            }
        }
    }
    queue.push_back(item);
}

fn push_content(stack: &Stack<'_>, content: Content, form: Form) {
    match content {
        Content::Message(m) => message::push(stack, m.from, m.as_bytes(), form),
        Content::Notice(n) => message::push_notice(stack, *n),
        Content::End => stack.push_nil(),
    }
}

/// Where the registry holds the channel of a subscription: behind its own two places, where the first one needs no
/// hash part.
fn place(id: SubId) -> i64 {
    i64::from(id) + ffi::LUA_RIDX_LAST + 1
}
/// Pops the channel's object on top into the registry.
fn anchor(stack: &Stack<'_>, id: SubId) {
    // SAFETY: raw access to the registry.
    unsafe { ffi::lua_rawseti(stack.raw(), ffi::LUA_REGISTRYINDEX, place(id)) }
}
/// Pushes the object of an anchored channel.
fn push_anchored(stack: &Stack<'_>, id: SubId) {
    assert!(stack.reserve(4), "Lua stack exhausted");
    // SAFETY: raw access to the registry.
    unsafe { ffi::lua_rawgeti(stack.raw(), ffi::LUA_REGISTRYINDEX, place(id)) };
}
fn release(stack: &Stack<'_>, id: SubId) {
    stack.push_nil();
    anchor(stack, id);
}
