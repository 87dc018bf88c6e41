//! Mailbox of a node-level host: receivers that are not processes (watchers of
//! services, bridges), served by a few threads. A sender's messages all go to
//! one thread, chosen by FNV-1a of its unique part, so they stay in order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use parking_lot::{Mutex, RwLock};

use super::Pid;
use crate::error::Error;
use crate::process::Message;

/// Called for each message, on a mailbox thread; it may block, and then holds up the senders of its thread.
pub type Receiver = Arc<dyn Fn(Message) + Send + Sync>;

/// Size of a mailbox.
#[derive(Clone, Copy, Debug)]
pub struct MailboxConfig {
    /// Messages each thread's queue holds; a sender waits while it is full.
    pub buffer_size: usize,
    pub worker_count: usize,
}

impl Default for MailboxConfig {
    fn default() -> Self {
        MailboxConfig { buffer_size: 1024, worker_count: 16 }
    }
}

type Queue = Option<SyncSender<(Pid, Message)>>;

/// See the module comment.
pub struct Mailbox {
    config: MailboxConfig,
    receivers: Arc<RwLock<HashMap<Pid, Receiver>>>,
    /// Threads start with the first message for them.
    queues: Mutex<Vec<Queue>>,
}

impl Mailbox {
    pub fn new(config: MailboxConfig) -> Mailbox {
        let workers = config.worker_count.max(1);
        Mailbox { config, receivers: Arc::default(), queues: Mutex::new(vec![None; workers]) }
    }

    /// Errors: AlreadyExists `receiver already attached`.
    pub fn attach(&self, pid: Pid, receiver: Receiver) -> Result<(), Error> {
        match self.receivers.write().entry(pid) {
            std::collections::hash_map::Entry::Occupied(_) => Err(Error::already_exists("receiver already attached")),
            std::collections::hash_map::Entry::Vacant(v) => {
                v.insert(receiver);
                Ok(())
            }
        }
    }
    pub fn detach(&self, pid: Pid) {
        self.receivers.write().remove(&pid);
    }

    /// Blocks while the queue is full. A message without receiver is dropped with a debug log.
    pub fn send(&self, to: Pid, message: Message) -> Result<(), Error> {
        let queue = self.queue(worker_of(message.from, self.config.worker_count.max(1)))?;
        queue.send((to, message)).map_err(|_| Error::unavailable("host is shutting down"))
    }

    fn queue(&self, worker: usize) -> Result<SyncSender<(Pid, Message)>, Error> {
        let mut queues = self.queues.lock();
        let slot = queues.get_mut(worker).ok_or_else(|| Error::unavailable("host is shutting down"))?;
        if let Some(queue) = slot {
            return Ok(queue.clone());
        }
        let (sender, inbox) = sync_channel::<(Pid, Message)>(self.config.buffer_size.max(1));
        let receivers = self.receivers.clone();
        let run = move || {
            for (to, message) in inbox {
                let receiver = receivers.read().get(&to).cloned();
                match receiver {
                    Some(receive) => receive(message),
                    None => tracing::debug!(%to, "message without receiver dropped"),
                }
            }
        };
        std::thread::Builder::new()
            .name(format!("mailbox#{worker}"))
            .spawn(run)
            .map_err(|e| Error::unavailable(format!("cannot start a mailbox thread: {e}")))?;
        *slot = Some(sender.clone());
        Ok(sender)
    }

    /// Ends the threads once their queues are empty.
    pub fn stop(&self) {
        self.queues.lock().clear();
    }
}

/// FNV-1a, 32 bit (offset 2166136261, prime 16777619), over the text of the sender's unique part.
fn worker_of(from: Pid, workers: usize) -> usize {
    let text = from.to_string();
    let uniq = text.rsplit_once('|').map_or("", |(_, u)| u.trim_end_matches('}'));
    let hash = uniq.bytes().fold(2_166_136_261u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
    hash as usize % workers
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn keeps_the_order_of_each_sender() {
        let mailbox = Mailbox::new(MailboxConfig { buffer_size: 2, worker_count: 4 });
        let to = Pid::parse("{node:control|0x00001}").unwrap();
        let (tx, rx) = channel();
        let tx = Mutex::new(tx);
        mailbox.attach(to, Arc::new(move |m: Message| tx.lock().send((m.from, m.topic().to_vec())).unwrap())).unwrap();
        let senders: Vec<Pid> = (2..7).map(|i| Pid::parse(&format!("{{a:h|0x0000{i}}}")).unwrap()).collect();
        for i in 0..50 {
            for &from in &senders {
                mailbox.send(to, Message::new(from, &i.to_string(), &[])).unwrap();
            }
        }
        let mut next: HashMap<Pid, u32> = HashMap::new();
        for (from, topic) in rx.iter().take(250) {
            let n = next.entry(from).or_default();
            assert_eq!(topic, n.to_string().as_bytes());
            *n += 1;
        }
    }

    #[test]
    fn a_pid_has_one_receiver() {
        let mailbox = Mailbox::new(MailboxConfig::default());
        let to = Pid::parse("{node:control|0x00001}").unwrap();
        mailbox.attach(to, Arc::new(|_| {})).unwrap();
        let twice = mailbox.attach(to, Arc::new(|_| {})).unwrap_err();
        assert_eq!(twice.to_string(), "receiver already attached");
    }
}
