//! Messages of one sender in one buffer, in the order in which they were sent.
//! A process that sends on and on hands them over by the parcel instead of one
//! by one (see `dispatch::outbox`): one allocation, one lock and one wake-up for
//! all of them. Who receives them sees messages.

use super::event::Message;
use crate::payload::Flat;
use crate::relay::Pid;

/// Bytes in front of each message: its length, little endian.
pub(crate) const HEAD: usize = 4;

/// See the module comment.
#[derive(Debug)]
pub struct Parcel {
    from: Pid,
    /// Each message is its length and its buffer: the topic and then the payloads.
    bytes: Box<[u8]>,
    /// Where the next message begins.
    at: usize,
    left: usize,
}

impl Parcel {
    /// `count` messages, each with its [`HEAD`].
    pub(crate) fn new(from: Pid, bytes: Box<[u8]>, count: usize) -> Parcel {
        Parcel { from, bytes, at: 0, left: count }
    }
    /// Messages that were not taken out yet.
    pub fn len(&self) -> usize {
        self.left
    }
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
    /// Bytes of all messages that were not taken out yet.
    pub fn bytes(&self) -> usize {
        self.bytes.len() - self.at - self.left * HEAD
    }
    /// Sender and buffer of the next message.
    #[inline]
    pub fn front(&self) -> (Pid, &[u8]) {
        let body = self.bytes.get(self.at..).and_then(|rest| {
            let (head, rest) = rest.split_first_chunk::<HEAD>()?;
            rest.get(..u32::from_le_bytes(*head) as usize)
        });
        (self.from, body.unwrap_or_default())
    }
    /// Drops the next message.
    #[inline]
    pub fn skip(&mut self) {
        self.at += HEAD + self.front().1.len();
        self.left -= 1;
    }
    /// Takes out the next message.
    pub fn pop(&mut self) -> Message {
        let (from, body) = self.front();
        let message = Message::from_body(from, Flat::from_bytes(body));
        self.skip();
        message
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::process::{Batch, Event, EventQueue};

    fn parcel(first: u64, n: u64) -> Parcel {
        let body = |i: u64| vec![i as u8; i as usize % 50];
        let one = |i: u64| [&(body(i).len() as u32).to_le_bytes()[..], &body(i)].concat();
        Parcel::new(Pid::none(), (first..first + n).flat_map(one).collect(), n as usize)
    }
    fn event(i: u64) -> Event {
        Event::Message(Message::from_body(Pid::none(), Flat::from_bytes(&vec![i as u8; i as usize % 50])))
    }

    /// A step that receives nothing leaves no room for more, however often it is interrupted.
    #[test]
    fn what_a_step_has_not_received_counts() {
        let (queue, mut batch) = (EventQueue::default(), Batch::default());
        for (messages, bytes) in [(2, 0), (0, 14)] {
            let push = || queue.push(event(7), messages, bytes).is_ok();
            assert_eq!([push(), push(), push()], [true, true, false]);
            for _ in 0..3 {
                queue.take_all(&mut batch);
                assert!(!push());
                queue.put_back(&mut batch);
                assert!(!push());
            }
            queue.take_all(&mut batch);
            while batch.pop().is_some() {
                queue.keep(&batch);
                assert_eq!([push(), push()], [true, false], "one was received");
            }
            queue.take_all(&mut batch);
            batch.clear();
            queue.keep(&batch);
        }
    }

    proptest! {
        /// What goes in, by itself or in parcels, comes out in order, whether looked at first or not, and is counted.
        #[test]
        fn is_a_queue(steps in proptest::collection::vec((0u8..6, 1u64..6), 0..120)) {
            let (queue, mut batch) = (EventQueue::default(), Batch::default());
            let (mut model, mut next) = (VecDeque::new(), 0u64);
            for (what, n) in steps {
                match what {
                    0 => {
                        queue.push(event(next), 0, 0).unwrap();
                        model.push_back(next);
                        next += 1;
                    }
                    1 | 2 => {
                        queue.push_parcel(Box::new(parcel(next, n))).unwrap();
                        model.extend(next..next + n);
                        next += n;
                    }
                    _ => {
                        queue.take_all(&mut batch);
                        for i in 0..n {
                            let want = model.pop_front();
                            let body = batch.front_message().map(|(_, body)| body.to_vec());
                            prop_assert_eq!(&body, &want.map(|i| vec![i as u8; i as usize % 50]));
                            if body.is_none() {
                                prop_assert!(batch.pop().is_none());
                            } else if i % 2 == 0 {
                                batch.skip_message();
                            } else {
                                let Some(Event::Message(m)) = batch.pop() else { panic!("a message") };
                                prop_assert_eq!(Some(m.as_bytes()), body.as_deref());
                            }
                        }
                        prop_assert!(batch.only_messages());
                        queue.put_back(&mut batch);
                        prop_assert!(batch.is_empty());
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
            }
        }
    }
}
