//! The driver: brings the world's news to the machine, one at a time, and carries out what it answers.
//!
//! There is no thread of its own. Whoever brings news while nobody is at it carries out the effects; news that
//! arrives meanwhile, also from inside a service's `start`, is left to that thread. Requests from the bus are brought
//! by the timer thread, because a subscriber must not do work.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak, mpsc};
use std::time::Duration;

use parking_lot::Mutex;

use super::machine::{Change, Config, Input, Machine};
use super::state::ServiceState;
use super::unit::{Cx, Effect, RunId};
use super::waiting::Wish;
use super::{Report, Reporter, Service};
use crate::error::{Error, Result};
use crate::events::{Bus, Event, EventSink, Subscription};
use crate::node::Node;
use crate::process::{Actor, Inherited};
use crate::registry::{EntryId, Lifecycle, Observer, Operation, ServiceSecurity, Snapshot};
use crate::timers::{TimerKey, TimerTarget};

/// Requests from the bus that may wait; more are dropped.
const MAX_ASKED: usize = 1024;

/// What a transaction under way says about one service; the last word counts.
enum Pending {
    Put { service: Arc<dyn Service>, lifecycle: Lifecycle, restart: bool },
    Configure(Lifecycle),
    Remove,
}

#[derive(Default)]
struct Transaction {
    open: bool,
    pending: BTreeMap<EntryId, Pending>,
}

enum News {
    Input(Input),
    /// Somebody wants to know something, for at most the given time.
    Wish(Box<dyn FnOnce(&Machine) -> Wish + Send>, Duration),
    /// The time of a wish is over.
    Late(u64),
}

#[derive(Default)]
struct Inbox {
    news: VecDeque<News>,
    /// Somebody works through them.
    busy: bool,
    /// How many of them are requests from the bus.
    asked: usize,
}

#[derive(Default)]
struct Wishes {
    open: Vec<(u64, TimerKey, Wish)>,
    last: u64,
}

/// See the module comment. Calls may start and stop services before they return: hold no lock that services want.
pub struct Supervisor {
    me: Weak<Supervisor>,
    node: Arc<Node>,
    bus: Bus,
    machine: Mutex<Machine>,
    inbox: Mutex<Inbox>,
    timers: Mutex<HashMap<EntryId, TimerKey>>,
    wishes: Mutex<Wishes>,
    transaction: Mutex<Transaction>,
    subscription: OnceLock<Subscription>,
}

impl Supervisor {
    /// A supervisor that listens to `service.start` and `service.stop` on `bus`. It has to be made an observer of the
    /// registry. Errors: the bus takes no subscribers.
    pub fn new(node: &Arc<Node>, bus: &Bus) -> Result<Arc<Supervisor>> {
        let supervisor = Arc::new_cyclic(|me| Supervisor {
            me: me.clone(),
            node: node.clone(),
            bus: bus.clone(),
            machine: Mutex::default(),
            inbox: Mutex::default(),
            timers: Mutex::default(),
            wishes: Mutex::default(),
            transaction: Mutex::default(),
            subscription: OnceLock::new(),
        });
        let sink = Arc::new(Asked(Arc::downgrade(&supervisor)));
        let subscription = bus.subscribe("supervisor", "service.(start|stop)", sink)?;
        let _ = supervisor.subscription.set(subscription);
        Ok(supervisor)
    }

    // For entry handlers. All of these count when the registry's transaction under way is complete, and are forgotten
    // if it is discarded; the last call for an id counts. Outside of a transaction they are logged and do nothing.

    /// Registers a service. If it takes the place of another one whose run goes on, that run is ended, after those of
    /// all services that use it, and then all begin again. The same object again restarts nothing.
    pub fn register(&self, id: EntryId, service: Arc<dyn Service>, lifecycle: Lifecycle) {
        self.change(id, |_| Pending::Put { service, lifecycle, restart: true });
    }
    /// Registers a service. If it takes the place of another one whose run goes on, that run is left alone: the new
    /// service has the next one.
    pub fn register_for_next_run(&self, id: EntryId, service: Arc<dyn Service>, lifecycle: Lifecycle) {
        self.change(id, |before| {
            let restart = matches!(before, Some(Pending::Put { restart: true, .. } | Pending::Remove));
            Pending::Put { service, lifecycle, restart }
        });
    }
    /// The service stays as it is registered, or has been changed in place; only its lifecycle is another.
    pub fn update(&self, id: EntryId, lifecycle: Lifecycle) {
        self.change(id, |before| match before {
            Some(Pending::Put { service, restart, .. }) => Pending::Put { service, lifecycle, restart },
            Some(Pending::Remove) => Pending::Remove,
            Some(Pending::Configure(_)) | None => Pending::Configure(lifecycle),
        });
    }
    /// Stops and forgets a service. Unknown ids are fine.
    pub fn remove(&self, id: EntryId) {
        self.change(id, |_| Pending::Remove);
    }

    fn change(&self, id: EntryId, change: impl FnOnce(Option<Pending>) -> Pending) {
        let mut transaction = self.transaction.lock();
        if !transaction.open {
            return tracing::warn!(service = %id, "action received outside of transaction");
        }
        let before = transaction.pending.remove(&id);
        transaction.pending.insert(id, change(before));
    }

    // For everybody.

    /// Starts a service and all it needs; the same as the event `service.start`. An unknown id is logged.
    pub fn start(&self, id: &EntryId) {
        self.bring(News::Input(Input::Start(id.clone())));
    }
    /// Stops a service, and before it all that depend on it; the same as the event `service.stop`.
    pub fn stop(&self, id: &EntryId) {
        self.bring(News::Input(Input::Stop(id.clone())));
    }

    /// Errors: NotFound `service not found`.
    pub fn state(&self, id: &EntryId) -> Result<ServiceState> {
        self.machine.lock().state(id)
    }
    /// All services, by id.
    pub fn states(&self) -> Vec<ServiceState> {
        self.machine.lock().states()
    }

    /// Calls `tell` once all services that start by themselves have settled: each runs, has ended, or cannot start;
    /// optional ones need only have been tried. Or after `within`. `tell` gets those that neither run nor have
    /// finished.
    pub fn when_settled(&self, within: Duration, tell: impl FnOnce(Vec<ServiceState>) + Send + 'static) {
        let wish = |machine: &Machine| Wish::settled(machine, Box::new(tell));
        self.bring(News::Wish(Box::new(wish), within));
    }
    /// [`Supervisor::when_settled`], blocking.
    pub fn wait_settled(&self, within: Duration) -> Vec<ServiceState> {
        wait(|tell| self.when_settled(within, tell)).unwrap_or_default()
    }

    /// Calls `tell` once the service `id` runs, with an error once it cannot, or after `within`.
    ///
    /// Errors: Unavailable `service X does not run (...)`, Timeout `service X is not running after ...`, NotFound
    /// `service not found` if it has not been registered until then.
    pub fn when_running(&self, id: &EntryId, within: Duration, tell: impl FnOnce(Result<()>) + Send + 'static) {
        let id = id.clone();
        let wish = move |_: &Machine| Wish::Running { id, within, tell: Box::new(tell) };
        self.bring(News::Wish(Box::new(wish), within));
    }
    /// [`Supervisor::when_running`], blocking.
    pub fn wait_running(&self, id: &EntryId, within: Duration) -> Result<()> {
        let gone = || Err(Error::unavailable("the supervisor is gone"));
        wait(|tell| self.when_running(id, within, tell)).unwrap_or_else(gone)
    }

    /// Stops all services, dependants first, and starts none any more. Each may take its `stop_timeout`, all together
    /// `within`. Then calls `tell` with those that did not end in time.
    pub fn shutdown(&self, within: Duration, tell: impl FnOnce(Vec<ServiceState>) + Send + 'static) {
        let by = self.node.clock().now().saturating_add(within.as_nanos().min(u128::from(u64::MAX)) as u64);
        self.bring(News::Input(Input::Shutdown(by)));
        let wish = |_: &Machine| Wish::AtRest { tell: Box::new(tell) };
        // A moment more, so that the stop timeouts come first.
        self.bring(News::Wish(Box::new(wish), within + Duration::from_millis(100)));
    }

    // Working.

    /// Takes news, and works through all there are unless somebody does.
    fn bring(&self, news: News) {
        let mut inbox = self.inbox.lock();
        inbox.news.push_back(news);
        drop(inbox);
        self.work();
    }

    fn work(&self) {
        if std::mem::replace(&mut self.inbox.lock().busy, true) {
            return;
        }
        loop {
            let next = self.inbox.lock().news.pop_front();
            let done = next.is_none();
            // Whatever panics here must not end all supervision.
            let handled = catch_unwind(AssertUnwindSafe(|| match next {
                Some(News::Input(input)) => self.input(input),
                Some(News::Wish(wish, within)) => self.wish(wish, within),
                Some(News::Late(number)) => self.answer(Some(number)),
                None => self.answer(None),
            }));
            if handled.is_err() {
                tracing::error!("panic in the supervisor");
            }
            let mut inbox = self.inbox.lock();
            if done && inbox.news.is_empty() {
                (inbox.busy, inbox.asked) = (false, 0);
                return;
            }
        }
    }

    fn input(&self, input: Input) {
        let (clock, mut effects) = (self.node.clock(), Vec::new());
        let mut cx =
            Cx { now: clock.now(), wall: clock.wall(), entropy: &**self.node.entropy(), effects: &mut effects };
        self.machine.lock().handle(input, &mut cx);
        effects.into_iter().for_each(|effect| self.carry_out(effect));
    }

    fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Start { run, service, on_behalf } => {
                let report = self.reporter(&run);
                self.guarded(run, || service.start(on_behalf, report));
            }
            Effect::Stop { run, service, within } => {
                let report = self.reporter(&run);
                self.guarded(run, || service.stop(report, within));
            }
            Effect::Arm { timer, after } => {
                let id = timer.service.clone();
                let key = self.after(after, move |me| me.bring(News::Input(Input::Timer(timer))));
                self.replace_timer(id, Some(key));
            }
            Effect::Disarm(id) => self.replace_timer(id, None),
            Effect::Publish(state) => {
                let data = || state.event_data();
                self.bus.publish_with("supervisor", "service.update", state.id.as_str(), data);
            }
        }
    }

    /// A service that panics has ended.
    fn guarded(&self, run: RunId, call: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(call)).is_err() {
            tracing::error!(service = %run.service, "service panicked");
            let error = Error::internal("the service failed unexpectedly").with_retryable(None);
            self.bring(News::Input(Input::Report(run, Report::Ended(Err(error)))));
        }
    }

    fn reporter(&self, run: &RunId) -> Reporter {
        let (me, run) = (self.me.clone(), run.clone());
        Reporter::new(move |report| {
            if let Some(me) = me.upgrade() {
                me.bring(News::Input(Input::Report(run.clone(), report)));
            }
        })
    }

    fn after(&self, delay: Duration, call: impl FnOnce(&Supervisor) + Send + 'static) -> TimerKey {
        let me = self.me.clone();
        let call = move || {
            if let Some(me) = me.upgrade() {
                call(&me);
            }
        };
        self.node.timers().arm_after(delay, TimerTarget::Call(Box::new(call)))
    }

    fn replace_timer(&self, id: EntryId, key: Option<TimerKey>) {
        let old = match key {
            Some(key) => self.timers.lock().insert(id, key),
            None => self.timers.lock().remove(&id),
        };
        if let Some(old) = old {
            self.node.timers().cancel(old);
        }
    }

    fn wish(&self, wish: Box<dyn FnOnce(&Machine) -> Wish + Send>, within: Duration) {
        let wish = wish(&self.machine.lock());
        let mut wishes = self.wishes.lock();
        wishes.last += 1;
        let number = wishes.last;
        let key = self.after(within, move |me| me.bring(News::Late(number)));
        wishes.open.push((number, key, wish));
    }

    /// Answers the wishes that have come true, and wish `late` in any case.
    fn answer(&self, late: Option<u64>) {
        let open = std::mem::take(&mut self.wishes.lock().open);
        if open.is_empty() {
            return;
        }
        let (mut kept, mut answers) = (Vec::new(), Vec::new());
        let machine = self.machine.lock();
        for (number, key, wish) in open {
            match wish.answer(&machine, late == Some(number)) {
                Ok(answer) => answers.push((key, answer)),
                Err(wish) => kept.push((number, key, wish)),
            }
        }
        drop(machine);
        self.wishes.lock().open.append(&mut kept);
        for (key, answer) in answers {
            self.node.timers().cancel(key);
            answer();
        }
    }

    /// On whose behalf a service with this lifecycle acts: its actor, and what there is of its policies.
    fn on_behalf(&self, security: Option<&ServiceSecurity>) -> Arc<Inherited> {
        let Some(security) = security else { return Arc::default() };
        let actor = Actor { id: security.actor_id.clone(), meta: security.actor_meta.clone() };
        let scope = self.node.policies().scope(&security.policies, &security.groups);
        Arc::new(Inherited { actor: Some(Arc::new(actor)), scope, ..Inherited::default() })
    }
}

/// Waits for what `ask` tells. `None`: nobody will.
fn wait<T: Send + 'static>(ask: impl FnOnce(Box<dyn FnOnce(T) + Send>)) -> Option<T> {
    let (tell, told) = mpsc::channel();
    ask(Box::new(move |value| drop(tell.send(value))));
    told.recv().ok()
}

impl Observer for Supervisor {
    fn kinds(&self) -> &[&str] {
        &[]
    }
    fn begin(&self) {
        // What was committed and is now taken back has left its words here; the inverse operations overrule them.
        self.transaction.lock().open = true;
    }
    fn changed(&self, _: &Operation) {}
    fn discard(&self) {
        *self.transaction.lock() = Transaction::default();
    }
    fn installed(&self, snapshot: &Snapshot, changes: &[Operation]) {
        let pending = std::mem::take(&mut *self.transaction.lock()).pending;
        let config = |lifecycle: Lifecycle| {
            let on_behalf = self.on_behalf(lifecycle.security.as_ref());
            Config { lifecycle, on_behalf }
        };
        let change = |(id, pending)| match pending {
            Pending::Put { service, lifecycle, restart } => {
                (id, Change::Put { service, config: config(lifecycle), restart })
            }
            Pending::Configure(lifecycle) => (id, Change::Configure(config(lifecycle))),
            Pending::Remove => (id, Change::Remove),
        };
        let changed = pending.into_iter().map(change).collect();
        let touched = changes.iter().map(|op| op.id().clone()).collect();
        self.bring(News::Input(Input::Installed { changes: changed, state: snapshot.state.clone(), touched }));
    }
}

/// Takes requests from the bus.
struct Asked(Weak<Supervisor>);

impl EventSink for Asked {
    fn accept(&self, event: &Arc<Event>) -> bool {
        let Some(supervisor) = self.0.upgrade() else { return true };
        let id = EntryId::parse(&event.path);
        let input = if event.kind == "service.start" { Input::Start(id) } else { Input::Stop(id) };
        let mut inbox = supervisor.inbox.lock();
        if inbox.asked >= MAX_ASKED {
            return false;
        }
        inbox.asked += 1;
        inbox.news.push_back(News::Input(input));
        drop(inbox);
        supervisor.after(Duration::ZERO, Supervisor::work);
        true
    }
}
