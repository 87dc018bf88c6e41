//! Addresses and delivery: pids, the router with its tiers, mailboxes of node-level hosts.

mod mailbox;
mod pid;
mod router;

pub use mailbox::{Mailbox, MailboxConfig, Receiver};
pub(crate) use pid::{Guesses, count_guesses};
pub use pid::{Name, Pid};
pub use router::{Delivery, NodeTier, Router};
