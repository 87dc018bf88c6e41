//! What a service looks like from outside.

use crate::payload::{Map, Value};
use crate::registry::EntryId;

/// Where a service is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Registered, never started.
    Unknown,
    Starting,
    Running,
    Stopping,
    Stopped,
    /// Ended for good: by itself, or with an error that trying again does not help.
    Exited,
    /// Failed. It is tried again while it is wanted and attempts are left.
    Failed,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Unknown => "unknown",
            Status::Starting => "starting",
            Status::Running => "running",
            Status::Stopping => "stopping",
            Status::Stopped => "stopped",
            Status::Exited => "exited",
            Status::Failed => "failed",
        }
    }
}

/// One service at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceState {
    pub id: EntryId,
    pub status: Status,
    /// What was last asked for: [`Status::Running`] or [`Status::Stopped`].
    pub desired: Status,
    /// For people.
    pub details: Option<String>,
    /// Failures since the service was last stable.
    pub retry_count: u32,
    /// Unix nanoseconds of the last change of this state.
    pub last_update: i64,
    /// Unix nanoseconds at which it last began to run.
    pub started_at: Option<i64>,
}

impl ServiceState {
    /// The data of the bus event `service.update`.
    pub fn event_data(&self) -> Value {
        Value::Map(Map::from([
            ("status".to_owned(), self.status.as_str().into()),
            ("details".to_owned(), self.details.clone().into()),
            ("desired".to_owned(), self.desired.as_str().into()),
            ("retry_count".to_owned(), self.retry_count.into()),
            ("last_update".to_owned(), self.last_update.into()),
        ]))
    }
}
