//! The waker of a guest: what it waits for beside its queue (the IO runtime, a
//! slice used up) gives its process another step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::Wake;

use wippy_runtime::process::Control;

/// See the module comment.
pub struct Wakeups {
    control: Weak<Control>,
    polling: AtomicBool,
    woken: AtomicBool,
}

impl Wakeups {
    pub fn new(control: &Arc<Control>) -> Arc<Wakeups> {
        Arc::new(Wakeups {
            control: Arc::downgrade(control),
            polling: AtomicBool::new(false),
            woken: AtomicBool::new(false),
        })
    }
    /// The guest is about to be polled.
    pub fn begin(&self) {
        self.woken.store(false, Ordering::Relaxed);
        self.polling.store(true, Ordering::SeqCst);
    }
    /// It was polled. True if it was woken meanwhile.
    pub fn end(&self) -> bool {
        self.polling.store(false, Ordering::SeqCst);
        self.woken.load(Ordering::SeqCst)
    }
}

impl Wake for Wakeups {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        // The step that polls looks at `woken` after it has cleared `polling`, so one of the two sees it.
        if !self.polling.load(Ordering::SeqCst)
            && let Some(control) = self.control.upgrade()
        {
            control.rouse();
        }
    }
}
