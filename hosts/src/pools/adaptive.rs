//! How many instances an adaptive pool may have: a controller that is asked
//! twice a second. It adds instances while calls wait, keeps them only if more
//! calls get done, and takes them away when they idle. Knows no pool and no
//! clock: measurements in, new size out.

/// Nanoseconds between two looks.
pub const TICK: u64 = 500_000_000;
/// Looks over which the effect of growing is measured.
const MEASURE: u32 = 4;
/// Looks with little use before one instance goes.
const LOW: u32 = 8;
/// Looks after a change in which nothing is changed again (2 s).
const COOLDOWN: u32 = 4;
/// Throughput must grow by more than this share to be no noise.
const NOISE: f64 = 0.05;
/// Longest pause after growing in vain, in looks.
const MAX_BACKOFF: u32 = 1024;

/// What the controller sees.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub busy: usize,
    pub waiting: usize,
    /// Calls that ended since the last look.
    pub completed: u64,
}

/// See the module comment.
#[derive(Debug)]
pub struct Controller {
    min: usize,
    max: usize,
    size: usize,
    low: u32,
    pause: u32,
    failures: u32,
    /// Completions per look, smoothed, while nothing is being tried.
    rate: f64,
    trial: Option<Trial>,
}

#[derive(Debug)]
struct Trial {
    before: usize,
    left: u32,
    completed: u64,
}

impl Controller {
    pub fn new(min: usize, max: usize) -> Controller {
        Controller { min, max, size: min, low: 0, pause: 0, failures: 0, rate: 0.0, trial: None }
    }
    pub fn size(&self) -> usize {
        self.size
    }

    /// One look; `jitter` is uniform in `[0, 1)`. Returns the size to have from now on.
    pub fn tick(&mut self, load: Load, jitter: f64) -> usize {
        if let Some(trial) = &mut self.trial {
            trial.completed += load.completed;
            trial.left -= 1;
            if trial.left == 0 {
                self.judge(jitter);
            }
            return self.size;
        }
        self.rate = 0.5 * self.rate + 0.5 * load.completed as f64;
        if load.waiting == 0 && load.busy * 2 < self.size {
            self.low += 1;
        } else {
            self.low = 0;
        }
        if self.pause > 0 {
            self.pause -= 1;
            return self.size;
        }
        if load.waiting > 0 && load.busy >= self.size && self.size < self.max {
            self.grow(load);
        } else if self.low >= LOW && self.size > self.min.max(load.busy + 1) {
            self.size -= 1;
            self.low = 0;
        }
        self.size
    }

    fn grow(&mut self, load: Load) {
        let wanted = (load.waiting / self.size.max(1)).max(self.size.div_ceil(4));
        let step = wanted.min((self.max / 4).max(1)).min(self.max - self.size);
        self.trial = Some(Trial { before: self.size, left: MEASURE, completed: 0 });
        self.size += step;
    }

    fn judge(&mut self, jitter: f64) {
        let Some(trial) = self.trial.take() else { return };
        let rate = trial.completed as f64 / f64::from(MEASURE);
        if rate > self.rate * (1.0 + NOISE) {
            (self.failures, self.pause, self.rate) = (0, 0, rate);
            return;
        }
        self.size = trial.before;
        self.failures = (self.failures + 1).min(MAX_BACKOFF.ilog2());
        let pause = 1u32 << self.failures;
        self.pause = (f64::from(pause.max(COOLDOWN)) * (1.0 + 0.25 * jitter)) as u32;
    }

    /// Whether another look could change anything when nothing is going on.
    pub fn is_at_rest(&self) -> bool {
        self.size == self.min && self.trial.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `looks` against a pool whose instances each finish `per` calls a look, as long as `useful` allows.
    fn drive(c: &mut Controller, looks: u32, waiting: usize, per: u64, useful: usize) {
        for _ in 0..looks {
            let completed = per * c.size().min(useful) as u64;
            c.tick(Load { busy: c.size(), waiting, completed }, 0.0);
        }
    }

    #[test]
    fn grows_while_it_helps_and_stops_where_it_does_not() {
        let mut c = Controller::new(1, 16);
        drive(&mut c, 200, 100, 10, usize::MAX);
        assert_eq!(c.size(), 16);
        let mut c = Controller::new(1, 16);
        drive(&mut c, 200, 100, 10, 4);
        assert!((4..=8).contains(&c.size()), "{c:?}");
        assert!(c.failures > 0);
    }

    #[test]
    fn shrinks_to_the_minimum_when_nothing_runs() {
        let mut c = Controller::new(1, 8);
        drive(&mut c, 100, 100, 10, usize::MAX);
        assert_eq!(c.size(), 8);
        for _ in 0..100 {
            c.tick(Load { busy: 0, waiting: 0, completed: 0 }, 0.5);
        }
        assert_eq!(c.size(), 1);
        assert!(c.is_at_rest());
    }
}
