//! A worker: counts the primes up to a limit. A limit that makes no sense is a bug of the asker, and the end of the worker.

use serde::{Deserialize, Serialize};
use wippy_guest::{Incoming, Result, process, receive, tell};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    CountPrimes { job: i64, limit: i64 },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Done { job: i64, primes: usize },
}

#[process]
fn worker() -> Result<()> {
    // Ends with an event, the only other thing that can come: whoever cancels wants it to finish.
    while let Incoming::Message(Request::CountPrimes { job, limit }, from) = receive() {
        assert!(limit >= 0, "cannot count primes up to {limit}");
        tell(from, &Reply::Done { job, primes: primes(limit as usize) })?;
    }
    Ok(())
}

/// The sieve of Eratosthenes.
fn primes(limit: usize) -> usize {
    let mut composite = vec![false; limit + 1];
    let mut count = 0;
    for n in 2..=limit {
        if !composite[n] {
            count += 1;
            (2 * n..=limit).step_by(n).for_each(|multiple| composite[multiple] = true);
        }
    }
    count
}
