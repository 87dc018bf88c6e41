//! The wish to end the program: who may have it, and with which exit code.
//! Knows no signals and stops nothing; whoever waits does.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

/// Shared by everybody who may end the program; in the context.
#[derive(Default)]
pub struct Shutdown {
    code: Mutex<Option<u8>>,
    requested: Condvar,
}

impl Shutdown {
    pub fn new() -> Arc<Shutdown> {
        Arc::default()
    }
    /// Asks for the end of the program. A later request only changes the exit code.
    pub fn request(&self, code: u8) {
        *self.code.lock() = Some(code);
        self.requested.notify_all();
    }
    /// Asks for the end of the program; an exit code that was asked for before stays.
    pub fn interrupt(&self) {
        self.code.lock().get_or_insert(0);
        self.requested.notify_all();
    }
    pub fn is_requested(&self) -> bool {
        self.code.lock().is_some()
    }
    /// Blocks until somebody asks; gives the exit code as of then.
    pub fn wait(&self) -> u8 {
        let mut code = self.code.lock();
        loop {
            match *code {
                Some(code) => return code,
                None => self.requested.wait(&mut code),
            }
        }
    }
    /// The exit code as of now: 0 if nobody has asked.
    pub fn code(&self) -> u8 {
        self.code.lock().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_code_counts_and_a_signal_has_none() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.is_requested());
        shutdown.request(3);
        shutdown.interrupt();
        assert_eq!((shutdown.wait(), shutdown.code()), (3, 3));
        shutdown.request(4);
        assert_eq!(shutdown.code(), 4);
        let other = Shutdown::new();
        let waiting = other.clone();
        let thread = std::thread::spawn(move || waiting.wait());
        other.interrupt();
        assert_eq!(thread.join().unwrap(), 0);
    }
}
