//! Kinds of computing, as plain exports. Each takes how much to do and gives a number that depends on all of it.

use std::collections::HashMap;
use std::fmt::Write;

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Sorts n numbers.
#[unsafe(no_mangle)]
pub extern "C" fn sort(n: u32) -> u32 {
    let mut random = Random(88_172_645_463_325_252);
    let mut numbers: Vec<u32> = (0..n).map(|_| random.next() as u32).collect();
    numbers.sort_unstable();
    numbers.iter().zip(1..).fold(0, |sum: u32, (x, i)| sum.wrapping_add(x.wrapping_mul(i)))
}

/// Counts n words of which a quarter differ.
#[unsafe(no_mangle)]
pub extern "C" fn hash(n: u32) -> u32 {
    let mut random = Random(1_234_567_890_123);
    let mut counts: HashMap<u64, u32> = HashMap::new();
    for _ in 0..n {
        *counts.entry(random.next() % u64::from(n / 4 + 1)).or_default() += 1;
    }
    counts.values().fold(counts.len() as u32, |sum, count| sum.wrapping_add(count * count))
}

/// Writes n records as text and reads them back.
#[unsafe(no_mangle)]
pub extern "C" fn text(n: u32) -> u32 {
    let mut random = Random(987_654_321);
    let mut out = String::new();
    for i in 0..n {
        let _ = writeln!(out, "{i}:{}:name-{}", random.next() as u32, i % 97);
    }
    out.lines().fold(out.len() as u32, |sum, line| {
        let number: u32 = line.split(':').nth(1).and_then(|field| field.parse().ok()).unwrap_or_default();
        sum.wrapping_add(number)
    })
}

/// What `lua/strings.lua` does.
#[unsafe(no_mangle)]
pub extern "C" fn strings(n: u32) -> u32 {
    let mut lengths: HashMap<String, usize> = HashMap::new();
    let (mut list, mut total) = (Vec::new(), 0);
    for i in 1..=n {
        let text = format!("item-{i}:{}", u64::from(i) * 7 % 1000);
        *lengths.entry(format!("k{}", i % 1000)).or_default() += text.len();
        list.push(text);
        if i % 1000 == 0 {
            total += list.join(",").len();
            list.clear();
        }
    }
    lengths.values().fold(total as u32, |total, length| total + *length as u32)
}

const K: [u32; 64] = constants();

/// The first 32 bits of the fractions of the cube roots of the first 64 primes.
const fn constants() -> [u32; 64] {
    let (mut out, mut found, mut n) = ([0; 64], 0, 2_u128);
    while found < 64 {
        let (mut prime, mut d) = (true, 2);
        while d * d <= n {
            prime &= n % d != 0;
            d += 1;
        }
        if prime {
            // The cube root of n, times 2 to the 32.
            let (mut low, mut high) = (0_u128, 1 << 36);
            while low + 1 < high {
                let middle = (low + high) / 2;
                if middle * middle * middle <= n << 96 { low = middle } else { high = middle }
            }
            out[found] = low as u32;
            found += 1;
        }
        n += 1;
    }
    out
}

/// n rounds of SHA-256's compression, each of what the one before gave.
#[unsafe(no_mangle)]
pub extern "C" fn sha(n: u32) -> u32 {
    let mut state: [u32; 8] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ];
    let mut block = [0_u32; 16];
    for round in 0..n {
        block[..8].copy_from_slice(&state);
        block[8] = round;
        compress(&mut state, &block);
    }
    state[0]
}

fn compress(state: &mut [u32; 8], block: &[u32; 16]) {
    let mut w = [0_u32; 64];
    w[..16].copy_from_slice(block);
    for i in 16..64 {
        let a = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
        let b = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16].wrapping_add(a).wrapping_add(w[i - 7]).wrapping_add(b);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for i in 0..64 {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let t1 = h.wrapping_add(s1).wrapping_add((e & f) ^ (!e & g)).wrapping_add(K[i]).wrapping_add(w[i]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    for (old, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *old = old.wrapping_add(new);
    }
}
