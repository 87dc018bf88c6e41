//! Calls that an instance answers on its caller's thread, without a process:
//! the instance is taken and put back like that of any other call, so that the
//! limits of the pool hold.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wippy_runtime::Result;
use wippy_runtime::payload::Flat;
use wippy_runtime::process::HostShared;
use wippy_runtime::scheduler::panic_error;

use super::{Instance, PoolKind, Shared};

impl Shared {
    /// The answer; `None` if the call has to wait for its turn, or needs a process.
    pub(super) fn call_at_once(self: &Arc<Self>, args: &Flat, host: &HostShared) -> Option<Result<Flat>> {
        let mut instance = match self.take_free()? {
            Some(instance) => instance,
            None => match self.factory.create() {
                Ok(instance) => instance,
                Err(_) => {
                    self.put_back(None);
                    return None;
                }
            },
        };
        let answer = catch_unwind(AssertUnwindSafe(|| instance.call_at_once(args, host)));
        match answer {
            Ok(answer) => {
                self.put_back(Some(instance));
                self.go_on();
                answer
            }
            Err(panic) => {
                drop(catch_unwind(AssertUnwindSafe(|| drop(instance))));
                self.put_back(None);
                self.go_on();
                Some(Err(panic_error(&*panic)))
            }
        }
    }

    /// An idle instance, or room for one (`Some(None)`). `None`: others are before us, or the pool is going.
    fn take_free(&self) -> Option<Option<Instance>> {
        let mut s = self.state.lock();
        if s.draining || s.closed || !s.waiting.is_empty() {
            return None;
        }
        match s.idle.pop() {
            Some(instance) => Some(Some(instance)),
            None if s.instances < s.limit => {
                s.instances += 1;
                Some(None)
            }
            None => None,
        }
    }

    /// Starts what has come to wait meanwhile, and sees to idle instances.
    fn go_on(self: &Arc<Self>) {
        let quiet = {
            let s = self.state.lock();
            s.waiting.is_empty() && (s.timer || matches!(self.config.kind, PoolKind::Inline | PoolKind::Static))
        };
        if !quiet {
            self.pump();
        }
    }
}
