//! Memory of what every process has, so that a million of them fit.

use std::mem::size_of;

use wippy_runtime::process::{Control, Event, Message};
use wippy_runtime::relay::Pid;

#[test]
fn sizes() {
    let table = [
        ("Pid", size_of::<Pid>(), 16),
        ("Message", size_of::<Message>(), 64),
        ("Event", size_of::<Event>(), 72),
        ("Control", size_of::<Control>(), 416),
    ];
    for (name, size, limit) in table {
        assert!(size <= limit, "{name} takes {size} bytes, at most {limit} are planned");
    }
}
