//! Errors that are gathered so that a user sees all of them at once.

use wippy_runtime::{Error, Kind, Result};

/// See the module comment.
#[derive(Default)]
pub(super) struct Problems(Vec<Error>);

impl Problems {
    /// The value of `result`; its error is kept.
    pub fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|e| self.0.push(e)).ok()
    }
    pub fn push(&mut self, error: Error) {
        self.0.push(error);
    }
    /// One error that says all of them; a single one as it is. Things that are merely not there yet are left out when
    /// something else is wrong, since the registry tries an entry again as long as any error in a chain is NotFound.
    pub fn finish(mut self) -> Result<()> {
        let missing = |e: &Error| e.chain().any(|e| *e.kind() == Kind::NOT_FOUND);
        if !self.0.iter().all(missing) {
            self.0.retain(|e| !missing(e));
        }
        if self.0.len() <= 1 {
            return self.0.pop().map_or(Ok(()), Err);
        }
        let lines: Vec<String> = self.0.iter().map(Error::to_string).collect();
        let text = format!("{} problems:\n  {}", lines.len(), lines.join("\n  "));
        Err(Error::new(self.0[0].kind().clone(), text).retryable(false))
    }
}
