//! Those who wait for services: until all have settled, until one runs, until all have stopped.

use std::time::Duration;

use super::machine::Machine;
use super::state::{ServiceState, Status};
use crate::duration;
use crate::error::{Error, Result};
use crate::registry::EntryId;

pub(super) type TellStates = Box<dyn FnOnce(Vec<ServiceState>) + Send>;
pub(super) type TellResult = Box<dyn FnOnce(Result<()>) + Send>;

pub(super) enum Wish {
    /// `open` is what of `all` has not settled when it was last looked at.
    Settled {
        all: Vec<EntryId>,
        open: Vec<EntryId>,
        tell: TellStates,
    },
    Running {
        id: EntryId,
        within: Duration,
        tell: TellResult,
    },
    AtRest {
        tell: TellStates,
    },
}

impl Wish {
    pub fn settled(machine: &Machine, tell: TellStates) -> Wish {
        let all = machine.roots();
        Wish::Settled { open: all.clone(), all, tell }
    }

    /// The answer, if there is one: the wish has come true, cannot any more, or it is too late. Else the wish.
    pub fn answer(self, machine: &Machine, late: bool) -> Result<Box<dyn FnOnce() + Send>, Wish> {
        match self {
            Wish::Settled { all, mut open, tell } => {
                // What has settled once counts, so all looks together cost one for each service.
                while open.pop_if(|id| machine.has_settled_enough(id)).is_some() {}
                if !open.is_empty() && !late {
                    return Err(Wish::Settled { all, open, tell });
                }
                let unwell = all.iter().filter(|id| !machine.is_well(id)).filter_map(|id| machine.state(id).ok());
                let unwell = unwell.collect();
                Ok(Box::new(move || tell(unwell)))
            }
            Wish::Running { id, within, tell } => match running(machine, &id, within, late) {
                Some(result) => Ok(Box::new(move || tell(result))),
                None => Err(Wish::Running { id, within, tell }),
            },
            Wish::AtRest { tell } => {
                if !machine.is_at_rest() && !late {
                    return Err(Wish::AtRest { tell });
                }
                let at_rest = |s: &ServiceState| matches!(s.status, Status::Unknown | Status::Stopped | Status::Exited);
                let stuck = machine.states().into_iter().filter(|s| !at_rest(s)).collect();
                Ok(Box::new(move || tell(stuck)))
            }
        }
    }
}

fn running(machine: &Machine, id: &EntryId, within: Duration, late: bool) -> Option<Result<()>> {
    let describe = |state: ServiceState| match state.details {
        Some(details) => format!("{}: {details}", state.status.as_str()),
        None => state.status.as_str().to_owned(),
    };
    match machine.state(id) {
        Ok(state) if state.status == Status::Running => Some(Ok(())),
        Ok(state) if state.desired == Status::Running && machine.has_settled(id) => {
            let text = describe(state);
            Some(Err(Error::unavailable(format!("service {id} does not run ({text})"))))
        }
        Ok(state) if late => {
            let (within, text) = (duration::format_std(within), describe(state));
            Some(Err(Error::timeout(format!("service {id} is not running after {within} ({text})")).retryable(true)))
        }
        Err(error) if late => Some(Err(error)),
        _ => None,
    }
}
