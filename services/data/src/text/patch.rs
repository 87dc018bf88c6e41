//! Patches as in diff-match-patch: made of differences, written as text, and
//! applied to a text that may have changed meanwhile (Bitap search).

use super::delta::{Budget, Delta, Op, diff, distance, find, place, side};

/// Characters that the search can look for at once.
const MAX_BITS: usize = 32;

/// How patches are made and applied.
#[derive(Clone, Copy, Debug)]
pub struct Fuzz {
    pub diff_timeout: f64,
    pub match_threshold: f64,
    pub match_distance: f64,
    pub patch_delete_threshold: f64,
    pub patch_margin: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Patch {
    deltas: Vec<Delta>,
    start: [usize; 2],
    length: [usize; 2],
}

/// Which side of a patch, the old or the new text, has the pieces of an operation.
fn on_side(op: Op, side: usize) -> bool {
    op == Op::Equal || (op == Op::Delete) == (side == 0)
}

impl Patch {
    fn add(&mut self, delta: Delta) {
        for side in [0, 1] {
            self.length[side] += if on_side(delta.op, side) { delta.text.len() } else { 0 };
        }
        self.deltas.push(delta);
    }
    /// Equal text in front.
    fn add_front(&mut self, text: &[char]) {
        match self.deltas.first_mut() {
            Some(first) if first.op == Op::Equal => drop(first.text.splice(..0, text.iter().copied())),
            _ => self.deltas.insert(0, Delta::new(Op::Equal, text)),
        }
        self.length = self.length.map(|n| n + text.len());
    }
    fn add_back(&mut self, text: &[char]) {
        match self.deltas.last_mut() {
            Some(last) if last.op == Op::Equal => last.text.extend_from_slice(text),
            _ => self.deltas.push(Delta::new(Op::Equal, text)),
        }
        self.length = self.length.map(|n| n + text.len());
    }
    /// Adds so much of the text around it that the place is not mistaken.
    fn add_context(&mut self, text: &[char], margin: usize) {
        if text.is_empty() {
            return;
        }
        let (from, to) = (self.start[1], self.start[1] + self.length[0]);
        let around = |padding: usize| from.saturating_sub(padding)..(to + padding).min(text.len());
        let once = |pattern: &[char]| {
            let last = || text.windows(pattern.len()).rposition(|window| window == pattern);
            !pattern.is_empty() && find(text, pattern) == last()
        };
        let mut padding = 0;
        let most = if margin == 0 { 0 } else { MAX_BITS.saturating_sub(2 * margin) };
        while around(padding).len() < most && !once(&text[around(padding)]) && around(padding) != (0..text.len()) {
            padding += margin;
        }
        padding += margin;
        let prefix = &text[from.saturating_sub(padding)..from];
        if !prefix.is_empty() {
            self.add_front(prefix);
        }
        let suffix = &text[to..(to + padding).min(text.len())];
        if !suffix.is_empty() {
            self.add_back(suffix);
        }
        self.start = self.start.map(|start| start.saturating_sub(prefix.len()));
    }
}

/// Patches that make `b` of `a`.
pub fn make(a: &[char], b: &[char], how: Fuzz) -> Vec<Patch> {
    let deltas = diff(a, b, &mut Budget::seconds(how.diff_timeout));
    let last = deltas.len().saturating_sub(1);
    let (mut patches, mut patch) = (Vec::new(), Patch::default());
    let mut at = [0, 0];
    // The text before a patch has what earlier ones did; a patch is for that text.
    let (mut before, mut after) = (a.to_vec(), a.to_vec());
    for (n, delta) in deltas.into_iter().enumerate() {
        if patch.deltas.is_empty() && delta.op != Op::Equal {
            patch.start = at;
        }
        let (op, length) = (delta.op, delta.text.len());
        match op {
            Op::Insert => {
                after.splice(at[1]..at[1], delta.text.iter().copied());
                patch.add(delta);
            }
            Op::Delete => {
                after.drain(at[1]..at[1] + length);
                patch.add(delta);
            }
            Op::Equal => {
                if length <= 2 * how.patch_margin && !patch.deltas.is_empty() && n != last {
                    patch.add(delta);
                }
                if length >= 2 * how.patch_margin && !patch.deltas.is_empty() {
                    patch.add_context(&before, how.patch_margin);
                    patches.push(std::mem::take(&mut patch));
                    before.clone_from(&after);
                    at[0] = at[1];
                }
            }
        }
        for side in [0, 1] {
            at[side] += if on_side(op, side) { length } else { 0 };
        }
    }
    if !patch.deltas.is_empty() {
        patch.add_context(&before, how.patch_margin);
        patches.push(patch);
    }
    patches
}

/// The text form: `@@ -1,8 +1,7 @@` and a line for each piece.
pub fn write(patch: &Patch) -> String {
    let place = |side: usize| match patch.length[side] {
        0 => format!("{},0", patch.start[side]),
        1 => format!("{}", patch.start[side] + 1),
        n => format!("{},{n}", patch.start[side] + 1),
    };
    let mut out = format!("@@ -{} +{} @@\n", place(0), place(1));
    for delta in &patch.deltas {
        out.push(match delta.op {
            Op::Equal => ' ',
            Op::Delete => '-',
            Op::Insert => '+',
        });
        escape(&delta.text, &mut out);
        out.push('\n');
    }
    out
}

fn escape(text: &[char], out: &mut String) {
    for c in text {
        match c {
            c if c.is_ascii_alphanumeric() || " -_.~!*'();/?:@&=+$,#".contains(*c) => out.push(*c),
            c => {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|b| out.push_str(&format!("%{b:02X}")));
            }
        }
    }
}

fn unescape(text: &str) -> Option<Vec<char>> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&b, more)) = rest.split_first() {
        match b {
            b'%' => {
                let digits = std::str::from_utf8(more.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &more[2..];
            }
            b => {
                bytes.push(b);
                rest = more;
            }
        }
    }
    Some(String::from_utf8(bytes).ok()?.chars().collect())
}

/// The patches in `text`; `None` if it is none.
pub fn read(text: &str) -> Option<Vec<Patch>> {
    let mut patches: Vec<Patch> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(head) = line.strip_prefix("@@ -") {
            let (old, new) = head.strip_suffix(" @@")?.split_once(" +")?;
            let (old, new) = (start(old)?, start(new)?);
            patches.push(Patch { start: [old, new], ..Patch::default() });
            continue;
        }
        let op = match line.as_bytes()[0] {
            b' ' => Op::Equal,
            b'-' => Op::Delete,
            b'+' => Op::Insert,
            _ => return None,
        };
        patches.last_mut()?.add(Delta::new(op, unescape(&line[1..])?));
    }
    Some(patches)
}

/// Where a side begins, from 0: written from 1, unless it has no characters.
fn start(place: &str) -> Option<usize> {
    match place.split_once(',') {
        Some((start, "0")) => start.parse().ok(),
        Some((start, length)) if length.parse::<u32>().is_ok() => start.parse::<usize>().ok()?.checked_sub(1),
        Some(_) => None,
        None => place.parse::<usize>().ok()?.checked_sub(1),
    }
}

/// Applies the patches; whether all found their place.
pub fn apply(mut patches: Vec<Patch>, text: &[char], how: Fuzz) -> (Vec<char>, bool) {
    if patches.is_empty() {
        return (text.to_vec(), true);
    }
    let padding = pad(&mut patches, how.patch_margin);
    let mut text = [&padding[..], text, &padding[..]].concat();
    let (mut all, mut shift) = (true, 0_isize);
    for patch in split_long(patches, how.patch_margin) {
        let expected = patch.start[1] as isize + shift;
        match apply_one(&patch, &mut text, expected, how) {
            Some(found) => shift = found as isize - expected,
            None => {
                all = false;
                shift -= patch.length[1] as isize - patch.length[0] as isize;
            }
        }
    }
    let to = text.len().saturating_sub(padding.len());
    (text.get(padding.len()..to).unwrap_or_default().to_vec(), all)
}

/// Gives where the patch was applied.
fn apply_one(patch: &Patch, text: &mut Vec<char>, expected: isize, how: Fuzz) -> Option<usize> {
    let expected = expected.clamp(0, text.len() as isize) as usize;
    let old = side(&patch.deltas, Op::Delete);
    let (found, end) = match old.len() > MAX_BITS {
        false => {
            let found = locate(text, &old, expected, how)?;
            (found, found + old.len())
        }
        // A long deletion: both ends must be there.
        true => {
            let found = locate(text, &old[..MAX_BITS], expected, how)?;
            let tail = old.len() - MAX_BITS;
            let end = locate(text, &old[tail..], expected + tail, how).filter(|end| *end > found)?;
            (found, end + MAX_BITS)
        }
    };
    let there = text[found..end.min(text.len())].to_vec();
    if there == old {
        text.splice(found..found + old.len(), side(&patch.deltas, Op::Insert));
        return Some(found);
    }
    let deltas = diff(&old, &there, &mut Budget::seconds(how.diff_timeout));
    if old.len() > MAX_BITS && distance(&deltas) as f64 / old.len() as f64 > how.patch_delete_threshold {
        return None;
    }
    let mut at = 0;
    for delta in &patch.deltas {
        let from = (found + place(&deltas, at)).min(text.len());
        match delta.op {
            Op::Equal => {}
            Op::Insert => drop(text.splice(from..from, delta.text.iter().copied())),
            Op::Delete => {
                let to = (found + place(&deltas, at + delta.text.len())).clamp(from, text.len());
                text.drain(from..to);
            }
        }
        if delta.op != Op::Delete {
            at += delta.text.len();
        }
    }
    Some(found)
}

/// Puts characters that no text has around the text and into the first and last patch, so that edits at the ends have
/// context, too.
fn pad(patches: &mut [Patch], margin: usize) -> Vec<char> {
    let padding: Vec<char> = (1..=margin as u32).filter_map(char::from_u32).collect();
    for patch in patches.iter_mut() {
        patch.start = patch.start.map(|start| start + padding.len());
    }
    if let Some(first) = patches.first_mut() {
        let equal = first.deltas.first().filter(|d| d.op == Op::Equal).map_or(0, |d| d.text.len());
        if equal < padding.len() {
            first.start = first.start.map(|start| start.saturating_sub(padding.len() - equal));
            first.add_front(&padding[equal..]);
        }
    }
    if let Some(last) = patches.last_mut() {
        let equal = last.deltas.last().filter(|d| d.op == Op::Equal).map_or(0, |d| d.text.len());
        if equal < padding.len() {
            let more = padding[..padding.len() - equal].to_vec();
            last.add_back(&more);
        }
    }
    padding
}

/// Cuts patches whose old text is longer than the search can look for.
fn split_long(patches: Vec<Patch>, margin: usize) -> Vec<Patch> {
    let mut out = Vec::new();
    for mut big in patches {
        if big.length[0] <= MAX_BITS || margin >= MAX_BITS {
            out.push(big);
            continue;
        }
        let mut start = big.start;
        let mut context: Vec<char> = Vec::new();
        let mut deltas = std::collections::VecDeque::from(std::mem::take(&mut big.deltas));
        while !deltas.is_empty() {
            let mut patch = Patch { start: start.map(|start| start.saturating_sub(context.len())), ..Patch::default() };
            let mut empty = true;
            if !context.is_empty() {
                patch.add(Delta::new(Op::Equal, std::mem::take(&mut context)));
            }
            while patch.length[0] < MAX_BITS - margin
                && let Some(mut delta) = deltas.pop_front()
            {
                let length = delta.text.len();
                if delta.op == Op::Insert {
                    start[1] += length;
                    empty = false;
                    patch.add(delta);
                } else if delta.op == Op::Delete
                    && patch.deltas.len() == 1
                    && patch.deltas[0].op == Op::Equal
                    && length > 2 * MAX_BITS
                {
                    // A long deletion goes as one piece.
                    start[0] += length;
                    empty = false;
                    patch.add(delta);
                } else {
                    let taken = length.min(MAX_BITS - patch.length[0] - margin);
                    let rest = delta.text.split_off(taken);
                    if !rest.is_empty() {
                        deltas.push_front(Delta::new(delta.op, rest));
                    }
                    start[0] += taken;
                    if delta.op == Op::Equal {
                        start[1] += taken;
                    } else {
                        empty = false;
                    }
                    patch.add(delta);
                }
            }
            // The end of the new text is in front of the next patch; the next old text is behind this one.
            let new = side(&patch.deltas, Op::Insert);
            context = new[new.len().saturating_sub(margin)..].to_vec();
            let rest: Vec<Delta> = deltas.iter().take(margin + 1).cloned().collect();
            let behind = side(&rest, Op::Delete);
            let behind = &behind[..behind.len().min(margin)];
            if !behind.is_empty() {
                patch.add_back(behind);
            }
            if !empty {
                out.push(patch);
            }
        }
    }
    out
}

/// Where `pattern`, of at most [`MAX_BITS`] characters, is in `text`, as near to `expected` and as exactly as can be.
fn locate(text: &[char], pattern: &[char], expected: usize, how: Fuzz) -> Option<usize> {
    let expected = expected.min(text.len());
    if text == pattern {
        return Some(0);
    }
    if text.is_empty() {
        return None;
    }
    if text[expected..].starts_with(pattern) {
        return Some(expected);
    }
    bitap(text, pattern, expected, how)
}

fn bitap(text: &[char], pattern: &[char], expected: usize, how: Fuzz) -> Option<usize> {
    let n = pattern.len();
    let score = |errors: usize, at: usize| {
        let accuracy = errors as f64 / n as f64;
        let off = expected.abs_diff(at) as f64;
        match how.match_distance {
            distance if distance <= 0.0 => {
                if off > 0.0 {
                    1.0
                } else {
                    accuracy
                }
            }
            distance => accuracy + off / distance,
        }
    };
    let mut threshold = how.match_threshold;
    // An exact occurrence near by narrows the search.
    let near = |at: Option<usize>, threshold: f64| at.map_or(threshold, |at| threshold.min(score(0, at)));
    threshold = near(find(&text[expected..], pattern).map(|at| at + expected), threshold);
    let back = &text[..(expected + n).min(text.len())];
    threshold = near(back.windows(n.max(1)).rposition(|window| window == pattern), threshold);
    let mask = |c: char| (0..n).filter(|i| pattern[*i] == c).fold(0_u64, |mask, i| mask | 1 << (n - i - 1));
    let goal = 1_u64 << (n - 1);
    let (mut best, mut reach) = (None, n + text.len());
    let mut last: Vec<u64> = Vec::new();
    for errors in 0..n {
        // The farthest place that can still be good enough with so many errors.
        let (mut low, mut middle) = (0, reach);
        while low < middle {
            match score(errors, expected + middle) <= threshold {
                true => low = middle,
                false => reach = middle,
            }
            middle = (reach - low) / 2 + low;
        }
        reach = middle;
        let mut start = usize::max(1, (expected + 1).saturating_sub(middle));
        let finish = usize::min(expected + middle, text.len()) + n;
        let mut row = vec![0_u64; finish + 2];
        row[finish + 1] = (1 << errors) - 1;
        let mut j = finish;
        while j >= start {
            let found = text.get(j - 1).map_or(0, |c| mask(*c));
            let old = |at: usize| last.get(at).copied().unwrap_or(0);
            row[j] = ((row[j + 1] << 1) | 1) & found;
            if errors > 0 {
                row[j] |= ((old(j + 1) | old(j)) << 1) | 1 | old(j + 1);
            }
            if row[j] & goal != 0 && score(errors, j - 1) <= threshold {
                threshold = score(errors, j - 1);
                best = Some(j - 1);
                if j - 1 <= expected {
                    break;
                }
                start = usize::max(1, (2 * expected).saturating_sub(j - 1));
            }
            j -= 1;
        }
        if score(errors + 1, expected) > threshold {
            break;
        }
        last = row;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOW: Fuzz = Fuzz {
        diff_timeout: 1.0,
        match_threshold: 0.5,
        match_distance: 1000.0,
        patch_delete_threshold: 0.5,
        patch_margin: 4,
    };

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }
    fn made(a: &str, b: &str) -> String {
        make(&chars(a), &chars(b), HOW).iter().map(write).collect()
    }
    fn applied(patches: &str, text: &str) -> (String, bool) {
        let (text, all) = apply(read(patches).unwrap(), &chars(text), HOW);
        (text.into_iter().collect(), all)
    }

    /// The examples of diff-match-patch.
    #[test]
    fn places_are_found() {
        let found = |text: &str, pattern: &str, expected, distance, threshold| {
            let how = Fuzz { match_distance: distance, match_threshold: threshold, ..HOW };
            bitap(&chars(text), &chars(pattern), expected, how)
        };
        let text = "abcdefghijk";
        assert_eq!(found(text, "fgh", 5, 100.0, 0.5), Some(5));
        assert_eq!(found(text, "fgh", 0, 100.0, 0.5), Some(5));
        assert_eq!(found(text, "efxhi", 0, 100.0, 0.5), Some(4));
        assert_eq!(found(text, "cdefxyhijk", 5, 100.0, 0.5), Some(2));
        assert_eq!(found(text, "bxy", 1, 100.0, 0.5), None);
        assert_eq!(found("123456789xx0", "3456789x0", 2, 100.0, 0.5), Some(2));
        assert_eq!(found("abcdef", "xxabc", 4, 100.0, 0.5), Some(0));
        assert_eq!(found("abcdef", "defyy", 4, 100.0, 0.5), Some(3));
        assert_eq!(found("abcdef", "xabcdefy", 0, 100.0, 0.5), Some(0));
        assert_eq!(found(text, "efxyhi", 1, 100.0, 0.4), Some(4));
        assert_eq!(found(text, "efxyhi", 1, 100.0, 0.3), None);
        assert_eq!(found(text, "bcdef", 1, 100.0, 0.0), Some(1));
        assert_eq!(found("abcdexyzabcde", "abccde", 3, 100.0, 0.5), Some(0));
        assert_eq!(found("abcdexyzabcde", "abccde", 5, 100.0, 0.5), Some(8));
        let alphabet = "abcdefghijklmnopqrstuvwxyz";
        assert_eq!(found(alphabet, "abcdefg", 24, 10.0, 0.5), None);
        assert_eq!(found(alphabet, "abcdxxefg", 1, 10.0, 0.5), Some(0));
        assert_eq!(found(alphabet, "abcdefg", 24, 1000.0, 0.5), Some(0));
    }

    #[test]
    fn patches_are_written_in_the_known_form() {
        assert_eq!(made("", "test"), "@@ -0,0 +1,4 @@\n+test\n");
        assert_eq!(made("same", "same"), "");
        let (a, b) = ("The quick brown fox jumps.", "The quick red fox jumps.");
        let patch = made(a, b);
        assert!(patch.starts_with("@@ -7,") && patch.contains(" ick "), "{patch}");
        assert_eq!(applied(&patch, a), (b.to_owned(), true));
        assert_eq!(made("a\n%é", "a\n%éx"), "@@ -1,4 +1,5 @@\n a%0A%25%C3%A9\n+x\n");
        assert!(read("no patch").is_none() && read("@@ -1 +1\n x").is_none() && read("@@ -0 +1 @@\n").is_none());
    }

    #[test]
    fn patches_are_applied_to_texts_that_changed() {
        let (a, b) = ("The quick brown fox jumps over the lazy dog.", "That quick brown fox jumped over a lazy dog.");
        let patches = made(a, b);
        assert_eq!(applied(&patches, a), (b.to_owned(), true));
        let (changed, all) = applied(&patches, "The quick red rabbit jumps over the tired tiger.");
        assert!(all && changed == "That quick red rabbit jumped over a tired tiger.", "{changed}");
        let (lost, all) = applied(&patches, "I am the very model of a modern major general.");
        assert!(!all && lost == "I am the very model of a modern major general.", "{lost}");
        let long =
            |word: &str| format!("x1234567890123456789012345678901234567890123456789012345678901234567890y{word}");
        assert_eq!(applied(&made(&long(""), "xabcy"), &long("")), ("xabcy".to_owned(), true));
    }

    proptest! {
        #[test]
        fn what_was_made_applies(a in "[abc \n]{0,120}", b in "[abc \n]{0,120}") {
            prop_assert_eq!(applied(&made(&a, &b), &a), (b, true));
        }
        #[test]
        fn any_patch_and_text_go_together(a in "[ab]{0,60}", b in "[ab]{0,60}", text in "[ab]{0,80}", margin in 0..6usize) {
            let how = Fuzz { patch_margin: margin, ..HOW };
            apply(make(&chars(&a), &chars(&b), how), &chars(&text), how);
        }
    }
}
