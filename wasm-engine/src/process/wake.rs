//! The waker of a guest: what it waits for beside its queue (the IO runtime, a
//! slice used up) gives its process another step.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Weak};
use std::task::Wake;

use wippy_runtime::process::Control;

/// References that the process of a guest has itself: this one and the one in its waker.
const OWN: usize = 2;

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
    /// The guest is about to be polled. A waker that does not see that yet gives it one more step than it needs.
    pub fn begin(&self) {
        self.woken.store(false, Ordering::Relaxed);
        self.polling.store(true, Ordering::Release);
    }
    /// It was polled. True if it was woken meanwhile.
    pub fn end(self: &Arc<Self>) -> bool {
        if Arc::strong_count(self) == OWN {
            // Nobody else has a waker: what was there has woken before it was given back. This spares most steps an
            // ordering between two memory cells, which costs more than the rest of it.
            fence(Ordering::Acquire);
            self.polling.store(false, Ordering::Relaxed);
            return self.woken.load(Ordering::Relaxed);
        }
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
