//! The IO runtime beside the schedulers: one tokio runtime for futures, and
//! its bounded pool for calls that block. The only place that spawns on tokio.
//! In a run under a seed calls that block wait until they are run by hand.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::AbortHandle;

use crate::error::{Error, Result};

/// Threads for blocking calls (files, SQLite, registry applies).
const BLOCKING_THREADS: usize = 64;
/// Threads that poll futures: IO here is waiting, not computing.
const POLLING_THREADS: usize = 2;

type Job = Box<dyn FnOnce() + Send>;

/// See the module comment. Started with the first use, so a command that needs no IO pays nothing.
#[derive(Default)]
pub struct Io {
    runtime: OnceLock<Option<Runtime>>,
    /// Calls that block, in order, once they are run by hand.
    by_hand: OnceLock<Mutex<VecDeque<Job>>>,
}

impl Io {
    pub fn handle(&self) -> Option<&Handle> {
        let start = || {
            let built = Builder::new_multi_thread()
                .worker_threads(POLLING_THREADS)
                .max_blocking_threads(BLOCKING_THREADS)
                .thread_name("io")
                .enable_all()
                .build();
            built.inspect_err(|error| tracing::error!(%error, "cannot start the IO runtime")).ok()
        };
        self.runtime.get_or_init(start).as_ref().map(Runtime::handle)
    }

    /// Runs a future. `None`: the IO runtime could not be started; the future is dropped.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        Some(self.handle()?.spawn(future).abort_handle())
    }

    /// Runs a future, beginning on this thread: what is done at once costs no detour. Its first part must not block.
    /// `None`: it is done, or the IO runtime could not be started.
    pub fn spawn_eager(&self, future: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        let handle = self.handle()?;
        let mut future = Box::pin(future);
        let begun = {
            let _inside = handle.enter();
            future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        };
        match begun {
            Poll::Ready(()) => None,
            // The new task polls it again at once, with a waker of its own.
            Poll::Pending => Some(handle.spawn(future).abort_handle()),
        }
    }

    /// Runs a function that may block. Calls beyond the pool's threads wait in its queue.
    pub fn spawn_blocking(&self, f: impl FnOnce() + Send + 'static) {
        if let Some(jobs) = self.by_hand.get() {
            jobs.lock().push_back(Box::new(f));
        } else if let Some(handle) = self.handle() {
            handle.spawn_blocking(f);
        }
    }

    /// From now on calls that block wait for [`Io::run_next`]; they must not wait for a process then.
    pub fn take_over(&self) {
        self.by_hand.get_or_init(Mutex::default);
    }
    /// Calls that wait to be run by hand.
    pub fn waiting(&self) -> usize {
        self.by_hand.get().map_or(0, |jobs| jobs.lock().len())
    }
    /// Runs the oldest waiting call. False if there is none.
    pub fn run_next(&self) -> bool {
        let job = self.by_hand.get().and_then(|jobs| jobs.lock().pop_front());
        job.map(|job| job()).is_some()
    }
}

/// Waits for a function that may block, inside a future of [`Io`]. A function that panics is an error; one whose
/// future is dropped runs to its end.
pub async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(f).await;
    done.unwrap_or_else(|_| Err(Error::internal("a blocking operation failed")))
}

impl Drop for Io {
    fn drop(&mut self) {
        if let Some(Some(runtime)) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
