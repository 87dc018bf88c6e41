//! What the supervisor supervises.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::process::Inherited;

/// Something long-lived that an entry stands for: a host, a process that is kept running, a server.
///
/// All calls come from the supervisor, one at a time, and must not block: work that takes long goes to the node's
/// IO runtime, and its outcome is reported. One call of `start` begins a *run*; the run is over when it has reported
/// [`Reporter::ended`]. A service never has two runs at once: if one does not end when asked to, the next one waits.
pub trait Service: Send + Sync {
    /// Begins a run on behalf of the service's own actor and scope (`lifecycle.security`). Reports `running` once it
    /// is up, or `ended` if that fails; until then a `stop` means that nobody waits for it any more.
    fn start(&self, on_behalf: Arc<Inherited>, report: Reporter);
    /// Asks the run that reports to `report` to end, gently at first, within about `within`. It reports `ended`. The
    /// run may just have ended by itself; then there is nothing to do.
    fn stop(&self, report: Reporter, within: Duration);
}

/// What a run can say.
#[derive(Clone, Debug)]
pub enum Report {
    Running,
    /// For people: shown as the service's details.
    Details(String),
    /// `Ok` is an end for good. An error is tried again as the restart policy says, unless the chain of its causes
    /// holds a cancellation, an exit, or an error that says it is not retryable (as those made by `Error::invalid` and
    /// its like do).
    Ended(Result<(), Error>),
}

/// Where one run reports to. Reports of a run that is over are dropped. Cheap to clone.
///
/// Usable from any thread, also from inside `start` and `stop`. The supervisor may act on a report before the call
/// returns, and start or stop other services on this thread: hold no lock they could want.
#[derive(Clone)]
pub struct Reporter(Arc<dyn Fn(Report) + Send + Sync>);

impl Reporter {
    pub fn new(sink: impl Fn(Report) + Send + Sync + 'static) -> Reporter {
        Reporter(Arc::new(sink))
    }
    pub fn running(&self) {
        (self.0)(Report::Running);
    }
    pub fn details(&self, text: impl Into<String>) {
        (self.0)(Report::Details(text.into()));
    }
    pub fn ended(&self, how: Result<(), Error>) {
        (self.0)(Report::Ended(how));
    }
}
