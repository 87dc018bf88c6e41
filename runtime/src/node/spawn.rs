//! Starting a process: all or nothing, with its relations in place before its first step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Node;
use crate::error::Error;
use crate::payload::Flat;
use crate::process::{Control, Event, ExitHook, Frame, HostShared, HostState, Inherited, Invocation, Message, Process};
use crate::registry::EntryId;
use crate::relay::{Delivery, Name, Pid};
use crate::scheduler::panic_error;

/// What to start, where, and how it is related.
pub struct SpawnRequest {
    pub entry: EntryId,
    /// Id of the process host.
    pub host: String,
    pub args: Flat,
    pub parent: Option<Pid>,
    /// Relations with the parent, which must be a process.
    pub monitor: bool,
    pub link: bool,
    /// A LOCAL name. If it is taken no process starts: the messages go to its owner, whose pid is returned.
    pub name: Option<String>,
    /// Delivered before anything that is sent to the returned pid.
    pub messages: Vec<Message>,
    pub inherited: Arc<Inherited>,
    pub on_exit: Option<ExitHook>,
}

impl SpawnRequest {
    /// An unrelated process.
    pub fn new(entry: EntryId, host: impl Into<String>) -> SpawnRequest {
        SpawnRequest {
            entry,
            host: host.into(),
            args: Flat::new(),
            parent: None,
            monitor: false,
            link: false,
            name: None,
            messages: Vec::new(),
            inherited: Arc::default(),
            on_exit: None,
        }
    }
}

impl Node {
    /// Starts a process. Code that may fail to load is loaded in the caller's thread: the failure is the error returned and no
    /// process exists.
    ///
    /// Errors: NotFound `host not found`, `factory not found`; Internal `host does not implement process.Host`,
    /// `failed to create process`; Unavailable `host is not running`, `host is shutting down`; LimitExceeded
    /// `max processes limit exceeded`; and those of the code's own start.
    pub fn spawn(&self, mut request: SpawnRequest) -> Result<Pid, Error> {
        let host = self.process_host(&request.host)?;
        if let Some(owner) = request.name.as_deref().and_then(|n| self.names().lookup(n)) {
            return self.signal(request.parent, owner, request.messages);
        }
        let factory = self.factory(&request.entry)?;
        let process = factory.create().map_err(|e| Error::internal("failed to create process").because(e))?;
        let call = Invocation {
            entry: request.entry.clone(),
            method: factory.method(),
            args: std::mem::take(&mut request.args),
        };
        let frame = Frame { entry: request.entry, parent: request.parent, inherited: request.inherited };
        let prepared = self.prepare(&host, process, &call, frame)?;
        if let Some(name) = &request.name
            && self.names().register(name, prepared.pid(), Some(&prepared)).is_err()
        {
            self.discard(&prepared);
            return match self.names().lookup(name) {
                Some(owner) => self.signal(request.parent, owner, request.messages),
                None => Ok(prepared.pid()),
            };
        }
        if let Some(parent) = request.parent.and_then(|p| self.router().process(p)) {
            let monitored = if request.monitor { self.monitor(&parent, prepared.pid()) } else { Ok(()) };
            let linked = if request.link { self.link(&parent, prepared.pid()) } else { Ok(()) };
            if let Err(error) = monitored.and(linked) {
                tracing::warn!(pid = %prepared.pid(), %error, "relation with the parent failed");
            }
        }
        if let Some(hook) = request.on_exit {
            prepared.with_exits(|e| e.hooks.push(hook));
        }
        for message in request.messages {
            if let Err(full) = prepared.queue.push(Event::Message(message), 0, 0) {
                tracing::warn!(pid = %prepared.pid(), ?full, "initial message not delivered");
            }
        }
        let pid = prepared.pid();
        host.scheduler.schedule(prepared);
        Ok(pid)
    }

    /// The running process host `id`.
    pub fn process_host(&self, id: &str) -> Result<Arc<HostShared>, Error> {
        let delivery = Name::known(id).and_then(|name| self.router().host(name));
        match delivery {
            None => Err(Error::not_found("host not found").detail("host_id", id)),
            Some(Delivery::Mailbox(_) | Delivery::Calls) => {
                Err(Error::internal("host does not implement process.Host"))
            }
            Some(Delivery::Processes(host)) => host.check_running().map(|()| host),
        }
    }

    /// Makes an instance ready to run and puts it into the routing table; the caller schedules it, or discards it.
    /// Function pools use this with instances of their own. Errors: the limit, or those of the code's start.
    pub fn prepare(
        &self,
        host: &Arc<HostShared>,
        process: Box<dyn Process>,
        call: &Invocation,
        frame: Frame,
    ) -> Result<Arc<Control>, Error> {
        self.prepare_at(host, host.id, process, call, frame).map_err(|(e, _)| e)
    }

    /// [`Node::prepare`] with a host part of the pid that differs from the host; a failure gives the instance back.
    pub fn prepare_at(
        &self,
        host: &Arc<HostShared>,
        address: Name,
        mut process: Box<dyn Process>,
        call: &Invocation,
        frame: Frame,
    ) -> Result<Arc<Control>, (Error, Box<dyn Process>)> {
        if let Err(full) = host.admit() {
            return Err((full, process));
        }
        let mut control = Control::new(self.new_pid(address), host.clone(), frame, self.clock().wall());
        control.lower(process.limits());
        let control = Arc::new(control);
        if let Some(hook) = host.start_hook().filter(|_| address == host.id) {
            hook(&control, call);
        }
        let init = catch_unwind(AssertUnwindSafe(|| process.init(call, &control)));
        if let Err(e) = init.unwrap_or_else(|panic| Err(panic_error(&*panic))) {
            host.leave();
            host.finished();
            let _ = catch_unwind(AssertUnwindSafe(|| process.close()));
            return Err((e, process));
        }
        *control.process.lock() = Some(process);
        self.table.insert(control.clone());
        // A host that began to stop meanwhile has looked at the table already. Calls of its processes still start, so
        // that they can clean up.
        if host.state() == HostState::Stopping && address == host.id {
            self.discard(&control);
            return match self.take_instance(&control) {
                Some(process) => Err((Error::invalid_state("scheduler is stopping"), process)),
                None => Err((Error::invalid_state("scheduler is stopping"), Box::new(Stopped))),
            };
        }
        Ok(control)
    }

    fn take_instance(&self, control: &Arc<Control>) -> Option<Box<dyn Process>> {
        control.process.lock().take()
    }

    /// Undoes [`Node::prepare`] for a process that never ran.
    fn discard(&self, control: &Arc<Control>) {
        self.table.remove(control.pid());
        control.queue.close();
        control.state.finish();
        control.host.leave();
        if let Some(process) = control.process.lock().as_mut() {
            let _ = catch_unwind(AssertUnwindSafe(|| process.close()));
        }
        control.host.finished();
    }

    /// Spawn or signal: the messages go to the owner of the name.
    fn signal(&self, parent: Option<Pid>, owner: Pid, messages: Vec<Message>) -> Result<Pid, Error> {
        let process = |pid| self.router().process(pid);
        if let (Some(parent), Some(owner)) = (parent.and_then(process), process(owner)) {
            parent.host.check_send(&owner.host)?;
        }
        for message in messages {
            if let Err(error) = self.router().send(owner, message) {
                tracing::warn!(pid = %owner, %error, "message of a spawn by name not delivered");
            }
        }
        Ok(owner)
    }
}

struct Stopped;

impl Process for Stopped {
    fn init(&mut self, _: &Invocation, _: &Arc<Control>) -> Result<(), Error> {
        Err(Error::invalid_state("scheduler is stopping"))
    }
    fn step(&mut self, _: &mut crate::dispatch::StepContext<'_>) -> crate::process::Step {
        crate::process::Step::Done(crate::process::Exit::Error(Error::invalid_state("scheduler is stopping")))
    }
    fn close(&mut self) {}
}
