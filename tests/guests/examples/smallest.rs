//! The least that is a process: its size is what the SDK costs.

use wippy_guest::{Incoming, Message, process, receive, send_all};

#[process]
fn main() {
    while let Incoming::Message(message, from) = receive::<Message>() {
        let _ = send_all(from, &message.topic, ());
    }
}
