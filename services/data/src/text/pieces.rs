//! Cutting a text at separators, coarse ones first, and joining the pieces to
//! chunks that overlap. Lengths are in characters.

/// How long chunks are.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub size: usize,
    /// Of the end of one chunk and the beginning of the next.
    pub overlap: usize,
}

/// What a text is cut at.
#[derive(Clone, Debug)]
pub struct Separators {
    /// From coarse to fine, at least one; the empty one cuts between all characters.
    pub all: Vec<String>,
    /// Whether pieces begin with the separator in front of them.
    pub keep: bool,
}

impl Separators {
    pub fn new(all: &[&str]) -> Separators {
        Separators { all: all.iter().map(|s| (*s).to_owned()).collect(), keep: false }
    }
}

pub fn length(text: &str) -> usize {
    text.chars().count()
}

/// The chunks of `text`. One is longer than it should be only where no separator is left to cut it.
pub fn split(text: &str, separators: &Separators, sizes: Sizes) -> Vec<String> {
    let mut chunks = Vec::new();
    // Texts to be cut, with how many separators they have been through; a stack in place of recursion.
    let mut waiting = vec![Work::Cut(text.to_owned(), 0)];
    while let Some(work) = waiting.pop() {
        match work {
            Work::Done(found) => chunks.extend(found),
            Work::Cut(text, from) => {
                let mut work = cut(&text, separators, from, sizes);
                work.reverse();
                waiting.append(&mut work);
            }
        }
    }
    chunks
}

enum Work {
    Done(Vec<String>),
    /// To be cut with the separators from this one on.
    Cut(String, usize),
}

/// One level: short pieces are joined, long ones are left for finer separators.
fn cut(text: &str, separators: &Separators, from: usize, sizes: Sizes) -> Vec<Work> {
    let left = &separators.all[from..];
    let chosen = left.iter().position(|s| s.is_empty() || text.contains(s.as_str()));
    let (separator, finer) = match chosen {
        Some(n) => (left[n].as_str(), from + n + 1),
        None => (left.last().map_or("", String::as_str), separators.all.len()),
    };
    let mut pieces: Vec<String> = match separator {
        "" => text.chars().map(String::from).collect(),
        separator => text.split(separator).map(str::to_owned).collect(),
    };
    let mut between = separator;
    if separators.keep {
        pieces.iter_mut().skip(1).for_each(|piece| piece.insert_str(0, separator));
        between = "";
    }
    let (mut work, mut short) = (Vec::new(), Vec::new());
    for piece in pieces {
        if length(&piece) < sizes.size {
            short.push(piece);
            continue;
        }
        if !short.is_empty() {
            work.push(Work::Done(merge(&std::mem::take(&mut short), between, sizes)));
        }
        work.push(match finer < separators.all.len() {
            true => Work::Cut(piece, finer),
            false => Work::Done(vec![piece]),
        });
    }
    if !short.is_empty() {
        work.push(Work::Done(merge(&short, between, sizes)));
    }
    work
}

/// Joins pieces as long as they fit; what overlaps is taken over whole pieces at a time.
fn merge(pieces: &[String], separator: &str, sizes: Sizes) -> Vec<String> {
    let between = length(separator);
    let lengths: Vec<usize> = pieces.iter().map(|piece| length(piece)).collect();
    let mut chunks = Vec::new();
    // The window is `first..next`, `total` characters with what is between its pieces.
    let (mut first, mut total) = (0, 0);
    let emit = |first: usize, next: usize, chunks: &mut Vec<String>| {
        let joined = pieces[first..next].join(separator);
        let chunk = joined.trim();
        if !chunk.is_empty() {
            chunks.push(chunk.to_owned());
        }
    };
    for next in 0..pieces.len() {
        let count = |first: usize| next - first;
        let with_next = total + lengths[next] + if count(first) > 0 { between } else { 0 };
        if with_next > sizes.size && count(first) > 0 {
            emit(first, next, &mut chunks);
            loop {
                let too_much = total > sizes.overlap || total + between + lengths[next] > sizes.size;
                if count(first) == 0 || !too_much {
                    break;
                }
                total -= lengths[first] + if count(first) > 1 { between } else { 0 };
                first += 1;
            }
        }
        total += lengths[next] + if count(first) > 0 { between } else { 0 };
    }
    emit(first, pieces.len(), &mut chunks);
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEFAULT: [&str; 4] = ["\n\n", "\n", " ", ""];

    #[test]
    fn chunks_overlap_by_whole_pieces() {
        let sizes = |size, overlap| Sizes { size, overlap };
        let words = Separators::new(&DEFAULT);
        let chunks = |text: &str, s| split(text, &words, s);
        assert_eq!(chunks("one two three four", sizes(9, 4)), ["one two", "two three", "four"]);
        assert_eq!(chunks("one two three four", sizes(9, 0)), ["one two", "three", "four"]);
        assert_eq!(chunks("a\n\nb\n\nc", sizes(4, 1)), ["a\n\nb", "b\n\nc"]);
        assert_eq!(chunks("abcdefgh", sizes(3, 1)), ["abc", "cde", "efg", "gh"]);
        assert_eq!(chunks("", sizes(10, 0)), Vec::<String>::new());
        assert_eq!(split("long words stay", &Separators::new(&["\n"]), sizes(4, 0)), ["long words stay"]);
        let keep = Separators { keep: true, ..Separators::new(&["\n# "]) };
        assert_eq!(split("x\n# a\n# b", &keep, sizes(6, 0)), ["x\n# a", "# b"]);
    }

    proptest! {
        #[test]
        fn chunks_fit_and_nothing_is_lost(text in "[a-cé \n]{0,80}", size in 2..20usize, overlap in 0..10usize) {
            let chunks = split(&text, &Separators::new(&DEFAULT), Sizes { size, overlap });
            for chunk in &chunks {
                prop_assert!(length(chunk) <= size && !chunk.trim().is_empty(), "{:?}", chunk);
            }
            if overlap == 0 {
                let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                prop_assert_eq!(letters(&chunks.concat()), letters(&text));
            }
        }
    }
}
