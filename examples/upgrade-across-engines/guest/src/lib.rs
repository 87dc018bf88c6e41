//! The counter in Rust. It takes over what the counter in Lua knows, and gives it back when it is told to.

use std::convert::Infallible;

use serde::{Deserialize, Serialize};
use wippy_guest::{Event, Incoming, Result, process, receive, tell, upgrade};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Add(i64),
    Become(String),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Count { count: i64, language: &'static str },
}

#[process]
fn counter(count: Option<i64>) -> Result<i64> {
    let mut count = count.unwrap_or(0);
    loop {
        match receive() {
            Incoming::Message(Request::Add(n), from) => {
                count += n;
                tell(from, &Reply::Count { count, language: "Rust" })?;
            }
            Incoming::Message(Request::Become(entry), _) => {
                // Does not come back: the same process goes on as the other code.
                let _: Infallible = upgrade(Some(&entry), (count,))?;
            }
            Incoming::Event(Event::Cancel(_)) => return Ok(count),
            _ => {}
        }
    }
}
