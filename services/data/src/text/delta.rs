//! What two texts differ in, character by character: Myers' algorithm from both
//! ends, as in Google's diff-match-patch, whose results programs know.

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Equal,
    Delete,
    Insert,
}

/// A piece of text that is in both, only in the first, or only in the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    pub op: Op,
    pub text: Vec<char>,
}

impl Delta {
    pub fn new(op: Op, text: impl Into<Vec<char>>) -> Delta {
        Delta { op, text: text.into() }
    }
}

/// Steps that may still be taken; then what is left is told as wholly different.
pub struct Budget {
    steps: u64,
    /// Whether pieces may be looked for that make the work less but the result longer.
    hurried: bool,
}

/// Steps of a second.
const PER_SECOND: f64 = 50e6;
/// Seconds of those who want to wait as long as it takes.
const UNLIMITED: f64 = 10.0;

impl Budget {
    /// Of a timeout in seconds, 0 for none.
    pub fn seconds(timeout: f64) -> Budget {
        let hurried = timeout > 0.0;
        let seconds = if hurried { timeout.min(UNLIMITED) } else { UNLIMITED };
        Budget { steps: (seconds * PER_SECOND) as u64, hurried }
    }
    fn spend(&mut self, steps: usize) -> bool {
        self.steps = self.steps.saturating_sub(steps as u64);
        self.steps > 0
    }
}

/// What leads from `a` to `b`; deletions before insertions, no two pieces of one kind in a row.
pub fn diff(a: &[char], b: &[char], budget: &mut Budget) -> Vec<Delta> {
    if a == b {
        return if a.is_empty() { Vec::new() } else { vec![Delta::new(Op::Equal, a)] };
    }
    let prefix = common_prefix(a, b);
    let (rest_a, rest_b) = (&a[prefix..], &b[prefix..]);
    let suffix = common_suffix(rest_a, rest_b);
    let mut deltas = Vec::new();
    if prefix > 0 {
        deltas.push(Delta::new(Op::Equal, &a[..prefix]));
    }
    deltas.extend(compute(&rest_a[..rest_a.len() - suffix], &rest_b[..rest_b.len() - suffix], budget));
    if suffix > 0 {
        deltas.push(Delta::new(Op::Equal, &a[a.len() - suffix..]));
    }
    merge(deltas)
}

pub fn common_prefix(a: &[char], b: &[char]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

pub fn common_suffix(a: &[char], b: &[char]) -> usize {
    a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

pub fn find(text: &[char], part: &[char]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    let mut from = 0;
    while let Some(at) = text.get(from..)?.iter().position(|c| *c == part[0]) {
        if text[from + at..].starts_with(part) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// Of texts without common ends.
fn compute(a: &[char], b: &[char], budget: &mut Budget) -> Vec<Delta> {
    if a.is_empty() {
        return vec![Delta::new(Op::Insert, b)];
    }
    if b.is_empty() {
        return vec![Delta::new(Op::Delete, a)];
    }
    let (long, short, op) = if a.len() > b.len() { (a, b, Op::Delete) } else { (b, a, Op::Insert) };
    if budget.spend(long.len())
        && let Some(at) = find(long, short)
    {
        return vec![
            Delta::new(op, &long[..at]),
            Delta::new(Op::Equal, short),
            Delta::new(op, &long[at + short.len()..]),
        ];
    }
    if short.len() == 1 {
        return replaced(a, b);
    }
    if budget.hurried
        && let Some(middle) = half_match(a, b)
    {
        let mut deltas = diff(&a[..middle.a.start], &b[..middle.b.start], budget);
        deltas.push(Delta::new(Op::Equal, &a[middle.a.clone()]));
        deltas.extend(diff(&a[middle.a.end..], &b[middle.b.end..], budget));
        return deltas;
    }
    match bisect(a, b, budget) {
        Some((x, y)) => {
            let mut deltas = diff(&a[..x], &b[..y], budget);
            deltas.extend(diff(&a[x..], &b[y..], budget));
            deltas
        }
        None => replaced(a, b),
    }
}

fn replaced(a: &[char], b: &[char]) -> Vec<Delta> {
    vec![Delta::new(Op::Delete, a), Delta::new(Op::Insert, b)]
}

/// A piece that both texts have.
struct Common {
    a: Range<usize>,
    b: Range<usize>,
}

/// A common piece of at least half the longer text, if there is one at the second or third quarter.
fn half_match(a: &[char], b: &[char]) -> Option<Common> {
    let (long, short) = if a.len() > b.len() { (a, b) } else { (b, a) };
    if long.len() < 4 || short.len() * 2 < long.len() {
        return None;
    }
    let best = [long.len().div_ceil(4), long.len().div_ceil(2)]
        .into_iter()
        .filter_map(|at| half_match_at(long, short, at))
        // Of equal ones the first.
        .reduce(|first, second| if second.0.len() > first.0.len() { second } else { first })?;
    Some(if a.len() > b.len() { Common { a: best.0, b: best.1 } } else { Common { a: best.1, b: best.0 } })
}

fn half_match_at(long: &[char], short: &[char], at: usize) -> Option<(Range<usize>, Range<usize>)> {
    let seed = &long[at..(at + long.len() / 4).min(long.len())];
    let mut best: Option<(Range<usize>, Range<usize>)> = None;
    let mut from = 0;
    while let Some(found) = find(&short[from..], seed) {
        let place = from + found;
        let after = common_prefix(&long[at..], &short[place..]);
        let before = common_suffix(&long[..at], &short[..place]);
        if before + after > best.as_ref().map_or(0, |(piece, _)| piece.len()) {
            best = Some((at - before..at + after, place - before..place + after));
        }
        from = place + 1;
    }
    best.filter(|(piece, _)| piece.len() * 2 >= long.len())
}

/// Where the shortest ways from both ends meet; `None` if that takes too long or nothing is common.
fn bisect(a: &[char], b: &[char], budget: &mut Budget) -> Option<(usize, usize)> {
    let (n, m) = (a.len() as isize, b.len() as isize);
    let most = (n + m + 1) / 2;
    let (offset, size) = (most, 2 * most);
    let mut ways = [vec![-1_isize; size as usize], vec![-1_isize; size as usize]];
    for way in &mut ways {
        way[offset as usize + 1] = 0;
    }
    let delta = n - m;
    // The ways meet on a forward step if the lengths differ by an odd number.
    let front = delta % 2 != 0;
    let mut bounds = [(0_isize, 0_isize); 2];
    for d in 0..most {
        if !budget.spend(2 * d as usize + 1) {
            return None;
        }
        for back in [0, 1] {
            let mut k = -d + bounds[back].0;
            while k <= d - bounds[back].1 {
                let at = (offset + k) as usize;
                let way = &ways[back];
                let mut x = match k == -d || (k != d && way[at - 1] < way[at + 1]) {
                    true => way[at + 1],
                    false => way[at - 1] + 1,
                };
                let mut y = x - k;
                while x < n && y < m && same(a, b, x, y, back == 1) {
                    x += 1;
                    y += 1;
                }
                ways[back][at] = x;
                if x > n {
                    bounds[back].1 += 2;
                } else if y > m {
                    bounds[back].0 += 2;
                } else if front == (back == 0) {
                    let other = offset + delta - k;
                    if (0..size).contains(&other) && ways[1 - back][other as usize] != -1 {
                        let met = ways[1 - back][other as usize];
                        if x >= n - met {
                            let (x, y) = if back == 0 { (x, y) } else { (met, met - (other - offset)) };
                            return Some((x as usize, y as usize));
                        }
                    }
                }
                k += 2;
            }
        }
    }
    None
}

/// Whether the characters at `x` and `y` are the same, counted from the ends if `back`.
fn same(a: &[char], b: &[char], x: isize, y: isize, back: bool) -> bool {
    let (x, y) = (x as usize, y as usize);
    if back { a[a.len() - x - 1] == b[b.len() - y - 1] } else { a[x] == b[y] }
}

/// Puts pieces of one kind together, deletions before insertions, and takes out what these have in common; then moves
/// single edits sideways where that makes an equal piece vanish.
fn merge(mut deltas: Vec<Delta>) -> Vec<Delta> {
    loop {
        let mut merged = gather(deltas);
        let mut moved = false;
        let mut at = 1;
        while at + 1 < merged.len() {
            let [before, edit, after] = &mut merged[at - 1..=at + 1] else { break };
            if before.op == Op::Equal && after.op == Op::Equal {
                if edit.text.ends_with(&before.text) {
                    edit.text.rotate_right(before.text.len());
                    after.text.splice(..0, before.text.iter().copied());
                    merged.remove(at - 1);
                    moved = true;
                } else if edit.text.starts_with(&after.text) {
                    before.text.extend_from_slice(&after.text);
                    edit.text.rotate_left(after.text.len());
                    merged.remove(at + 1);
                    moved = true;
                }
            }
            at += 1;
        }
        if !moved {
            return merged;
        }
        deltas = merged;
    }
}

/// The first half of [`merge`].
fn gather(deltas: Vec<Delta>) -> Vec<Delta> {
    let mut out: Vec<Delta> = Vec::new();
    let (mut deleted, mut inserted) = (Vec::new(), Vec::new());
    let end = Delta::new(Op::Equal, []);
    for delta in deltas.into_iter().chain([end]) {
        match delta.op {
            Op::Delete => deleted.extend(delta.text),
            Op::Insert => inserted.extend(delta.text),
            Op::Equal => {
                let mut equal = delta.text;
                let prefix = common_prefix(&deleted, &inserted);
                push(&mut out, Op::Equal, deleted[..prefix].to_vec());
                deleted.drain(..prefix);
                inserted.drain(..prefix);
                let suffix = common_suffix(&deleted, &inserted);
                equal.splice(..0, deleted.split_off(deleted.len() - suffix));
                inserted.truncate(inserted.len() - suffix);
                push(&mut out, Op::Delete, std::mem::take(&mut deleted));
                push(&mut out, Op::Insert, std::mem::take(&mut inserted));
                push(&mut out, Op::Equal, equal);
            }
        }
    }
    out
}

fn push(out: &mut Vec<Delta>, op: Op, text: Vec<char>) {
    match out.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.op == op => last.text.extend(text),
        _ => out.push(Delta { op, text }),
    }
}

/// The first text (`Op::Delete`) or the second (`Op::Insert`).
pub fn side(deltas: &[Delta], op: Op) -> Vec<char> {
    deltas.iter().filter(|d| d.op == Op::Equal || d.op == op).flat_map(|d| d.text.iter().copied()).collect()
}

/// Where the place `at` of the first text is in the second.
pub fn place(deltas: &[Delta], at: usize) -> usize {
    let (mut first, mut second) = (0, 0);
    for delta in deltas {
        let (old_first, old_second) = (first, second);
        first += if delta.op == Op::Insert { 0 } else { delta.text.len() };
        second += if delta.op == Op::Delete { 0 } else { delta.text.len() };
        if first > at {
            return if delta.op == Op::Delete { old_second } else { old_second + (at - old_first) };
        }
    }
    second + (at - first)
}

/// Characters that have to be changed, replaced ones counted once.
pub fn distance(deltas: &[Delta]) -> usize {
    let (mut total, mut deleted, mut inserted) = (0, 0, 0);
    for delta in deltas {
        match delta.op {
            Op::Delete => deleted += delta.text.len(),
            Op::Insert => inserted += delta.text.len(),
            Op::Equal => {
                total += usize::max(deleted, inserted);
                (deleted, inserted) = (0, 0);
            }
        }
    }
    total + usize::max(deleted, inserted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }
    fn shown(a: &str, b: &str, timeout: f64) -> String {
        let mark = |d: &Delta| {
            let sign = match d.op {
                Op::Equal => '=',
                Op::Delete => '-',
                Op::Insert => '+',
            };
            format!("{sign}{}", d.text.iter().collect::<String>())
        };
        diff(&chars(a), &chars(b), &mut Budget::seconds(timeout)).iter().map(mark).collect::<Vec<_>>().join("|")
    }

    /// The examples of diff-match-patch.
    #[test]
    fn differences_are_those_that_are_known() {
        let cases = [
            ("", "", ""),
            ("abc", "abc", "=abc"),
            ("abc", "ab123c", "=ab|+123|=c"),
            ("a123bc", "abc", "=a|-123|=bc"),
            ("abc", "a123b456c", "=a|+123|=b|+456|=c"),
            ("a123b456c", "abc", "=a|-123|=b|-456|=c"),
            ("a", "b", "-a|+b"),
            ("Apples are a fruit.", "Bananas are also fruit.", "-Apple|+Banana|=s are a|+lso|= fruit."),
            ("ax\t", "\u{0680}x\0", "-a|+\u{0680}|=x|-\t|+\0"),
            ("1ayb2", "abxab", "-1|=a|-y|=b|-2|+xab"),
            ("abcy", "xaxcxabc", "+xaxcx|=abc|-y"),
            (
                "ABCDa=bcd=efghijklmnopqrsEFGHIJKLMNOefg",
                "a-bcd-efghijklmnopqrs",
                "-ABCD|=a|-=|+-|=bcd|-=|+-|=efghijklmnopqrs|-EFGHIJKLMNOefg",
            ),
        ];
        for (a, b, want) in cases {
            assert_eq!(shown(a, b, 0.0), want, "{a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn both_texts_can_be_made_of_the_difference(a in "[abc]{0,40}", b in "[abc]{0,40}", timeout in 0..2u8) {
            let (a, b) = (chars(&a), chars(&b));
            let deltas = diff(&a, &b, &mut Budget::seconds(timeout.into()));
            prop_assert_eq!(side(&deltas, Op::Delete), a);
            prop_assert_eq!(side(&deltas, Op::Insert), b);
            prop_assert!(deltas.iter().all(|d| !d.text.is_empty()));
            prop_assert!(deltas.windows(2).all(|w| w[0].op != w[1].op && (w[0].op, w[1].op) != (Op::Insert, Op::Delete)));
        }
    }
}
