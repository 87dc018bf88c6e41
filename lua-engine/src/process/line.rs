//! Queues that cost little while they hold little. Nearly every queue inside a
//! process has at most one element, the coroutine that is ready or the one that
//! waits on a channel ([`Line`]: the first needs no heap), or none, the messages
//! that nobody has received yet ([`Rest`]).

use std::collections::VecDeque;

/// See the module comment. `first` is empty only when `rest` is.
pub(super) struct Line<T> {
    first: Option<T>,
    #[expect(clippy::box_collection, reason = "a pointer in every process, the deque in few")]
    rest: Option<Box<VecDeque<T>>>,
}

/// Room that an empty queue keeps.
const KEEP: usize = 64;

impl<T> Default for Line<T> {
    fn default() -> Self {
        Line { first: None, rest: None }
    }
}

impl<T> Line<T> {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
    #[inline]
    pub fn push_back(&mut self, value: T) {
        match &self.first {
            None => self.first = Some(value),
            Some(_) => self.rest.get_or_insert_default().push_back(value),
        }
    }
    pub fn push_front(&mut self, value: T) {
        if let Some(second) = self.first.replace(value) {
            self.rest.get_or_insert_default().push_front(second);
        }
    }
    #[inline]
    pub fn pop_front(&mut self) -> Option<T> {
        let first = self.first.take()?;
        if self.rest.is_some() {
            self.advance();
        }
        Some(first)
    }
    /// Moves the next element to the front, which is empty.
    fn advance(&mut self) {
        let Some(rest) = &mut self.rest else { return };
        self.first = rest.pop_front();
        if rest.is_empty() && rest.capacity() > KEEP {
            self.rest = None;
        }
    }
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.rest.iter().flat_map(|rest| rest.iter()))
    }
    /// Takes out the first element for which `wanted` holds.
    pub fn take(&mut self, wanted: impl Fn(&T) -> bool) -> Option<T> {
        if wanted(self.first.as_ref()?) {
            return self.pop_front();
        }
        let rest = self.rest.as_mut()?;
        let at = rest.iter().position(wanted)?;
        rest.remove(at)
    }
    /// Drops the elements for which `keep` does not hold.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        if let Some(rest) = &mut self.rest {
            rest.retain(&keep);
        }
        if self.first.as_ref().is_some_and(|first| !keep(first)) {
            self.first = None;
            self.advance();
        }
    }
    pub fn clear(&mut self) {
        *self = Line::default();
    }
}

/// A queue that is nearly always empty: a pointer then, and a deque on the heap otherwise.
pub(super) struct Rest<T>(
    #[expect(clippy::box_collection, reason = "a pointer in every process, the deque in few")] Option<Box<VecDeque<T>>>,
);

impl<T> Default for Rest<T> {
    fn default() -> Self {
        Rest(None)
    }
}

impl<T> Rest<T> {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|all| all.is_empty())
    }
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|all| all.iter())
    }
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flat_map(|all| all.iter_mut())
    }
    pub fn push_back(&mut self, value: T) {
        self.0.get_or_insert_default().push_back(value);
    }
    #[inline]
    pub fn pop_front(&mut self) -> Option<T> {
        let all = self.0.as_mut()?;
        let first = all.pop_front();
        if all.is_empty() && all.capacity() > KEEP {
            self.0 = None;
        }
        first
    }
    /// The youngest.
    pub fn back(&self) -> Option<&T> {
        self.0.as_ref()?.back()
    }
    /// All elements, leaving none.
    pub fn take(&mut self) -> VecDeque<T> {
        self.0.take().map(|all| *all).unwrap_or_default()
    }
    /// The deque, to add several.
    pub fn all(&mut self) -> &mut VecDeque<T> {
        self.0.get_or_insert_default()
    }
}

impl<T> From<VecDeque<T>> for Rest<T> {
    fn from(all: VecDeque<T>) -> Self {
        Rest((!all.is_empty()).then(|| Box::new(all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Does what a deque does.
        #[test]
        fn is_a_queue(steps in proptest::collection::vec((0u8..6, 0u8..8), 0..200)) {
            let (mut line, mut model) = (Line::default(), VecDeque::new());
            for (what, n) in steps {
                match what {
                    0 | 1 => {
                        line.push_back(n);
                        model.push_back(n);
                    }
                    2 => {
                        line.push_front(n);
                        model.push_front(n);
                    }
                    3 => prop_assert_eq!(line.pop_front(), model.pop_front()),
                    4 => {
                        let at = model.iter().position(|m| *m == n);
                        prop_assert_eq!(line.take(|m| *m == n), at.and_then(|at| model.remove(at)));
                    }
                    _ => {
                        line.retain(|m| *m != n);
                        model.retain(|m| *m != n);
                    }
                }
                prop_assert_eq!(line.is_empty(), model.is_empty());
                prop_assert!(line.iter().eq(model.iter()));
            }
        }
    }
}
