//! Counts.

use serde::Deserialize;
use wippy_guest::{Event, Incoming, Result, process, receive, send};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Add(i64),
}

#[process]
fn main(mut count: i64) -> Result<i64> {
    loop {
        match receive::<Request>() {
            Incoming::Message(Request::Add(n), from) => {
                count += n;
                send(from, "count", &count)?;
            }
            Incoming::Event(Event::Cancel(_)) => return Ok(count),
            _ => {}
        }
    }
}
