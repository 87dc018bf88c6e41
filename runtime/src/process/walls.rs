//! Walls between hosts: to whom the processes of a host may send, and from
//! whom they take messages. Inside a host there are none.
//!
//! What goes out (messages, arguments of a spawn or of a call that a process
//! answers, cancel and terminate, names for others) needs `send_to` of the host
//! it comes from. A message, a monitor and a link need `accept_from` of the
//! other host as well. Exit and link notices pass.

use super::control::HostShared;
use crate::error::Error;
use crate::relay::Name;
use crate::security::Filter;

/// The two lists of a host; `None`: any host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walls {
    pub accept_from: Option<Filter>,
    pub send_to: Option<Filter>,
}

impl Walls {
    /// Nothing goes out and nothing comes in.
    pub fn closed() -> Walls {
        let nobody = || Some(Filter::new([]));
        Walls { accept_from: nobody(), send_to: nobody() }
    }
    /// Whether there is any.
    pub fn is_open(&self) -> bool {
        *self == Walls::default()
    }
}

impl HostShared {
    /// Whether a process of this host may send a message to one of `to`.
    /// Errors: PermissionDenied `host A may not send to B`.
    #[inline]
    pub fn check_send(&self, to: &HostShared) -> Result<(), Error> {
        if self.walls.is_none() && to.walls.is_none() { Ok(()) } else { self.check_walls(to) }
    }
    #[cold]
    fn check_walls(&self, to: &HostShared) -> Result<(), Error> {
        if self.id == to.id {
            return Ok(());
        }
        let accept_from = to.walls.as_ref().and_then(|w| w.accept_from.as_ref());
        match accept_from.is_none_or(|hosts| hosts.matches(self.id.as_str())) {
            true => self.check_reach(to.id),
            false => Err(self.refusal(to.id)),
        }
    }
    /// Whether anything may go from here to `host`, whatever that host takes. Errors as of [`HostShared::check_send`].
    #[inline]
    pub fn check_reach(&self, host: Name) -> Result<(), Error> {
        match self.walls.as_ref().and_then(|w| w.send_to.as_ref()) {
            Some(hosts) if host != self.id && !hosts.matches(host.as_str()) => Err(self.refusal(host)),
            _ => Ok(()),
        }
    }
    fn refusal(&self, to: Name) -> Error {
        Error::permission_denied(format!("host {} may not send to {}", self.id.as_str(), to.as_str()))
    }
}
