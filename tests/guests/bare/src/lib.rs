//! Echoes, without the standard library. Panics at the topic `panic`.
#![no_std]

use wippy_guest::{Incoming, Message, forward, process, receive};

#[process]
fn main() {
    while let Incoming::Message(message, from) = receive::<Message>() {
        assert_ne!(message.topic, "panic", "asked to");
        let _ = forward(from, &message);
    }
}
