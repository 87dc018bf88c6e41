//! Children that are started again when they end.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::mailbox::{Ended, Event};
use crate::payload::{Args, Payload};
use crate::process::spawn_payloads;
use crate::time::Instant;
use crate::{Error, Kind, Pid, Result};

/// When a child that has ended is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// When it failed.
    Transient,
    /// Never.
    Temporary,
}

/// Keeps children running, one for one. It lives inside of the process that uses it: [`Supervisor::handle`] takes the
/// events of its [`receive`](crate::receive).
///
/// ```no_run
/// use wippy_guest::{Incoming, Message, Result, Supervisor, process, receive};
///
/// #[process]
/// fn pool(size: usize) -> Result<()> {
///     let mut workers = Supervisor::new("app:processes");
///     for number in 0..size {
///         workers.start("app:worker", (number,))?;
///     }
///     loop {
///         if let Incoming::Event(event) = receive::<Message>() {
///             workers.handle(event)?;
///         }
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Supervisor {
    host: String,
    restart: Restart,
    limit: usize,
    within: Duration,
    children: Vec<Child>,
    /// When children were started again, as far back as `within`.
    restarts: VecDeque<Instant>,
}

#[derive(Debug)]
struct Child {
    pid: Pid,
    entry: String,
    args: Vec<Payload>,
}

/// What an event meant.
#[derive(Debug)]
pub enum Supervised {
    /// Nothing to the supervisor.
    Other(Event),
    /// A child ended and runs again, as another process.
    Restarted { old: Pid, new: Pid, outcome: Result<Payload> },
    /// A child ended for good.
    Ended(Ended),
}

impl Supervisor {
    /// Children run on `host`, are [`Restart::Permanent`], and are started again at most 3 times within 5 seconds.
    pub fn new(host: &str) -> Supervisor {
        Supervisor {
            host: host.into(),
            restart: Restart::default(),
            limit: 3,
            within: Duration::from_secs(5),
            children: Vec::new(),
            restarts: VecDeque::new(),
        }
    }
    pub fn restart(mut self, restart: Restart) -> Supervisor {
        self.restart = restart;
        self
    }
    /// More than `restarts` within `time` are too many: [`Supervisor::handle`] gives up.
    pub fn limit(mut self, restarts: usize, time: Duration) -> Supervisor {
        (self.limit, self.within) = (restarts, time);
        self
    }
    /// Starts a child. Errors: those of [`Spawn::start`](crate::Spawn::start).
    pub fn start(&mut self, entry: &str, args: impl Args) -> Result<Pid> {
        let args = args.payloads()?;
        let pid = spawn_payloads(entry, &self.host, &args)?;
        self.children.push(Child { pid, entry: entry.into(), args });
        Ok(pid)
    }
    /// The children that run, in the order they were first started.
    pub fn children(&self) -> impl Iterator<Item = Pid> {
        self.children.iter().map(|child| child.pid)
    }
    /// Looks at an event and starts a child again if it has to.
    /// Errors: LimitExceeded `too many restarts`, with why the last child ended; those of starting it. The child is none any
    /// more then.
    pub fn handle(&mut self, event: Event) -> Result<Supervised> {
        let Event::Exit(ended) = event else { return Ok(Supervised::Other(event)) };
        let Some(at) = self.children.iter().position(|child| child.pid == ended.who) else {
            return Ok(Supervised::Other(Event::Exit(ended)));
        };
        let again = match self.restart {
            Restart::Permanent => true,
            Restart::Transient => ended.outcome.is_err(),
            Restart::Temporary => false,
        };
        if !again {
            self.children.remove(at);
            return Ok(Supervised::Ended(ended));
        }
        let started = self.allow(&ended).and_then(|()| {
            let child = &self.children[at];
            spawn_payloads(&child.entry, &self.host, &child.args)
        });
        match started {
            Ok(new) => {
                self.children[at].pid = new;
                Ok(Supervised::Restarted { old: ended.who, new, outcome: ended.outcome })
            }
            Err(error) => {
                self.children.remove(at);
                Err(error)
            }
        }
    }
    /// Asks all children to finish, and forgets them.
    pub fn cancel(&mut self, reason: &str) {
        for child in self.children.drain(..) {
            // One that has ended already needs no asking.
            let _ = crate::process::cancel(child.pid, reason);
        }
    }

    /// Counts one restart.
    fn allow(&mut self, ended: &Ended) -> Result<()> {
        let now = Instant::now();
        while self.restarts.front().is_some_and(|&then| now - then > self.within) {
            self.restarts.pop_front();
        }
        if self.restarts.len() >= self.limit {
            let why = match &ended.outcome {
                Ok(_) => "it returned",
                Err(error) => error.message(),
            };
            return Err(Error::new(Kind::LimitExceeded, alloc::format!("too many restarts: {why}")).retryable(false));
        }
        self.restarts.push_back(now);
        Ok(())
    }
}
