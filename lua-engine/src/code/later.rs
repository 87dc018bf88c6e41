//! What a change leaves to other threads, so that nobody waits for it: checking sources ahead of those who will ask
//! about them, and writing what was found to disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::files::helpers;

/// Threads at work on one job, at most [`MAX_HELPERS`](super::files::MAX_HELPERS). Dropping it, like the next job, waits for what was begun, which
/// includes the end of the job.
#[derive(Default)]
pub(super) struct Later {
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: Arc<AtomicBool>,
}

struct Job<I, W, E> {
    items: Vec<I>,
    work: W,
    end: Mutex<Option<E>>,
    next: AtomicUsize,
    /// Threads that have not ended.
    left: AtomicUsize,
}

impl Later {
    /// Runs `work` for `items`, begun in their order, then `end`. Does not wait for either, but for the job before.
    pub fn begin<I, W, E>(&self, items: Vec<I>, work: W, end: E)
    where
        I: Send + Sync + 'static,
        W: Fn(&I) + Send + Sync + 'static,
        E: FnOnce() + Send + 'static,
    {
        let threads = &mut *self.threads.lock();
        self.finish(threads);
        let count = Later::threads().min(items.len().max(1));
        let (end, next, left) = (Mutex::new(Some(end)), AtomicUsize::new(0), AtomicUsize::new(count));
        let job = Arc::new(Job { items, work, end, next, left });
        for n in 0..count {
            let (part, stop) = (job.clone(), self.stop.clone());
            let thread = std::thread::Builder::new().name(format!("later#{n}")).spawn(move || part.run(&stop));
            match thread {
                Ok(thread) => threads.push(thread),
                // Nobody depends on what is left undone, but the end is that of all.
                Err(_) => job.leave(),
            }
        }
    }

    /// How many threads a job has that is large enough.
    pub fn threads() -> usize {
        helpers().max(1)
    }

    fn finish(&self, threads: &mut Vec<JoinHandle<()>>) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in threads.drain(..) {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
        self.stop.store(false, Ordering::Relaxed);
    }
}

impl<I, W: Fn(&I), E: FnOnce()> Job<I, W, E> {
    fn run(&self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed)
            && let Some(item) = self.items.get(self.next.fetch_add(1, Ordering::Relaxed))
        {
            (self.work)(item);
        }
        self.leave();
    }

    fn leave(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(end) = self.end.lock().take()
        {
            end();
        }
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        let mut threads = std::mem::take(&mut *self.threads.lock());
        self.finish(&mut threads);
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::MAX_HELPERS;
    use super::*;

    #[test]
    fn every_item_is_done_once_and_the_end_comes_after_all() {
        let later = Later::default();
        for count in [0, 1, 5, 1000] {
            let done: Arc<Vec<AtomicUsize>> = Arc::new((0..count).map(|_| AtomicUsize::new(0)).collect());
            let (sender, ended) = std::sync::mpsc::channel();
            let (working, counted) = (done.clone(), done.clone());
            let work = move |n: &usize| {
                working[*n].fetch_add(1, Ordering::Relaxed);
            };
            let all = move || counted.iter().map(|n| n.load(Ordering::Relaxed)).sum::<usize>();
            later.begin((0..count).collect(), work, move || sender.send(all()).expect("somebody waits"));
            assert_eq!(ended.recv(), Ok(count));
            assert!(done.iter().all(|n| n.load(Ordering::Relaxed) == 1));
            assert!(ended.recv().is_err(), "it ends once");
        }
    }

    #[test]
    fn whoever_drops_it_waits_for_the_end_and_not_for_the_items() {
        let later = Later::default();
        let (begun, wait) = std::sync::mpsc::channel();
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let (gate, done, ended) = (Mutex::new(gate), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, end) = (done.clone(), ended.clone());
        let work = move |_: &usize| {
            count.fetch_add(1, Ordering::Relaxed);
            let _ = begun.send(());
            // Until nobody holds the other side.
            let _ = gate.lock().recv();
        };
        later.begin((0..1_000_000).collect(), work, move || end.store(true, Ordering::Relaxed));
        wait.recv().expect("it begins");
        let stop = later.stop.clone();
        let waiting = std::thread::spawn(move || drop(later));
        while !stop.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        drop(go);
        waiting.join().expect("it ends");
        assert!(ended.load(Ordering::Relaxed));
        assert!(done.load(Ordering::Relaxed) <= MAX_HELPERS, "only what was begun");
    }
}
