//! Dot-segment patterns for kinds, event systems, event kinds and namespaces.
//!
//! A pattern is split at `.`: `*` is exactly one non-empty segment, `**` is
//! zero or more, `(a|b)` is one of the literals, anything else is itself
//! (`foo*` is no glob). The empty pattern matches nothing. Matching takes
//! time proportional to the two lengths multiplied at worst; it cannot fail
//! or recurse. Knows nothing of what the texts mean.

/// A compiled pattern. Any text is a pattern; compiling never fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    /// Empty for a literal pattern, which is compared as a whole.
    segments: Box<[Segment]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(Box<str>),
    One,
    Many,
    AnyOf(Box<[Box<str>]>),
}

impl Segment {
    fn parse(text: &str) -> Segment {
        match text {
            "*" => Segment::One,
            "**" => Segment::Many,
            _ => match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
                Some(inner) => Segment::AnyOf(inner.split('|').map(Box::from).collect()),
                None => Segment::Literal(text.into()),
            },
        }
    }

    fn accepts(&self, part: &str) -> bool {
        match self {
            Segment::Literal(l) => **l == *part,
            Segment::One => !part.is_empty(),
            Segment::Many => true,
            Segment::AnyOf(list) => list.iter().any(|l| **l == *part),
        }
    }
}

impl Pattern {
    pub fn new(text: &str) -> Pattern {
        let segments: Box<[Segment]> = text.split('.').map(Segment::parse).collect();
        let special = segments.iter().any(|s| !matches!(s, Segment::Literal(_)));
        Pattern { text: text.into(), segments: if special { segments } else { Box::default() } }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The only text this matches, if there is just one.
    pub fn literal(&self) -> Option<&str> {
        (self.segments.is_empty() && !self.text.is_empty()).then_some(&*self.text)
    }

    pub fn matches(&self, text: &str) -> bool {
        if self.segments.is_empty() {
            return !self.text.is_empty() && *self.text == *text;
        }
        if self.segments.len() == 1 && text.contains('.') && self.segments[0] != Segment::Many {
            return false;
        }
        let parts: smallvec::SmallVec<[&str; 8]> = text.split('.').collect();
        self.matches_parts(&parts)
    }

    /// The usual glob walk: only the last `**` seen ever needs to be retried,
    /// because an earlier one that took more would leave it no more choices.
    fn matches_parts(&self, parts: &[&str]) -> bool {
        let (mut p, mut t) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match self.segments.get(p) {
                Some(Segment::Many) => {
                    retry = Some((p, t));
                    p += 1;
                    continue;
                }
                Some(segment) if t < parts.len() && segment.accepts(parts[t]) => {
                    p += 1;
                    t += 1;
                    continue;
                }
                None if t == parts.len() => return true,
                _ => {}
            }
            match retry {
                Some((many, taken)) if taken < parts.len() => {
                    retry = Some((many, taken + 1));
                    p = many + 1;
                    t = taken + 1;
                }
                _ => return false,
            }
        }
    }

    /// The texts this pattern names outright: alternatives are multiplied out
    /// and a trailing `.**` is dropped; nothing if a `*` is left over. Used to
    /// suggest a name for a misspelt one. At most 64 texts.
    pub fn examples(&self) -> Vec<String> {
        if let Some(text) = self.literal() {
            return vec![text.to_owned()];
        }
        let mut out = vec![String::new()];
        let end =
            self.segments.len() - usize::from(self.segments.last() == Some(&Segment::Many)).min(self.segments.len());
        for (n, segment) in self.segments[..end].iter().enumerate() {
            let choices: Vec<&str> = match segment {
                Segment::Literal(l) => vec![l],
                Segment::AnyOf(list) => list.iter().map(|l| &**l).collect(),
                Segment::One | Segment::Many => return Vec::new(),
            };
            let dot = if n == 0 { "" } else { "." };
            out = out.iter().flat_map(|o| choices.iter().map(move |c| format!("{o}{dot}{c}"))).take(64).collect();
        }
        out.retain(|t| !t.is_empty());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn table() {
        let cases = [
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
            ("", "", false),
            ("", "a", false),
            ("*", "a", true),
            ("*", "a.b", false),
            ("*", "", false),
            ("**", "a", true),
            ("**", "a.b.c", true),
            ("**", "", true),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("a.*", "a.", false),
            ("a.**", "a", true),
            ("a.**", "a.b.c", true),
            ("a.**", "ab", false),
            ("**.z", "z", true),
            ("**.z", "a.b.z", true),
            ("**.z", "a.z.b", false),
            ("a.**.z", "a.z", true),
            ("a.**.z", "a.z.z", true),
            ("a.**.m.**.z", "a.m.z", true),
            ("a.**.m.**.z", "a.b.m.c.m.z", true),
            ("a.**.m.**.z", "a.b.c.z", false),
            ("function.(wasm|wat)", "function.wat", true),
            ("function.(wasm|wat)", "function.lua", false),
            ("(a|b)", "a", true),
            ("(a|b)", "(a|b)", false),
            ("(a|b)", "a|b", false),
            ("foo*", "foobar", false),
            ("foo*", "foo*", true),
            ("f.foo*", "f.foobar", false),
            ("function.lua.**", "function.lua", true),
            ("function.lua.**", "function.lua.bc", true),
            ("*.*", "a.b", true),
            ("*.*", "a", false),
        ];
        for (pattern, text, want) in cases {
            assert_eq!(Pattern::new(pattern).matches(text), want, "{pattern:?} on {text:?}");
        }
    }

    /// The definition, straight and slow.
    fn obviously(pattern: &[&str], text: &[&str]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((&"**", rest)), _) => (0..=text.len()).any(|n| obviously(rest, &text[n..])),
            (Some((&"*", rest)), Some((t, tail))) => !t.is_empty() && obviously(rest, tail),
            (Some((p, rest)), Some((t, tail))) => p == t && obviously(rest, tail),
            _ => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn matching_is_what_it_is_defined_to_be(pattern in "(a|b|\\*|\\*\\*)(\\.(a|b|\\*|\\*\\*)){0,5}", text in "(a|b)?(\\.(a|b)){0,6}") {
            let parts: Vec<&str> = pattern.split('.').collect();
            let want = obviously(&parts, &text.split('.').collect::<Vec<_>>());
            proptest::prop_assert_eq!(Pattern::new(&pattern).matches(&text), want);
        }
    }

    #[test]
    fn many_stars_stay_fast() {
        let pattern = Pattern::new(&vec!["**.a"; 200].join("."));
        let text = vec!["a"; 199].join(".");
        assert!(!pattern.matches(&text));
        assert!(!pattern.matches(&format!("{}.b", vec!["a"; 2000].join("."))));
    }

    #[test]
    fn examples() {
        let cases: [(&str, &[&str]); 6] = [
            ("a.b", &["a.b"]),
            ("function.lua.**", &["function.lua"]),
            ("function.(wasm|wat)", &["function.wasm", "function.wat"]),
            ("http.*", &[]),
            ("**", &[]),
            ("", &[]),
        ];
        for (pattern, want) in cases {
            assert_eq!(Pattern::new(pattern).examples(), want, "{pattern:?}");
        }
    }
}
