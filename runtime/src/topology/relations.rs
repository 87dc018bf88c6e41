//! Monitors, links, and what happens to them when a process ends.

use std::sync::Arc;

use crate::error::Error;
use crate::node::Node;
use crate::process::{Control, Exit, Notice, NoticeKind};
use crate::relay::Pid;

impl Node {
    fn notice(&self, kind: NoticeKind, from: Pid) -> Notice {
        Notice { kind, from, at: self.clock().unix() }
    }

    fn target(&self, pid: Pid) -> Result<Arc<Control>, Error> {
        if !self.router().is_local(pid) {
            return Err(Error::not_found("node not found"));
        }
        self.router().process(pid).ok_or_else(not_registered)
    }

    /// `watcher` gets one exit notice when `target` ends. Errors: `pid not registered`, `already monitoring pid`.
    pub fn monitor(&self, watcher: &Arc<Control>, target: Pid) -> Result<(), Error> {
        let control = self.target(target)?;
        // The watcher's side first: a target that ends from now on finds it and sends the notice.
        if !watcher.relations.lock().watching.insert(control.pid()) {
            return Err(Error::already_exists("already monitoring pid"));
        }
        let mut relations = control.relations.lock();
        if relations.closed {
            drop(relations);
            watcher.relations.lock().watching.remove(control.pid());
            return Err(not_registered());
        }
        relations.watchers.insert(watcher.pid());
        Ok(())
    }

    /// Ends a monitor relation; none is fine.
    pub fn demonitor(&self, watcher: &Arc<Control>, target: Pid) {
        if let Some(control) = self.router().process(target) {
            control.relations.lock().watchers.remove(watcher.pid());
        }
        watcher.relations.lock().watching.remove(target);
    }

    /// Ties two processes together. Twice is fine. Errors: `pid not registered`.
    pub fn link(&self, a: &Arc<Control>, b: Pid) -> Result<(), Error> {
        let other = self.target(b)?;
        if a.pid() == other.pid() {
            return Ok(());
        }
        // The own side first, as in `monitor`.
        add_link(a, other.pid())?;
        if let Err(e) = add_link(&other, a.pid()) {
            a.relations.lock().links.remove(other.pid());
            return Err(e);
        }
        if a.relations.lock().closed {
            // `a` ended in between and could not tell the other side, which did not know it yet.
            other.relations.lock().links.remove(a.pid());
            return Err(not_registered());
        }
        Ok(())
    }

    pub fn unlink(&self, a: &Arc<Control>, b: Pid) {
        a.relations.lock().links.remove(b);
        if let Some(other) = self.router().process(b) {
            other.relations.lock().links.remove(a.pid());
        }
    }

    /// Asks a process to finish. Errors: those of a send.
    pub fn cancel(&self, from: Pid, target: Pid, reason: &str) -> Result<(), Error> {
        let control = self.local(target)?;
        control.notify(self.notice(NoticeKind::Cancel { reason: reason.to_owned() }, from));
        Ok(())
    }

    /// Ends a process of this node at its next safepoint. Errors: `process not found`, `host not found`.
    pub fn terminate(&self, target: Pid) -> Result<(), Error> {
        self.local(target)?.kill();
        Ok(())
    }

    /// The live process `target`, or the error a send to it would give.
    fn local(&self, target: Pid) -> Result<Arc<Control>, Error> {
        if !self.router().is_local(target) {
            return Err(Error::not_found("node not found"));
        }
        match self.router().process(target) {
            Some(control) => Ok(control),
            None if self.router().host(target.host).is_none() => Err(Error::not_found("host not found")),
            None => Err(Error::not_found("process not found")),
        }
    }

    /// Dissolves the relations of a process that has ended: names first, then exits to watchers, then link-downs.
    pub(crate) fn dissolve(&self, control: &Arc<Control>, exit: &Exit) {
        let relations = {
            let mut relations = control.relations.lock();
            let taken = std::mem::take(&mut *relations);
            relations.closed = true;
            taken
        };
        let pid = control.pid();
        for name in &relations.names {
            self.names().release(name, pid);
        }
        for watched in relations.watching.sorted() {
            if let Some(other) = self.router().process(watched) {
                other.relations.lock().watchers.remove(pid);
            }
        }
        for watcher in relations.watchers.sorted() {
            if let Some(other) = self.router().process(watcher) {
                // A demonitor that came first wins: the relation decides, not the list we took.
                let watched = other.relations.lock().watching.remove(pid);
                if watched {
                    other.notify(self.notice(NoticeKind::Exit(exit.clone()), pid));
                }
            }
        }
        for linked in relations.links.sorted() {
            let Some(other) = self.router().process(linked) else { continue };
            let was_linked = other.relations.lock().links.remove(pid);
            if let (true, Exit::Error(e)) = (was_linked, exit) {
                other.notify(self.notice(NoticeKind::LinkDown(e.clone()), pid));
            }
        }
    }
}

fn add_link(to: &Arc<Control>, peer: Pid) -> Result<(), Error> {
    let mut relations = to.relations.lock();
    if relations.closed {
        return Err(not_registered());
    }
    relations.links.insert(peer);
    Ok(())
}

fn not_registered() -> Error {
    Error::not_found("pid not registered")
}
