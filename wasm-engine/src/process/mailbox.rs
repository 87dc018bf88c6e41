//! What has arrived for a guest and was not asked for yet, in the order of
//! arrival. A message that somebody waits for goes straight from the process's
//! queue to the guest; the rest is kept here.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_runtime::process::{Control, Event, Message, Notice, NoticeKind, topic};

/// Room that an emptied mailbox keeps.
const KEEP: usize = 64;

/// A message or a notice.
pub enum Content {
    Message(Message),
    Notice(Box<Notice>),
}

/// What somebody waits for.
pub struct Wanted<'a> {
    pub inbox: bool,
    pub events: bool,
    pub topics: &'a [String],
}

/// See the module comment.
#[derive(Default)]
pub struct Mailbox {
    waiting: VecDeque<Content>,
    /// Topics that are kept out of the inbox; the same for later versions of the process's code.
    listened: Option<Arc<Listened>>,
}

/// Attached to the process, so that an upgrade keeps it.
#[derive(Default)]
pub struct Listened(Mutex<Vec<String>>);

/// Topics of single subscriptions of Lua modules: what comes after their end is nobody's.
fn is_internal(topic: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 6] = [b"timer@", b"after@", b"ticker@", b"events@", b"pg.events@", b"pg.monitor@"];
    const LONGEST: usize = b"pg.monitor@".len();
    // Most topics are none of these, which is seen without comparing each.
    if !topic.iter().take(LONGEST).any(|b| *b == b'@') {
        return false;
    }
    topic.starts_with(b"@future:")
        || PREFIXES.iter().any(|prefix| {
            topic.strip_prefix(*prefix).is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit))
        })
}

impl Mailbox {
    /// An empty mailbox of a process that may have had other code before.
    pub fn new(control: &Control) -> Mailbox {
        Mailbox { waiting: VecDeque::new(), listened: control.attached() }
    }
    /// Whether `content` is wanted.
    pub fn matches(&self, content: &Content, wanted: &Wanted<'_>) -> bool {
        match content {
            Content::Notice(_) => wanted.events,
            Content::Message(message) => {
                let name = message.topic();
                wanted.topics.iter().any(|t| t.as_bytes() == name) || (wanted.inbox && self.is_for_inbox(name))
            }
        }
    }
    fn is_for_inbox(&self, name: &[u8]) -> bool {
        if name.first() == Some(&b'@') {
            return name == topic::INBOX.as_bytes();
        }
        let listened = self.listened.as_ref();
        !is_internal(name) && !listened.is_some_and(|l| l.0.lock().iter().any(|t| t.as_bytes() == name))
    }
    /// The oldest that is wanted.
    pub fn take(&mut self, wanted: &Wanted<'_>) -> Option<Content> {
        let at = self.waiting.iter().position(|content| self.matches(content, wanted))?;
        let taken = self.waiting.remove(at);
        if self.waiting.is_empty() && self.waiting.capacity() > KEEP {
            self.waiting = VecDeque::new();
        }
        taken
    }
    /// Keeps what nobody waits for. Changes of code that were not received yet become one.
    pub fn keep(&mut self, content: Content) {
        match content {
            Content::Message(message) if is_internal(message.topic()) => {}
            Content::Notice(notice) => self.keep_notice(notice),
            message => self.waiting.push_back(message),
        }
    }
    fn keep_notice(&mut self, new: Box<Notice>) {
        if let NoticeKind::Outdated { sources } = &new.kind {
            for content in &mut self.waiting {
                let Content::Notice(old) = content else { continue };
                let at = new.at;
                if let NoticeKind::Outdated { sources: known } = &mut old.kind {
                    known.extend(sources.iter().filter(|s| !known.contains(s)).cloned().collect::<Vec<_>>());
                    old.at = at;
                    return;
                }
            }
        }
        self.waiting.push_back(Content::Notice(new));
    }
    /// Messages that wait, and their bytes.
    pub fn unread(&self) -> (usize, usize) {
        self.waiting.iter().fold((0, 0), |(n, bytes), content| match content {
            Content::Message(message) => (n + 1, bytes + message.len()),
            Content::Notice(_) => (n, bytes),
        })
    }
    /// All that waits, for the code that comes next.
    pub fn drain(&mut self) -> Vec<Event> {
        let event = |content| match content {
            Content::Message(message) => Event::Message(message),
            Content::Notice(notice) => Event::Notice(notice),
        };
        self.waiting.drain(..).map(event).collect()
    }

    /// False, and nothing was done, if so many topics are listened to.
    pub fn listen(&mut self, control: &Control, topic: String, limit: usize) -> bool {
        let listened = self.listened.get_or_insert_with(|| {
            let new = Arc::new(Listened::default());
            control.attach(new.clone());
            new
        });
        let mut topics = listened.0.lock();
        if topics.contains(&topic) {
            return true;
        }
        let room = topics.len() < limit;
        if room {
            topics.push(topic);
        }
        room
    }
    /// Whether it was listened to.
    pub fn unlisten(&mut self, topic: &str) -> bool {
        let Some(listened) = &self.listened else { return false };
        let mut topics = listened.0.lock();
        let before = topics.len();
        topics.retain(|t| t != topic);
        topics.len() < before
    }
}
