//! The only source of randomness: the operating system's, or a seed's.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where random numbers come from. Not for secrets when seeded.
pub trait Entropy: Send + Sync {
    fn next(&self) -> u64;
    /// Uniform in `0..n`; `n` must not be 0.
    fn below(&self, n: u64) -> u64 {
        // Multiply-shift: bias below 2^-32 for the small n used here (Lemire 2019).
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }
    /// Uniform in `[0, 1)`.
    fn unit(&self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Bytes asked of the operating system at a time.
const BUFFER: usize = 512;

thread_local! {
    /// Random bytes not given out yet, and where they begin. Every spawn draws a few; a system call for each would cost
    /// more than the rest of its randomness.
    static POOL: RefCell<([u8; BUFFER], usize)> = const { RefCell::new(([0; BUFFER], BUFFER)) };
}

/// The operating system's generator.
pub struct SystemEntropy;

fn from_system(out: &mut [u8]) {
    getrandom::fill(out).expect("the operating system's random generator is available");
}

impl Entropy for SystemEntropy {
    fn next(&self) -> u64 {
        let mut b = [0; 8];
        self.fill(&mut b);
        u64::from_le_bytes(b)
    }
    fn fill(&self, out: &mut [u8]) {
        if out.len() > BUFFER / 8 {
            return from_system(out);
        }
        POOL.with_borrow_mut(|(pool, at)| {
            if BUFFER - *at < out.len() {
                from_system(pool);
                *at = 0;
            }
            let taken = &mut pool[*at..*at + out.len()];
            out.copy_from_slice(taken);
            // What was given out is nobody else's to read.
            taken.fill(0);
            *at += out.len();
        });
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same numbers.
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    pub fn new(seed: u64) -> SeededEntropy {
        SeededEntropy(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_are_given_out_twice() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1000 {
            assert!(seen.insert(SystemEntropy.next()));
        }
        let mut large = [0; 4096];
        SystemEntropy.fill(&mut large);
        assert!(large.chunks(8).all(|c| seen.insert(u64::from_le_bytes(c.try_into().expect("eight bytes")))));
    }
}
